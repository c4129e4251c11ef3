/* InstanceNorm++ in double precision, plain loops: what the oracles of norm and norm_second share. */
#ifndef SCL_TESTS_NORM_PLAIN_H
#define SCL_TESTS_NORM_PLAIN_H

#include <math.h>
#include <stdlib.h>

#include "op_harness.h"

typedef struct dims { int N, H, W, C, P; } dims;

static inline dims image_of(const t_case *t)
{
    const dims d = { t_dim(t, 'N'), t_dim(t, 'H'), t_dim(t, 'W'), t_dim(t, 'C'), t_dim(t, 'H') * t_dim(t, 'W') };
    return d;
}

static inline size_t at(const dims *d, int n, int p, int c) { return ((size_t)n * (size_t)d->P + (size_t)p) * (size_t)d->C + (size_t)c; }

static inline void pixel_stats_of(const dims *d, const double *x, double *mean, double *variance)
{
    for (int n = 0; n < d->N; n++)
        for (int c = 0; c < d->C; c++) {
            double sum = 0, squares = 0;
            for (int p = 0; p < d->P; p++)
                sum += x[at(d, n, p, c)];
            for (int p = 0; p < d->P; p++)
                squares += pow(x[at(d, n, p, c)] - sum / d->P, 2);
            mean[n * d->C + c] = sum / d->P;
            variance[n * d->C + c] = squares / d->P;
        }
}

static inline void channel_stats_of(int N, int C, const double *mean, double *m, double *v)
{
    for (int n = 0; n < N; n++) {
        double sum = 0, squares = 0;
        for (int c = 0; c < C; c++)
            sum += mean[n * C + c];
        for (int c = 0; c < C; c++)
            squares += pow(mean[n * C + c] - sum / C, 2);
        m[n] = sum / C;
        v[n] = squares / (C - 1);
    }
}

static inline const double *row_of(const t_case *t, int n)
{
    return t_f64(t, "rows") + (t_dim(t, 'B') == 1 ? 0 : n) * t_dim(t, 'S');
}

#endif
