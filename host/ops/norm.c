/* norm - InstanceNorm++ (Song & Ermon 2019), conditional or not, in pieces that the graph puts together.
 *
 *   mean[n,c], variance[n,c]   over the pixels of x            pixel_stats     (variance is biased: divisor H*W)
 *   m[n], v[n]                 over the channels of mean       channel_stats   (v is unbiased: divisor C-1)
 *   a = gamma / sigma,  b = gamma*alpha * mhat + beta          norm_coef       sigma = sqrt(variance + eps),
 *                                                                             mhat = (mean - m) / sqrt(v + eps)
 *   y = (x - mean) * a + b                                     norm_apply      rows = [gamma | alpha | beta]
 * rows are looked up by level (embedding), or one for all samples made of three vectors (norm_rows, host/ops/norm_rows.c).
 *
 * (x - mean) * a and not x*a + b': the latter loses |mean|/sigma ulps.  Sums: leaves of 4x4 pixels through sum64; a leaf's share
 * of the variance is its spread about its own mean plus cnt*(leaf mean - mean)^2, never a sum of squares.
 *
 * norm_apply's derivative is the total one, through the statistics, so these are constants to autodiff.  Its rule, with
 * u = dy: (g, s0, s1) = norm_grad, (drows, t) = norm_rows_grad, w = channel_grad(t), dx = gamma*g + w; host/ops/norm_grad.c.
 * Its tangent and second order: host/ops/norm_tangent.c, host/ops/norm_second.c.
 * Kernels: cl/ops/norm.cl.  Oracles and cases: tests/ops/norm.c. */
#include "ops/norm.h"

#include "graph/arith.h"
#include "ops/items.h"

int scl_leaves(const scl_plane *p) { return (p->H + SUM_LEAF - 1) / SUM_LEAF * ((p->W + SUM_LEAF - 1) / SUM_LEAF); }

scl_leaf scl_leaf_at(const scl_plane *p, int i)
{
    const int across = (p->W + SUM_LEAF - 1) / SUM_LEAF;
    scl_leaf leaf = { .y = i / across * SUM_LEAF, .x = i % across * SUM_LEAF };
    leaf.h = p->H - leaf.y < SUM_LEAF ? p->H - leaf.y : SUM_LEAF;
    leaf.w = p->W - leaf.x < SUM_LEAF ? p->W - leaf.x : SUM_LEAF;
    return leaf;
}

/* Sum of squared distances from mu. */
SCL_FAST_REF static float plane_spread(const scl_plane *p, float mu)
{
    scl_sum_stream sum = { 0 };
    for (int i = 0; i < scl_leaves(p); i++) {
        const scl_leaf leaf = scl_leaf_at(p, i);
        const int count = leaf.h * leaf.w;
        float s = 0.0f, squares = 0.0f;
        for (int k = 0; k < count; k++)
            s += p->data[scl_leaf_pixel(p, &leaf, k)];
        const float m = s * scl_inverse(count);
        for (int k = 0; k < count; k++) {
            const float d = p->data[scl_leaf_pixel(p, &leaf, k)] - m;
            squares = fmaf(d, d, squares);
        }
        const float e = m - mu, t = (float)count * e;
        scl_sum_push(&sum, fmaf(t, e, squares));
    }
    return scl_sum_end(&sum);
}

SCL_FAST_REF float scl_flat_distances(const float *a, const float *mean, float m, int C)
{
    scl_flat sum = { 0 };
    for (int c = 0; c < C; c++) {
        const float d = mean[c] - m;
        scl_flat_add_product(&sum, a ? a[c] : d, d);
    }
    return scl_flat_end(&sum);
}

int scl_row_step(const scl_node *n) { return scl_dim(n, 'B') == 1 ? 0 : scl_dim(n, 'S'); }

scl_status scl_check_rows(const scl_node *n, int rows, scl_err *err)
{
    const int B = scl_dim(n, 'B'), N = scl_dim(n, 'N'), C = scl_dim(n, 'C'), S = scl_dim(n, 'S');
    if ((B != N && B != 1) || S != 3 * C)
        return scl_fail(err, SCL_FAILED, "%s: %s is [%d,%d], not [%d or 1,%d] = [gamma | alpha | beta]", n->op->name,
                        n->in_name[rows], B, S, N, 3 * C);
    return SCL_OK;
}

/* ---- pixel_sum and its transpose ---- */

static scl_status pixel_sum_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    return SCL_APPLY(g, &dx[0], err, "pixel_spread", SCL_IN("s", dy[0]), SCL_INT("H", scl_dim(n, 'H')),
                     SCL_INT("W", scl_dim(n, 'W')));
}

static scl_status pixel_sum_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    (void)n;
    return SCL_APPLY(g, &dy[0], err, "pixel_sum", SCL_IN("x", dx[0]));
}

static void pixel_sum_ref(const scl_node *n, const scl_host_values *v)
{
    const int N = scl_dim(n, 'N'), H = scl_dim(n, 'H'), W = scl_dim(n, 'W'), C = scl_dim(n, 'C');
    const float *x = v->in[0];
    float *s = v->out[0];
    for (int i = 0; i < N * C; i++)
        s[i] = scl_flush(scl_pixel_sum(x + (size_t)(i / C) * H * W * C + i % C, H, W, (size_t)C));
}

static scl_status pixel_sum_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int items = scl_items(q, scl_dim(n, 'N'), scl_dim(n, 'C'));
    return SCL_LAUNCH(q, n, err, "pixel_sum", scl_items_grid(q, items), SCL_BUF(x), SCL_BUF(s), SCL_I32(H, scl_dim(n, 'H')),
                      SCL_I32(W, scl_dim(n, 'W')), SCL_I32(C, scl_dim(n, 'C')), SCL_I32(items, items));
}

static const scl_op pixel_sum = {
    .name = "pixel_sum", .family = "norm",
    .brief = "sum over the pixels of each channel of each sample", .formula = "s[n,c] = sum_p x[n,p,c]",
    .in = { "x f32[N,H,W,C]" }, .out = { "s f32[N,C]" },
    .vjp = pixel_sum_vjp, .jvp = pixel_sum_jvp, .ref = pixel_sum_ref,
    .impl = { { .name = "channels", .tune = SCL_ITEMS_TUNE, .gpu = SCL_ITEMS_GPU, .fits = scl_items_fit_c,
                .launch = pixel_sum_launch } },
    .flops = "N*H*W*C", .bytes = "4*N*H*W*C",
};

static scl_status pixel_spread_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    (void)n;
    return SCL_APPLY(g, &dx[0], err, "pixel_sum", SCL_IN("x", dy[0]));
}

static scl_status pixel_spread_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    return SCL_APPLY(g, &dy[0], err, "pixel_spread", SCL_IN("s", dx[0]), SCL_INT("H", scl_dim(n, 'H')),
                     SCL_INT("W", scl_dim(n, 'W')));
}

static void pixel_spread_ref(const scl_node *n, const scl_host_values *v)
{
    const int C = scl_dim(n, 'C'), pixels = scl_dim(n, 'H') * scl_dim(n, 'W');
    const float *s = v->in[0];
    float *x = v->out[0];
    for (int i = 0; i < scl_dim(n, 'N') * pixels; i++)
        for (int c = 0; c < C; c++)
            x[(size_t)i * C + c] = scl_flush(s[(size_t)(i / pixels) * C + c]);
}

static scl_status pixel_spread_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int items = scl_items(q, (size_t)scl_dim(n, 'N') * scl_dim(n, 'H'), scl_dim(n, 'C'));
    return SCL_LAUNCH(q, n, err, "pixel_spread", scl_items_grid(q, items), SCL_BUF(s), SCL_BUF(x),
                      SCL_I32(H, scl_dim(n, 'H')), SCL_I32(W, scl_dim(n, 'W')), SCL_I32(C, scl_dim(n, 'C')),
                      SCL_I32(items, items));
}

static const scl_op pixel_spread = {
    .name = "pixel_spread", .family = "norm",
    .brief = "every pixel gets its sample's and channel's value: the transpose of pixel_sum", .formula = "x[n,p,c] = s[n,c]",
    .in = { "s f32[N,C]" }, .out = { "x f32[N,H,W,C]" }, .attr = { "H int 1..", "W int 1.." },
    .vjp = pixel_spread_vjp, .jvp = pixel_spread_jvp, .ref = pixel_spread_ref,
    .impl = { { .name = "rows", .tune = SCL_ITEMS_TUNE, .gpu = SCL_ITEMS_GPU, .fits = scl_items_fit_c,
                .launch = pixel_spread_launch } },
    .flops = "0*N", .bytes = "4*N*H*W*C",
};

/* ---- statistics ---- */

void scl_norm_pixel_stats(const float *x, int N, int H, int W, int C, float *mean, float *variance)
{
    const float inv = scl_inverse((double)H * W);
    for (int i = 0; i < N * C; i++) {
        const scl_plane p = { x + (size_t)(i / C) * H * W * C + i % C, H, W, C };
        mean[i] = scl_flush(scl_pixel_sum(p.data, H, W, (size_t)C) * inv);
        variance[i] = scl_flush(plane_spread(&p, mean[i]) * inv);
    }
}

static void pixel_stats_ref(const scl_node *n, const scl_host_values *v)
{
    scl_norm_pixel_stats(v->in[0], scl_dim(n, 'N'), scl_dim(n, 'H'), scl_dim(n, 'W'), scl_dim(n, 'C'), v->out[0], v->out[1]);
}

static scl_status pixel_stats_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int H = scl_dim(n, 'H'), W = scl_dim(n, 'W'), h = H % SUM_LEAF, w = W % SUM_LEAF;
    const int items = scl_items(q, scl_dim(n, 'N'), scl_dim(n, 'C'));
    return SCL_LAUNCH(q, n, err, "pixel_stats", scl_items_grid(q, items), SCL_BUF(x), SCL_BUF(mean), SCL_BUF(variance),
                      SCL_I32(H, H), SCL_I32(W, W), SCL_I32(C, scl_dim(n, 'C')), SCL_I32(items, items),
                      SCL_F32_ARG(inv_pixels, scl_inverse((double)H * W)),
                      SCL_F32_ARG(inv_right, w ? scl_inverse(SUM_LEAF * w) : 0.0f),
                      SCL_F32_ARG(inv_bottom, h ? scl_inverse(h * SUM_LEAF) : 0.0f),
                      SCL_F32_ARG(inv_corner, h && w ? scl_inverse(h * w) : 0.0f));
}

static const scl_op pixel_stats = {
    .name = "pixel_stats", .family = "norm",
    .brief = "mean and biased variance over the pixels of each channel of each sample",
    .formula = "mean = 1/HW sum_p x,  variance = 1/HW sum_p (x - mean)^2",
    .in = { "x f32[N,H,W,C]" }, .out = { "mean f32[N,C]", "variance f32[N,C]" },
    .constant = true,          /* norm_apply's rule is the total derivative, through these statistics */
    .ref = pixel_stats_ref,
    .impl = { { .name = "channels", .tune = SCL_ITEMS_TUNE, .gpu = SCL_ITEMS_GPU, .fits = scl_items_fit_c,
                .launch = pixel_stats_launch } },
    .flops = "4*N*H*W*C", .bytes = "4*N*H*W*C",
};

scl_status scl_check_channels(scl_node *n, scl_err *err)
{
    if (scl_dim(n, 'C') < 2)
        return scl_fail(err, SCL_FAILED, "%s: InstanceNorm++ needs at least 2 channels", n->op->name);
    return SCL_OK;
}

void scl_norm_channel_stats(const float *mean, int N, int C, float *m, float *v)
{
    for (int i = 0; i < N; i++, mean += C) {
        m[i] = scl_flush(scl_flat_sum(mean, (size_t)C) * scl_inverse(C));
        v[i] = scl_flush(scl_flat_distances(NULL, mean, m[i], C) * scl_inverse(C - 1));
    }
}

static void channel_stats_ref(const scl_node *n, const scl_host_values *v)
{
    scl_norm_channel_stats(v->in[0], scl_dim(n, 'N'), scl_dim(n, 'C'), v->out[0], v->out[1]);
}

static scl_status channel_stats_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int C = scl_dim(n, 'C');
    return SCL_LAUNCH(q, n, err, "channel_stats",
                      scl_groups((size_t)scl_tune_get(scl_launcher_tune(q), "WG"), (size_t)scl_dim(n, 'N'), 1, 1),
                      SCL_BUF(mean), SCL_BUF(m), SCL_BUF(v), SCL_I32(C, C), SCL_F32_ARG(inv_c, scl_inverse(C)),
                      SCL_F32_ARG(inv_c1, scl_inverse(C - 1)));
}

static const scl_op channel_stats = {
    .name = "channel_stats", .family = "norm",
    .brief = "mean and unbiased variance of the channels' means of each sample",
    .formula = "m = 1/C sum_c mean,  v = 1/(C-1) sum_c (mean - m)^2",
    .in = { "mean f32[N,C]" }, .out = { "m f32[N]", "v f32[N]" },
    .shape = scl_check_channels,
    .constant = true,          /* as pixel_stats */
    .ref = channel_stats_ref,
    .impl = { { .name = "group_per_sample", .tune = "WG=1|16|64", .cpu = "WG=1", .gpu = "WG=64", .fits = scl_group_fits,
                .launch = channel_stats_launch } },
    .flops = "4*N*C", .bytes = "4*N*C",
};

/* ---- coefficients and application ---- */

static scl_status norm_coef_shape(scl_node *n, scl_err *err) { return scl_check_rows(n, 4, err); }

SCL_FAST_REF void scl_norm_coefs(const scl_norm_values *v, int N, int C, int row_step, float eps)
{
    for (int i = 0; i < N * C; i++) {
        const float *row = v->rows + (size_t)(i / C) * row_step + i % C, gamma = row[0], alpha = row[C], beta = row[2 * C];
        const float mhat = scl_div(v->mean[i] - v->m[i / C], scl_sqrt(v->v[i / C] + eps)), shift = gamma * alpha;
        v->a[i] = scl_flush(scl_div(gamma, scl_sqrt(v->variance[i] + eps)));
        v->b[i] = scl_flush(fmaf(shift, mhat, beta));
    }
}

static void norm_coef_ref(const scl_node *n, const scl_host_values *v)
{
    const scl_norm_values values = { v->in[0], v->in[1], v->in[2], v->in[3], v->in[4], v->out[0], v->out[1] };
    scl_norm_coefs(&values, scl_dim(n, 'N'), scl_dim(n, 'C'), scl_row_step(n), (float)scl_attr_real(n, "eps"));
}

static scl_status norm_coef_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int items = scl_items(q, scl_dim(n, 'N'), scl_dim(n, 'C'));
    return SCL_LAUNCH(q, n, err, "norm_coef", scl_items_grid(q, items), SCL_BUF(mean), SCL_BUF(variance), SCL_BUF(m), SCL_BUF(v),
                      SCL_BUF(rows), SCL_BUF(a), SCL_BUF(b), SCL_I32(C, scl_dim(n, 'C')), SCL_I32(row_step, scl_row_step(n)),
                      SCL_F32_ARG(eps, (float)scl_attr_real(n, "eps")), SCL_I32(items, items));
}

static const scl_op norm_coef = {
    .name = "norm_coef", .family = "norm",
    .brief = "scale and shift of InstanceNorm++ for each channel of each sample; rows = [gamma | alpha | beta]",
    .formula = "a = gamma/sqrt(variance+eps),  b = gamma*alpha*(mean-m)/sqrt(v+eps) + beta",
    .in = { "mean f32[N,C]", "variance f32[N,C] > 0", "m f32[N]", "v f32[N] > 0", "rows f32[B,S]" },
    .out = { "a f32[N,C]", "b f32[N,C]" }, .attr = { "eps real 1e-12..1 = 1e-5" },
    .shape = norm_coef_shape,
    .constant = true,          /* as pixel_stats; the cotangent of rows comes from norm_apply, which has them as an input */
    .ref = norm_coef_ref,
    .impl = { { .name = "channels", .tune = SCL_ITEMS_TUNE, .gpu = SCL_ITEMS_GPU, .fits = scl_items_fit_c,
                .launch = norm_coef_launch } },
    .flops = "40*N*C", .bytes = "28*N*C",
};

enum { IN_X, IN_MEAN, IN_A, IN_B, IN_VARIANCE, IN_M, IN_V, IN_ROWS };

static scl_status norm_apply_shape(scl_node *n, scl_err *err) { return scl_check_rows(n, IN_ROWS, err); }

/* One row for all samples; of a single sample, weights and not a row looked up. */
static bool rows_are_shared(const scl_node *n, int rows)
{
    const scl_node *producer = n->in[rows]->producer;
    return scl_dim(n, 'B') == 1 && (scl_dim(n, 'N') > 1 || !producer || producer->op == &scl_op_norm_rows);
}

scl_arg scl_norm_row(const scl_node *n, int rows, const char *name, int part)
{
    const int offset = part * scl_dim(n, 'C');
    return rows_are_shared(n, rows) ? SCL_CHANNEL(name, n->in[rows], offset)
                                    : SCL_SAMPLE_CHANNEL(name, n->in[rows], offset);
}

scl_status scl_norm_rows_cotangent(scl_graph *g, scl_value **out, const scl_node *n, int rows, scl_value *drows, scl_err *err)
{
    *out = drows;
    return rows_are_shared(n, rows) ? scl_sum_over_batch(g, out, drows, err) : SCL_OK;
}

static scl_status norm_apply_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    const double eps = scl_attr_real(n, "eps");
    const int pixels = scl_dim(n, 'H') * scl_dim(n, 'W');
    scl_value *sums[3], *rows[2], *w;
    SCL_TRY(SCL_APPLY(g, sums, err, "norm_grad", SCL_IN("x", n->in[IN_X]), SCL_IN("mean", n->in[IN_MEAN]),
                      SCL_IN("variance", n->in[IN_VARIANCE]), SCL_IN("u", dy[0]), SCL_REAL("eps", eps)));
    SCL_TRY(SCL_APPLY(g, rows, err, "norm_rows_grad", SCL_IN("s0", sums[1]), SCL_IN("s1", sums[2]),
                      SCL_IN("mean", n->in[IN_MEAN]), SCL_IN("m", n->in[IN_M]), SCL_IN("v", n->in[IN_V]),
                      SCL_IN("rows", n->in[IN_ROWS]), SCL_IN("x", n->in[IN_X]), SCL_INT("pixels", pixels), SCL_REAL("eps", eps)));
    if (scl_want(n, IN_X)) {
        SCL_TRY(SCL_APPLY(g, &w, err, "channel_grad", SCL_IN("mean", n->in[IN_MEAN]), SCL_IN("m", n->in[IN_M]),
                          SCL_IN("v", n->in[IN_V]), SCL_IN("u", rows[1]), SCL_IN("x", n->in[IN_X]), SCL_REAL("eps", eps)));
        SCL_TRY(SCL_POINTWISE(g, &dx[IN_X], err, "fma(gamma, g, w)", scl_norm_row(n, IN_ROWS, "gamma", 0), SCL_IN("g", sums[0]),
                              SCL_IN("w", w)));
    }
    return scl_want(n, IN_ROWS) ? scl_norm_rows_cotangent(g, &dx[IN_ROWS], n, IN_ROWS, rows[0], err) : SCL_OK;
}

/* gamma * (N u + alpha * M u), the tangent u of x; M u is the same for all pixels of a channel: host/ops/norm_tangent.c. */
static scl_status norm_apply_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    const double eps = scl_attr_real(n, "eps");
    scl_value *x = n->in[IN_X], *mean = n->in[IN_MEAN], *variance = n->in[IN_VARIANCE], *m = n->in[IN_M], *v = n->in[IN_V];
    scl_value *sums[3], *coef[4];
    if (dx[IN_ROWS])
        return scl_fail(err, SCL_FAILED, "operator 'norm_apply' has no jvp rule for 'rows'");
    if (!dx[IN_X])
        return SCL_OK;
    SCL_TRY(SCL_APPLY(g, sums, err, "norm_grad", SCL_IN("x", x), SCL_IN("mean", mean), SCL_IN("variance", variance),
                      SCL_IN("u", dx[IN_X]), SCL_REAL("eps", eps)));
    SCL_TRY(SCL_APPLY(g, coef, err, "norm_tangent_coef", SCL_IN("mean", mean), SCL_IN("m", m), SCL_IN("v", v),
                      SCL_IN("s0", sums[1]), SCL_IN("rows", n->in[IN_ROWS]),
                      SCL_INT("pixels", scl_dim(n, 'H') * scl_dim(n, 'W')), SCL_REAL("eps", eps)));
    return SCL_APPLY(g, dy, err, "norm_tangent", SCL_IN("g", sums[0]), SCL_IN("a", coef[2]), SCL_IN("b", coef[3]), SCL_IN("x", x),
                     SCL_IN("u", dx[IN_X]), SCL_IN("mean", mean), SCL_IN("variance", variance), SCL_IN("m", m), SCL_IN("v", v),
                     SCL_IN("s0", sums[1]), SCL_IN("s1", sums[2]), SCL_IN("w", coef[0]), SCL_IN("mu", coef[1]),
                     SCL_IN("rows", n->in[IN_ROWS]), SCL_REAL("eps", eps));
}

static const scl_op norm_apply = {
    .name = "norm_apply", .family = "norm",
    .brief = "InstanceNorm++ with its coefficients; variance, m, v and rows are there for the total derivative",
    .formula = "y = (x - mean) * a + b",
    .in = { "x f32[N,H,W,C]", "mean f32[N,C]", "a f32[N,C]", "b f32[N,C]", "variance f32[N,C] > 0", "m f32[N]", "v f32[N] > 0",
            "rows f32[B,S]" },
    .out = { "y f32[N,H,W,C]" }, .attr = { "eps real 1e-12..1 = 1e-5" },
    .shape = norm_apply_shape, .vjp = norm_apply_vjp, .jvp = norm_apply_jvp, .total = true,
    .expr = "fma(x - mean, a, b)",
    .flops = "3*N*H*W*C", .bytes = "8*N*H*W*C",
};

scl_family scl_family_norm = { &pixel_sum, &pixel_spread, &pixel_stats, &channel_stats, &norm_coef, &scl_op_norm_rows, &scl_op_norm_stats, &norm_apply,
                               &scl_op_norm_grad, &scl_op_channel_grad, &scl_op_norm_rows_grad, NULL };
