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

static inline size_t at(const dims *d, int n, int p, int c)
{
    return ((size_t)n * (size_t)d->P + (size_t)p) * (size_t)d->C + (size_t)c;
}

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

/* The channels' means of x where the case has it, else as given.  Free it. */
static inline double *means_of(const t_case *t, const double *x, const double *given)
{
    const size_t count = (size_t)t_dim(t, 'N') * (size_t)t_dim(t, 'C');
    double *mean = malloc(sizeof *mean * 2 * count);
    for (size_t i = 0; i < count && !x; i++)
        mean[i] = given[i];
    if (x) {
        const dims d = image_of(t);
        pixel_stats_of(&d, x, mean, mean + count);
    }
    return mean;
}

/* mean belongs to x, if there is one, m and v to mean. */
static inline void prepare_means(const t_case *t)
{
    const int N = t_dim(t, 'N'), C = t_dim(t, 'C');
    const size_t count = (size_t)N * (size_t)C, pixels = t_has(t, "x") ? t_count(t, "x") : 0;
    double *wide = malloc(sizeof *wide * (pixels + count + 2 * (size_t)N)), *given = wide + pixels, *m = given + count;
    for (size_t i = 0; i < pixels; i++)
        wide[i] = (double)t_f32_in(t, "x")[i];
    for (size_t i = 0; i < count; i++)
        given[i] = (double)t_f32_in(t, "mean")[i];
    double *mean = means_of(t, pixels ? wide : NULL, given);
    channel_stats_of(N, C, mean, m, m + N);
    for (size_t i = 0; i < count; i++)
        t_f32_in(t, "mean")[i] = (float)mean[i];
    for (int n = 0; n < N; n++) {
        t_f32_in(t, "m")[n] = (float)m[n];
        t_f32_in(t, "v")[n] = (float)m[N + n];
    }
    free(mean);
    free(wide);
}

#endif
