// group - see host/ops/group.c.  WG: work-items of a group; it changes no bit.
#pragma OPENCL FP_CONTRACT OFF
#ifndef WG
#define WG 64
#endif
#define VEC 1
#include "lib/vec.cl"
#include "lib/math.cl"

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void group_mean(global const float *restrict x, global float *restrict y, const int size, const float inv, const int items)
{
    const int item = (int)get_global_id(0);
    if (item >= items)
        return;
    const size_t first = (size_t)item * size;
    float sum = 0.0f;
    for (int k = 0; k < size; k++)
        sum += x[first + k];
    const float value = scl_flush(sum * inv);
    for (int k = 0; k < size; k++)
        y[first + k] = value;
}
