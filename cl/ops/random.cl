// random - see host/ops/random.c. WG: work-items per group; VEC: generators side by side. Neither changes a bit.
#pragma OPENCL FP_CONTRACT OFF
#ifndef WG
#define WG 64
#endif
#ifndef VEC
#define VEC 4
#endif
#ifndef NORMAL
#define NORMAL 1 /* 0: uniform */
#endif
#ifndef REPEAT
#define REPEAT 1 /* neighbouring samples with the same numbers */
#endif
#include "lib/math.cl"
#include "lib/philox.cl"
#include "lib/counters.h"

static inline uint sample_of(global const uint *counters, const int n)
{
    return counters[CNT_SAMPLE] + counters[CNT_POSITION] + (uint)n;
}

static inline floatV uniform(const uintV word) { return convert_floatV(as_intV(word >> 8)) * (floatV)(0x1p-24f); }

// A row of the grid is a sample of D values; a group takes `chunk` neighbouring quads of values.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void field(global const uint *counters, global float *out, const int D, const int chunk, const uint stream)
{
    const int n = (int)get_group_id(1), quads = (D + 3) / 4, end = min(quads, ((int)get_group_id(0) + 1) * chunk);
    const uint sample = sample_of(counters, n) / REPEAT, step = counters[CNT_STEP];
    global float *row = out + (size_t)n * D;
    for (int q = (int)get_group_id(0) * chunk + (int)get_local_id(0) * VEC; q < end; q += WG * VEC) {
        uint first[VEC];
        for (int l = 0; l < VEC; l++)
            first[l] = (uint)(q + l);
        uintV x0 = vloadV(first), x1 = (uintV)(sample), x2 = (uintV)(step), x3 = (uintV)(stream);
        scl_philox_v(&x0, &x1, &x2, &x3, counters[CNT_SEED_LO], counters[CNT_SEED_HI]);
        floatV a, b, c, d;
#if NORMAL
        scl_normal2_v(x0, x1, &a, &b);
        scl_normal2_v(x2, x3, &c, &d);
#else
        a = uniform(x0), b = uniform(x1), c = uniform(x2), d = uniform(x3);
#endif
        float word[4][VEC];
        vstoreV(a, word[0]);
        vstoreV(b, word[1]);
        vstoreV(c, word[2]);
        vstoreV(d, word[3]);
        for (int e = 0; e < min(4 * VEC, D - 4 * q); e++)
            row[4 * q + e] = word[e & 3][e >> 2];
    }
}

__attribute__((reqd_work_group_size(1, 1, 1)))
kernel void integers(global const uint *counters, global int *out, const int N, const uint below, const uint stream)
{
    for (int n = 0; n < N; n++) {
        uint x0 = 0, x1 = sample_of(counters, n), x2 = counters[CNT_STEP], x3 = stream;
        scl_philox(&x0, &x1, &x2, &x3, counters[CNT_SEED_LO], counters[CNT_SEED_HI]);
        out[n] = (int)mul_hi(x0, below);
    }
}
