// guard - see host/ops/guard.c.
#pragma OPENCL FP_CONTRACT OFF
#ifndef VEC
#define VEC 1
#endif
#include "lib/math.cl"
#include "lib/coef.h"
#include "lib/counters.h"

static inline bool not_finite(const float x) { return (as_uint(x) & 0x7f800000u) == 0x7f800000u; }

__attribute__((reqd_work_group_size(1, 1, 1)))
kernel void grad_guard(global const float *sumsq, global const float *loss, global const uint *counters,
                       global const float *coef, global const uint *flag, global float *scale, global float *norm,
                       global uint *flag_out)
{
    const bool bad = not_finite(sumsq[0]) || not_finite(loss[0]);
    const uint before = flag[0];
    const float size = not_finite(sumsq[0]) ? sumsq[0] : scl_flush(scl_sqrt(sumsq[0])), clip = coef[SCL_COEF_CLIP];
    const float ratio = scl_div(clip, size + CLIP_EDGE);
    norm[0] = size;
    scale[0] = clip > 0.0f && ratio < 1.0f ? scl_flush(ratio) : 1.0f;
    flag_out[0] = before == 0u && bad ? counters[CNT_STEP] + 1u : before;
}

// The ring's floats travel as bits: the step's are those of an integer.
__attribute__((reqd_work_group_size(1, 1, 1)))
kernel void record(global const uint *loss, global const uint *norm, global const uint *scale, global const uint *counters,
                   global uint *ring_out, const int R, const int S)
{
    global uint *row = ring_out + (size_t)(counters[CNT_SLOT] % (uint)R) * (size_t)S;
    row[0] = loss[0];
    row[1] = norm[0];
    row[2] = scale[0];
    row[3] = counters[CNT_STEP];
}
