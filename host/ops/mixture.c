/* mixture - log density, score and Hessian of a mixture of K isotropic Gaussians that noise has widened.
 *
 *   p(x) = sum_k w_k N(x; m_k, v_k I),  v_k = variance_k + sigma^2           sigma: noise level of the sample, 0: none
 *   e_k = log w_k - D/2 log v_k - |x - m_k|^2 / (2 v_k),  top = max_k e_k,  t_k = exp(e_k - top),  Z = sum_k t_k,  r_k = t_k / Z
 *   mixture_log_density  y = top + log Z - D/2 log(2 pi)
 *   mixture_score        s = sum_k r_k (m_k - x) / v_k                       the gradient of log p
 *   mixture_hessian      h = sum_k r_k (a_k - a) c_k - (sum_k r_k / v_k) u   the Hessian of log p times u;
 *                        c_k = (m_k - x) / v_k,  a_k = c_k . u,  a = sum_k r_k a_k
 *
 * All sums are chains from +0 in the order of d and of k; |x - m_k|^2 and c_k . u are fma chains over d.  Source of the mixture
 * with noise: N(m, v) * N(0, sigma^2) = N(m, v + sigma^2) (Song & Ermon 2019, section 3.2.2 and appendix).
 * Error: e_k carries about D/2 + 3 ulps of |x - m_k|^2 / (2 v_k), so r_k is good to 2^-23 |x - m_k|^2 / v_k relative: 1e-4 at 40
 * standard deviations from a mean, 1e-6 near the modes.  exp stops at -87, so the lightest component counts 1.6e-38.
 * Kernels: cl/ops/mixture.cl.  Oracles and cases: tests/ops/mixture.c. */
#include "config/limits.h"
#include "graph/arith.h"
#include "ops/items.h"

/* One sample's view of the inputs. */
typedef struct sample { int D, K; float sigma; const float *x, *log_weight, *mean, *variance; } sample;

static sample sample_of(const scl_node *n, const scl_host_values *v, int i)
{
    const int D = scl_dim(n, 'D');
    return (sample){ .D = D, .K = scl_dim(n, 'K'), .sigma = ((const float *)v->in[1])[i],
                     .x = (const float *)v->in[0] + (size_t)i * (size_t)D, .log_weight = v->in[2], .mean = v->in[3],
                     .variance = v->in[4] };
}

static float width(const sample *s, int k) { return fmaf(s->sigma, s->sigma, s->variance[k]); }

/* Fills t[k]; returns log Z + top. */
static float weigh(const sample *s, float *t, float *Z)
{
    float top = 0.0f, sum = 0.0f;
    for (int k = 0; k < s->K; k++) {
        float q = 0.0f;
        for (int d = 0; d < s->D; d++) {
            const float away = s->x[d] - s->mean[k * s->D + d];
            q = fmaf(away, away, q);
        }
        const float v = width(s, k), half = -0.5f * q;
        t[k] = scl_div(half, v) + fmaf(-0.5f * (float)s->D, scl_log(v), s->log_weight[k]);
        top = k == 0 || t[k] > top ? t[k] : top;
    }
    for (int k = 0; k < s->K; k++) {
        t[k] = scl_exp(t[k] - top);
        sum += t[k];
    }
    *Z = sum;
    return top + scl_log(sum);
}

enum { MOST = SCL_MOST_COMPONENTS };   /* cl/ops/mixture.cl keeps them in private memory */

static scl_status shape(scl_node *n, scl_err *err)
{
    const int K = scl_dim(n, 'K');
    return K > MOST ? scl_fail(err, SCL_FAILED, "%s: %d components; at most %d", n->op->name, K, MOST) : SCL_OK;
}

static void ref_log_density(const scl_node *n, const scl_host_values *v)
{
    for (int i = 0; i < scl_dim(n, 'N'); i++) {
        const sample s = sample_of(n, v, i);
        float t[MOST], Z;
        const float y = weigh(&s, t, &Z);
        ((float *)v->out[0])[i] = scl_flush(fmaf(-0.5f * (float)s.D, 0x1.d67f1cp+0f, y));
    }
}

static void ref_score(const scl_node *n, const scl_host_values *v)
{
    for (int i = 0; i < scl_dim(n, 'N'); i++) {
        const sample s = sample_of(n, v, i);
        float t[MOST], Z, *out = (float *)v->out[0] + (size_t)i * (size_t)s.D;
        weigh(&s, t, &Z);
        for (int k = 0; k < s.K; k++)
            t[k] = scl_div(scl_div(t[k], Z), width(&s, k));
        for (int d = 0; d < s.D; d++) {
            float sum = 0.0f;
            for (int k = 0; k < s.K; k++)
                sum = fmaf(t[k], s.mean[k * s.D + d] - s.x[d], sum);
            out[d] = scl_flush(sum);
        }
    }
}

static void ref_hessian(const scl_node *n, const scl_host_values *v)
{
    for (int i = 0; i < scl_dim(n, 'N'); i++) {
        const sample s = sample_of(n, v, i);
        const float *u = (const float *)v->in[5] + (size_t)i * (size_t)s.D;
        float t[MOST], a[MOST], Z, mean = 0.0f, narrow = 0.0f, *out = (float *)v->out[0] + (size_t)i * (size_t)s.D;
        weigh(&s, t, &Z);
        for (int k = 0; k < s.K; k++) {
            float along = 0.0f;
            for (int d = 0; d < s.D; d++)
                along = fmaf(s.mean[k * s.D + d] - s.x[d], u[d], along);
            const float r = scl_div(t[k], Z);
            a[k] = scl_div(along, width(&s, k));
            mean = fmaf(r, a[k], mean);
            t[k] = scl_div(r, width(&s, k));
            narrow += t[k];
        }
        for (int d = 0; d < s.D; d++) {
            float sum = 0.0f;
            for (int k = 0; k < s.K; k++)
                sum = fmaf(t[k] * (a[k] - mean), s.mean[k * s.D + d] - s.x[d], sum);
            out[d] = scl_flush(fmaf(-narrow, u[d], sum));
        }
    }
}

/* ---- derivatives: log density -> score -> Hessian, by x alone ---- */

static scl_status no_rule(const scl_node *n, scl_err *err)
{
    return scl_fail(err, SCL_FAILED, "%s has no derivative by the mixture's parameters or the noise level",
                    n->op->name);
}

#define MIXTURE(n) SCL_IN("x", (n)->in[0]), SCL_IN("sigma", (n)->in[1]), SCL_IN("log_weight", (n)->in[2]),              \
        SCL_IN("mean", (n)->in[3]), SCL_IN("variance", (n)->in[4])

static bool by_parameters(scl_value *const *dx) { return dx[1] || dx[2] || dx[3] || dx[4]; }
static bool wants_parameters(const scl_node *n)
{
    return scl_want(n, 1) || scl_want(n, 2) || scl_want(n, 3) || scl_want(n, 4);
}

static scl_status density_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    scl_value *score;
    if (wants_parameters(n))
        return no_rule(n, err);
    SCL_TRY(SCL_APPLY(g, &score, err, "mixture_score", MIXTURE(n)));
    return SCL_POINTWISE(g, &dx[0], err, "dy * s", SCL_IN("s", score), SCL_IN("dy", dy[0]));
}

static scl_status density_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    scl_value *score, *product;
    if (by_parameters(dx))
        return no_rule(n, err);
    SCL_TRY(SCL_APPLY(g, &score, err, "mixture_score", MIXTURE(n)));
    SCL_TRY(SCL_POINTWISE(g, &product, err, "s * dx", SCL_IN("s", score), SCL_IN("dx", dx[0])));
    return SCL_APPLY(g, dy, err, "flat_sum", SCL_IN("x", product));
}

/* The Hessian is symmetric: one operator is both. */
static scl_status score_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    if (wants_parameters(n))
        return no_rule(n, err);
    return SCL_APPLY(g, &dx[0], err, "mixture_hessian", MIXTURE(n), SCL_IN("u", dy[0]));
}

static scl_status score_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    if (by_parameters(dx))
        return no_rule(n, err);
    return SCL_APPLY(g, dy, err, "mixture_hessian", MIXTURE(n), SCL_IN("u", dx[0]));
}

static scl_status hessian_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    if (scl_want(n, 0) || wants_parameters(n))
        return scl_fail(err, SCL_FAILED, "mixture_hessian has a derivative by u alone");
    return SCL_APPLY(g, &dx[5], err, "mixture_hessian", MIXTURE(n), SCL_IN("u", dy[0]));
}

static scl_status hessian_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    if (dx[0] || by_parameters(dx))
        return scl_fail(err, SCL_FAILED, "mixture_hessian has a derivative by u alone");
    return SCL_APPLY(g, dy, err, "mixture_hessian", MIXTURE(n), SCL_IN("u", dx[5]));
}

/* ---- kernels: a work-item is a sample ---- */

static scl_status launch(scl_launcher *q, const scl_node *n, scl_err *err, const char *kernel,
                         scl_launch_arg u, scl_launch_arg out)
{
    const int N = scl_dim(n, 'N');
    return SCL_LAUNCH(q, n, err, kernel, scl_items_grid(q, N), SCL_BUF(x), SCL_BUF(sigma),
                      SCL_BUF(log_weight), SCL_BUF(mean), SCL_BUF(variance), u, out, SCL_I32(N, N),
                      SCL_I32(D, scl_dim(n, 'D')), SCL_DEFINE(COMPONENTS, scl_dim(n, 'K')));
}

#define NONE ((scl_launch_arg){ .kind = SCL_ARG_NONE })

static scl_status launch_log_density(scl_launcher *q, const scl_node *n, scl_err *err)
{
    return launch(q, n, err, "mixture_log_density", NONE, SCL_BUF(y));
}

static scl_status launch_score(scl_launcher *q, const scl_node *n, scl_err *err)
{
    return launch(q, n, err, "mixture_score", NONE, SCL_BUF(s));
}

static scl_status launch_hessian(scl_launcher *q, const scl_node *n, scl_err *err)
{
    return launch(q, n, err, "mixture_hessian", SCL_BUF(u), SCL_BUF(h));
}

#define INPUTS "x f32[N,D*]", "sigma f32[N]", "log_weight f32[K]", "mean f32[K,D]", "variance f32[K] > 0"
#define IMPL(launch_)                                                                                        \
    { { .name = "item_per_sample", .tune = "WG=64|16|1", .cpu = "WG=64", .gpu = "WG=64",                       \
        .fits = scl_group_fits, .launch = (launch_) } }

static const scl_op op_log_density = {
    .name = "mixture_log_density", .family = "mixture", .brief = "log density of a mixture of Gaussians widened by noise",
    .formula = "y = log sum_k w_k N(x; m_k, (variance_k + sigma^2) I)",
    .in = { INPUTS }, .out = { "y f32[N]" },
    .shape = shape, .vjp = density_vjp, .jvp = density_jvp, .ref = ref_log_density, .impl = IMPL(launch_log_density),
    .flops = "3*N*K*D", .bytes = "4*N*D",
};

static const scl_op op_score = {
    .name = "mixture_score", .family = "mixture", .brief = "score of a mixture of Gaussians widened by noise",
    .formula = "s = sum_k r_k (m_k - x) / v_k, r_k the posterior of component k, v_k = variance_k + sigma^2",
    .in = { INPUTS }, .out = { "s f32[N,D*]" },
    .shape = shape, .vjp = score_vjp, .jvp = score_jvp, .ref = ref_score, .impl = IMPL(launch_score),
    .flops = "6*N*K*D", .bytes = "8*N*D",
};

static const scl_op op_hessian = {
    .name = "mixture_hessian", .family = "mixture", .brief = "the mixture's Hessian of log p times a vector",
    .formula = "h = sum_k r_k (a_k - a) c_k - (sum_k r_k / v_k) u, c_k = (m_k - x) / v_k, a_k = c_k . u, a = sum_k r_k a_k",
    .in = { INPUTS, "u f32[N,D*]" }, .out = { "h f32[N,D*]" },
    .shape = shape, .vjp = hessian_vjp, .jvp = hessian_jvp, .ref = ref_hessian, .impl = IMPL(launch_hessian),
    .flops = "9*N*K*D", .bytes = "12*N*D",
};

scl_family scl_family_mixture = { &op_log_density, &op_score, &op_hessian, NULL };
