/* softmax - class probabilities, and what a classifier is trained on.
 *
 *   softmax         p[n,k] = exp(z[n,k] - m) / s,  m = max over k (the first by >),  s = chain of + over k of exp(z[n,k] - m)
 *   cross_entropy   loss[n] = ln s + (m - z[n,label[n]])  =  -ln p[n,label[n]]
 *   one_hot         y[n,k] = 1 where k is label[n], else 0
 *   top1            y[n] = 1 where the first largest z[n,k] is at label[n], else 0
 *
 * d loss/d z = p - one_hot;  J(p) u = p (u - <p,u>), symmetric.  All are built of operators, so that they have derivatives too.
 * Kernels: cl/ops/softmax.cl.  Oracles and cases: tests/ops/softmax.c. */
#include "graph/arith.h"
#include "ops/items.h"

typedef struct peak { float largest, sum; } peak;

static peak peak_of(const float *z, int K)
{
    peak p = { z[0], 0.0f };
    for (int k = 1; k < K; k++)
        p.largest = z[k] > p.largest ? z[k] : p.largest;
    for (int k = 0; k < K; k++)
        p.sum += scl_exp(z[k] - p.largest);
    return p;
}

/* ---- softmax ---- */

/* p (u - <p,u>) */
static scl_status jacobian(scl_graph *g, const scl_node *n, scl_value *u, scl_value **out, scl_err *err)
{
    scl_value *p = n->out[0], *product, *mean;
    SCL_TRY(SCL_POINTWISE(g, &product, err, "p * u", SCL_IN("p", p), SCL_IN("u", u)));
    SCL_TRY(SCL_APPLY(g, &mean, err, "flat_sum", SCL_IN("x", product)));
    return SCL_POINTWISE(g, out, err, "p * (u - mean)", SCL_IN("p", p), SCL_IN("u", u), SCL_IN("mean", mean));
}

static scl_status softmax_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    return jacobian(g, n, dy[0], &dx[0], err);
}

static scl_status softmax_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    return jacobian(g, n, dx[0], &dy[0], err);
}

static void softmax_ref(const scl_node *n, const scl_host_values *v)
{
    const int K = scl_dim(n, 'K');
    const float *z = v->in[0];
    float *p = v->out[0];
    for (int i = 0; i < scl_dim(n, 'N'); i++, z += K, p += K) {
        const peak top = peak_of(z, K);
        for (int k = 0; k < K; k++)
            p[k] = scl_flush(scl_div(scl_exp(z[k] - top.largest), top.sum));
    }
}

static scl_status softmax_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int N = scl_dim(n, 'N');
    return SCL_LAUNCH(q, n, err, "softmax", scl_items_grid(q, N), SCL_BUF(z), SCL_BUF(p),
                      SCL_I32(K, scl_dim(n, 'K')), SCL_I32(N, N));
}

static const scl_op softmax = {
    .name = "softmax", .family = "softmax",
    .brief = "probabilities of the classes of each sample", .formula = "p[n,k] = exp(z[n,k]) / sum_j exp(z[n,j])",
    .in = { "z f32[N,K]" }, .out = { "p f32[N,K]" },
    .vjp = softmax_vjp, .jvp = softmax_jvp, .ref = softmax_ref,
    .impl = { { .name = "samples", .tune = "WG=1|64", .gpu = "WG=64", .fits = scl_group_fits, .launch = softmax_launch } },
    .flops = "40*N*K", .bytes = "8*N*K",
};

/* ---- one_hot ---- */

static void one_hot_ref(const scl_node *n, const scl_host_values *v)
{
    const int K = scl_dim(n, 'K');
    const int *label = v->in[0];
    float *y = v->out[0];
    for (int i = 0; i < scl_dim(n, 'N') * K; i++)
        y[i] = label[i / K] == i % K ? 1.0f : 0.0f;
}

static scl_status one_hot_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int N = scl_dim(n, 'N');
    return SCL_LAUNCH(q, n, err, "one_hot", scl_items_grid(q, N), SCL_BUF(label), SCL_BUF(y),
                      SCL_I32(K, scl_dim(n, 'K')), SCL_I32(N, N));
}

static const scl_op one_hot = {
    .name = "one_hot", .family = "softmax",
    .brief = "1 at each sample's class, else 0", .formula = "y[n,k] = (k == label[n])",
    .in = { "label i32[N] < K" }, .out = { "y f32[N,K]" }, .attr = { "K int 1.." },
    .constant = true,          /* of classes, which are whole numbers */
    .ref = one_hot_ref,
    .impl = { { .name = "samples", .tune = "WG=1|64", .gpu = "WG=64", .fits = scl_group_fits, .launch = one_hot_launch } },
    .flops = "0*N", .bytes = "4*N*K",
};

/* ---- cross_entropy ---- */

/* p - one_hot */
static scl_status slope(scl_graph *g, const scl_node *n, scl_value **p, scl_value **hot, scl_err *err)
{
    SCL_TRY(SCL_APPLY(g, p, err, "softmax", SCL_IN("z", n->in[0])));
    return SCL_APPLY(g, hot, err, "one_hot", SCL_IN("label", n->in[1]), SCL_INT("K", scl_dim(n, 'K')));
}

static scl_status cross_entropy_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    scl_value *p, *hot;
    SCL_TRY(slope(g, n, &p, &hot, err));
    return SCL_POINTWISE(g, &dx[0], err, "dy * (p - hot)", SCL_IN("p", p), SCL_IN("hot", hot), SCL_IN("dy", dy[0]));
}

static scl_status cross_entropy_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    scl_value *p, *hot, *product;
    SCL_TRY(slope(g, n, &p, &hot, err));
    SCL_TRY(SCL_POINTWISE(g, &product, err, "u * (p - hot)", SCL_IN("p", p), SCL_IN("hot", hot), SCL_IN("u", dx[0])));
    return SCL_APPLY(g, &dy[0], err, "flat_sum", SCL_IN("x", product));
}

static void cross_entropy_ref(const scl_node *n, const scl_host_values *v)
{
    const int K = scl_dim(n, 'K');
    const float *z = v->in[0];
    const int *label = v->in[1];
    float *loss = v->out[0];
    for (int i = 0; i < scl_dim(n, 'N'); i++, z += K) {
        const peak top = peak_of(z, K);
        loss[i] = scl_flush(scl_log(top.sum) + (top.largest - z[label[i]]));
    }
}

static scl_status cross_entropy_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int N = scl_dim(n, 'N');
    return SCL_LAUNCH(q, n, err, "cross_entropy", scl_items_grid(q, N), SCL_BUF(z), SCL_BUF(label), SCL_BUF(loss),
                      SCL_I32(K, scl_dim(n, 'K')), SCL_I32(N, N));
}

static const scl_op cross_entropy = {
    .name = "cross_entropy", .family = "softmax",
    .brief = "negative log probability of each sample's class", .formula = "loss[n] = ln sum_k exp(z[n,k]) - z[n,label[n]]",
    .in = { "z f32[N,K]", "label i32[N] < K" }, .out = { "loss f32[N]" },
    .vjp = cross_entropy_vjp, .jvp = cross_entropy_jvp, .ref = cross_entropy_ref,
    .impl = { { .name = "samples", .tune = "WG=1|64", .gpu = "WG=64", .fits = scl_group_fits, .launch = cross_entropy_launch } },
    .flops = "30*N*K", .bytes = "4*N*K",
};

/* ---- top1 ---- */

static void top1_ref(const scl_node *n, const scl_host_values *v)
{
    const int K = scl_dim(n, 'K');
    const float *z = v->in[0];
    const int *label = v->in[1];
    float *y = v->out[0];
    for (int i = 0; i < scl_dim(n, 'N'); i++, z += K) {
        int best = 0;
        for (int k = 1; k < K; k++)
            best = z[k] > z[best] ? k : best;
        y[i] = best == label[i] ? 1.0f : 0.0f;
    }
}

static scl_status top1_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int N = scl_dim(n, 'N');
    return SCL_LAUNCH(q, n, err, "top1", scl_items_grid(q, N), SCL_BUF(z), SCL_BUF(label), SCL_BUF(y),
                      SCL_I32(K, scl_dim(n, 'K')), SCL_I32(N, N));
}

static const scl_op top1 = {
    .name = "top1", .family = "softmax",
    .brief = "1 where the largest logit is that of the sample's class", .formula = "y[n] = (argmax_k z[n,k] == label[n])",
    .in = { "z f32[N,K]", "label i32[N] < K" }, .out = { "y f32[N]" },
    .constant = true,          /* a step, flat everywhere else */
    .ref = top1_ref,
    .impl = { { .name = "samples", .tune = "WG=1|64", .gpu = "WG=64", .fits = scl_group_fits, .launch = top1_launch } },
    .flops = "N*K", .bytes = "4*N*K",
};

scl_family scl_family_softmax = { &softmax, &one_hot, &cross_entropy, &top1, NULL };
