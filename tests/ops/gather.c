/* Oracles and cases of the batch gather. */
#include <math.h>

#include "graph/arith.h"
#include "op_harness.h"
#include "ops/philox_plain.h"

/* Index in the data of element (y, x, c) of sample n of the run. */
static size_t source(const t_case *t, int n, int y, int x, int c)
{
    const uint32_t *k = t_u32(t, "counters");
    const size_t row = (size_t)t_i32(t, "order")[k[SCL_CNT_FIRST] + k[SCL_CNT_POSITION] + (uint32_t)n];
    const bool mirror = t_attr_int(t, "flip") && t_philox(k, 0, n, SCL_STREAM_FLIP, 0).w[0] >= 0x80000000u;
    const int W = t_dim(t, 'W'), C = t_dim(t, 'C'), H = t_dim(t, 'H');
    return ((row * (size_t)H + (size_t)y) * (size_t)W + (size_t)(mirror ? W - 1 - x : x)) * (size_t)C + (size_t)c;
}

static void oracle_batch(const t_case *t)
{
    const int N = t_dim(t, 'N'), H = t_dim(t, 'H'), W = t_dim(t, 'W'), C = t_dim(t, 'C');
    double *out = t_f64(t, "x");
    for (int n = 0; n < N; n++)
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++)
                for (int c = 0; c < C; c++) {
                    const int e = (y * W + x) * C + c;
                    const t_words w = t_philox(t_u32(t, "counters"), (uint32_t)(e / 4), n, SCL_STREAM_DEQUANTISE, 0);
                    const double k = t_u8(t, "data")[source(t, n, y, x, c)], u = (double)(w.w[e % 4] >> 16) / 65536;
                    double v = t_attr_int(t, "dequantize") ? (k + u) / 256 : k / 255;
                    if (t_attr_int(t, "logit"))
                        v = log(1e-6 + (1 - 2e-6) * v) - log(1e-6 + (1 - 2e-6) * (1 - v));
                    out[n * H * W * C + e] = v;
                }
}

static void oracle_batch_f32(const t_case *t)
{
    const int N = t_dim(t, 'N'), H = t_dim(t, 'H'), W = t_dim(t, 'W'), C = t_dim(t, 'C');
    for (int n = 0; n < N; n++)
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++)
                for (int c = 0; c < C; c++)
                    t_f64(t, "x")[((n * H + y) * W + x) * C + c] = t_f64(t, "data")[source(t, n, y, x, c)];
}

static void oracle_class(const t_case *t)
{
    const uint32_t *k = t_u32(t, "counters");
    for (int n = 0; n < t_dim(t, 'N'); n++)
        t_i32_out(t, "y")[n] = t_i32(
            t, "class")[t_i32(t, "order")[k[SCL_CNT_FIRST] + k[SCL_CNT_POSITION] + (uint32_t)n]];
}

/* Another class for each sample, so that a wrong one shows. */
static void prepare_class(const t_case *t)
{
    for (size_t i = 0; i < t_count(t, "class"); i++)
        t_i32_in(t, "class")[i] = (int32_t)(100 + i);
}

static void oracle_lookup(const t_case *t)
{
    for (int n = 0; n < t_dim(t, 'N'); n++)
        t_f64(t, "y")[n] = t_f64(t, "table")[t_i32(t, "label")[n]];
}

static const t_case cases_batch[] = {
    { .name = "one_value",  .dims = "S=1 N=1 H=1 W=1 C=1" },                                                   /* smallest                      */
    { .name = "dequantise", .dims = "S=7 N=3 H=5 W=7 C=3" },                                                   /* 105 values: 26 quads and 1    */
    { "plain",      "S=5 N=5 H=3 W=3 C=1", .attrs = "dequantize=0" },
    { "flip",       "S=16 N=16 H=3 W=5 C=3", .attrs = "flip=1 dequantize=0" },                 /* odd width: the middle stays   */
    { "flip_noise", "S=16 N=16 H=4 W=6 C=1", .attrs = "flip=1" },                              /* u belongs to the output pixel */
    { "logit",      "S=6 N=4 H=8 W=8 C=1", .attrs = "logit=1", .tol = 4e-6 },
    { "logit_ends", "S=3 N=3 H=4 W=4 C=1", .attrs = "logit=1 dequantize=0", .tol = 4e-6 },     /* 0 and 1 stay finite           */
    { "resumed",    "S=20 N=3 H=4 W=4 C=1", .attrs = "flip=1", .counters = "first=8 position=4 batch=8 step=40 sample=2" },
    { "fashion",    "S=512 N=128 H=28 W=28 C=1", .bench = true },
};

static const t_case cases_batch_f32[] = {
    { .name = "one_value", .dims = "S=1 N=1 H=1 W=1 C=1" },
    { .name = "ragged",    .dims = "S=7 N=3 H=5 W=7 C=3" },
    { "flip",      "S=16 N=16 H=3 W=5 C=3", .attrs = "flip=1" },
    { "resumed",   "S=20 N=3 H=4 W=4 C=1", .counters = "first=8 position=4 batch=8" },
};

static const t_case cases_class[] = {
    { .name = "one", .dims = "S=1 N=1", .prepare = prepare_class },
    { .name = "resumed", .dims = "S=20 N=3", .counters = "first=8 position=4 batch=8", .prepare = prepare_class },
};

static const t_case cases_lookup[] = {
    { .name = "levels", .dims = "L=10 N=23" },
    { .name = "one",    .dims = "L=1 N=1" },
};

static const t_op ops[] = {
    T_OP(gather_batch, oracle_batch, cases_batch), T_OP(gather_batch_f32, oracle_batch_f32, cases_batch_f32),
    T_OP(gather_class, oracle_class, cases_class), T_OP(lookup, oracle_lookup, cases_lookup),
};
OP_TESTS(gather, ops)
