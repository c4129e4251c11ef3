#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "graph/arith.h"
#include "score/compare.h"
#include "score/rows.h"

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double scl_wasserstein_sorted(const double *a, size_t n, const double *b, size_t m)
{
    double sum = 0;
    /* Both quantile functions are steps: the next one of either ends a piece.  Positions count in units of 1/(n m). */
    for (size_t i = 0, j = 0, at = 0; i < n && j < m;) {
        const size_t end_a = (i + 1) * m, end_b = (j + 1) * n, end = end_a < end_b ? end_a : end_b;
        sum += (double)(end - at) * (a[i] - b[j]) * (a[i] - b[j]);
        i += end == end_a;
        j += end == end_b;
        at = end;
    }
    return sum / ((double)n * (double)m);
}

/* Direction p: normal numbers of sample p, brought to length 1. */
static void direction(double *v, int D, uint64_t seed, uint32_t p)
{
    double square = 0;
    for (int d = 0; d < D; d += 4) {
        const scl_words w = scl_random(seed, (uint32_t)d / 4, p, 0, SCL_STREAM_EVALUATE, 0);
        float z[4];
        scl_normal2(w.w[0], w.w[1], &z[0], &z[1]);
        scl_normal2(w.w[2], w.w[3], &z[2], &z[3]);
        for (int k = 0; k < 4 && d + k < D; k++) {
            v[d + k] = z[k];
            square += v[d + k] * v[d + k];
        }
    }
    for (int d = 0; d < D; d++)
        v[d] /= sqrt(square);
}

static void project(const scl_set *s, const double *v, double *to)
{
    for (size_t i = 0; i < s->count; i++) {
        double lane[8] = { 0 };
        for (int d = 0; d < s->width; d++)
            lane[d % 8] += s->x[i * (size_t)s->width + (size_t)d] * v[d];
        to[i] = scl_row_fold(lane);
    }
    qsort(to, s->count, sizeof *to, by_value);
}

scl_status scl_sliced_wasserstein(scl_estimate *out, const scl_set *a, const scl_set *b, int projections, uint64_t seed,
                                  const volatile sig_atomic_t *stop, scl_err *err)
{
    void *block;
    if (!a->count || !b->count)
        return scl_fail(err, SCL_FAILED, "a sliced Wasserstein distance needs samples on both sides");
    SCL_TRY(scl_alloc_bytes(&block, sizeof(double) * (a->count + b->count + (size_t)a->width), "projections", err));
    double *x = block, *y = x + a->count, *v = y + b->count, sum = 0, square = 0;
    for (int p = 0; p < projections && !(stop && *stop); p++) {
        direction(v, a->width, seed, (uint32_t)p);
        project(a, v, x);
        project(b, v, y);
        const double d = scl_wasserstein_sorted(x, a->count, y, b->count);
        sum += d;
        square += d * d;
    }
    const scl_estimate mean = scl_estimate_mean(sum, square, projections);
    const double root = sqrt(mean.value);
    /* The error of a root: that of the mean over twice the root. */
    *out = (scl_estimate){ root, mean.error < 0 || root == 0 ? -1 : mean.error / (2 * root) };
    free(block);
    return stop && *stop ? SCL_INTERRUPTED : SCL_OK;
}
