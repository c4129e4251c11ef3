/* linear - a matrix product over the last dimension: a convolution by 1x1 over images of one pixel.
 *
 *   y[n,k]  = bias[k] + sum over c of x[n,c] * w[c,k]
 *   dx[n,c] = sum over k of dy[n,k] * w[c,k]
 *   dw[c,k] = sum over n of x[n,c] * dy[n,k]
 *
 * Order of the sums: docs/design/arithmetic.md 3.  Chains of 128 channels added in order, then the bias; the
 * weight gradient in leaves of 32 samples and the tree over them, left open by linear_dw for further runs,
 * drained by batch_root. Algorithms as in host/ops/conv.c.  Kernels: cl/ops/linear.cl.  Oracles and cases:
 * tests/ops/linear.c. */
#include "ops/conv_shape.h"

static scl_status shape_check(scl_node *n, scl_err *err) { return scl_conv_check(n, 1, 1, err); }

#define SAME_ATTRS(n) SCL_TEXT("algorithm", scl_attr_text(n, "algorithm"))

static scl_status weight_gradient(scl_graph *g, scl_value **out, const scl_node *n, scl_value *x,
                                  scl_value *dy, scl_err *err)
{
    return scl_conv_weight_gradient(g, out, "linear_dw", x, dy, NULL, 1, scl_attr_text(n, "algorithm"), err);
}

static scl_status linear_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx,
                             scl_err *err)
{
    if (scl_want(n, 0))
        SCL_TRY(SCL_APPLY(g, &dx[0], err, "linear_dx", SCL_IN("dy", dy[0]), SCL_IN("w", n->in[1]),
                          SAME_ATTRS(n)));
    if (scl_want(n, 1))
        SCL_TRY(weight_gradient(g, &dx[1], n, n->in[0], dy[0], err));
    if (n->in[2] && scl_want(n, 2))
        SCL_TRY(scl_sum_over_batch(g, &dx[2], dy[0], err));
    return SCL_OK;
}

/* Both terms of a product rule; NULL: zero. */
static scl_status add_terms(scl_graph *g, scl_value **out, scl_value *a, scl_value *b, scl_err *err)
{
    *out = a ? a : b;
    if (a && b)
        return SCL_POINTWISE(g, out, err, "a + b", SCL_IN("a", a), SCL_IN("b", b));
    return SCL_OK;
}

static scl_status linear_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy,
                             scl_err *err)
{
    scl_value *a = NULL, *b = NULL, *db = n->in[2] ? dx[2] : NULL;
    if (dx[0])
        SCL_TRY(SCL_APPLY(g, &a, err, "linear", SCL_IN("x", dx[0]), SCL_IN("w", n->in[1]),
                          SCL_IN("bias", dx[1] ? NULL : db), SAME_ATTRS(n)));
    if (dx[1])
        SCL_TRY(SCL_APPLY(g, &b, err, "linear", SCL_IN("x", n->in[0]), SCL_IN("w", dx[1]), SCL_IN("bias", db),
                          SAME_ATTRS(n)));
    if (db && !a && !b)
        return SCL_POINTWISE(g, &dy[0], err, "fma(y, 0, db)", SCL_IN("y", n->out[0]),
                             SCL_CHANNEL("db", db, 0));
    return add_terms(g, &dy[0], a, b, err);
}

/* The layer as a convolution; from C to K channels, or back. */
static scl_conv_shape shape_of(const scl_node *n, bool back)
{
    return (scl_conv_shape){ .N = scl_dim(n, 'N'),
                             .H = 1,
                             .W = 1,
                             .C = scl_dim(n, back ? 'K' : 'C'),
                             .K = scl_dim(n, back ? 'C' : 'K'),
                             .R = 1,
                             .S = 1,
                             .dilation = 1,
                             .flipped = back,
                             .has_bias = !back && n->op->in[2] && n->in[2],
                             .in = back ? "dy" : "x",
                             .weights = "w",
                             .out = back ? "dx" : "y" };
}

static scl_conv_shape dw_of(const scl_node *n)
{
    scl_conv_shape s = shape_of(n, false);
    s.has_bias = false;
    s.weights = "dy";
    s.out = "stack";
    return s;
}

static bool clblast_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    (void)device, (void)tune;
    return scl_conv_is_clblast(n);
}

/* The functions of an operator that is one pass, `linear` or `linear_dx`. */
#define PASS(op, back)                                                                                       \
    static bool op##_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune)            \
    {                                                                                                        \
        const scl_conv_shape s = shape_of(n, back);                                                          \
        return !scl_conv_is_clblast(n) && scl_conv_direct_fits(&s, device, tune);                            \
    }                                                                                                        \
    static size_t op##_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune)     \
    {                                                                                                        \
        (void)device;                                                                                        \
        const scl_conv_shape s = shape_of(n, back);                                                          \
        return scl_conv_direct_workspace(&s, tune);                                                          \
    }                                                                                                        \
    static scl_status op##_launch(scl_launcher *q, const scl_node *n, scl_err *err)                          \
    {                                                                                                        \
        const scl_conv_shape s = shape_of(n, back);                                                          \
        return scl_conv_direct_launch(q, n, &s, err);                                                        \
    }                                                                                                        \
    static scl_status op##_gemm(scl_launcher *q, const scl_node *n, scl_err *err)                            \
    {                                                                                                        \
        const scl_conv_shape s = shape_of(n, back);                                                          \
        return scl_conv_gemm_launch(q, n, &s, err);                                                          \
    }
PASS(linear, false)
PASS(linear_dx, true)

static void linear_ref(const scl_node *n, const scl_host_values *v)
{
    const scl_conv_shape s = shape_of(n, false);
    scl_conv_ref(&s, v->in[0], v->in[1], v->in[2], v->out[0]);
}

static const scl_op linear = {
    .name = "linear",
    .family = "linear",
    .brief = "matrix product over the last dimension",
    .formula = "y[n,k] = bias[k] + sum x[n,c] w[c,k]",
    .in = { "x f32[N,C]", "w f32[C,K]", "bias f32[K]?" },
    .out = { "y f32[N,K]" },
    .attr = { "algorithm text = direct" },
    .shape = shape_check,
    .vjp = linear_vjp,
    .jvp = linear_jvp,
    .ref = linear_ref,
    .impl = { { .name = "direct",
                .tune = SCL_CONV_TUNE,
                .gpu = SCL_CONV_GPU,
                .fits = linear_fits,
                .workspace = linear_workspace,
                .launch = linear_launch },
              { .name = "clblast",
                .tune = SCL_CONV_GEMM_TUNE,
                .gpu = "WG=64",
                .fits = clblast_fits,
                .launch = linear_gemm,
                .tolerance = SCL_CONV_GEMM_TOLERANCE } },
    .flops = "2*N*C*K",
    .bytes = "4*N*C+4*N*K+4*C*K",
};

static scl_status linear_dx_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx,
                                scl_err *err)
{
    /* <u, dx(dy, w)> = <linear(u, w), dy>: bilinear, its derivatives are the other two operators. */
    if (scl_want(n, 0))
        SCL_TRY(
            SCL_APPLY(g, &dx[0], err, "linear", SCL_IN("x", dy[0]), SCL_IN("w", n->in[1]), SAME_ATTRS(n)));
    if (scl_want(n, 1))
        SCL_TRY(weight_gradient(g, &dx[1], n, dy[0], n->in[0], err));
    return SCL_OK;
}

static scl_status linear_dx_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy,
                                scl_err *err)
{
    scl_value *a = NULL, *b = NULL;
    if (dx[0])
        SCL_TRY(
            SCL_APPLY(g, &a, err, "linear_dx", SCL_IN("dy", dx[0]), SCL_IN("w", n->in[1]), SAME_ATTRS(n)));
    if (dx[1])
        SCL_TRY(
            SCL_APPLY(g, &b, err, "linear_dx", SCL_IN("dy", n->in[0]), SCL_IN("w", dx[1]), SAME_ATTRS(n)));
    return add_terms(g, &dy[0], a, b, err);
}

static void linear_dx_ref(const scl_node *n, const scl_host_values *v)
{
    const scl_conv_shape s = shape_of(n, true);
    scl_conv_ref(&s, v->in[0], v->in[1], NULL, v->out[0]);
}

static const scl_op linear_dx = {
    .name = "linear_dx",
    .family = "linear",
    .brief = "gradient of the input of a linear layer",
    .formula = "dx[n,c] = sum dy[n,k] w[c,k]",
    .in = { "dy f32[N,K]", "w f32[C,K]" },
    .out = { "dx f32[N,C]" },
    .attr = { "algorithm text = direct" },
    .shape = shape_check,
    .vjp = linear_dx_vjp,
    .jvp = linear_dx_jvp,
    .ref = linear_dx_ref,
    .impl = { { .name = "direct",
                .tune = SCL_CONV_TUNE,
                .gpu = SCL_CONV_GPU,
                .fits = linear_dx_fits,
                .workspace = linear_dx_workspace,
                .launch = linear_dx_launch },
              { .name = "clblast",
                .tune = SCL_CONV_GEMM_TUNE,
                .gpu = "WG=64",
                .fits = clblast_fits,
                .launch = linear_dx_gemm,
                .tolerance = SCL_CONV_GEMM_TOLERANCE } },
    .flops = "2*N*C*K",
    .bytes = "4*N*C+4*N*K+4*C*K",
};

static void linear_dw_ref(const scl_node *n, const scl_host_values *v)
{
    const scl_conv_shape s = dw_of(n);
    scl_conv_dw_ref(&s, v->in[0], v->in[1], v->in[2], v->out[0]);
}

static bool linear_dw_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    const scl_conv_shape s = dw_of(n);
    return !scl_conv_is_clblast(n) && scl_conv_dw_fits(&s, device, tune);
}

static size_t linear_dw_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    (void)device;
    const scl_conv_shape s = dw_of(n);
    return scl_conv_dw_workspace(&s, tune);
}

static scl_status linear_dw_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const scl_conv_shape s = dw_of(n);
    return scl_conv_dw_launch(q, n, &s, err);
}

static size_t linear_dw_gemm_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    (void)device, (void)tune;
    const scl_conv_shape s = dw_of(n);
    return scl_conv_dw_gemm_workspace(&s);
}

static scl_status linear_dw_gemm(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const scl_conv_shape s = dw_of(n);
    return scl_conv_dw_gemm_launch(q, n, &s, scl_dim(n, 'T'), err);
}

static const scl_op linear_dw = {
    .name = "linear_dw",
    .family = "linear",
    .brief =
        "gradient of the weights of a linear layer: stack of the tree over the global batch, for batch_root",
    .formula = "dw[c,k] = sum over n of x[n,c] dy[n,k]",
    .in = { "x f32[N,C]", "dy f32[N,K]", "counters u32[16]", "acc f32[T,C,K]?" },
    .out = { "stack f32[T,C,K] @acc" },
    .attr = { "algorithm text = direct", "T int 1.." },
    .shape = shape_check,
    .ref = linear_dw_ref,
    .impl = { { .name = "direct",
                .tune = SCL_CONV_DW_TUNE,
                .gpu = SCL_CONV_GPU,
                .fits = linear_dw_fits,
                .workspace = linear_dw_workspace,
                .launch = linear_dw_launch },
              { .name = "clblast",
                .tune = SCL_CONV_GEMM_TUNE,
                .gpu = "WG=64",
                .fits = clblast_fits,
                .workspace = linear_dw_gemm_workspace,
                .launch = linear_dw_gemm,
                .tolerance = SCL_CONV_GEMM_TOLERANCE } },
    .flops = "2*N*C*K",
    .bytes = "4*N*C+4*N*K+4*C*K",
};

scl_family scl_family_linear = { &linear, &linear_dx, &linear_dw, NULL };
