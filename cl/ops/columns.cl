// columns - see host/ops/columns.c.  WG: work-items of a group; it changes no bit.
#pragma OPENCL FP_CONTRACT OFF
#ifndef WG
#define WG 64
#endif
#include "lib/math.cl"

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void place_columns(global const float *restrict x, global float *restrict y, const int count, const int C, const int S,
                          const int offset)
{
    const int i = (int)get_global_id(0), c = i % S - offset;
    if (i < count)
        y[i] = c >= 0 && c < C ? scl_flush(x[(size_t)(i / S) * C + c]) : 0.0f;
}
