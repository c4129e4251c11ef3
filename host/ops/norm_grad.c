/* norm_grad, channel_grad, norm_rows_grad - the derivatives that InstanceNorm++ is made of (host/ops/norm.c).
 *
 * With d = x - mean, sigma = sqrt(variance + eps), r = 1/sigma, P = H*W:
 *   norm_grad       s0 = sum_p u,  s1 = (sum_p u*d) / sigma,  g = (u - s0/P - (d/sigma)*(s1/P)) / sigma
 *                   bits: g = fma(-(s1/P)*r, d, u - s0/P) * r
 *   channel_grad    the same over the channels' means with divisor C-1: d = mean - m, r = 1/sqrt(v + eps)
 *                   bits: w = fma(-(q/(C-1))*r, d, u - flat(u)/C) * r,  q = flat(u*d) * r
 *   norm_rows_grad  mhat = (mean - m)/sqrt(v + eps):  dgamma = alpha*mhat * s0 + s1,  dalpha = gamma*mhat * s0,  dbeta = s0,
 *                   and t = gamma*alpha * s0 / P, whose channel_grad joins every pixel's cotangent
 * x of the last two is there for the total derivative (norm_rules.c): the means are those of its pixels.
 * Both gradients are symmetric linear maps of u, so each is its own transpose.  s0 and s1 are used as flushed.
 * Division by a count is a product with (float)(1.0/count).  Kernels: cl/ops/norm.cl. */
#include "graph/arith.h"
#include "ops/items.h"
#include "ops/norm.h"

static float eps_of(const scl_node *n) { return (float)scl_attr_real(n, "eps"); }

/* ---- norm_grad ---- */

/* Sums of u and of u * (x - mu) over a plane, not flushed. */
SCL_FAST_REF static void plane_sums(const scl_plane *u, const scl_plane *x, float mu, float *sum, float *product)
{
    scl_sum_stream sums = { 0 }, products = { 0 };
    for (int i = 0; i < scl_leaves(u); i++) {
        const scl_leaf leaf = scl_leaf_at(u, i);
        float s = 0.0f, q = 0.0f;
        for (int k = 0; k < leaf.h * leaf.w; k++) {
            const size_t at = scl_leaf_pixel(u, &leaf, k);
            const float d = x->data[at] - mu;
            s += u->data[at];
            q = fmaf(u->data[at], d, q);
        }
        scl_sum_push(&sums, s);
        scl_sum_push(&products, q);
    }
    *sum = scl_sum_end(&sums);
    *product = scl_sum_end(&products);
}

SCL_FAST_REF static void norm_grad_ref(const scl_node *n, const scl_host_values *v)
{
    const int N = scl_dim(n, 'N'), H = scl_dim(n, 'H'), W = scl_dim(n, 'W'), C = scl_dim(n, 'C');
    const float *mean = v->in[1], *variance = v->in[2], eps = eps_of(n), inv = scl_inverse((double)H * W);
    float *s0 = v->out[1], *s1 = v->out[2];
    for (int i = 0; i < N * C; i++) {
        const size_t first = (size_t)(i / C) * H * W * C + i % C;
        const scl_plane x = { (const float *)v->in[0] + first, H, W, C }, u = { (const float *)v->in[3] + first, H, W, C };
        const float sigma = scl_sqrt(variance[i] + eps), r = scl_rcp(sigma);
        float sum, product, *g = (float *)v->out[0] + first;
        plane_sums(&u, &x, mean[i], &sum, &product);
        s0[i] = scl_flush(sum);
        s1[i] = scl_flush(scl_div(product, sigma));
        const float k0 = s0[i] * inv, k1 = s1[i] * inv * -r;
        for (size_t p = 0; p < (size_t)H * W * C; p += C) {
            const float d = x.data[p] - mean[i], t = u.data[p] - k0;
            g[p] = scl_flush(fmaf(k1, d, t) * r);
        }
    }
}

static scl_status norm_grad_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int H = scl_dim(n, 'H'), W = scl_dim(n, 'W'), items = scl_items(q, scl_dim(n, 'N'), scl_dim(n, 'C'));
    return SCL_LAUNCH(q, n, err, "norm_grad", scl_items_grid(q, items), SCL_BUF(x), SCL_BUF(mean), SCL_BUF(variance), SCL_BUF(u),
                      SCL_BUF(g), SCL_BUF(s0), SCL_BUF(s1), SCL_I32(H, H), SCL_I32(W, W), SCL_I32(C, scl_dim(n, 'C')),
                      SCL_I32(items, items), SCL_F32_ARG(inv_pixels, scl_inverse((double)H * W)),
                      SCL_F32_ARG(eps, eps_of(n)));
}

static scl_status norm_grad_sample(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int H = scl_dim(n, 'H'), W = scl_dim(n, 'W'), C = scl_dim(n, 'C');
    const size_t level = sizeof(float) * SUM_LEVELS * (size_t)C;
    return SCL_LAUNCH(q, n, err, "norm_grad_sample", scl_groups(1, (size_t)scl_dim(n, 'N'), 1, 1), SCL_BUF(x), SCL_BUF(mean),
                      SCL_BUF(variance), SCL_BUF(u), SCL_BUF(g), SCL_BUF(s0), SCL_BUF(s1), SCL_I32(H, H), SCL_I32(W, W),
                      SCL_I32(C, C), SCL_F32_ARG(inv_pixels, scl_inverse((double)H * W)), SCL_F32_ARG(eps, eps_of(n)),
                      SCL_LOCAL(sums, level), SCL_LOCAL(products, level));
}

const scl_op scl_op_norm_grad = {
    .name = "norm_grad", .family = "norm",
    .brief = "derivative of a channel's normalisation over its pixels, applied to u",
    .formula = "g = (u - s0/HW - xhat*s1/HW) / sigma,  s0 = sum_p u,  s1 = sum_p u*xhat",
    .in = { "x f32[N,H,W,C]", "mean f32[N,C]", "variance f32[N,C] > 0", "u f32[N,H,W,C]" },
    .out = { "g f32[N,H,W,C]", "s0 f32[N,C]", "s1 f32[N,C]" }, .attr = { "eps real 1e-12..1 = 1e-5" },
    .vjp = scl_norm_grad_vjp, .jvp = scl_norm_grad_jvp, .total = true, .ref = norm_grad_ref,
    .impl = { { .name = "sample", .tune = SCL_SAMPLE_TUNE, .fits = scl_sample_fits, .launch = norm_grad_sample },
              { .name = "channels", .tune = SCL_ITEMS_TUNE, .gpu = SCL_ITEMS_GPU, .fits = scl_items_fit_c,
                .launch = norm_grad_launch } },
    .flops = "9*N*H*W*C", .bytes = "12*N*H*W*C",
};

/* ---- channel_grad ---- */

SCL_FAST_REF static void channel_grad_ref(const scl_node *n, const scl_host_values *v)
{
    const int C = scl_dim(n, 'C');
    const float *m = v->in[1], *var_m = v->in[2], eps = eps_of(n);
    for (int i = 0; i < scl_dim(n, 'N'); i++) {
        const float *mean = (const float *)v->in[0] + (size_t)i * C, *u = (const float *)v->in[3] + (size_t)i * C;
        float *w = (float *)v->out[0] + (size_t)i * C;
        const float r = scl_rcp(scl_sqrt(var_m[i] + eps)), k0 = scl_flat_sum(u, (size_t)C) * scl_inverse(C);
        const float slope = scl_flat_distances(u, mean, m[i], C) * r, k1 = slope * scl_inverse(C - 1) * -r;
        for (int c = 0; c < C; c++) {
            const float d = mean[c] - m[i], t = u[c] - k0;
            w[c] = scl_flush(fmaf(k1, d, t) * r);
        }
    }
}

static scl_status channel_grad_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int C = scl_dim(n, 'C');
    return SCL_LAUNCH(q, n, err, "channel_grad",
                      scl_groups((size_t)scl_tune_get(scl_launcher_tune(q), "WG"), (size_t)scl_dim(n, 'N'), 1, 1),
                      SCL_BUF(mean), SCL_BUF(m), SCL_BUF(v), SCL_BUF(u), SCL_BUF(w), SCL_I32(C, C),
                      SCL_F32_ARG(inv_c, scl_inverse(C)), SCL_F32_ARG(inv_c1, scl_inverse(C - 1)),
                      SCL_F32_ARG(eps, eps_of(n)));
}

const scl_op scl_op_channel_grad = {
    .name = "channel_grad", .family = "norm",
    .brief = "derivative of the normalisation of the channels' means, applied to u",
    .formula = "w = (u - 1/C sum u - mhat * 1/(C-1) sum u*mhat) / sqrt(v+eps)",
    .in = { "mean f32[N,C]", "m f32[N]", "v f32[N] > 0", "u f32[N,C]", "x f32[N,H,W,C]?" }, .out = { "w f32[N,C]" },
    .attr = { "eps real 1e-12..1 = 1e-5" },
    .shape = scl_check_channels, .vjp = scl_channel_grad_vjp, .jvp = scl_channel_grad_jvp,
    .total = true, .ref = channel_grad_ref,
    .impl = { { .name = "group_per_sample", .tune = "WG=1|16|64", .cpu = "WG=1", .gpu = "WG=64", .fits = scl_group_fits,
                .launch = channel_grad_launch } },
    .flops = "9*N*C", .bytes = "12*N*C",
};

/* ---- norm_rows_grad ---- */

static scl_status norm_rows_grad_shape(scl_node *n, scl_err *err) { return scl_check_rows(n, 5, err); }

SCL_FAST_REF static void norm_rows_grad_ref(const scl_node *n, const scl_host_values *v)
{
    const int C = scl_dim(n, 'C'), step = scl_row_step(n);
    const float *s0 = v->in[0], *s1 = v->in[1], *mean = v->in[2], *m = v->in[3], *var_m = v->in[4], *rows = v->in[5];
    const float eps = eps_of(n), inv = scl_inverse((double)scl_attr_int(n, "pixels"));
    float *t = v->out[1];
    for (int i = 0; i < scl_dim(n, 'N') * C; i++) {
        const float *row = rows + (size_t)(i / C) * step + i % C, gamma = row[0], alpha = row[C];
        const float mhat = scl_div(mean[i] - m[i / C], scl_sqrt(var_m[i / C] + eps));
        const float am = alpha * mhat, gm = gamma * mhat, ga = gamma * alpha;
        float *drow = (float *)v->out[0] + (size_t)(i / C) * 3 * C + i % C;
        drow[0] = scl_flush(fmaf(am, s0[i], s1[i]));
        drow[C] = scl_flush(gm * s0[i]);
        drow[2 * C] = scl_flush(s0[i]);
        t[i] = scl_flush(ga * s0[i] * inv);
    }
}

static scl_status norm_rows_grad_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int items = scl_items(q, scl_dim(n, 'N'), scl_dim(n, 'C'));
    return SCL_LAUNCH(q, n, err, "norm_rows_grad", scl_items_grid(q, items), SCL_BUF(s0), SCL_BUF(s1), SCL_BUF(mean), SCL_BUF(m),
                      SCL_BUF(v), SCL_BUF(rows), SCL_BUF(drows), SCL_BUF(t), SCL_I32(C, scl_dim(n, 'C')),
                      SCL_I32(row_step, scl_row_step(n)),
                      SCL_F32_ARG(inv_pixels, scl_inverse((double)scl_attr_int(n, "pixels"))),
                      SCL_F32_ARG(eps, eps_of(n)), SCL_I32(items, items));
}

const scl_op scl_op_norm_rows_grad = {
    .name = "norm_rows_grad", .family = "norm",
    .brief = "cotangent of gamma | alpha | beta, and of the channels' normalised means",
    .formula = "drows = [alpha*mhat*s0 + s1 | gamma*mhat*s0 | s0],  t = gamma*alpha*s0/HW",
    .in = { "s0 f32[N,C]", "s1 f32[N,C]", "mean f32[N,C]", "m f32[N]", "v f32[N] > 0", "rows f32[B,S]",
            "x f32[N,H,W,C]?" },
    .out = { "drows f32[N,S]", "t f32[N,C]" }, .attr = { "pixels int 1..", "eps real 1e-12..1 = 1e-5" },
    .shape = norm_rows_grad_shape, .vjp = scl_norm_rows_grad_vjp, .jvp = scl_norm_rows_grad_jvp,
    .total = true, .ref = norm_rows_grad_ref,
    .impl = { { .name = "channels", .tune = SCL_ITEMS_TUNE, .gpu = SCL_ITEMS_GPU, .fits = scl_items_fit_c,
                .launch = norm_rows_grad_launch } },
    .flops = "40*N*C", .bytes = "48*N*C",
};
