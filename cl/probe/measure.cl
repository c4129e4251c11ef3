// Kernels that do one thing as fast as the device can (host/cl/measure.c): fma, reading, copying, nothing.
//
// CPUs: one work-item a group, whole vectors, a contiguous share each.  GPUs: WG neighbours side by side.
#pragma OPENCL FP_CONTRACT OFF
#ifndef WG
#define WG 1
#endif
#ifndef VEC
#define VEC 16
#endif
// 1: every work-item walks a contiguous share; 0: work-items stand side by side.
#ifndef SHARES
#define SHARES 1
#endif
#include "lib/vec.cl"

#define EACH(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11)

// 12 chains: enough for two pipes of 4 cycles, few enough for 16 vector registers.  2 * 12 * VEC operations a round.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void fma_chains(global float *restrict out, const float a, const float b, const int rounds)
{
    const float start = (float)(get_global_id(0) & 15) * 0.0625f;
#define START(i) floatV x##i = (floatV)(start + i);
    EACH(START)
    for (int r = 0; r < rounds; r++) {
#define STEP(i) x##i = fma(x##i, (floatV)a, (floatV)b);
        EACH(STEP)
    }
    const floatV sum = ((x0 + x1) + (x2 + x3)) + ((x4 + x5) + (x6 + x7)) + ((x8 + x9) + (x10 + x11));
    vstoreV(sum, out + get_global_id(0) * VEC);
}

#if SHARES
#define FIRST (share * get_global_id(0))
#define END (FIRST + share)
#define STRIDE 1
#else
#define FIRST get_global_id(0)
#define END (share * get_global_size(0))
#define STRIDE get_global_size(0)
#endif

// share: vectors a work-item reads.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void read_all(global const float *restrict from, global float *restrict out, const uint share)
{
    floatV sum = (floatV)0.0f;
    for (size_t i = FIRST, end = END; i < end; i += STRIDE)
        sum += vloadV(from + i * VEC);
    vstoreV(sum, out + get_global_id(0) * VEC);
}

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void copy_all(global const float *restrict from, global float *restrict to, const uint share)
{
    for (size_t i = FIRST, end = END; i < end; i += STRIDE)
        vstoreV(vloadV(from + i * VEC), to + i * VEC);
}

__attribute__((reqd_work_group_size(1, 1, 1)))
kernel void nothing(global float *restrict out, const int never)
{
    if (never)
        out[0] = 1.0f;
}
