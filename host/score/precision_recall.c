/* Precision and recall: all distances between two sets, but only whether they are below a radius.
 *
 * |a - b|^2 = |a|^2 + |b|^2 - 2 a.b with a.b in float, by tiles that stay in registers and panels that stay
 * in the cache.  A chain of D float additions in any order is within g |a| |b| of the true product, g = D u /
 * (1 - D u), u = 2^-24 (Higham 2002, 3.1), so a distance is known to g (|a|^2 + |b|^2).  What lies nearer
 * than that to the radius is computed again in double, as scl_row_distance has it: the result is that of the
 * exact distances, whatever the tiles. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "graph/arith.h"
#include "score/compare.h"
#include "score/rows.h"

enum { ROWS = 4, LANES = 16, STRIPS = 4, COLUMNS = LANES * STRIPS };

typedef struct side { const scl_set *set; double *square; } side;      /* square: |x|^2 of each row */

/* A pair: row i of one set, row j of the other; d: the squared distance, known to tolerance. */
typedef void visitor(void *context, size_t i, size_t j, double d, double tolerance);

typedef float lanes __attribute__((vector_size(32)));

/* out = products of ROWS rows with the LANES columns of a strip [D,LANES], in eight registers. */
SCL_FAST_REF static void multiply(const float *const *row, const float *strip, int D, float out[ROWS][LANES])
{
    lanes a0 = { 0 }, a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, e0 = a0, e1 = a0, x, y;
    for (int d = 0; d < D; d++, strip += LANES) {
        memcpy(&x, strip, sizeof x);
        memcpy(&y, strip + LANES / 2, sizeof y);
        a0 += row[0][d] * x;
        a1 += row[0][d] * y;
        b0 += row[1][d] * x;
        b1 += row[1][d] * y;
        c0 += row[2][d] * x;
        c1 += row[2][d] * y;
        e0 += row[3][d] * x;
        e1 += row[3][d] * y;
    }
    const lanes sum[ROWS][2] = { { a0, a1 }, { b0, b1 }, { c0, c1 }, { e0, e1 } };
    memcpy(out, sum, sizeof sum);
}

/* Rows first ... of a set as columns: [STRIPS, D, LANES], zero behind the last. */
static void turn(const scl_set *s, size_t first, float *panel)
{
    const size_t D = (size_t)s->width;
    memset(panel, 0, sizeof *panel * D * COLUMNS);
    for (size_t j = 0; j < COLUMNS && first + j < s->count; j++)
        for (size_t d = 0; d < D; d++)
            panel[(j / LANES * D + d) * LANES + j % LANES] = s->x[(first + j) * D + d];
}

static void tile(const side *a, const side *b, size_t i0, size_t j0, float product[ROWS][LANES], double share,
                 visitor *visit, void *context)
{
    for (size_t i = i0; i < i0 + ROWS && i < a->set->count; i++)
        for (size_t j = j0; j < j0 + LANES && j < b->set->count; j++) {
            const double squares = a->square[i] + b->square[j];
            visit(context, i, j, squares - 2 * (double)product[i - i0][j - j0], share * squares);
        }
}

/* Visits all pairs; of a set with itself those with i <= j, and some more. */
static scl_status each_pair(const side *a, const side *b, visitor *visit, void *context,
                            const volatile sig_atomic_t *stop, scl_err *err)
{
    const size_t D = (size_t)a->set->width, count = a->set->count, last = count - 1;
    const double u = (double)D * 0x1p-24, share = u / (1 - u) + 0x1p-40;
    void *block;
    SCL_TRY(scl_alloc_bytes(&block, sizeof(float) * D * COLUMNS, "a panel of a product", err));
    float *panel = block, product[ROWS][LANES];
    for (size_t j = 0; j < b->set->count && !(stop && *stop); j += COLUMNS) {
        const size_t end = a == b && j + COLUMNS < count ? j + COLUMNS : count;
        turn(b->set, j, panel);
        for (size_t i = 0; i < end; i += ROWS) {
            const float *row[ROWS];
            for (size_t r = 0; r < ROWS; r++)
                row[r] = a->set->x + (i + r < last ? i + r : last) * D;
            for (size_t s = 0; s < STRIPS && j + s * LANES < b->set->count; s++) {
                multiply(row, panel + s * D * LANES, a->set->width, product);
                tile(a, b, i, j + s * LANES, product, share, visit, context);
            }
        }
    }
    free(block);
    return stop && *stop ? SCL_INTERRUPTED : SCL_OK;
}

static double exact(const side *a, size_t i, const side *b, size_t j)
{
    return scl_row_distance(a->set->x + i * (size_t)a->set->width, b->set->x + j * (size_t)b->set->width,
                            a->set->width);
}

/* ---- the distance to the k-th neighbour in one's own set ---- */

typedef struct nearest { const side *of; int k; double *least; } nearest;     /* least [count, k]: sorted squares */

static bool may_be_near(const nearest *n, size_t i, double d) { return d < n->least[(i + 1) * (size_t)n->k - 1]; }

static void keep(const nearest *n, size_t i, double d)
{
    double *least = n->least + i * (size_t)n->k;
    int at = n->k - 1;
    if (d >= least[at])
        return;
    for (; at > 0 && d < least[at - 1]; at--)
        least[at] = least[at - 1];
    least[at] = d;
}

static void keep_nearest(void *context, size_t i, size_t j, double d, double tolerance)
{
    const nearest *n = context;
    if (i >= j || !(may_be_near(n, i, d - tolerance) || may_be_near(n, j, d - tolerance)))
        return;
    d = exact(n->of, i, n->of, j);
    keep(n, i, d);
    keep(n, j, d);
}

/* radius [count]: squared. */
static scl_status radii(const side *of, int k, double *radius, double *least,
                        const volatile sig_atomic_t *stop, scl_err *err)
{
    const size_t n = of->set->count, K = (size_t)k;
    nearest near = { of, k, least };
    for (size_t i = 0; i < n * K; i++)
        least[i] = INFINITY;
    SCL_TRY(each_pair(of, of, keep_nearest, &near, stop, err));
    for (size_t i = 0; i < n; i++)
        radius[i] = least[i * K + K - 1];
    return SCL_OK;
}

/* ---- which rows lie in the ball of a row of the other set? ---- */

typedef struct cover {
    const side *real, *made;
    const double *real_radius, *made_radius;
    bool *real_in, *made_in;
} cover;

/* 1: inside, 0: outside, -1: too near to tell. */
static int is_inside(double d, double tolerance, double radius)
{
    return d + tolerance <= radius ? 1 : d - tolerance > radius ? 0 : -1;
}

static void see_inside(void *context, size_t i, size_t j, double d, double tolerance)
{
    const cover *c = context;
    int real = c->real_in[i] ? 1 : is_inside(d, tolerance, c->made_radius[j]);
    int made = c->made_in[j] ? 1 : is_inside(d, tolerance, c->real_radius[i]);
    if (real < 0 || made < 0) {
        d = exact(c->real, i, c->made, j);
        real = real < 0 ? d <= c->made_radius[j] : real;
        made = made < 0 ? d <= c->real_radius[i] : made;
    }
    c->real_in[i] = real;
    c->made_in[j] = made;
}

static scl_estimate share_of(const bool *inside, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += inside[i];
    const double p = (double)count / (double)n;
    return (scl_estimate){ p, sqrt(p * (1 - p) / (double)n) };
}

static side side_of(const scl_set *s, double *square)
{
    for (size_t i = 0; i < s->count; i++) {
        const float *x = s->x + i * (size_t)s->width;
        square[i] = scl_row_product(x, x, s->width);
    }
    return (side){ s, square };
}

scl_status scl_precision_recall(scl_estimate *precision, scl_estimate *recall, const scl_set *real,
                                const scl_set *made, int k, const volatile sig_atomic_t *stop, scl_err *err)
{
    const size_t n = real->count, m = made->count, most = n > m ? n : m;
    if (k < 1 || (size_t)k >= n || (size_t)k >= m)
        return scl_fail(
            err, SCL_FAILED,
            "precision and recall by the %d-th neighbour need more samples on each side than %zu and %zu", k,
            n, m);
    void *block;
    const size_t doubles = 2 * (n + m) + most * (size_t)k;
    SCL_TRY(scl_alloc_bytes(&block, sizeof(double) * doubles + n + m, "neighbours", err));
    double *square = block, *radius = square + n + m, *least = radius + n + m;
    bool *inside = (bool *)((double *)block + doubles);      /* zeros */
    const side a = side_of(real, square), b = side_of(made, square + n);
    const cover c = { &a, &b, radius, radius + n, inside, inside + n };
    scl_status status = radii(&a, k, radius, least, stop, err);
    if (status == SCL_OK)
        status = radii(&b, k, radius + n, least, stop, err);
    if (status == SCL_OK)
        status = each_pair(&a, &b, see_inside, (void *)&c, stop, err);
    *recall = share_of(c.real_in, n);
    *precision = share_of(c.made_in, m);
    free(block);
    return status;
}
