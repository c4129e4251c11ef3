/* norm_tangent - the tangent of InstanceNorm++ (host/ops/norm.c) and its derivative.
 *
 * Along u, with (g, s0, s1) = norm_grad(u), P = H*W and M_c the derivative of the normalisation of the channels' means:
 *
 *   norm_tangent_coef   mu = s0/P,  w = M_c mu,  a = gamma,  b = gamma*alpha*w               bits of w: as channel_grad
 *   norm_tangent        y' = a*g + b                                                        = gamma (N u + alpha M_c mean(u))
 *
 * The derivative of y' is the total one, through statistics, sums and coefficients, as norm_apply's is; so the coefficients are
 * constants to autodiff, and g gets no cotangent.  With k = dy and (nk, t, k0, k1, p) = norm_second(k; u):
 *
 *   norm_tangent_rows   dgamma = alpha*w*k0 + p,  dalpha = gamma*w*k0,  dbeta = 0,  kw = gamma*alpha*k0/P
 *   du = gamma*nk + M_c kw,   dx = gamma*t + T(mean; kw, mu)                                channel_second has both channel terms
 *
 * Kernels: cl/ops/norm_second.cl.  Oracles and cases: tests/ops/norm_second.c. */
#include "ops/items.h"
#include "ops/norm.h"

static float eps_of(const scl_node *n) { return (float)scl_attr_real(n, "eps"); }
static float inv_pixels_of(const scl_node *n) { return scl_inverse((double)scl_attr_int(n, "pixels")); }

/* ---- norm_tangent_coef ---- */

static scl_status coef_shape(scl_node *n, scl_err *err)
{
    SCL_TRY(scl_check_channels(n, err));
    return scl_check_rows(n, 4, err);
}

SCL_FAST_REF static void coef_ref(const scl_node *n, const scl_host_values *v)
{
    const int C = scl_dim(n, 'C'), step = scl_row_step(n);
    const float *m = v->in[1], *var_m = v->in[2], inv = inv_pixels_of(n), eps = eps_of(n);
    for (int i = 0; i < scl_dim(n, 'N'); i++) {
        const size_t first = (size_t)i * C;
        const float *mean = (const float *)v->in[0] + first, *s0 = (const float *)v->in[3] + first;
        const float *row = (const float *)v->in[4] + (size_t)i * step, r = scl_rcp(scl_sqrt(var_m[i] + eps));
        float *w = (float *)v->out[0] + first, *mu = (float *)v->out[1] + first, *a = (float *)v->out[2] + first;
        float *b = (float *)v->out[3] + first;
        for (int c = 0; c < C; c++)
            mu[c] = scl_flush(s0[c] * inv);
        const float shift = scl_flat_sum(mu, (size_t)C) * scl_inverse(C);
        const float product = scl_flat_distances(mu, mean, m[i], C) * r, slope = product * scl_inverse(C - 1) * -r;
        for (int c = 0; c < C; c++) {
            const float d = mean[c] - m[i], t = mu[c] - shift, both = row[c] * row[C + c];
            w[c] = scl_flush(fmaf(slope, d, t) * r);
            a[c] = scl_flush(row[c]);
            b[c] = scl_flush(both * w[c]);
        }
    }
}

static scl_status coef_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int C = scl_dim(n, 'C');
    return SCL_LAUNCH(q, n, err, "norm_tangent_coef",
                      scl_groups((size_t)scl_tune_get(scl_launcher_tune(q), "WG"), (size_t)scl_dim(n, 'N'), 1, 1), SCL_BUF(mean),
                      SCL_BUF(m), SCL_BUF(v), SCL_BUF(s0), SCL_BUF(rows), SCL_BUF(w), SCL_BUF(mu), SCL_BUF(a), SCL_BUF(b),
                      SCL_I32(C, C), SCL_I32(row_step, scl_row_step(n)), SCL_F32_ARG(inv_pixels, inv_pixels_of(n)),
                      SCL_F32_ARG(inv_c, scl_inverse(C)), SCL_F32_ARG(inv_c1, scl_inverse(C - 1)), SCL_F32_ARG(eps, eps_of(n)));
}

const scl_op scl_op_norm_tangent_coef = {
    .name = "norm_tangent_coef", .family = "norm_second",
    .brief = "scale and shift of the tangent of InstanceNorm++; s0: of the tangent, by norm_grad",
    .formula = "mu = s0/pixels,  w = M_c mu,  a = gamma,  b = gamma*alpha*w",
    .in = { "mean f32[N,C]", "m f32[N]", "v f32[N] > 0", "s0 f32[N,C]", "rows f32[B,S]" },
    .out = { "w f32[N,C]", "mu f32[N,C]", "a f32[N,C]", "b f32[N,C]" },
    .attr = { "pixels int 1..", "eps real 1e-12..1 = 1e-5" },
    .shape = coef_shape,
    .constant = true,          /* norm_tangent's rule is the total derivative, through these */
    .ref = coef_ref,
    .impl = { { .name = "group_per_sample", .tune = "WG=1|16|64", .cpu = "WG=1", .gpu = "WG=64", .fits = scl_group_fits,
                .launch = coef_launch } },
    .flops = "14*N*C", .bytes = "32*N*C",
};

/* ---- norm_tangent ---- */

enum { IN_G, IN_A, IN_B, IN_X, IN_U, IN_MEAN, IN_VARIANCE, IN_M, IN_V, IN_S0, IN_S1, IN_W, IN_MU, IN_ROWS };

static scl_status tangent_shape(scl_node *n, scl_err *err) { return scl_check_rows(n, IN_ROWS, err); }

static scl_status tangent_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    const double eps = scl_attr_real(n, "eps");
    scl_value *second[5], *rows[2], *channel[2];
    SCL_TRY(SCL_APPLY(g, second, err, "norm_second", SCL_IN("x", n->in[IN_X]), SCL_IN("mean", n->in[IN_MEAN]),
                      SCL_IN("variance", n->in[IN_VARIANCE]), SCL_IN("u", n->in[IN_U]), SCL_IN("s0", n->in[IN_S0]),
                      SCL_IN("s1", n->in[IN_S1]), SCL_IN("k", dy[0]), SCL_REAL("eps", eps)));
    SCL_TRY(SCL_APPLY(g, rows, err, "norm_tangent_rows", SCL_IN("k0", second[2]), SCL_IN("p", second[4]),
                      SCL_IN("w", n->in[IN_W]), SCL_IN("rows", n->in[IN_ROWS]),
                      SCL_INT("pixels", scl_dim(n, 'H') * scl_dim(n, 'W'))));
    SCL_TRY(SCL_APPLY(g, channel, err, "channel_second", SCL_IN("mean", n->in[IN_MEAN]), SCL_IN("m", n->in[IN_M]),
                      SCL_IN("v", n->in[IN_V]), SCL_IN("u", n->in[IN_MU]), SCL_IN("k", rows[1]), SCL_REAL("eps", eps)));
    if (scl_want(n, IN_U))
        SCL_TRY(SCL_POINTWISE(g, &dx[IN_U], err, "fma(a, nk, mk)", SCL_IN("nk", second[0]), SCL_IN("a", n->in[IN_A]),
                              SCL_IN("mk", channel[0])));
    if (scl_want(n, IN_X))
        SCL_TRY(SCL_POINTWISE(g, &dx[IN_X], err, "fma(a, t, mt)", SCL_IN("t", second[1]), SCL_IN("a", n->in[IN_A]),
                              SCL_IN("mt", channel[1])));
    return scl_want(n, IN_ROWS) ? scl_norm_rows_cotangent(g, &dx[IN_ROWS], n, IN_ROWS, rows[0], err) : SCL_OK;
}

static scl_status tangent_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    (void)g, (void)n, (void)dx, (void)dy;
    return scl_fail(err, SCL_FAILED, "operator 'norm_tangent' has no jvp rule: a tangent of a tangent is not needed");
}

const scl_op scl_op_norm_tangent = {
    .name = "norm_tangent", .family = "norm_second",
    .brief = "tangent of InstanceNorm++ with its coefficients; the inputs behind b are there for the total derivative",
    .formula = "y = a*g + b",
    .in = { "g f32[N,H,W,C]", "a f32[N,C]", "b f32[N,C]", "x f32[N,H,W,C]", "u f32[N,H,W,C]", "mean f32[N,C]",
            "variance f32[N,C] > 0", "m f32[N]", "v f32[N] > 0", "s0 f32[N,C]", "s1 f32[N,C]", "w f32[N,C]", "mu f32[N,C]",
            "rows f32[B,S]" },
    .out = { "y f32[N,H,W,C]" }, .attr = { "eps real 1e-12..1 = 1e-5" },
    .shape = tangent_shape, .vjp = tangent_vjp, .jvp = tangent_jvp, .total = true,
    .expr = "fma(a, g, b)",
    .flops = "2*N*H*W*C", .bytes = "8*N*H*W*C",
};

/* ---- norm_tangent_rows ---- */

static scl_status rows_shape(scl_node *n, scl_err *err) { return scl_check_rows(n, 3, err); }

SCL_FAST_REF static void rows_ref(const scl_node *n, const scl_host_values *v)
{
    const int C = scl_dim(n, 'C'), step = scl_row_step(n);
    const float *k0 = v->in[0], *p = v->in[1], *w = v->in[2], *rows = v->in[3], inv = inv_pixels_of(n);
    float *kw = v->out[1];
    for (int i = 0; i < scl_dim(n, 'N') * C; i++) {
        const float *row = rows + (size_t)(i / C) * step + i % C, gamma = row[0], alpha = row[C];
        const float am = alpha * w[i], gm = gamma * w[i], ga = gamma * alpha;
        float *drow = (float *)v->out[0] + (size_t)(i / C) * 3 * C + i % C;
        drow[0] = scl_flush(fmaf(am, k0[i], p[i]));
        drow[C] = scl_flush(gm * k0[i]);
        drow[2 * C] = 0.0f;
        kw[i] = scl_flush(ga * k0[i] * inv);
    }
}

static scl_status rows_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int items = scl_items(q, scl_dim(n, 'N'), scl_dim(n, 'C'));
    return SCL_LAUNCH(q, n, err, "norm_tangent_rows", scl_items_grid(q, items), SCL_BUF(k0), SCL_BUF(p), SCL_BUF(w), SCL_BUF(rows),
                      SCL_BUF(drows), SCL_BUF(kw), SCL_I32(C, scl_dim(n, 'C')), SCL_I32(row_step, scl_row_step(n)),
                      SCL_F32_ARG(inv_pixels, inv_pixels_of(n)), SCL_I32(items, items));
}

const scl_op scl_op_norm_tangent_rows = {
    .name = "norm_tangent_rows", .family = "norm_second",
    .brief = "cotangent of gamma | alpha | beta from that of a tangent, and of the channels' means",
    .formula = "drows = [alpha*w*k0 + p | gamma*w*k0 | 0],  kw = gamma*alpha*k0/pixels",
    .in = { "k0 f32[N,C]", "p f32[N,C]", "w f32[N,C]", "rows f32[B,S]" },
    .out = { "drows f32[N,S]", "kw f32[N,C]" }, .attr = { "pixels int 1.." },
    .shape = rows_shape, .vjp = scl_norm_tangent_rows_vjp, .ref = rows_ref,
    .impl = { { .name = "channels", .tune = SCL_ITEMS_TUNE, .gpu = SCL_ITEMS_GPU, .fits = scl_items_fit_c,
                .launch = rows_launch } },
    .flops = "8*N*C", .bytes = "36*N*C",
};
