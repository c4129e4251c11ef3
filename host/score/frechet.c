#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "score/compare.h"

void scl_set_moments(const scl_set *s, double *mean, double *covariance)
{
    const size_t D = (size_t)s->width;
    memset(mean, 0, sizeof *mean * D);
    memset(covariance, 0, sizeof *covariance * D * D);
    for (size_t n = 0; n < s->count; n++)
        for (size_t d = 0; d < D; d++)
            mean[d] += s->x[n * D + d];
    for (size_t d = 0; d < D; d++)
        mean[d] /= (double)s->count;
    for (size_t n = 0; n < s->count; n++)
        for (size_t i = 0; i < D; i++) {
            const double a = (s->x[n * D + i] - mean[i]) / (double)(s->count - 1);
            for (size_t j = 0; j <= i; j++)
                covariance[i * D + j] += a * (s->x[n * D + j] - mean[j]);
        }
    for (size_t i = 0; i < D; i++)
        for (size_t j = i + 1; j < D; j++)
            covariance[i * D + j] = covariance[j * D + i];
}

/* c = a b, all [n,n] and symmetric or not; four rows of b at a time stay in the cache. */
static void product(double *c, const double *a, const double *b, size_t n)
{
    memset(c, 0, sizeof *c * n * n);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++) {
            const double x = a[i * n + k];
            for (size_t j = 0; j < n; j++)
                c[i * n + j] += x * b[k * n + j];
        }
}

/* Symmetric a [n,n] becomes its eigenvectors (rows), w its eigenvalues. */
static scl_status eigen(double *a, double *w, int n, bool vectors, scl_err *err)
{
    const int info = LAPACKE_dsyevd(LAPACK_COL_MAJOR, vectors ? 'V' : 'N', 'L', n, a, n, w);
    return info ? scl_fail(err, SCL_FAILED,
                           "the eigenvalues of a covariance of %d features did not converge (LAPACK %d)", n,
                           info)
                : SCL_OK;
}

/* Roots of eigenvalues, as they are sorted: what is 0 but for rounding is 0, whose root would be far from it. */
static void roots(double *w, int n)
{
    const double least = w[n - 1] * n * 0x1p-52;
    for (int i = 0; i < n; i++)
        w[i] = w[i] > least ? sqrt(w[i]) : 0;
}

/* root = a^1/2; a is overwritten by its eigenvectors, scratch and w [n,n] and [n]. */
static scl_status square_root(double *root, double *a, double *w, double *scratch, int n, scl_err *err)
{
    SCL_TRY(eigen(a, w, n, true, err));
    roots(w, n);
    const size_t N = (size_t)n;
    for (size_t k = 0; k < N; k++)
        for (size_t i = 0; i < N; i++)
            scratch[i * N + k] = a[k * N + i] * w[k];
    product(root, scratch, a, N);
    return SCL_OK;
}

scl_status scl_frechet_gaussians(double *out, int D, const double *m1, const double *S1, const double *m2,
                                 const double *S2, scl_err *err)
{
    const size_t n = (size_t)D, bytes = sizeof(double) * n * n;
    void *block;
    SCL_TRY(scl_alloc_bytes(&block, 4 * bytes + sizeof(double) * n, "covariances", err));
    double *a = block, *root = a + n * n, *c = root + n * n, *t = c + n * n, *w = t + n * n, sum = 0;
    memcpy(a, S1, bytes);
    scl_status status = square_root(root, a, w, t, D, err);
    if (status == SCL_OK) {
        product(t, root, S2, n);
        product(c, t, root, n);
        status = eigen(c, w, D, false, err);
        if (status == SCL_OK)
            roots(w, D);
    }
    for (size_t d = 0; d < n && status == SCL_OK; d++)
        sum += (m1[d] - m2[d]) * (m1[d] - m2[d]) + S1[d * n + d] + S2[d * n + d] - 2 * w[d];
    *out = sum;
    free(block);
    return status;
}

scl_status scl_frechet_distance(double *out, const scl_set *a, const scl_set *b,
                                const volatile sig_atomic_t *stop, scl_err *err)
{
    const size_t n = (size_t)a->width;
    if (a->count < 2 || b->count < 2)
        return scl_fail(err, SCL_FAILED, "a Frechet distance needs two samples on each side, not %zu and %zu",
                        a->count, b->count);
    void *block;
    SCL_TRY(scl_alloc_bytes(&block, sizeof(double) * 2 * (n * n + n), "covariances", err));
    double *S1 = block, *S2 = S1 + n * n, *m1 = S2 + n * n, *m2 = m1 + n;
    scl_set_moments(a, m1, S1);
    if (!stop || !*stop)
        scl_set_moments(b, m2, S2);
    const scl_status status =
        stop && *stop ? SCL_INTERRUPTED : scl_frechet_gaussians(out, a->width, m1, S1, m2, S2, err);
    free(block);
    return status;
}
