// pointwise - the loop round an expression; see host/ops/pointwise.c, which defines the macros below from a node's expression
// and includes this file. WG: work-items per group; VEC: neighbours per step. Neither changes a bit. What stands here by default
// is the expression x0 * x1 with x1 [N].
#pragma OPENCL FP_CONTRACT OFF
#ifndef WG
#define WG 64
#endif
#ifndef VEC
#define VEC 4
#endif
#include "lib/vec.cl"
#include "lib/math.cl"
#ifndef INPUTS
#define INPUTS global const float *in0, global const float *restrict in1,
#define OUT global float *out                       /* may be in0: every element is read before it is written */
#define CHANNELS 1                                 /* length of the last dimension */
#define TAIL 1                                     /* VEC may not divide D */
#define HOISTED const float h1 = in1[n];           /* what is the same for a whole sample */
#define LOAD_V const floatV x0 = vloadV(in0 + e); const floatV x1 = (floatV)(h1);
#define LOAD_1 const float x0 = in0[e]; const float x1 = h1;
#define EXPR_V (x0 * x1)
#define EXPR_1 (x0 * x1)
#endif
#if VEC > 1
#define FLUSH_V scl_flush_v
#else
#define FLUSH_V scl_flush
#endif

// Samples of D elements, one per row of the grid; a work-item takes `per` vectors that lie WG vectors apart.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void pointwise(INPUTS OUT, const int D, const int per)
{
    const size_t n = get_group_id(1), row = n * (size_t)D;
    HOISTED
    int d = ((int)get_group_id(0) * per * WG + (int)get_local_id(0)) * VEC;
    int j = 0;
    for (; j < per && d + VEC <= D; j++, d += WG * VEC) {
        const size_t e = row + (size_t)d;
        const int c = d % CHANNELS;
        LOAD_V
        vstoreV(FLUSH_V(EXPR_V), out + e);
    }
#if TAIL
    if (j < per)
        for (; d < D; d++) {
            const size_t e = row + (size_t)d;
            const int c = (int)(e % CHANNELS);
            LOAD_1
            out[e] = scl_flush(EXPR_1);
        }
#endif
}
