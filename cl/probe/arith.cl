// What bits rest on, element by element, for the device probe (host/cl/probe_arith.c): the primitives, and the functions of
// lib/, each over a vector and over floats.  Results of the scalar functions follow those of the vectors.
#pragma OPENCL FP_CONTRACT OFF
#ifndef VEC
#define VEC 4
#endif
#include "lib/math.cl"
#include "lib/philox.cl"
#include "probe/functions.h"

// n: elements of x, y and z; out holds twice as many.
#define KERNEL_1(f, range)                                                                                             \
    __attribute__((reqd_work_group_size(1, 1, 1)))                                                                     \
    kernel void probe_##f(global const float *x, global const float *y, global const float *z, global float *out, const int n)  \
    {                                                                                                                  \
        const int i = (int)get_global_id(0) * VEC;                                                                     \
        vstoreV(scl_##f##_v(vloadV(x + i)), out + i);                                                                  \
        for (int t = i; t < i + VEC; t++)                                                                              \
            out[n + t] = scl_##f(x[t]);                                                                                \
    }
#define KERNEL_2(f, range)                                                                                             \
    __attribute__((reqd_work_group_size(1, 1, 1)))                                                                     \
    kernel void probe_##f(global const float *x, global const float *y, global const float *z, global float *out, const int n)  \
    {                                                                                                                  \
        const int i = (int)get_global_id(0) * VEC;                                                                     \
        vstoreV(scl_##f##_v(vloadV(x + i), vloadV(y + i)), out + i);                                                   \
        for (int t = i; t < i + VEC; t++)                                                                              \
            out[n + t] = scl_##f(x[t], y[t]);                                                                          \
    }
PROBE_1(KERNEL_1)
PROBE_2(KERNEL_2)

#define X vloadV(x + i)
#define Y vloadV(y + i)
#define Z vloadV(z + i)
#define KERNEL_PRIMITIVE(name, vector, scalar)                                                                         \
    __attribute__((reqd_work_group_size(1, 1, 1)))                                                                     \
    kernel void probe_##name(global const float *x, global const float *y, global const float *z, global float *out,   \
                             const int n)                                                                              \
    {                                                                                                                  \
        const int i = (int)get_global_id(0) * VEC;                                                                     \
        vstoreV((vector), out + i);                                                                                    \
        for (int t = i; t < i + VEC; t++)                                                                              \
            out[n + t] = (scalar);                                                                                     \
    }
KERNEL_PRIMITIVE(fma, fma(X, Y, Z), fma(x[t], y[t], z[t]))
KERNEL_PRIMITIVE(add, X + Y, x[t] + y[t])
KERNEL_PRIMITIVE(mul, X * Y, x[t] * y[t])
KERNEL_PRIMITIVE(rint, rint(X), rint(x[t]))
KERNEL_PRIMITIVE(floor, floor(X), floor(x[t]))
KERNEL_PRIMITIVE(copysign, copysign(X, Y), copysign(x[t], y[t]))
KERNEL_PRIMITIVE(convert, convert_floatV(convert_intV(X)), (float)(int)x[t])
KERNEL_PRIMITIVE(shift, as_floatV(as_uintV(X) >> 3), as_float(as_uint(x[t]) >> 3))

// Two words of the generator become two normals: out[i], out[n+i] from the counter { i, 1, 2, 3 } under the key n.
__attribute__((reqd_work_group_size(1, 1, 1)))
kernel void probe_normal2(global const float *x, global const float *y, global const float *z, global float *out, const int n)
{
    const int i = (int)get_global_id(0) * VEC;
    for (int t = i; t < i + VEC; t++) {
        uint w0 = (uint)t, w1 = 1u, w2 = 2u, w3 = 3u;
        scl_philox(&w0, &w1, &w2, &w3, (uint)n, 7u);
        float a, b;
        scl_normal2(w0, w1, &a, &b);
        out[t] = a;
        out[n + t] = b;
    }
}
