/* pool - average, maximum and 2x2 mean pooling, and their transposes.
 *
 *   avg_pool        y[p] = (sum of the size x size pixels round p inside the image) * 1/size^2; stride 1, always divided by size^2
 *   avg_pool_grad   its transpose: dx[p] = chain over the outputs q round p in raster order of fma(1/size^2, dy[q], acc)
 *   max_pool        y[p] = largest of the pixels round p inside the image, the first in (ky, kx) order wins by >;
 *                   index[p] = its place y*W + x in the sample
 *   max_pool_grad   dx[p] = chain of + over the outputs q round p in raster order whose index is p
 *   max_pool_at     y[p] = x[index[p]]: the tangent of max_pool, and the transpose of max_pool_grad.  The winner of a tie is
 *                   max_pool's; where it changes, the derivative is that of the one that won
 *   mean_pool2      y = ((x00 + x10) + (x01 + x11)) * 0.25, the first digit the row; H and W even
 *   mean_pool2_grad dx = 0.25 * dy of its block
 * A pixel outside contributes nothing.  Size 5 is CRP's (Song & Ermon 2019); 2x2 means shrink the residual blocks.
 * Canonical order: docs/design/arithmetic.md 3.  Kernels: cl/ops/pool.cl.  Oracles and cases: tests/ops/pool.c. */
#include "graph/arith.h"
#include "ops/items.h"

typedef struct shape { int N, H, W, C, size; } shape;

static shape shape_of(const scl_node *n, bool sized)
{
    return (shape){ scl_dim(n, 'N'), scl_dim(n, 'H'), scl_dim(n, 'W'), scl_dim(n, 'C'),
                    sized ? (int)scl_attr_int(n, "size") : 0 };
}

static size_t at(const shape *s, int n, int y, int x, int c)
{
    return (((size_t)n * s->H + y) * s->W + x) * s->C + c;
}

/* (float)(1.0/25) = 0x1.47ae14p-5f for size 5. */
static float weight_of(int size) { return (float)(1.0 / (size * size)); }

static scl_status odd_size(scl_node *n, scl_err *err)
{
    if (scl_attr_int(n, "size") % 2 == 0)
        return scl_fail(err, SCL_FAILED, "%s: size %ld is not odd", n->op->name, scl_attr_int(n, "size"));
    return SCL_OK;
}

typedef struct element { int n, y, x, c; } element;

static element element_of(const shape *s, size_t i)
{
    const size_t pixel = i / s->C, row = pixel / s->W;
    return (element){ (int)(row / s->H), (int)(row % s->H), (int)(pixel % s->W), (int)(i % s->C) };
}

static int lower(int p, int size) { return p < size / 2 ? 0 : p - size / 2; }
static int upper(int p, int size, int end) { return p + size / 2 < end ? p + size / 2 : end - 1; }

/* ---- average ---- */

static scl_status avg_pool_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    return SCL_APPLY(g, &dx[0], err, "avg_pool_grad", SCL_IN("dy", dy[0]), SCL_INT("size", scl_attr_int(n, "size")));
}

static scl_status avg_pool_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    return SCL_APPLY(g, &dy[0], err, "avg_pool", SCL_IN("x", dx[0]), SCL_INT("size", scl_attr_int(n, "size")));
}

static void avg_pool_ref(const scl_node *n, const scl_host_values *v)
{
    const shape s = shape_of(n, true);
    const float *x = v->in[0];
    float *y = v->out[0];
    for (size_t i = 0; i < (size_t)s.N * s.H * s.W * s.C; i++) {
        const element e = element_of(&s, i);
        float sum = 0.0f;
        for (int iy = lower(e.y, s.size); iy <= upper(e.y, s.size, s.H); iy++)
            for (int ix = lower(e.x, s.size); ix <= upper(e.x, s.size, s.W); ix++)
                sum += x[at(&s, e.n, iy, ix, e.c)];
        y[i] = scl_flush(sum * weight_of(s.size));
    }
}

SCL_FAST_REF static void avg_pool_grad_ref(const scl_node *n, const scl_host_values *v)
{
    const shape s = shape_of(n, true);
    const float *dy = v->in[0];
    float *dx = v->out[0];
    for (size_t i = 0; i < (size_t)s.N * s.H * s.W * s.C; i++) {
        const element e = element_of(&s, i);
        float sum = 0.0f;
        for (int iy = lower(e.y, s.size); iy <= upper(e.y, s.size, s.H); iy++)
            for (int ix = lower(e.x, s.size); ix <= upper(e.x, s.size, s.W); ix++)
                sum = fmaf(weight_of(s.size), dy[at(&s, e.n, iy, ix, e.c)], sum);
        dx[i] = scl_flush(sum);
    }
}

/* One item: a row of pixels, VEC channels. */
static int row_items(const scl_launcher *q, const scl_node *n)
{
    return scl_items(q, (size_t)scl_dim(n, 'N') * scl_dim(n, 'H'), scl_dim(n, 'C'));
}

static scl_status avg_launch(scl_launcher *q, const scl_node *n, scl_err *err, const char *kernel, scl_launch_arg from,
                             scl_launch_arg to)
{
    const shape s = shape_of(n, true);
    const int items = row_items(q, n);
    return SCL_LAUNCH(q, n, err, kernel, scl_items_grid(q, items), from, to, SCL_I32(H, s.H), SCL_I32(W, s.W),
                      SCL_I32(C, s.C), SCL_F32_ARG(weight, weight_of(s.size)), SCL_I32(items, items),
                      SCL_DEFINE(SIZE, s.size));
}

static scl_status avg_pool_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    return avg_launch(q, n, err, "avg_pool", SCL_BUF(x), SCL_BUF(y));
}

static scl_status avg_pool_grad_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    return avg_launch(q, n, err, "avg_pool_grad", SCL_BUF(dy), SCL_BUF(dx));
}

static const scl_op avg_pool = {
    .name = "avg_pool", .family = "pool",
    .brief = "average of size x size pixels, stride 1, zero padding counted", .formula = "y[p] = 1/size^2 sum_q x[q]",
    .in = { "x f32[N,H,W,C]" }, .out = { "y f32[N,H,W,C]" }, .attr = { "size int 1..31 = 5" },
    .shape = odd_size, .vjp = avg_pool_vjp, .jvp = avg_pool_jvp, .ref = avg_pool_ref,
    .impl = { { .name = "rows", .tune = SCL_ITEMS_TUNE, .gpu = SCL_ITEMS_GPU, .fits = scl_items_fit_c,
                .launch = avg_pool_launch } },
    .flops = "size*size*N*H*W*C", .bytes = "8*N*H*W*C",
};

static scl_status avg_pool_grad_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    return SCL_APPLY(g, &dx[0], err, "avg_pool", SCL_IN("x", dy[0]), SCL_INT("size", scl_attr_int(n, "size")));
}

static scl_status avg_pool_grad_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    return SCL_APPLY(g, &dy[0], err, "avg_pool_grad", SCL_IN("dy", dx[0]), SCL_INT("size", scl_attr_int(n, "size")));
}

static const scl_op avg_pool_grad = {
    .name = "avg_pool_grad", .family = "pool",
    .brief = "transpose of avg_pool", .formula = "dx[p] = sum_q 1/size^2 dy[q]",
    .in = { "dy f32[N,H,W,C]" }, .out = { "dx f32[N,H,W,C]" }, .attr = { "size int 1..31 = 5" },
    .shape = odd_size, .vjp = avg_pool_grad_vjp, .jvp = avg_pool_grad_jvp, .ref = avg_pool_grad_ref,
    .impl = { { .name = "rows", .tune = SCL_ITEMS_TUNE, .gpu = SCL_ITEMS_GPU, .fits = scl_items_fit_c,
                .launch = avg_pool_grad_launch } },
    .flops = "2*size*size*N*H*W*C", .bytes = "8*N*H*W*C",
};

/* ---- maximum ---- */

static scl_status max_pool_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    return SCL_APPLY(g, &dx[0], err, "max_pool_grad", SCL_IN("dy", dy[0]), SCL_IN("index", n->out[1]),
                     SCL_INT("size", scl_attr_int(n, "size")));
}

static scl_status at_winner(scl_graph *g, const scl_node *n, scl_value *x, scl_value *index, scl_value **y,
                            scl_err *err)
{
    return SCL_APPLY(g, y, err, "max_pool_at", SCL_IN("x", x), SCL_IN("index", index),
                     SCL_INT("size", scl_attr_int(n, "size")));
}

static scl_status max_pool_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    return at_winner(g, n, dx[0], n->out[1], &dy[0], err);
}

static void max_pool_ref(const scl_node *n, const scl_host_values *v)
{
    const shape s = shape_of(n, true);
    const float *x = v->in[0];
    float *y = v->out[0];
    int *index = v->out[1];
    for (size_t i = 0; i < (size_t)s.N * s.H * s.W * s.C; i++) {
        const element e = element_of(&s, i);
        int best = -1;
        float largest = 0.0f;
        for (int iy = lower(e.y, s.size); iy <= upper(e.y, s.size, s.H); iy++)
            for (int ix = lower(e.x, s.size); ix <= upper(e.x, s.size, s.W); ix++) {
                const float value = x[at(&s, e.n, iy, ix, e.c)];
                if (best < 0 || value > largest) {
                    best = iy * s.W + ix;
                    largest = value;
                }
            }
        y[i] = scl_flush(largest);
        index[i] = best;
    }
}

static scl_status max_pool_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const shape s = shape_of(n, true);
    const int items = row_items(q, n);
    return SCL_LAUNCH(q, n, err, "max_pool", scl_items_grid(q, items), SCL_BUF(x), SCL_BUF(y), SCL_BUF(index),
                      SCL_I32(H, s.H), SCL_I32(W, s.W), SCL_I32(C, s.C), SCL_I32(items, items),
                      SCL_DEFINE(SIZE, s.size));
}

static const scl_op max_pool = {
    .name = "max_pool", .family = "pool",
    .brief = "largest of size x size pixels, stride 1, and where it was", .formula = "y[p] = max_q x[q]",
    .in = { "x f32[N,H,W,C]" }, .out = { "y f32[N,H,W,C]", "index i32[N,H,W,C]" }, .attr = { "size int 1..31 = 5" },
    .shape = odd_size, .vjp = max_pool_vjp, .jvp = max_pool_jvp, .ref = max_pool_ref,
    .impl = { { .name = "rows", .tune = SCL_ITEMS_TUNE, .gpu = SCL_ITEMS_GPU, .fits = scl_items_fit_c,
                .launch = max_pool_launch } },
    .flops = "size*size*N*H*W*C", .bytes = "12*N*H*W*C",
};

static void max_pool_grad_ref(const scl_node *n, const scl_host_values *v)
{
    const shape s = shape_of(n, true);
    const float *dy = v->in[0];
    const int *index = v->in[1];
    float *dx = v->out[0];
    for (size_t i = 0; i < (size_t)s.N * s.H * s.W * s.C; i++) {
        const element e = element_of(&s, i);
        float sum = 0.0f;
        for (int iy = lower(e.y, s.size); iy <= upper(e.y, s.size, s.H); iy++)
            for (int ix = lower(e.x, s.size); ix <= upper(e.x, s.size, s.W); ix++)
                if (index[at(&s, e.n, iy, ix, e.c)] == e.y * s.W + e.x)
                    sum += dy[at(&s, e.n, iy, ix, e.c)];
        dx[i] = scl_flush(sum);
    }
}

static scl_status max_pool_grad_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const shape s = shape_of(n, true);
    const int items = row_items(q, n);
    return SCL_LAUNCH(q, n, err, "max_pool_grad", scl_items_grid(q, items), SCL_BUF(dy), SCL_BUF(index), SCL_BUF(dx),
                      SCL_I32(H, s.H), SCL_I32(W, s.W), SCL_I32(C, s.C), SCL_I32(items, items), SCL_DEFINE(SIZE, s.size));
}

static scl_status max_pool_grad_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    return SCL_APPLY(g, &dy[0], err, "max_pool_grad", SCL_IN("dy", dx[0]), SCL_IN("index", n->in[1]),
                     SCL_INT("size", scl_attr_int(n, "size")));
}

static scl_status max_pool_grad_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    return at_winner(g, n, dy[0], n->in[1], &dx[0], err);
}

static const scl_op max_pool_grad = {
    .name = "max_pool_grad", .family = "pool",
    .brief = "transpose of max_pool at a given index", .formula = "dx[p] = sum over q with index[q] = p of dy[q]",
    .in = { "dy f32[N,H,W,C]", "index i32[N,H,W,C]" }, .out = { "dx f32[N,H,W,C]" }, .attr = { "size int 1..31 = 5" },
    .shape = odd_size, .vjp = max_pool_grad_vjp, .jvp = max_pool_grad_jvp, .ref = max_pool_grad_ref,
    .impl = { { .name = "rows", .tune = SCL_ITEMS_TUNE, .gpu = SCL_ITEMS_GPU, .fits = scl_items_fit_c,
                .launch = max_pool_grad_launch } },
    .flops = "size*size*N*H*W*C", .bytes = "12*N*H*W*C",
};

static scl_status max_pool_at_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    return SCL_APPLY(g, &dx[0], err, "max_pool_grad", SCL_IN("dy", dy[0]), SCL_IN("index", n->in[1]),
                     SCL_INT("size", scl_attr_int(n, "size")));
}

static scl_status max_pool_at_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    return at_winner(g, n, dx[0], n->in[1], &dy[0], err);
}

static void max_pool_at_ref(const scl_node *n, const scl_host_values *v)
{
    const int C = scl_dim(n, 'C');
    const size_t pixels = (size_t)scl_dim(n, 'H') * (size_t)scl_dim(n, 'W');
    const float *x = v->in[0];
    const int *index = v->in[1];
    float *y = v->out[0];
    for (size_t i = 0; i < (size_t)scl_dim(n, 'N') * pixels * (size_t)C; i++) {
        const size_t sample = i / (size_t)C / pixels, c = i % (size_t)C;
        y[i] = scl_flush(x[(sample * pixels + (size_t)index[i]) * (size_t)C + c]);
    }
}

static scl_status max_pool_at_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int items = row_items(q, n);
    return SCL_LAUNCH(q, n, err, "max_pool_at", scl_items_grid(q, items), SCL_BUF(x), SCL_BUF(index), SCL_BUF(y),
                      SCL_I32(H, scl_dim(n, 'H')), SCL_I32(W, scl_dim(n, 'W')), SCL_I32(C, scl_dim(n, 'C')), SCL_I32(items, items));
}

static const scl_op max_pool_at = {
    .name = "max_pool_at", .family = "pool",
    .brief = "the pixels that won a max_pool: its tangent", .formula = "y[p] = x[index[p]]",
    .in = { "x f32[N,H,W,C]", "index i32[N,H,W,C]" }, .out = { "y f32[N,H,W,C]" }, .attr = { "size int 1..31 = 5" },
    .shape = odd_size, .vjp = max_pool_at_vjp, .jvp = max_pool_at_jvp, .ref = max_pool_at_ref,
    .impl = { { .name = "rows", .tune = SCL_ITEMS_TUNE, .gpu = SCL_ITEMS_GPU, .fits = scl_items_fit_c,
                .launch = max_pool_at_launch } },
    .flops = "0*N", .bytes = "12*N*H*W*C",
};

/* ---- 2x2 mean ---- */

static scl_status even_image(scl_node *n, scl_err *err)
{
    const int H = scl_dim(n, 'H'), W = scl_dim(n, 'W');
    if (H % 2 || W % 2)
        return scl_fail(err, SCL_FAILED, "%s: an image of %d x %d pixels cannot be halved", n->op->name, H, W);
    return SCL_OK;
}

static scl_status mean_pool2_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    (void)n;
    return SCL_APPLY(g, &dx[0], err, "mean_pool2_grad", SCL_IN("dy", dy[0]));
}

static scl_status mean_pool2_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    (void)n;
    return SCL_APPLY(g, &dy[0], err, "mean_pool2", SCL_IN("x", dx[0]));
}

static void mean_pool2_ref(const scl_node *n, const scl_host_values *v)
{
    const shape s = shape_of(n, false), half = { s.N, s.H / 2, s.W / 2, s.C, 0 };
    const float *x = v->in[0];
    float *y = v->out[0];
    for (size_t i = 0; i < (size_t)half.N * half.H * half.W * half.C; i++) {
        const element e = element_of(&half, i);
        const float left = x[at(&s, e.n, 2 * e.y, 2 * e.x, e.c)] + x[at(&s, e.n, 2 * e.y + 1, 2 * e.x, e.c)];
        const float right = x[at(&s, e.n, 2 * e.y, 2 * e.x + 1, e.c)] + x[at(&s, e.n, 2 * e.y + 1, 2 * e.x + 1, e.c)];
        y[i] = scl_flush((left + right) * 0.25f);
    }
}

static scl_status mean_pool2_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const shape s = shape_of(n, false);
    const int items = scl_items(q, (size_t)s.N * (s.H / 2), s.C);
    return SCL_LAUNCH(q, n, err, "mean_pool2", scl_items_grid(q, items), SCL_BUF(x), SCL_BUF(y), SCL_I32(W, s.W),
                      SCL_I32(C, s.C), SCL_I32(items, items));
}

static const scl_op mean_pool2 = {
    .name = "mean_pool2", .family = "pool",
    .brief = "mean of 2x2 pixels, stride 2", .formula = "y = ((x00 + x10) + (x01 + x11)) / 4",
    .in = { "x f32[N,H,W,C]" }, .out = { "y f32[N,H/2,W/2,C]" },
    .shape = even_image, .vjp = mean_pool2_vjp, .jvp = mean_pool2_jvp, .ref = mean_pool2_ref,
    .impl = { { .name = "rows", .tune = SCL_ITEMS_TUNE, .gpu = SCL_ITEMS_GPU, .fits = scl_items_fit_c,
                .launch = mean_pool2_launch } },
    .flops = "N*H*W*C", .bytes = "5*N*H*W*C",
};

static scl_status mean_pool2_grad_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx,
                                      scl_err *err)
{
    (void)n;
    return SCL_APPLY(g, &dx[0], err, "mean_pool2", SCL_IN("x", dy[0]));
}

static scl_status mean_pool2_grad_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy,
                                      scl_err *err)
{
    (void)n;
    return SCL_APPLY(g, &dy[0], err, "mean_pool2_grad", SCL_IN("dy", dx[0]));
}

static void mean_pool2_grad_ref(const scl_node *n, const scl_host_values *v)
{
    const shape s = shape_of(n, false), half = { s.N, s.H / 2, s.W / 2, s.C, 0 };
    const float *dy = v->in[0];
    float *dx = v->out[0];
    for (size_t i = 0; i < (size_t)s.N * s.H * s.W * s.C; i++) {
        const element e = element_of(&s, i);
        dx[i] = scl_flush(dy[at(&half, e.n, e.y / 2, e.x / 2, e.c)] * 0.25f);
    }
}

static scl_status mean_pool2_grad_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const shape s = shape_of(n, false);
    const int items = row_items(q, n);
    return SCL_LAUNCH(q, n, err, "mean_pool2_grad", scl_items_grid(q, items), SCL_BUF(dy), SCL_BUF(dx), SCL_I32(W, s.W),
                      SCL_I32(C, s.C), SCL_I32(items, items));
}

static const scl_op mean_pool2_grad = {
    .name = "mean_pool2_grad", .family = "pool",
    .brief = "transpose of mean_pool2", .formula = "dx = dy / 4",
    .in = { "dy f32[N,H/2,W/2,C]" }, .out = { "dx f32[N,H,W,C]" },
    .vjp = mean_pool2_grad_vjp, .jvp = mean_pool2_grad_jvp, .ref = mean_pool2_grad_ref,
    .impl = { { .name = "rows", .tune = SCL_ITEMS_TUNE, .gpu = SCL_ITEMS_GPU, .fits = scl_items_fit_c,
                .launch = mean_pool2_grad_launch } },
    .flops = "N*H*W*C", .bytes = "5*N*H*W*C",
};

scl_family scl_family_pool = { &avg_pool, &avg_pool_grad, &max_pool, &max_pool_grad, &max_pool_at, &mean_pool2, &mean_pool2_grad, NULL };
