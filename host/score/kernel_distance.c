#include "graph/arith.h"
#include "score/compare.h"
#include "score/rows.h"

/* Mean of (x.y/D + 1)^3 over the pairs of two blocks of m rows; same: of one block, a row not with itself. */
SCL_FAST_REF static double mean_kernel(const float *a, const float *b, size_t m, int D, bool same,
                                       const volatile sig_atomic_t *stop)
{
    double sum = 0;
    for (size_t i = 0; i < m && !(stop && *stop); i++)
        for (size_t j = 0; j < m; j++) {
            if (same && i == j)
                continue;
            const double k = scl_row_product(a + i * (size_t)D, b + j * (size_t)D, D) / D + 1;
            sum += k * k * k;
        }
    return sum / ((double)m * (double)(same ? m - 1 : m));
}

scl_status scl_kernel_distance(scl_estimate *out, const scl_set *a, const scl_set *b, int blocks,
                               const volatile sig_atomic_t *stop, scl_err *err)
{
    const size_t least = a->count < b->count ? a->count : b->count, m = least / (size_t)blocks, D = (size_t)a->width;
    if (m < 2)
        return scl_fail(err, SCL_FAILED,
                        "a kernel distance of %d blocks needs %d samples on each side, not %zu and %zu",
                        blocks, 2 * blocks, a->count, b->count);
    double sum = 0, square = 0;
    for (size_t i = 0; i < (size_t)blocks; i++) {
        const float *x = a->x + i * m * D, *y = b->x + i * m * D;
        const double d = mean_kernel(x, x, m, a->width, true, stop) + mean_kernel(y, y, m, a->width, true, stop) -
                         2 * mean_kernel(x, y, m, a->width, false, stop);
        if (stop && *stop)
            return SCL_INTERRUPTED;
        sum += d;
        square += d * d;
    }
    *out = scl_estimate_mean(sum, square, blocks);
    return SCL_OK;
}
