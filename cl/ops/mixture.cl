// mixture - see host/ops/mixture.c. A work-item is a sample. WG: work-items per group; it changes no bit.
#pragma OPENCL FP_CONTRACT OFF
#ifndef WG
#define WG 64
#endif
#ifndef COMPONENTS
#define COMPONENTS 2
#endif
#define VEC 1
#include "lib/math.cl"

#define WIDTH(k) fma(level, level, variance[k])

// t[k] = exp(e_k - top), *sum their chain; the result is top + log of it.
static inline float weigh(global const float *x, const float level, global const float *log_weight, global const float *mean,
                          global const float *variance, const int D, float *t, float *sum)
{
    float top = 0.0f, all = 0.0f;
    for (int k = 0; k < COMPONENTS; k++) {
        float q = 0.0f;
        for (int d = 0; d < D; d++) {
            const float away = x[d] - mean[k * D + d];
            q = fma(away, away, q);
        }
        const float v = WIDTH(k), half_q = -0.5f * q;
        t[k] = scl_div(half_q, v) + fma(-0.5f * (float)D, scl_log(v), log_weight[k]);
        top = k == 0 || t[k] > top ? t[k] : top;
    }
    for (int k = 0; k < COMPONENTS; k++) {
        t[k] = scl_exp(t[k] - top);
        all += t[k];
    }
    *sum = all;
    return top + scl_log(all);
}

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void mixture_log_density(global const float *restrict x, global const float *restrict sigma,
                                global const float *restrict log_weight, global const float *restrict mean,
                                global const float *restrict variance, global float *restrict y, const int N, const int D)
{
    const int n = (int)get_global_id(0);
    if (n >= N)
        return;
    float t[COMPONENTS], sum;
    const float at = weigh(x + (size_t)n * D, sigma[n], log_weight, mean, variance, D, t, &sum);
    y[n] = scl_flush(fma(-0.5f * (float)D, 0x1.d67f1cp+0f, at));
}

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void mixture_score(global const float *restrict x, global const float *restrict sigma,
                          global const float *restrict log_weight, global const float *restrict mean,
                          global const float *restrict variance, global float *restrict s, const int N, const int D)
{
    const int n = (int)get_global_id(0);
    if (n >= N)
        return;
    global const float *xn = x + (size_t)n * D;
    const float level = sigma[n];
    float t[COMPONENTS], sum;
    weigh(xn, level, log_weight, mean, variance, D, t, &sum);
    for (int k = 0; k < COMPONENTS; k++)
        t[k] = scl_div(scl_div(t[k], sum), WIDTH(k));
    for (int d = 0; d < D; d++) {
        float acc = 0.0f;
        for (int k = 0; k < COMPONENTS; k++)
            acc = fma(t[k], mean[k * D + d] - xn[d], acc);
        s[(size_t)n * D + d] = scl_flush(acc);
    }
}

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void mixture_hessian(global const float *restrict x, global const float *restrict sigma,
                            global const float *restrict log_weight, global const float *restrict mean,
                            global const float *restrict variance, global const float *restrict u, global float *restrict h,
                            const int N, const int D)
{
    const int n = (int)get_global_id(0);
    if (n >= N)
        return;
    global const float *xn = x + (size_t)n * D, *un = u + (size_t)n * D;
    const float level = sigma[n];
    float t[COMPONENTS], a[COMPONENTS], sum, middle = 0.0f, narrow = 0.0f;
    weigh(xn, level, log_weight, mean, variance, D, t, &sum);
    for (int k = 0; k < COMPONENTS; k++) {
        float along = 0.0f;
        for (int d = 0; d < D; d++)
            along = fma(mean[k * D + d] - xn[d], un[d], along);
        const float r = scl_div(t[k], sum);
        a[k] = scl_div(along, WIDTH(k));
        middle = fma(r, a[k], middle);
        t[k] = scl_div(r, WIDTH(k));
        narrow += t[k];
    }
    for (int d = 0; d < D; d++) {
        float acc = 0.0f;
        for (int k = 0; k < COMPONENTS; k++) {
            const float weight = t[k] * (a[k] - middle);
            acc = fma(weight, mean[k * D + d] - xn[d], acc);
        }
        h[(size_t)n * D + d] = scl_flush(fma(-narrow, un[d], acc));
    }
}
