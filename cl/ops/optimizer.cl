// optimizer - see host/ops/optimizer.c.  A group updates `chunk` neighbouring weights; WG and VEC change no bit.
#pragma OPENCL FP_CONTRACT OFF
#ifndef WG
#define WG 64
#endif
#ifndef VEC
#define VEC 4
#endif
#include "lib/math.cl"
#include "lib/coef.h"

#define K(c) ((floatV)(c))
// Runs the statements for each vector i ... i+count-1 of the group's chunk.
#define FOR_CHUNK                                                                                                   \
    const int end = min(D, ((int)get_group_id(0) + 1) * chunk);                                                     \
    for (int i = (int)get_group_id(0) * chunk + (int)get_local_id(0) * VEC, count = min(VEC, end - i); i < end;     \
         i += WG * VEC, count = min(VEC, end - i))
#define LOAD(p) (count == VEC ? vloadV((p) + i) : vload_some((p) + i, count))
#define STORE(v, p)                                                                                                 \
    do {                                                                                                            \
        if (count == VEC)                                                                                           \
            vstoreV(v, (p) + i);                                                                                    \
        else                                                                                                        \
            vstore_some(v, (p) + i, count);                                                                         \
    } while (0)

// Second moments flush below 2^-100: else small gradients would lose v but keep m.
static inline floatV flush_moment(const floatV v) { return fabs(v) < K(0x1p-100f) ? K(0.0f) : v; }
static inline floatV root_moment(const floatV v) { return scl_sqrt_v(v * K(0x1p60f)) * K(0x1p-30f); }

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void adam(global const float *theta, global const float *m, global const float *v, global const float *g,
                 global const float *scale, global const float *coef, global const uint *flag, global float *theta_out,
                 global float *m_out, global float *v_out, const int D, const int chunk)
{
    if (flag[0])
        return;
    const floatV clip = K(scale[0]), rate = K(coef[SCL_COEF_ADAM_RATE]), root = K(coef[SCL_COEF_ADAM_ROOT]);
    const floatV eps = K(coef[SCL_COEF_EPS]), to_m = K(coef[SCL_COEF_M]), to_v = K(coef[SCL_COEF_V]);
    FOR_CHUNK {
        const floatV gi = LOAD(g) * clip, m0 = LOAD(m), v0 = LOAD(v), square = gi * gi;
        const floatV m1 = scl_flush_v(fma(to_m, gi - m0, m0));
        const floatV v1 = flush_moment(fma(to_v, square - v0, v0));
        const floatV step = scl_div_v(m1, fma(root_moment(v1), root, eps));
        STORE(m1, m_out);
        STORE(v1, v_out);
        STORE(scl_flush_v(fma(rate, step, LOAD(theta))), theta_out);
    }
}

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void sgd(global const float *theta, global const float *u, global const float *g, global const float *scale,
                global const float *coef, global const uint *flag, global float *theta_out, global float *u_out, const int D,
                const int chunk)
{
    if (flag[0])
        return;
    const floatV clip = K(scale[0]), rate = K(coef[SCL_COEF_RATE]), momentum = K(coef[SCL_COEF_MOMENTUM]);
    FOR_CHUNK {
        const floatV gi = LOAD(g) * clip, u1 = scl_flush_v(fma(momentum, LOAD(u), gi));
        STORE(u1, u_out);
        STORE(scl_flush_v(fma(rate, u1, LOAD(theta))), theta_out);
    }
}

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void rmsprop(global const float *theta, global const float *v, global const float *g, global const float *scale,
                    global const float *coef, global const uint *flag, global float *theta_out, global float *v_out,
                    const int D, const int chunk)
{
    if (flag[0])
        return;
    const floatV clip = K(scale[0]), rate = K(coef[SCL_COEF_RATE]), eps = K(coef[SCL_COEF_EPS]), to_v = K(coef[SCL_COEF_V]);
    FOR_CHUNK {
        const floatV gi = LOAD(g) * clip, v0 = LOAD(v), square = gi * gi;
        const floatV v1 = flush_moment(fma(to_v, square - v0, v0)), root = root_moment(v1);
        const floatV step = scl_div_v(gi, root + eps);
        STORE(v1, v_out);
        STORE(scl_flush_v(fma(rate, step, LOAD(theta))), theta_out);
    }
}

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void ema(global const float *e, global const float *theta, global const float *coef, global const uint *flag,
                global float *e_out, const int D, const int chunk)
{
    if (flag[0])
        return;
    const floatV rate = K(coef[SCL_COEF_EMA]);
    FOR_CHUNK {
        const floatV e0 = LOAD(e);
        STORE(scl_flush_v(fma(rate, LOAD(theta) - e0, e0)), e_out);
    }
}
