// softmax - see host/ops/softmax.c.  An item is a sample; WG: work-items of a group, which changes no bit.
#pragma OPENCL FP_CONTRACT OFF
#ifndef WG
#define WG 64
#endif
#define VEC 1
#include "lib/vec.cl"
#include "lib/math.cl"

static float largest_of(global const float *z, const int K)
{
    float largest = z[0];
    for (int k = 1; k < K; k++)
        largest = z[k] > largest ? z[k] : largest;
    return largest;
}

static float sum_of(global const float *z, const float largest, const int K)
{
    float sum = 0.0f;
    for (int k = 0; k < K; k++)
        sum += scl_exp(z[k] - largest);
    return sum;
}

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void softmax(global const float *restrict z, global float *restrict p, const int K, const int N)
{
    const int n = (int)get_global_id(0);
    if (n >= N)
        return;
    global const float *row = z + (size_t)n * K;
    const float largest = largest_of(row, K), sum = sum_of(row, largest, K);
    for (int k = 0; k < K; k++)
        p[(size_t)n * K + k] = scl_flush(scl_div(scl_exp(row[k] - largest), sum));
}

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void one_hot(global const int *restrict label, global float *restrict y, const int K, const int N)
{
    const int n = (int)get_global_id(0);
    if (n >= N)
        return;
    for (int k = 0; k < K; k++)
        y[(size_t)n * K + k] = label[n] == k ? 1.0f : 0.0f;
}

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void cross_entropy(global const float *restrict z, global const int *restrict label, global float *restrict loss, const int K,
                          const int N)
{
    const int n = (int)get_global_id(0);
    if (n >= N)
        return;
    global const float *row = z + (size_t)n * K;
    const float largest = largest_of(row, K), sum = sum_of(row, largest, K);
    loss[n] = scl_flush(scl_log(sum) + (largest - row[label[n]]));
}

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void top1(global const float *restrict z, global const int *restrict label, global float *restrict y, const int K, const int N)
{
    const int n = (int)get_global_id(0);
    if (n >= N)
        return;
    global const float *row = z + (size_t)n * K;
    int best = 0;
    for (int k = 1; k < K; k++)
        best = row[k] > row[best] ? k : best;
    y[n] = best == label[n] ? 1.0f : 0.0f;
}
