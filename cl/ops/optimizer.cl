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

#define FN(name) scl_##name
#define floatT float
#include "lib/optim_body.h"
#undef FN
#undef floatT
#if VEC > 1
#define FN(name) scl_##name##_v
#define floatT floatV
#include "lib/optim_body.h"
#undef FN
#undef floatT
#else
#define scl_average_v scl_average
#define scl_moment_v scl_moment
#define scl_adam_weight_v scl_adam_weight
#define scl_rmsprop_weight_v scl_rmsprop_weight
#define scl_flushed_fma_v scl_flushed_fma
#endif

// The group's chunk: first ... whole-1 by vectors, whole ... end-1 one by one.
#define CHUNK                                                                                                       \
    const int lid = (int)get_local_id(0), first = (int)get_group_id(0) * chunk, end = min(D, first + chunk);        \
    const int whole = first + (end - first) / VEC * VEC;
#define VECTORS for (int i = first + lid * VEC; i < whole; i += WG * VEC)
#define REST for (int i = whole + lid; i < end; i += WG)

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void adam(global const float *theta, global const float *m, global const float *v, global const float *g,
                 global const float *scale, global const float *coef, global const uint *flag, global float *theta_out,
                 global float *m_out, global float *v_out, const int D, const int chunk)
{
    if (flag[0])
        return;
    const float clip = scale[0], rate = coef[SCL_COEF_ADAM_RATE], root = coef[SCL_COEF_ADAM_ROOT], eps = coef[SCL_COEF_EPS];
    const float to_m = coef[SCL_COEF_M], to_v = coef[SCL_COEF_V];
    CHUNK
    VECTORS {
        const floatV gi = vloadV(g + i) * (floatV)(clip);
        const floatV m1 = scl_average_v(vloadV(m + i), gi, to_m), v1 = scl_moment_v(vloadV(v + i), gi, to_v);
        vstoreV(m1, m_out + i);
        vstoreV(v1, v_out + i);
        vstoreV(scl_adam_weight_v(vloadV(theta + i), m1, v1, rate, root, eps), theta_out + i);
    }
    REST {
        const float gi = g[i] * clip, m1 = scl_average(m[i], gi, to_m), v1 = scl_moment(v[i], gi, to_v);
        m_out[i] = m1;
        v_out[i] = v1;
        theta_out[i] = scl_adam_weight(theta[i], m1, v1, rate, root, eps);
    }
}

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void sgd(global const float *theta, global const float *u, global const float *g, global const float *scale,
                global const float *coef, global const uint *flag, global float *theta_out, global float *u_out, const int D,
                const int chunk)
{
    if (flag[0])
        return;
    const float clip = scale[0], rate = coef[SCL_COEF_RATE], momentum = coef[SCL_COEF_MOMENTUM];
    CHUNK
    VECTORS {
        const floatV gi = vloadV(g + i) * (floatV)(clip), u1 = scl_flushed_fma_v(momentum, vloadV(u + i), gi);
        vstoreV(u1, u_out + i);
        vstoreV(scl_flushed_fma_v(rate, u1, vloadV(theta + i)), theta_out + i);
    }
    REST {
        const float gi = g[i] * clip, u1 = scl_flushed_fma(momentum, u[i], gi);
        u_out[i] = u1;
        theta_out[i] = scl_flushed_fma(rate, u1, theta[i]);
    }
}

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void rmsprop(global const float *theta, global const float *v, global const float *g, global const float *scale,
                    global const float *coef, global const uint *flag, global float *theta_out, global float *v_out,
                    const int D, const int chunk)
{
    if (flag[0])
        return;
    const float clip = scale[0], rate = coef[SCL_COEF_RATE], eps = coef[SCL_COEF_EPS], to_v = coef[SCL_COEF_V];
    CHUNK
    VECTORS {
        const floatV gi = vloadV(g + i) * (floatV)(clip), v1 = scl_moment_v(vloadV(v + i), gi, to_v);
        vstoreV(v1, v_out + i);
        vstoreV(scl_rmsprop_weight_v(vloadV(theta + i), v1, gi, rate, eps), theta_out + i);
    }
    REST {
        const float gi = g[i] * clip, v1 = scl_moment(v[i], gi, to_v);
        v_out[i] = v1;
        theta_out[i] = scl_rmsprop_weight(theta[i], v1, gi, rate, eps);
    }
}

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void ema(global const float *e, global const float *theta, global const float *coef, global const uint *flag,
                global float *e_out, const int D, const int chunk)
{
    if (flag[0])
        return;
    const float rate = coef[SCL_COEF_EMA];
    CHUNK
    VECTORS
        vstoreV(scl_average_v(vloadV(e + i), vloadV(theta + i), rate), e_out + i);
    REST
        e_out[i] = scl_average(e[i], theta[i], rate);
}
