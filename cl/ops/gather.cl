// gather - see host/ops/gather.c. WG changes no bit.
#pragma OPENCL FP_CONTRACT OFF
#ifndef WG
#define WG 64
#endif
#ifndef VEC
#define VEC 1
#endif
#ifndef DEQUANTIZE
#define DEQUANTIZE 1
#endif
#ifndef FLIP
#define FLIP 1
#endif
#ifndef LOGIT
#define LOGIT 1
#endif
#include "lib/math.cl"
#include "lib/philox.cl"
#include "lib/counters.h"
#include "lib/coef.h"

typedef struct place { size_t row; uint sample; bool mirrored; } place;

// Where sample n of the run lies in the data, and whether it is mirrored.
static inline place place_of(global const uint *counters, global const int *order, const int n, const uint flip_stream)
{
    place p;
    const uint position = counters[CNT_POSITION] + (uint)n;
    p.row = (size_t)order[counters[CNT_FIRST] + position];
    p.sample = counters[CNT_SAMPLE] + position;
    p.mirrored = false;
#if FLIP
    uint x0 = 0, x1 = p.sample, x2 = counters[CNT_STEP], x3 = flip_stream;
    scl_philox(&x0, &x1, &x2, &x3, counters[CNT_SEED_LO], counters[CNT_SEED_HI]);
    p.mirrored = x0 >> 31 != 0u;
#endif
    return p;
}

// The data's element that becomes element e of the sample.
static inline int source(const int e, const int W, const int C, const bool mirrored)
{
    const int x = e / C % W;
    return mirrored ? e + (W - 1 - 2 * x) * C : e;
}

static inline float value(const uchar k, const uint word)
{
#if DEQUANTIZE
    // Exact: 8 and 16 bits.  Shifts and | would become a funnel shift, which oclgrind does not know.
    const float x = fma((float)k, 0x1p16f, (float)(word >> 16)) * 0x1p-24f;
#else
    const float x = scl_div((float)k, 255.0f);
#endif
#if LOGIT
    const float y = fma(LOGIT_SCALE, x, LOGIT_EDGE), rest = fma(LOGIT_SCALE, 1.0f - x, LOGIT_EDGE);
    return scl_flush(scl_log(y) - scl_log(rest));
#else
    return scl_flush(x);
#endif
}

// A row of the grid is a sample of D values; a group takes `chunk` neighbouring quads of values.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void bytes(global const uchar *data, global const int *order, global const uint *counters, global float *x, const int D,
                  const int W, const int C, const int chunk, const uint flip_stream, const uint dequantise_stream)
{
    const int n = (int)get_group_id(1), quads = (D + 3) / 4, end = min(quads, ((int)get_group_id(0) + 1) * chunk);
    const place p = place_of(counters, order, n, flip_stream);
    global const uchar *from = data + p.row * (size_t)D;
    global float *to = x + (size_t)n * D;
    for (int q = (int)get_group_id(0) * chunk + (int)get_local_id(0); q < end; q += WG) {
        uint word[4] = { (uint)q, p.sample, counters[CNT_STEP], dequantise_stream };
#if DEQUANTIZE
        scl_philox(&word[0], &word[1], &word[2], &word[3], counters[CNT_SEED_LO], counters[CNT_SEED_HI]);
#endif
        for (int e = 4 * q; e < min(4 * q + 4, D); e++)
            to[e] = value(from[source(e, W, C, p.mirrored)], word[e & 3]);
    }
}

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void floats(global const float *data, global const int *order, global const uint *counters, global float *x, const int D,
                   const int W, const int C, const int chunk, const uint flip_stream)
{
    const int n = (int)get_group_id(1), end = min(D, ((int)get_group_id(0) + 1) * chunk);
    const place p = place_of(counters, order, n, flip_stream);
    for (int e = (int)get_group_id(0) * chunk + (int)get_local_id(0); e < end; e += WG)
        x[(size_t)n * D + e] = scl_flush(data[p.row * (size_t)D + source(e, W, C, p.mirrored)]);
}

__attribute__((reqd_work_group_size(1, 1, 1)))
kernel void classes(global const int *class, global const int *order, global const uint *counters, global int *y, const int N)
{
    const uint first = counters[CNT_FIRST] + counters[CNT_POSITION];
    for (int n = 0; n < N; n++)
        y[n] = class[order[first + (uint)n]];
}

__attribute__((reqd_work_group_size(1, 1, 1)))
kernel void lookup(global const float *table, global const int *label, global float *y, const int N)
{
    for (int n = 0; n < N; n++)
        y[n] = scl_flush(table[label[n]]);
}
