/* The arithmetic of the definitions in C: elementary functions, Philox, and the canonical sums (docs/design/arithmetic.md).
 *
 * The functions of cl/lib/math_body.h and cl/lib/philox_body.h compiled as C: scl_flush, scl_rcp, scl_div, scl_rsqrt, scl_sqrt,
 * scl_exp, scl_expm1_neg, scl_log, scl_log1p, scl_sigmoid, scl_softplus, scl_elu, scl_elu_grad, scl_elu_grad2, scl_relu,
 * scl_relu_grad, scl_abs, scl_min, scl_max, scl_clamp01, scl_positive, scl_sincos_turn, scl_normal2, scl_philox.  The kernels
 * include the same text, so the bits agree by construction. */
#ifndef SCL_GRAPH_ARITH_H
#define SCL_GRAPH_ARITH_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/sum_order.h"

_Static_assert(FLT_EVAL_METHOD == 0, "floats must be evaluated as floats");
#if defined(__FAST_MATH__)
#error "-ffast-math changes the bits"
#endif

/* Before a definition whose loops should use the fma instruction where the processor has it: the loader picks, the bits are the
 * same (fmaf of the C library is exact too, and slow).  Static inline callees are compiled into each clone. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && defined(__linux__)
#define SCL_FAST_REF __attribute__((target_clones("default", "arch=x86-64-v3")))
#else
#define SCL_FAST_REF
#endif

/* ---- elementary functions ---- */

static inline uint32_t scl_bits_of(float x) { return ((union { float f; uint32_t u; }){ .f = x }).u; }
static inline float scl_float_of(uint32_t u) { return ((union { float f; uint32_t u; }){ .u = u }).f; }

#define FN(name) scl_##name
#define floatT float
#define intT int32_t
#define uintT uint32_t
#define as_floatT(x) scl_float_of(x)
#define as_uintT(x) _Generic((x), float: scl_bits_of, default: scl_unsigned_of)(x)
#define as_intT(x) ((int32_t)(x))
#define convert_floatT(x) ((float)(x))
#define convert_intT(x) ((int32_t)(x))
#define fma(a, b, c) fmaf(a, b, c)
#define fabs(a) fabsf(a)
#define fmin(a, b) scl_c_min(a, b)
#define fmax(a, b) scl_c_max(a, b)
#define copysign(a, b) copysignf(a, b)
#define mul_hi(a, b) ((uint32_t)((uint64_t)(a) * (b) >> 32))

static inline uint32_t scl_unsigned_of(int32_t x) { return (uint32_t)x; }
/* fmin and fmax with a constant y: a NaN gives y, as IEEE 754 has it; without the C library's call. */
static inline float scl_c_min(float x, float y) { return x < y ? x : y; }
static inline float scl_c_max(float x, float y) { return x > y ? x : y; }

#include "lib/math_body.h"
#include "lib/philox_body.h"

#undef FN
#undef floatT
#undef intT
#undef uintT
#undef as_floatT
#undef as_uintT
#undef as_intT
#undef convert_floatT
#undef convert_intT
#undef fma
#undef fabs
#undef fmin
#undef fmax
#undef copysign
#undef mul_hi

/* ---- random numbers ---- */

/* Streams of the generator; the numbers are fixed for ever. */
enum {
    SCL_STREAM_PERTURB = 0,     /* noise z of denoising score matching */
    SCL_STREAM_LEVEL = 1,       /* noise level of a sample */
    SCL_STREAM_DEQUANTISE = 2,
    SCL_STREAM_FLIP = 3,
    SCL_STREAM_INIT = 4,        /* of weights, and of a sampler's start */
    SCL_STREAM_LANGEVIN = 5,
    SCL_STREAM_PROJECTION = 6,  /* sliced score matching */
    SCL_STREAM_DROPOUT = 7,
    SCL_STREAM_SHUFFLE = 8,
    SCL_STREAM_VALIDATION = 9,  /* noise and levels of the held-out loss */
    SCL_STREAM_KNOWN = 10,      /* of what is known of a picture while it is sampled */
    SCL_STREAM_POINTS = 16,     /* toy data */
    SCL_STREAM_EVALUATE = 17,   /* probes and projections of the evaluation */
    SCL_STREAM_LIKELIHOOD = 18, /* dequantisation and probes of log-densities */
};

typedef struct scl_words { uint32_t w[4]; } scl_words;

/* The four words of counter { quad, sample, step, stream << 24 | sub } under a 64-bit seed.  quad = element / 4. */
static inline scl_words scl_random(uint64_t seed, uint32_t quad, uint32_t sample, uint32_t step, uint32_t stream, uint32_t sub)
{
    scl_words x = { { quad, sample, step, stream << 24 | sub } };
    scl_philox(&x.w[0], &x.w[1], &x.w[2], &x.w[3], (uint32_t)seed, (uint32_t)(seed >> 32));
    return x;
}

/* Uniform on [0, 1), 24 bits. */
static inline float scl_uniform(uint32_t word) { return (float)(word >> 8) * 0x1p-24f; }
/* Uniform on 0 ... n-1. */
static inline uint32_t scl_integer(uint32_t word, uint32_t n) { return (uint32_t)((uint64_t)word * n >> 32); }

/* ---- canonical sums ---- */

/* sum64 as a stream; start with { 0 }.  (cl/lib/sum.cl has the same.)  Up to 2^24 values. */
typedef struct scl_sum_stream { float level[SUM_LEVELS]; uint32_t count; } scl_sum_stream;
void scl_sum_push(scl_sum_stream *s, float v);
float scl_sum_end(const scl_sum_stream *s);
float scl_sum64(const float *v, size_t n);

/* A flat row as a stream; start with { 0 }. */
typedef struct scl_flat { float lane[SUM_LANES]; uint32_t used; scl_sum_stream blocks; } scl_flat;
void scl_flat_block(scl_flat *s);          /* closes the open block; for the functions below */
static inline void scl_flat_add(scl_flat *s, float v)
{
    if (s->used == SUM_BLOCK)
        scl_flat_block(s);
    s->lane[s->used++ % SUM_LANES] += v;
}
static inline void scl_flat_add_product(scl_flat *s, float u, float v)
{
    if (s->used == SUM_BLOCK)
        scl_flat_block(s);
    float *lane = &s->lane[s->used++ % SUM_LANES];
    *lane = fmaf(u, v, *lane);
}
float scl_flat_end(scl_flat *s);

float scl_flat_sum(const float *v, size_t n);
float scl_flat_sumsq(const float *v, size_t n);

/* Sums over the pixels of an image whose pixel (y, x) is v[(y*W + x) * stride]: 4x4 leaves, sum64.  Not flushed. */
float scl_pixel_sum(const float *v, int H, int W, size_t stride);
float scl_pixel_sum_product(const float *u, const float *v, int H, int W, size_t stride);

/* ---- trees over samples ---- */

static inline int scl_popcount(uint32_t n) { return __builtin_popcount(n); }
/* How many merges follow leaf n. */
static inline int scl_trailing_ones(uint32_t n) { return ~n ? __builtin_ctz(~n) : 32; }

#endif
