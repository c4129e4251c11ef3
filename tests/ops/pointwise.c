/* Oracle and cases for pointwise expressions; tests/op_harness.h says what every case goes through.
 *
 * The oracle deals out the inputs with loops of its own and evaluates the expression in double. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph/expr.h"
#include "graph/signature.h"
#include "op_harness.h"

enum { MAX_INPUTS = 8 };

static int offset_of(const t_case *t, const char *name, scl_index *index)
{
    for (int i = 0; i < T_MAX_INDEX && t->index[i].name; i++)
        if (!strcmp(t->index[i].name, name)) {
            *index = t->index[i].index;
            return t->index[i].offset;
        }
    return 0;
}

static void oracle(const t_case *t)
{
    const size_t count = t_count(t, "out"), samples = (size_t)t_dim(t, 'N'), channels = (size_t)t_dim(t, 'C');
    const char *names[MAX_INPUTS];
    scl_sig sig[MAX_INPUTS];
    scl_index index[MAX_INPUTS];
    size_t offset[MAX_INPUTS], length[MAX_INPUTS];
    const double *data[MAX_INPUTS];
    int n = 0;
    for (; n < MAX_INPUTS && t->in[n]; n++) {
        sig[n] = scl_sig_parse(t->in[n]);
        names[n] = sig[n].name;
        data[n] = t_f64(t, names[n]);
        length[n] = t_count(t, names[n]);
        index[n] = length[n] == count ? SCL_INDEX_FULL : sig[n].rank == 1 ? SCL_INDEX_SAMPLE : SCL_INDEX_SAMPLE_CHANNEL;
        offset[n] = (size_t)offset_of(t, names[n], &index[n]);
    }
    scl_arena arena = { 0 };
    scl_expr *e;
    if (scl_expr_parse(&e, &arena, t->expr, NULL) != SCL_OK)
        return;                         /* outputs stay NaN, and the case fails */
    double *out = t_f64(t, "out");
    for (size_t i = 0; i < count; i++) {
        const size_t sample = i / (count / samples), channel = i % channels;
        double value[MAX_INPUTS];
        for (int k = 0; k < n; k++) {
            const size_t row = length[k] / samples;
            const size_t place[] = { [SCL_INDEX_FULL] = i, [SCL_INDEX_SAMPLE] = sample,
                                     [SCL_INDEX_SAMPLE_CHANNEL] = sample * row + offset[k] + channel,
                                     [SCL_INDEX_CHANNEL] = offset[k] + channel, [SCL_INDEX_SCALAR] = offset[k] };
            value[k] = data[k][place[index[k]]];
        }
        out[i] = scl_expr_eval_f64(e, names, value, n);
    }
    scl_arena_free(&arena);
}

#define X "x f32[N,H,W,C]"
#define NORM X, "mean f32[N,C]", "a f32[N,C]", "b f32[N,C]"

static const t_case cases[] = {
    { "one_element", "N=1 H=1 W=1 C=1", .in = { NORM }, .expr = "fma(x - mean, a, b)", .grad = true },
    { "norm_elu_16", "N=2 H=5 W=3 C=16", .in = { NORM }, .expr = "elu(flush(fma(x - mean, a, b)))", .grad = true },
    { "vec_of_8", "N=3 H=3 W=3 C=24", .in = { NORM }, .expr = "fma(x - mean, a, b)" },             /* 16 does not divide 24 */
    { "odd_channels", "N=2 H=4 W=7 C=5", .in = { NORM }, .expr = "elu(fma(x - mean, a, b))", .grad = true },
    { "one_channel", "N=3 H=5 W=5 C=1", .in = { NORM }, .expr = "fma(x - mean, a, b)" },           /* a row has a tail */
    { "sample_tail", "N=3 H=1 W=5 C=13", .in = { X, "z f32[N,H,W,C]", "sigma f32[N]" }, .expr = "fma(sigma, z, x)",
      .grad = true, .grad_of = "x z sigma" },
    { "shorter_than_vec", "N=4 H=1 W=1 C=3", .in = { X, "w f32[N]" }, .expr = "x * w" },
    { "flat_many_chunks", "N=7 H=9 W=11 C=13", .in = { X, "y f32[N,H,W,C]" }, .expr = "fma(x, y, x)", .grad = true },
    { "flat_two_groups", "N=1 H=16 W=16 C=9", .in = { X }, .expr = "x * x" },
    { "row_offset", "N=2 H=3 W=3 C=16 S=48", .in = { X, "rows f32[N,S]" }, .expr = "x * rows",
      .index = { { "rows", SCL_INDEX_SAMPLE_CHANNEL, 16 } }, .grad = true, .grad_of = "x rows" },
    { "channel_offset", "N=2 H=3 W=2 C=6 S=18", .in = { X, "k f32[S]" }, .expr = "fma(x, k, k)",
      .index = { { "k", SCL_INDEX_CHANNEL, 7 } }, .grad = true, .grad_of = "x k" },
    { "channel_bias", "N=3 H=3 W=2 C=4", .in = { X, "k f32[C]" }, .expr = "x + k", .grad = true, .grad_of = "x k",
      .index = { { "k", SCL_INDEX_CHANNEL, 0 } } },
    { "scalar", "N=2 H=3 W=5 C=3 S=4", .in = { X, "coef f32[S]" }, .expr = "fma(coef, x, coef)",
      .index = { { "coef", SCL_INDEX_SCALAR, 2 } } },
    { "matrix", "N=5 C=70", .in = { "x f32[N,C]", "y f32[N,C]", "s f32[N]" }, .expr = "fma(x, s, y)", .grad = true },
    { "names_of_the_kernel", "N=2 H=2 W=3 C=8", .in = { "x1 f32[N,H,W,C]", "x0 f32[N,C]", "row f32[N]" },
      .expr = "fma(x1, x0, row)" },                                                       /* inputs called as the kernel's own */
    { "elu_derivatives", "N=2 H=3 W=3 C=7", .in = { X, "y f32[N,H,W,C]" }, .expr = "fma(elu_grad(x), y, elu_grad2(x))" },
    { "elu", "N=2 H=3 W=3 C=7", .in = { X }, .expr = "elu(x)", .grad = true, .range = { { "x", -20, -0.01 } } },
    { "relu", "N=2 H=3 W=3 C=7", .in = { X, "y f32[N,H,W,C]" }, .expr = "relu(x) * relu_grad(y)" },
    { "exp_log", "N=2 H=3 W=3 C=7", .in = { X, "y f32[N,H,W,C] > 0" }, .expr = "exp(x) * log(y)", .grad = true },
    { "div_rcp", "N=2 H=3 W=3 C=7", .in = { X, "y f32[N,H,W,C] > 0" }, .expr = "div(x, y) - rcp(y)", .grad = true },
    { "roots", "N=2 H=3 W=3 C=7", .in = { "x f32[N,H,W,C] > 0", "y f32[N,H,W,C] > 0" }, .expr = "sqrt(x) + log1p(min(y, 1))" },
    { "smooth_steps", "N=2 H=3 W=3 C=7", .in = { X, "y f32[N,H,W,C]" }, .expr = "sigmoid(x) + softplus(y)", .grad = true },
    { "far_out", "N=2 H=3 W=3 C=7", .in = { X }, .expr = "sigmoid(x) - exp(min(x, 0))", .range = { { "x", -90, 90 } } },
    { "choices", "N=2 H=3 W=3 C=7", .in = { X, "y f32[N,H,W,C]" }, .expr = "positive(x, abs(y), -max(y, x))" },
    { "clamped", "N=2 H=3 W=3 C=7", .in = { X }, .expr = "clamp01(x) + expm1_neg(min(x, 0))", .range = { { "x", -2, 2 } } },
    { "rounded_product", "N=2 H=3 W=3 C=7", .in = { X, "y f32[N,H,W,C]" }, .expr = "rounded(x * y) - rounded(x * x)", .tol = 1e-6 },
    { "result_is_flushed", "N=2 H=3 W=3 C=7", .in = { X }, .expr = "x * 0x1p-70" },
    { "minus_zero", "N=1 H=2 W=2 C=7", .in = { X }, .expr = "-x", .fill = { { "x", 0 } } },
    { "norm_elu_64", "N=32 H=28 W=28 C=64", .in = { NORM }, .expr = "elu(flush(fma(x - mean, a, b)))", .bench = true },
    { "norm_elu_16_many", "N=64 H=28 W=28 C=16", .in = { NORM }, .expr = "elu(flush(fma(x - mean, a, b)))", .bench = true },
    { "add_64", "N=32 H=28 W=28 C=64", .in = { X, "y f32[N,H,W,C]" }, .expr = "x + y", .bench = true },
};

static void oracle_flatten(const t_case *t)
{
    const double *x = t_f64(t, "x");
    double *y = t_f64(t, "y");
    for (size_t i = 0; i < t_count(t, "y"); i++)
        y[i] = x[i];
}

static const t_case cases_flatten[] = {
    { "one_pixel", "N=5 D=1x1x2", .grad = true },
    { "image", "N=3 D=4x3x5", .grad = true },
    { "row", "N=4 D=7", .grad = true },
};

static const t_op ops[] = {
    T_OP(pointwise, oracle, cases),
    T_OP(flatten, oracle_flatten, cases_flatten),
};
OP_TESTS(pointwise, ops)
