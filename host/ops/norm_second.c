/* norm_second - second derivatives of InstanceNorm++ (host/ops/norm.c).
 *
 * Let N be the derivative of a channel's normalisation over its P pixels (norm_grad), M_c that over the channels' means
 * (channel_grad).  Both are symmetric, and one form serves all second orders (docs/design/arithmetic.md 4): with xhat the normalised
 * values, k~ and u~ centred, A = <xhat, k>, B = <xhat, u>, divisor q (P, or C-1) and sigma^2 = variance + eps,
 *
 *   T(x; k, u) = grad_x <k, N(x) u> = ( xhat (3AB/q - <k~, u~>) - B k~ - A u~ ) / (q sigma^2),     symmetric in k and u
 *
 *   norm_second     nk = N k,  t = T(x; k, u),  k0 = sum_p k,  k1 = A,  p = <k, N u>     s0, s1: of u, as norm_grad gives them
 *                   bits, with d = x - mean, r = 1/sigma, e = sum of k * (u - s0/P):  nk as norm_grad has it,
 *                   p = fma(-(k1/P), s1, e) * r,  t = fma(fma(k1*3/P, s1, -e)*r, d, -fma(s1, k - k0/P, k1*(u - s0/P))) * (r*r/P)
 *   channel_second  mk = M_c k,  t = T(mean; k, u)                                       the same over the channels' means
 *
 * The sums of a leaf and of a flat row are chains of fma.  Division by a count is a product with (float)(1.0/count), 3/P one
 * with (float)(3.0/P).  x of channel_second is there for the total derivative, as channel_grad's.
 * Their derivatives: norm_third.c.  What the tangent of a normalisation is made of: norm_tangent.c.  Kernels: cl/ops/norm_second.cl.  Tests: tests/ops/norm_second.c. */
#include "ops/norm.h"

#include "ops/items.h"

static float eps_of(const scl_node *n) { return (float)scl_attr_real(n, "eps"); }
static float thirds(double count) { return (float)(3.0 / count); }

/* ---- norm_second ---- */

typedef struct sums { float k, kx, ku; } sums;

/* Sums over a plane of k, k * (x - mu), k * (u - shift); not flushed. */
SCL_FAST_REF static void plane_sums(const scl_plane *k, const scl_plane *x, const scl_plane *u, float mu, float shift, sums *out)
{
    scl_sum_stream sk = { 0 }, skx = { 0 }, sku = { 0 };
    for (int i = 0; i < scl_leaves(k); i++) {
        const scl_leaf leaf = scl_leaf_at(k, i);
        sums s = { 0.0f, 0.0f, 0.0f };
        for (int j = 0; j < leaf.h * leaf.w; j++) {
            const size_t at = scl_leaf_pixel(k, &leaf, j);
            const float d = x->data[at] - mu, t = u->data[at] - shift;
            s.k += k->data[at];
            s.kx = fmaf(k->data[at], d, s.kx);
            s.ku = fmaf(k->data[at], t, s.ku);
        }
        scl_sum_push(&sk, s.k);
        scl_sum_push(&skx, s.kx);
        scl_sum_push(&sku, s.ku);
    }
    *out = (sums){ scl_sum_end(&sk), scl_sum_end(&skx), scl_sum_end(&sku) };
}

enum { IN_X, IN_MEAN, IN_VARIANCE, IN_U, IN_S0, IN_S1, IN_K };

SCL_FAST_REF static void norm_second_ref(const scl_node *n, const scl_host_values *v)
{
    const int N = scl_dim(n, 'N'), H = scl_dim(n, 'H'), W = scl_dim(n, 'W'), C = scl_dim(n, 'C');
    const float *mean = v->in[IN_MEAN], *variance = v->in[IN_VARIANCE], *s0 = v->in[IN_S0], *s1 = v->in[IN_S1];
    const float eps = eps_of(n), inv = scl_inverse((double)H * W), three = thirds((double)H * W);
    float *k0 = v->out[2], *k1 = v->out[3], *p = v->out[4];
    for (int i = 0; i < N * C; i++) {
        const size_t first = (size_t)(i / C) * H * W * C + i % C;
        const scl_plane x = { (const float *)v->in[IN_X] + first, H, W, C }, u = { (const float *)v->in[IN_U] + first, H, W, C };
        const scl_plane k = { (const float *)v->in[IN_K] + first, H, W, C };
        const float sigma = scl_sqrt(variance[i] + eps), r = scl_rcp(sigma), shift_u = s0[i] * inv;
        sums s;
        plane_sums(&k, &x, &u, mean[i], shift_u, &s);
        k0[i] = scl_flush(s.k);
        k1[i] = scl_flush(scl_div(s.kx, sigma));
        const float share = k1[i] * inv, large = k1[i] * three, shift_k = k0[i] * inv;
        p[i] = scl_flush(fmaf(-share, s1[i], s.ku) * r);
        const float slope = share * -r, by_d = fmaf(large, s1[i], -s.ku) * r, scale = r * r * inv;
        float *nk = (float *)v->out[0] + first, *t = (float *)v->out[1] + first;
        for (size_t q = 0; q < (size_t)H * W * C; q += C) {
            const float d = x.data[q] - mean[i], ck = k.data[q] - shift_k, cu = u.data[q] - shift_u, low = k1[i] * cu;
            nk[q] = scl_flush(fmaf(slope, d, ck) * r);
            t[q] = scl_flush(fmaf(by_d, d, -fmaf(s1[i], ck, low)) * scale);
        }
    }
}

#define SECOND_ARGS(n)                                                                                                         \
    SCL_BUF(x), SCL_BUF(mean), SCL_BUF(variance), SCL_BUF(u), SCL_BUF(s0), SCL_BUF(s1), SCL_BUF(k), SCL_BUF(nk), SCL_BUF(t),   \
        SCL_BUF(k0), SCL_BUF(k1), SCL_BUF(p), SCL_I32(H, scl_dim(n, 'H')), SCL_I32(W, scl_dim(n, 'W')),                        \
        SCL_I32(C, scl_dim(n, 'C')), SCL_F32_ARG(inv_pixels, scl_inverse((double)scl_dim(n, 'H') * scl_dim(n, 'W'))),          \
        SCL_F32_ARG(three, thirds((double)scl_dim(n, 'H') * scl_dim(n, 'W'))), SCL_F32_ARG(eps, eps_of(n))

static scl_status norm_second_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int items = scl_items(q, scl_dim(n, 'N'), scl_dim(n, 'C'));
    return SCL_LAUNCH(q, n, err, "norm_second", scl_items_grid(q, items), SECOND_ARGS(n), SCL_I32(items, items));
}

static scl_status norm_second_sample(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const size_t level = sizeof(float) * SUM_LEVELS * (size_t)scl_dim(n, 'C');
    return SCL_LAUNCH(q, n, err, "norm_second_sample", scl_groups(1, (size_t)scl_dim(n, 'N'), 1, 1), SECOND_ARGS(n),
                      SCL_LOCAL(sk, level), SCL_LOCAL(skx, level), SCL_LOCAL(sku, level));
}

/* Three streams of sums where the other kernels have two. */
static bool sample_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    return 3 * sizeof(float) * SUM_LEVELS * (size_t)scl_dim(n, 'C') <= device->local_bytes && scl_sample_fits(n, device, tune);
}

static const scl_op norm_second = {
    .name = "norm_second", .family = "norm_second",
    .brief = "second derivative of a channel's normalisation over its pixels, along k and u; and the first, applied to k",
    .formula = "nk = N k,  t = (xhat(3AB/P - <k~,u~>) - B k~ - A u~)/(P sigma^2),  k0 = sum k,  k1 = A = <xhat,k>,  p = <k, N u>",
    .in = { "x f32[N,H,W,C]", "mean f32[N,C]", "variance f32[N,C] > 0", "u f32[N,H,W,C]", "s0 f32[N,C]", "s1 f32[N,C]",
            "k f32[N,H,W,C]" },
    .out = { "nk f32[N,H,W,C]", "t f32[N,H,W,C]", "k0 f32[N,C]", "k1 f32[N,C]", "p f32[N,C]" },
    .attr = { "eps real 1e-12..1 = 1e-5" },
    .vjp = scl_norm_second_vjp, .total = true, .ref = norm_second_ref,
    .impl = { { .name = "sample", .tune = SCL_SAMPLE_TUNE, .fits = sample_fits, .launch = norm_second_sample },
              { .name = "channels", .tune = SCL_ITEMS_TUNE, .gpu = SCL_ITEMS_GPU, .fits = scl_items_fit_c,
                .launch = norm_second_launch } },
    .flops = "18*N*H*W*C", .bytes = "20*N*H*W*C",
};

/* ---- channel_second ---- */

SCL_FAST_REF static void channel_second_ref(const scl_node *n, const scl_host_values *v)
{
    const int C = scl_dim(n, 'C');
    const float *m = v->in[1], *var_m = v->in[2], eps = eps_of(n), inv = scl_inverse(C), inv1 = scl_inverse(C - 1);
    for (int i = 0; i < scl_dim(n, 'N'); i++) {
        const size_t first = (size_t)i * C;
        const float *mean = (const float *)v->in[0] + first, *u = (const float *)v->in[3] + first;
        const float *k = (const float *)v->in[4] + first;
        float *mk = (float *)v->out[0] + first, *t = (float *)v->out[1] + first;
        const float r = scl_rcp(scl_sqrt(var_m[i] + eps));
        const float shift_u = scl_flat_sum(u, (size_t)C) * inv, shift_k = scl_flat_sum(k, (size_t)C) * inv;
        const float by_k = scl_flat_distances(u, mean, m[i], C) * r, by_u = scl_flat_distances(k, mean, m[i], C) * r;
        const float cross = scl_flat_distances(k, u, shift_u, C), slope = by_u * inv1 * -r, large = by_u * thirds(C - 1);
        const float by_d = fmaf(large, by_k, -cross) * r, scale = r * r * inv1;
        for (int c = 0; c < C; c++) {
            const float d = mean[c] - m[i], ck = k[c] - shift_k, cu = u[c] - shift_u, low = by_u * cu;
            mk[c] = scl_flush(fmaf(slope, d, ck) * r);
            t[c] = scl_flush(fmaf(by_d, d, -fmaf(by_k, ck, low)) * scale);
        }
    }
}

static scl_status channel_second_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int C = scl_dim(n, 'C');
    return SCL_LAUNCH(q, n, err, "channel_second",
                      scl_groups((size_t)scl_tune_get(scl_launcher_tune(q), "WG"), (size_t)scl_dim(n, 'N'), 1, 1), SCL_BUF(mean),
                      SCL_BUF(m), SCL_BUF(v), SCL_BUF(u), SCL_BUF(k), SCL_BUF(mk), SCL_BUF(t), SCL_I32(C, C),
                      SCL_F32_ARG(inv_c, scl_inverse(C)), SCL_F32_ARG(inv_c1, scl_inverse(C - 1)),
                      SCL_F32_ARG(three, thirds(C - 1)), SCL_F32_ARG(eps, eps_of(n)));
}

static const scl_op channel_second = {
    .name = "channel_second", .family = "norm_second",
    .brief = "second derivative of the normalisation of the channels' means, along k and u; and the first, applied to k",
    .formula = "mk = M_c k,  t = (mhat(3AB/(C-1) - <k~,u~>) - B k~ - A u~)/((C-1)(v+eps))",
    .in = { "mean f32[N,C]", "m f32[N]", "v f32[N] > 0", "u f32[N,C]", "k f32[N,C]", "x f32[N,H,W,C]?" },
    .out = { "mk f32[N,C]", "t f32[N,C]" }, .attr = { "eps real 1e-12..1 = 1e-5" },
    .shape = scl_check_channels, .vjp = scl_channel_second_vjp, .total = true, .ref = channel_second_ref,
    .impl = { { .name = "group_per_sample", .tune = "WG=1|16|64", .cpu = "WG=1", .gpu = "WG=64", .fits = scl_group_fits,
                .launch = channel_second_launch } },
    .flops = "20*N*C", .bytes = "20*N*C",
};

scl_family scl_family_norm_second = { &norm_second, &channel_second, &scl_op_norm_tangent_coef, &scl_op_norm_tangent,
                                      &scl_op_norm_tangent_rows, NULL };
