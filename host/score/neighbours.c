#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "graph/arith.h"
#include "score/compare.h"
#include "score/rows.h"

/* Squared distances of one row to all rows of a set. */
SCL_FAST_REF static void distances(const float *x, const scl_set *s, double *out)
{
    for (size_t j = 0; j < s->count; j++)
        out[j] = scl_row_distance(x, s->x + j * (size_t)s->width, s->width);
}

/* Into the sorted list of the k smallest; of equal ones the first stays before. */
static void keep(int *index, double *least, int *n, int k, int j, double d)
{
    int at = *n < k ? (*n)++ : k - 1;
    for (; at > 0 && d < least[at - 1]; at--) {
        least[at] = least[at - 1];
        index[at] = index[at - 1];
    }
    least[at] = d;
    index[at] = j;
}

SCL_FAST_REF void scl_nearest_rows(const scl_set *of, const scl_set *among, int k, bool skip_self, int *index,
                                   double *distance)
{
    for (size_t i = 0; i < of->count; i++) {
        const float *x = of->x + i * (size_t)of->width;
        int *row = index + i * (size_t)k, n = 0;
        double *least = distance + i * (size_t)k;
        for (size_t j = 0; j < among->count; j++) {
            if (skip_self && i == j)
                continue;
            const double d = scl_row_distance(x, among->x + j * (size_t)among->width, among->width);
            if (n < k || d < least[k - 1])
                keep(row, least, &n, k, (int)j, d);
        }
        for (int j = 0; j < k; j++)
            least[j] = sqrt(least[j]);
    }
}

/* Share of the rows of b that lie inside the ball of some row of a.  radius: squared. */
static double covered(const scl_set *a, const double *radius, const scl_set *b, double *scratch)
{
    size_t inside = 0;
    for (size_t i = 0; i < b->count; i++) {
        bool in = false;
        distances(b->x + i * (size_t)b->width, a, scratch);
        for (size_t j = 0; j < a->count && !in; j++)
            in = scratch[j] <= radius[j];
        inside += in;
    }
    return (double)inside / (double)b->count;
}

static scl_estimate share(double p, size_t n) { return (scl_estimate){ p, sqrt(p * (1 - p) / (double)n) }; }

/* Squared distance of each row to its k-th neighbour in its own set. */
static void radii(const scl_set *s, int k, double *radius, int *index, double *near)
{
    scl_nearest_rows(s, s, k, true, index, near);
    for (size_t i = 0; i < s->count; i++) {
        const float *x = s->x + i * (size_t)s->width,
                    *y = s->x + (size_t)index[i * (size_t)k + (size_t)k - 1] * (size_t)s->width;
        radius[i] = scl_row_distance(x, y, s->width);
    }
}

scl_status scl_precision_recall(scl_estimate *precision, scl_estimate *recall, const scl_set *real,
                                const scl_set *made, int k, scl_err *err)
{
    const size_t most = real->count > made->count ? real->count : made->count;
    if (k < 1 || (size_t)k >= real->count || (size_t)k >= made->count)
        return scl_fail(
            err, SCL_FAILED,
            "precision and recall by the %d-th neighbour need more samples on each side than %zu and %zu", k,
            real->count, made->count);
    void *block;
    SCL_TRY(scl_alloc_bytes(&block, most * ((size_t)k * (sizeof(double) + sizeof(int)) + 2 * sizeof(double)),
                            "neighbours", err));
    double *radius = block, *scratch = radius + most, *near = scratch + most;
    int *index = (int *)(near + most * (size_t)k);
    radii(real, k, radius, index, near);
    *precision = share(covered(real, radius, made, scratch), made->count);
    radii(made, k, radius, index, near);
    *recall = share(covered(made, radius, real, scratch), real->count);
    free(block);
    return SCL_OK;
}
