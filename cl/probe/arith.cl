// What bits rest on, element by element, for the device probe (host/cl/probe_arith.c): the primitives, and the functions of
// lib/, each over a vector (out[0 ... n-1]) and over floats (out[n ... 2n-1]).
#pragma OPENCL FP_CONTRACT OFF
#ifndef VEC
#define VEC 4
#endif
#include "lib/math.cl"
#include "lib/philox.cl"
#include "probe/functions.h"

// n: elements of x, y and z.  step: VEC, but the compiler shall not know it and write the function out VEC times.
#define PROBE(name, vector, scalar)                                                                                    \
    __attribute__((reqd_work_group_size(1, 1, 1)))                                                                     \
    kernel void name(global const float *x, global const float *y, global const float *z, global float *out,           \
                     const int n, const int step)                                                                      \
    {                                                                                                                  \
        const int i = (int)get_global_id(0) * VEC;                                                                     \
        vstoreV((vector), out + i);                                                                                    \
        for (int t = i; t < i + step; t++)                                                                             \
            out[n + t] = (scalar);                                                                                     \
    }
#define X vloadV(x + i)
#define Y vloadV(y + i)
#define Z vloadV(z + i)
#define ONE(f, range) PROBE(probe_##f, scl_##f##_v(X), scl_##f(x[t]))
#define TWO(f, range) PROBE(probe_##f, scl_##f##_v(X, Y), scl_##f(x[t], y[t]))
PROBE_1(ONE)
PROBE_2(TWO)
PROBE(probe_fma, fma(X, Y, Z), fma(x[t], y[t], z[t]))
PROBE(probe_add, X + Y, x[t] + y[t])
PROBE(probe_mul, X * Y, x[t] * y[t])
PROBE(probe_rint, rint(X), rint(x[t]))
PROBE(probe_floor, floor(X), floor(x[t]))
PROBE(probe_copysign, copysign(X, Y), copysign(x[t], y[t]))
PROBE(probe_convert, convert_floatV(convert_intV(X)), (float)(int)x[t])
PROBE(probe_shift, as_floatV(as_uintV(X) >> 3), as_float(as_uint(x[t]) >> 3))

// The words of the counter { t, 1, 2, 3 } under the key { n, 7 } become two normals: out[t] and out[n + t].
__attribute__((reqd_work_group_size(1, 1, 1)))
kernel void probe_normal2(global const float *x, global const float *y, global const float *z, global float *out, const int n,
                          const int step)
{
    const int i = (int)get_global_id(0) * VEC;
    for (int t = i; t < i + step; t++) {
        uint w0 = (uint)t, w1 = 1u, w2 = 2u, w3 = 3u;
        scl_philox(&w0, &w1, &w2, &w3, (uint)n, 7u);
        float a, b;
        scl_normal2(w0, w1, &a, &b);
        out[t] = a;
        out[n + t] = b;
    }
}
