/* Oracles and cases of the random numbers: the generator written out once more, and Box-Muller in double. */
#include <math.h>

#include "op_harness.h"
#include "ops/philox_plain.h"

static const double turn = 6.283185307179586476925;

static void normal2(uint32_t a, uint32_t b, double *x, double *y)
{
    const double u = (2.0 * (double)(a >> 9) + 1.0) * 0x1p-24, radius = sqrt(-2.0 * log(u)),
                 angle = turn * (double)(b >> 8) * 0x1p-24;
    *x = radius * cos(angle);
    *y = radius * sin(angle);
}

/* Whose numbers sample n has: those of sample number (first + n) / repeat, seen from the first. */
static int shared(const t_case *t, int n)
{
    const uint32_t first = t_u32(t, "counters")[SCL_CNT_SAMPLE] + t_u32(t, "counters")[SCL_CNT_POSITION];
    return (int)((first + (uint32_t)n) / (uint32_t)t_attr_int(t, "repeat") - first);
}

static void field(const t_case *t, bool normal)
{
    const int N = t_dim(t, 'N'), D = t_dim(t, 'H') * t_dim(t, 'W') * t_dim(t, 'C');
    double *out = t_f64(t, "out");
    for (int n = 0; n < N; n++)
        for (int e = 0; e < D; e++) {
            const t_words w = t_philox(t_u32(t, "counters"), (uint32_t)(e / 4), shared(t, n),
                                       (uint32_t)t_attr_int(t, "stream"), (uint32_t)t_attr_int(t, "sub"));
            double z[4];
            normal2(w.w[0], w.w[1], &z[0], &z[1]);
            normal2(w.w[2], w.w[3], &z[2], &z[3]);
            out[n * D + e] = normal ? z[e % 4] : (double)(w.w[e % 4] >> 8) * 0x1p-24;
        }
}

static void oracle_normal(const t_case *t) { field(t, true); }
static void oracle_uniform(const t_case *t) { field(t, false); }

static void oracle_integer(const t_case *t)
{
    for (int n = 0; n < t_dim(t, 'N'); n++) {
        const t_words w = t_philox(t_u32(t, "counters"), 0, n, (uint32_t)t_attr_int(t, "stream"),
                                   (uint32_t)t_attr_int(t, "sub"));
        t_i32_out(t, "out")[n] = (int32_t)floor((double)w.w[0] * 0x1p-32 * (double)t_attr_int(t, "below"));
    }
}

static const t_case cases_field[] = {
    { "one_value", "N=1 H=1 W=1 C=1", .attrs = "stream=0" },                                       /* a quarter of a quad         */
    { "ragged",    "N=3 H=5 W=7 C=3", .attrs = "stream=5 sub=9" },                                 /* 105 values: 26 quads and 1  */
    { "resumed",   "N=2 H=4 W=4 C=1", .attrs = "stream=1", .counters = "position=3 batch=8 step=70000 sample=100" },
    { "key_high",  "N=2 H=3 W=3 C=2", .attrs = "stream=255 sub=16777215", .counters = "seed=12297829382473034411 step=1" },
    { "shared",    "N=7 H=3 W=3 C=1", .attrs = "stream=5 repeat=3", .counters = "position=4 batch=20 step=2 sample=10" },
    { "chunks",    "N=2 H=128 W=128 C=3", .attrs = "stream=2" },                                   /* more than one group         */
    { "batch",     "N=128 H=28 W=28 C=1", .attrs = "stream=0", .bench = true },
};

static const t_case cases_integer[] = {
    { "levels",  "N=65", .attrs = "below=10 stream=1" },
    { "one",     "N=5", .attrs = "below=1 stream=1" },                                             /* only 0                      */
    { "large",   "N=7", .attrs = "below=2147483647 stream=8 sub=1" },
    { "resumed", "N=4", .attrs = "below=10 stream=1", .counters = "position=5 batch=9 step=9" },
};

static const t_op ops[] = {
    T_OP(random_normal, oracle_normal, cases_field), T_OP(random_uniform, oracle_uniform, cases_field),
    T_OP(random_integer, oracle_integer, cases_integer),
};
OP_TESTS(random, ops)
