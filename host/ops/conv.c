/* conv - convolution by an odd R x S kernel, stride 1, zero padding to the same size, dilation.
 *
 *   y[n,h,w,k]  = bias[k] + sum over ky, kx, c of x[n, h + (ky - R/2) d, w + (kx - S/2) d, c] * w[ky,kx,c,k]
 *   dx          = the same operator on dy with w'[ky][kx][k][c] = w[R-1-ky][S-1-kx][c][k]
 *   dw[ky,kx,c,k] = sum over n, h, w of x[n, h + (ky - R/2) d, w + (kx - S/2) d, c] * dy[n,h,w,k]
 *
 * Values NHWC, weights HWIO.  Order of the sums: docs/design/arithmetic.md 3.  Chains of 128 channels over
 * (ky, kx, c), added in order, then the bias.  The weight gradient is a chain over the pixels of a leaf of Q
 * samples (or of segments of a sample) and a tree over leaves; conv2d_dw leaves its stack open for further
 * runs of the same global batch, batch_root drains it. Algorithms: direct (these bits), clblast (its own
 * order, by tolerance).  Shared with linear: host/ops/conv_shape.h. Kernels: cl/ops/conv.cl.  Oracles and
 * cases: tests/ops/conv.c. */
#include <string.h>

#include "ops/conv_shape.h"

bool scl_conv_is_clblast(const scl_node *n) { return !strcmp(scl_attr_text(n, "algorithm"), "clblast"); }

scl_status scl_conv_check(const scl_node *n, int R, int S, scl_err *err)
{
    const char *algorithm = scl_attr_text(n, "algorithm");
    if (R % 2 == 0 || S % 2 == 0)
        return scl_fail(err, SCL_BAD_CONFIG, "%s: kernel %d x %d is not odd", n->op->name, R, S);
    if (strcmp(algorithm, "direct") && strcmp(algorithm, "clblast"))
        return scl_fail(err, SCL_BAD_CONFIG, "%s: no algorithm '%s' (direct or clblast)", n->op->name,
                        algorithm);
    return SCL_OK;
}

static scl_status shape_check(scl_node *n, scl_err *err)
{
    return scl_conv_check(n, scl_dim(n, 'R'), scl_dim(n, 'S'), err);
}

scl_status scl_conv_weight_gradient(scl_graph *g, scl_value **out, const char *op, scl_value *x,
                                    scl_value *dy, const int *kernel, long dilation, const char *algorithm,
                                    scl_err *err)
{
    const bool image = kernel != NULL;
    const int N = x->dim[0], C = x->dim[x->rank - 1], K = dy->dim[dy->rank - 1];
    const scl_conv_leaves l = scl_conv_leaves_of(image ? x->dim[1] * x->dim[2] : 1);
    const int T = scl_tree_slots(g, N, l.Q, l.G);
    const int dims[5] = { T, image ? kernel[0] : C, image ? kernel[1] : K, C, K };
    scl_value *acc = scl_accumulator(g, image ? 5 : 3, dims), *stack;
    const scl_arg args[] = {
        SCL_IN("x", x),        SCL_IN("dy", dy),      SCL_IN("counters", scl_counters(g)),
        SCL_IN("acc", acc),    SCL_INT("T", T),       SCL_TEXT("algorithm", algorithm),
        SCL_INT("R", dims[1]), SCL_INT("S", dims[2]), SCL_INT("dilation", dilation)
    };
    SCL_TRY(scl_apply(g, &stack, err, op, args, image ? 9 : 6));
    return SCL_APPLY(g, out, err, "batch_root", SCL_IN("stack", stack), SCL_IN("counters", scl_counters(g)),
                     SCL_INT("Q", l.Q), SCL_INT("G", l.G));
}

#define SAME_ATTRS(n)                                                                                        \
    SCL_INT("dilation", scl_attr_int(n, "dilation")), SCL_TEXT("algorithm", scl_attr_text(n, "algorithm"))

static scl_status weight_gradient(scl_graph *g, scl_value **out, const scl_node *n, scl_value *x,
                                  scl_value *dy, scl_err *err)
{
    return scl_conv_weight_gradient(g, out, "conv2d_dw", x, dy,
                                    (const int[]){ scl_dim(n, 'R'), scl_dim(n, 'S') },
                                    scl_attr_int(n, "dilation"), scl_attr_text(n, "algorithm"), err);
}

static scl_status conv2d_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx,
                             scl_err *err)
{
    if (scl_want(n, 0))
        SCL_TRY(SCL_APPLY(g, &dx[0], err, "conv2d_dx", SCL_IN("dy", dy[0]), SCL_IN("w", n->in[1]),
                          SAME_ATTRS(n)));
    if (scl_want(n, 1))
        SCL_TRY(weight_gradient(g, &dx[1], n, n->in[0], dy[0], err));
    if (n->in[2] && scl_want(n, 2)) {
        scl_value *sample;
        SCL_TRY(SCL_APPLY(g, &sample, err, "pixel_sum", SCL_IN("x", dy[0])));
        SCL_TRY(scl_sum_over_batch(g, &dx[2], sample, err));
    }
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

static scl_status conv2d_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy,
                             scl_err *err)
{
    scl_value *a = NULL, *b = NULL, *db = n->in[2] ? dx[2] : NULL;
    if (dx[0])
        SCL_TRY(SCL_APPLY(g, &a, err, "conv2d", SCL_IN("x", dx[0]), SCL_IN("w", n->in[1]),
                          SCL_IN("bias", dx[1] ? NULL : db), SAME_ATTRS(n)));
    if (dx[1])
        SCL_TRY(SCL_APPLY(g, &b, err, "conv2d", SCL_IN("x", n->in[0]), SCL_IN("w", dx[1]), SCL_IN("bias", db),
                          SAME_ATTRS(n)));
    if (db && !a && !b)
        return SCL_POINTWISE(g, &dy[0], err, "fma(y, 0, db)", SCL_IN("y", n->out[0]),
                             SCL_CHANNEL("db", db, 0));
    return add_terms(g, &dy[0], a, b, err);
}

static scl_conv_shape forward_of(const scl_node *n)
{
    return (scl_conv_shape){ .N = scl_dim(n, 'N'),
                             .H = scl_dim(n, 'H'),
                             .W = scl_dim(n, 'W'),
                             .C = scl_dim(n, 'C'),
                             .K = scl_dim(n, 'K'),
                             .R = scl_dim(n, 'R'),
                             .S = scl_dim(n, 'S'),
                             .dilation = (int)scl_attr_int(n, "dilation"),
                             .in = "x",
                             .weights = "w",
                             .out = "y",
                             .has_bias = n->op->in[2] && n->in[2] };
}

/* The data gradient: a pass from K to C channels. */
static scl_conv_shape dx_of(const scl_node *n)
{
    scl_conv_shape s = forward_of(n);
    s.C = scl_dim(n, 'K');
    s.K = scl_dim(n, 'C');
    s.flipped = true;
    s.has_bias = false;
    s.in = "dy";
    s.out = "dx";
    return s;
}

static scl_conv_shape dw_of(const scl_node *n)
{
    scl_conv_shape s = forward_of(n);
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

static void conv2d_ref(const scl_node *n, const scl_host_values *v)
{
    const scl_conv_shape s = forward_of(n);
    scl_conv_ref(&s, v->in[0], v->in[1], v->in[2], v->out[0]);
}

static bool conv2d_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    const scl_conv_shape s = forward_of(n);
    return !scl_conv_is_clblast(n) && scl_conv_direct_fits(&s, device, tune);
}

static size_t conv2d_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    (void)device;
    const scl_conv_shape s = forward_of(n);
    return scl_conv_direct_workspace(&s, tune);
}

static scl_status conv2d_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const scl_conv_shape s = forward_of(n);
    return scl_conv_direct_launch(q, n, &s, err);
}

static size_t conv2d_gemm_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    (void)device, (void)tune;
    const scl_conv_shape s = forward_of(n);
    return scl_conv_gemm_workspace(&s);
}

static scl_status conv2d_gemm(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const scl_conv_shape s = forward_of(n);
    return scl_conv_gemm_launch(q, n, &s, err);
}

static const scl_op conv2d = {
    .name = "conv2d",
    .family = "conv",
    .brief = "convolution, stride 1, zero padding to the same size",
    .formula = "y[n,h,w,k] = bias[k] + sum x[n, h + (ky-R/2) d, w + (kx-S/2) d, c] w[ky,kx,c,k]",
    .in = { "x f32[N,H,W,C]", "w f32[R,S,C,K]", "bias f32[K]?" },
    .out = { "y f32[N,H,W,K]" },
    .attr = { "dilation int 1..64 = 1", "algorithm text = direct" },
    .shape = shape_check,
    .vjp = conv2d_vjp,
    .jvp = conv2d_jvp,
    .ref = conv2d_ref,
    .impl = { { .name = "direct",
                .tune = SCL_CONV_TUNE,
                .gpu = SCL_CONV_GPU,
                .fits = conv2d_fits,
                .workspace = conv2d_workspace,
                .launch = conv2d_launch },
              { .name = "clblast",
                .tune = SCL_CONV_GEMM_TUNE,
                .gpu = "WG=64",
                .fits = clblast_fits,
                .workspace = conv2d_gemm_workspace,
                .launch = conv2d_gemm,
                .tolerance = SCL_CONV_GEMM_TOLERANCE } },
    .flops = "2*N*H*W*C*K*R*S",
    .bytes = "4*N*H*W*C+4*N*H*W*K+4*R*S*C*K",
};

static scl_status conv2d_dx_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx,
                                scl_err *err)
{
    /* <u, dx(dy, w)> = <conv2d(u, w), dy>: bilinear, its derivatives are the other two operators. */
    if (scl_want(n, 0))
        SCL_TRY(
            SCL_APPLY(g, &dx[0], err, "conv2d", SCL_IN("x", dy[0]), SCL_IN("w", n->in[1]), SAME_ATTRS(n)));
    if (scl_want(n, 1))
        SCL_TRY(weight_gradient(g, &dx[1], n, dy[0], n->in[0], err));
    return SCL_OK;
}

static scl_status conv2d_dx_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy,
                                scl_err *err)
{
    scl_value *a = NULL, *b = NULL;
    if (dx[0])
        SCL_TRY(
            SCL_APPLY(g, &a, err, "conv2d_dx", SCL_IN("dy", dx[0]), SCL_IN("w", n->in[1]), SAME_ATTRS(n)));
    if (dx[1])
        SCL_TRY(
            SCL_APPLY(g, &b, err, "conv2d_dx", SCL_IN("dy", n->in[0]), SCL_IN("w", dx[1]), SAME_ATTRS(n)));
    return add_terms(g, &dy[0], a, b, err);
}

static void conv2d_dx_ref(const scl_node *n, const scl_host_values *v)
{
    const scl_conv_shape s = dx_of(n);
    scl_conv_ref(&s, v->in[0], v->in[1], NULL, v->out[0]);
}

static bool conv2d_dx_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    const scl_conv_shape s = dx_of(n);
    return !scl_conv_is_clblast(n) && scl_conv_direct_fits(&s, device, tune);
}

static size_t conv2d_dx_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    (void)device;
    const scl_conv_shape s = dx_of(n);
    return scl_conv_direct_workspace(&s, tune);
}

static scl_status conv2d_dx_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const scl_conv_shape s = dx_of(n);
    return scl_conv_direct_launch(q, n, &s, err);
}

static size_t conv2d_dx_gemm_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    (void)device, (void)tune;
    const scl_conv_shape s = dx_of(n);
    return scl_conv_gemm_workspace(&s);
}

static scl_status conv2d_dx_gemm(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const scl_conv_shape s = dx_of(n);
    return scl_conv_gemm_launch(q, n, &s, err);
}

static const scl_op conv2d_dx = {
    .name = "conv2d_dx",
    .family = "conv",
    .brief = "gradient of the input of a convolution",
    .formula = "dx = conv2d(dy, w'), w'[ky,kx,k,c] = w[R-1-ky,S-1-kx,c,k]",
    .in = { "dy f32[N,H,W,K]", "w f32[R,S,C,K]" },
    .out = { "dx f32[N,H,W,C]" },
    .attr = { "dilation int 1..64 = 1", "algorithm text = direct" },
    .shape = shape_check,
    .vjp = conv2d_dx_vjp,
    .jvp = conv2d_dx_jvp,
    .ref = conv2d_dx_ref,
    .impl = { { .name = "direct",
                .tune = SCL_CONV_TUNE,
                .gpu = SCL_CONV_GPU,
                .fits = conv2d_dx_fits,
                .workspace = conv2d_dx_workspace,
                .launch = conv2d_dx_launch },
              { .name = "clblast",
                .tune = SCL_CONV_GEMM_TUNE,
                .gpu = "WG=64",
                .fits = clblast_fits,
                .workspace = conv2d_dx_gemm_workspace,
                .launch = conv2d_dx_gemm,
                .tolerance = SCL_CONV_GEMM_TOLERANCE } },
    .flops = "2*N*H*W*C*K*R*S",
    .bytes = "4*N*H*W*C+4*N*H*W*K+4*R*S*C*K",
};

static void conv2d_dw_ref(const scl_node *n, const scl_host_values *v)
{
    const scl_conv_shape s = dw_of(n);
    scl_conv_dw_ref(&s, v->in[0], v->in[1], v->in[2], v->out[0]);
}

static bool conv2d_dw_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    const scl_conv_shape s = dw_of(n);
    return !scl_conv_is_clblast(n) && scl_conv_dw_fits(&s, device, tune);
}

static size_t conv2d_dw_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    (void)device;
    const scl_conv_shape s = dw_of(n);
    return scl_conv_dw_workspace(&s, tune);
}

static scl_status conv2d_dw_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const scl_conv_shape s = dw_of(n);
    return scl_conv_dw_launch(q, n, &s, err);
}

static size_t conv2d_dw_gemm_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    (void)device, (void)tune;
    const scl_conv_shape s = dw_of(n);
    return scl_conv_dw_gemm_workspace(&s);
}

static scl_status conv2d_dw_gemm(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const scl_conv_shape s = dw_of(n);
    return scl_conv_dw_gemm_launch(q, n, &s, scl_dim(n, 'T'), err);
}

static const scl_op conv2d_dw = {
    .name = "conv2d_dw",
    .family = "conv",
    .brief =
        "gradient of the weights of a convolution: stack of the tree over the global batch, for batch_root",
    .formula = "dw[ky,kx,c,k] = sum x[n, h + (ky-R/2) d, w + (kx-S/2) d, c] dy[n,h,w,k]",
    .in = { "x f32[N,H,W,C]", "dy f32[N,H,W,K]", "counters u32[16]", "acc f32[T,R,S,C,K]?" },
    .out = { "stack f32[T,R,S,C,K] @acc" },
    .attr = { "dilation int 1..64 = 1", "algorithm text = direct", "R int 1..", "S int 1..", "T int 1.." },
    .shape = shape_check,
    .ref = conv2d_dw_ref,
    .impl = { { .name = "direct",
                .tune = SCL_CONV_DW_TUNE,
                .gpu = SCL_CONV_GPU,
                .fits = conv2d_dw_fits,
                .workspace = conv2d_dw_workspace,
                .launch = conv2d_dw_launch },
              { .name = "clblast",
                .tune = SCL_CONV_GEMM_TUNE,
                .gpu = "WG=64",
                .fits = clblast_fits,
                .workspace = conv2d_dw_gemm_workspace,
                .launch = conv2d_dw_gemm,
                .tolerance = SCL_CONV_GEMM_TOLERANCE } },
    .flops = "2*N*H*W*C*K*R*S",
    .bytes = "4*N*H*W*C+4*N*H*W*K+4*R*S*C*K",
};

scl_family scl_family_conv = { &conv2d, &conv2d_dx, &conv2d_dw, NULL };
