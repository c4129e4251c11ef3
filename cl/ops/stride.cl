// stride - see host/ops/stride.c.  VEC: channels of a work-item; WG: work-items of a group.  W is the large image's.
#pragma OPENCL FP_CONTRACT OFF
#ifndef WG
#define WG 64
#endif
#ifndef VEC
#define VEC 1
#endif
#include "lib/vec.cl"
#include "lib/math.cl"

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void subsample2(global const float *restrict x, global float *restrict y, const int W, const int C, const int items)
{
    const int item = (int)get_global_id(0), blocks = C / VEC, row = item / blocks, c = item % blocks * VEC;
    if (item >= items)
        return;
    global const float *from = x + (size_t)row * 2 * W * C + c;
    global float *to = y + (size_t)row * (W / 2) * C + c;
    for (int px = 0; px < W / 2; px++)
        vstoreV(scl_flush_v(vloadV(from + (size_t)px * 2 * C)), to + (size_t)px * C);
}

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void stuff2(global const float *restrict x, global float *restrict y, const int W, const int C, const int items)
{
    const int item = (int)get_global_id(0), blocks = C / VEC, row = item / blocks, c = item % blocks * VEC;
    if (item >= items)
        return;
    global const float *from = x + (size_t)(row / 2) * (W / 2) * C + c;
    global float *to = y + (size_t)row * W * C + c;
    for (int px = 0; px < W / 2; px++) {
        const floatV v = row % 2 == 0 ? scl_flush_v(vloadV(from + (size_t)px * C)) : (floatV)(0.0f);
        vstoreV(v, to + (size_t)px * 2 * C);
        vstoreV((floatV)(0.0f), to + ((size_t)px * 2 + 1) * C);
    }
}
