/* stride - every other pixel, and its transpose: what strided and transposed convolutions are made of.
 *
 *   subsample2   y[n,i,j,c] = x[n,2i,2j,c]                        H and W even
 *   stuff2       y[n,2i,2j,c] = x[n,i,j,c], the other pixels 0
 * A convolution of stride 2 and padding 1 is subsample2 of the one of stride 1, PyTorch's transposed convolution of stride 2,
 * padding 1 and output padding 1 is conv2d_dx of stuff2: four times the arithmetic, in the few layers that have a stride, for
 * no further convolution (docs/design/decisions.md).  Both are linear, each the transpose of the other.
 * Kernels: cl/ops/stride.cl.  Oracles and cases: tests/ops/stride.c. */
#include "graph/arith.h"
#include "ops/items.h"

static scl_status even_image(scl_node *n, scl_err *err)
{
    const int H = scl_dim(n, 'H'), W = scl_dim(n, 'W');
    if (H % 2 || W % 2)
        return scl_fail(err, SCL_FAILED, "%s: an image of %d x %d pixels cannot be halved", n->op->name, H, W);
    return SCL_OK;
}

static scl_status subsample(scl_graph *g, scl_value *x, scl_value **y, scl_err *err)
{
    return SCL_APPLY(g, y, err, "subsample2", SCL_IN("x", x));
}

static scl_status stuff(scl_graph *g, scl_value *x, scl_value **y, scl_err *err)
{
    return SCL_APPLY(g, y, err, "stuff2", SCL_IN("x", x));
}

static scl_status subsample_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    (void)n;
    return stuff(g, dy[0], &dx[0], err);
}

static scl_status subsample_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    (void)n;
    return subsample(g, dx[0], &dy[0], err);
}

static scl_status stuff_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    (void)n;
    return subsample(g, dy[0], &dx[0], err);
}

static scl_status stuff_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    (void)n;
    return stuff(g, dx[0], &dy[0], err);
}

static void subsample_ref(const scl_node *n, const scl_host_values *v)
{
    const size_t W = (size_t)scl_dim(n, 'W'), C = (size_t)scl_dim(n, 'C'),
                 rows = (size_t)scl_dim(n, 'N') * (size_t)scl_dim(n, 'H') / 2;
    const float *x = v->in[0];
    float *y = v->out[0];
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < W / 2 * C; i++)
            y[row * (W / 2) * C + i] = scl_flush(x[(2 * row * W + 2 * (i / C)) * C + i % C]);
}

static void stuff_ref(const scl_node *n, const scl_host_values *v)
{
    const size_t W = (size_t)scl_dim(n, 'W'), C = (size_t)scl_dim(n, 'C'),
                 rows = (size_t)scl_dim(n, 'N') * (size_t)scl_dim(n, 'H');
    const float *x = v->in[0];
    float *y = v->out[0];
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < W * C; i++) {
            const bool taken = row % 2 == 0 && i / C % 2 == 0;
            y[row * W * C + i] = taken ? scl_flush(x[(row / 2 * (W / 2) + i / C / 2) * C + i % C]) : 0.0f;
        }
}

/* One item: a row of pixels of the result, VEC channels. */
static scl_status launch(scl_launcher *q, const scl_node *n, const char *kernel, int rows, scl_err *err)
{
    const int items = scl_items(q, (size_t)rows, scl_dim(n, 'C'));
    return SCL_LAUNCH(q, n, err, kernel, scl_items_grid(q, items), SCL_BUF(x), SCL_BUF(y), SCL_I32(W, scl_dim(n, 'W')),
                      SCL_I32(C, scl_dim(n, 'C')), SCL_I32(items, items));
}

static scl_status subsample_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    return launch(q, n, "subsample2", scl_dim(n, 'N') * (scl_dim(n, 'H') / 2), err);
}

static scl_status stuff_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    return launch(q, n, "stuff2", scl_dim(n, 'N') * scl_dim(n, 'H'), err);
}

static const scl_op subsample2 = {
    .name = "subsample2", .family = "stride",
    .brief = "every other pixel of every other row", .formula = "y[n,i,j,c] = x[n,2i,2j,c]",
    .in = { "x f32[N,H,W,C]" }, .out = { "y f32[N,H/2,W/2,C]" },
    .shape = even_image, .vjp = subsample_vjp, .jvp = subsample_jvp, .ref = subsample_ref,
    .impl = { { .name = "rows", .tune = SCL_ITEMS_TUNE, .gpu = SCL_ITEMS_GPU, .fits = scl_items_fit_c, .launch = subsample_launch } },
    .flops = "0*N", .bytes = "2*N*H*W*C",
};

static const scl_op stuff2 = {
    .name = "stuff2", .family = "stride",
    .brief = "zeros between pixels: the transpose of subsample2", .formula = "y[n,2i,2j,c] = x[n,i,j,c], else 0",
    .in = { "x f32[N,H/2,W/2,C]" }, .out = { "y f32[N,H,W,C]" },
    .vjp = stuff_vjp, .jvp = stuff_jvp, .ref = stuff_ref,
    .impl = { { .name = "rows", .tune = SCL_ITEMS_TUNE, .gpu = SCL_ITEMS_GPU, .fits = scl_items_fit_c, .launch = stuff_launch } },
    .flops = "0*N", .bytes = "5*N*H*W*C",
};

scl_family scl_family_stride = { &subsample2, &stuff2, NULL };
