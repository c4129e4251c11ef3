/* optimizer - updates of a weight tensor in place; one launch per tensor.
 *
 *   g' = g * scale                                              scale: of clipping, operator grad_guard
 *   adam     m = fma(1-b1, g' - m, m)    v = fma(1-b2, g'^2 - v, v)
 *            theta = fma(-lr/(1-b1^t), div(m, fma(sqrt v, 1/sqrt(1-b2^t), eps)), theta)          Kingma & Ba 2015
 *   sgd      u = fma(mu, u, g')          theta = fma(-lr, u, theta)
 *   rmsprop  v = fma(1-rho, g'^2 - v, v) theta = fma(-lr, div(g', sqrt v + eps), theta)
 *   ema      e = fma(1-d, theta - e, e)
 *
 * All scalars stand in coef (graph/optim.h).  A set flag (operator grad_guard) makes each of them do nothing, so that a step that
 * is not finite leaves the weights as they were.  Second moments flush below 2^-100 and their root is sqrt(v*2^60)*2^-30
 * (docs/design/arithmetic.md 2).  Kernels: cl/ops/optimizer.cl.  Oracles and cases: tests/ops/optimizer.c. */
#include <string.h>

#include "graph/arith.h"
#include "graph/op.h"
#include "graph/optim.h"
#include "ops/chunks.h"

static inline float flush_moment(float v) { return fabsf(v) < 0x1p-100f ? 0.0f : v; }
static inline float root_moment(float v) { return scl_sqrt(v * 0x1p60f) * 0x1p-30f; }

/* The flag is set: outputs are the inputs (which are the same memory on a device). */
static bool stopped(const scl_host_values *v, const uint32_t *flag, int outputs, int D)
{
    for (int o = 0; flag[0] && o < outputs; o++)
        if (v->out[o] != v->in[o])
            memcpy(v->out[o], v->in[o], sizeof(float) * (size_t)D);
    return flag[0] != 0;
}

SCL_FAST_REF static void adam(const float *coef, float scale, const float *g, float *theta, float *m, float *v, int D)
{
    for (int i = 0; i < D; i++) {
        const float gi = g[i] * scale, square = gi * gi;
        m[i] = scl_flush(fmaf(coef[SCL_COEF_M], gi - m[i], m[i]));
        v[i] = flush_moment(fmaf(coef[SCL_COEF_V], square - v[i], v[i]));
        const float step = scl_div(m[i], fmaf(root_moment(v[i]), coef[SCL_COEF_ADAM_ROOT], coef[SCL_COEF_EPS]));
        theta[i] = scl_flush(fmaf(coef[SCL_COEF_ADAM_RATE], step, theta[i]));
    }
}

/* Outputs start as copies of the inputs of the same order. */
static void start(const scl_host_values *v, int outputs, int D)
{
    for (int o = 0; o < outputs; o++)
        if (v->out[o] != v->in[o])
            memcpy(v->out[o], v->in[o], sizeof(float) * (size_t)D);
}

static void ref_adam(const scl_node *n, const scl_host_values *v)
{
    const int D = scl_dim(n, 'D');
    if (stopped(v, v->in[6], 3, D))
        return;
    start(v, 3, D);
    adam(v->in[5], *(const float *)v->in[4], v->in[3], v->out[0], v->out[1], v->out[2], D);
}

SCL_FAST_REF static void sgd(const float *coef, float scale, const float *g, float *theta, float *u, int D)
{
    for (int i = 0; i < D; i++) {
        const float gi = g[i] * scale;
        u[i] = scl_flush(fmaf(coef[SCL_COEF_MOMENTUM], u[i], gi));
        theta[i] = scl_flush(fmaf(coef[SCL_COEF_RATE], u[i], theta[i]));
    }
}

static void ref_sgd(const scl_node *n, const scl_host_values *v)
{
    const int D = scl_dim(n, 'D');
    if (stopped(v, v->in[5], 2, D))
        return;
    start(v, 2, D);
    sgd(v->in[4], *(const float *)v->in[3], v->in[2], v->out[0], v->out[1], D);
}

SCL_FAST_REF static void rmsprop(const float *coef, float scale, const float *g, float *theta, float *v, int D)
{
    for (int i = 0; i < D; i++) {
        const float gi = g[i] * scale, square = gi * gi;
        v[i] = flush_moment(fmaf(coef[SCL_COEF_V], square - v[i], v[i]));
        const float root = root_moment(v[i]), step = scl_div(gi, root + coef[SCL_COEF_EPS]);
        theta[i] = scl_flush(fmaf(coef[SCL_COEF_RATE], step, theta[i]));
    }
}

static void ref_rmsprop(const scl_node *n, const scl_host_values *v)
{
    const int D = scl_dim(n, 'D');
    if (stopped(v, v->in[5], 2, D))
        return;
    start(v, 2, D);
    rmsprop(v->in[4], *(const float *)v->in[3], v->in[2], v->out[0], v->out[1], D);
}

SCL_FAST_REF static void ema(float rate, const float *theta, float *e, int D)
{
    for (int i = 0; i < D; i++)
        e[i] = scl_flush(fmaf(rate, theta[i] - e[i], e[i]));
}

static void ref_ema(const scl_node *n, const scl_host_values *v)
{
    const int D = scl_dim(n, 'D');
    if (stopped(v, v->in[3], 1, D))
        return;
    start(v, 1, D);
    ema(((const float *)v->in[2])[SCL_COEF_EMA], v->in[1], v->out[0], D);
}

#define SIZES SCL_I32(D, scl_dim(n, 'D')), SCL_I32(chunk, scl_chunk(q, scl_dim(n, 'D')))

static scl_status launch_adam(scl_launcher *q, const scl_node *n, scl_err *err)
{
    return SCL_LAUNCH(q, n, err, "adam", scl_chunk_grid(q, scl_dim(n, 'D'), 1), SCL_BUF(theta), SCL_BUF(m), SCL_BUF(v),
                      SCL_BUF(g), SCL_BUF(scale), SCL_BUF(coef), SCL_BUF(flag), SCL_BUF(theta_out), SCL_BUF(m_out),
                      SCL_BUF(v_out), SIZES);
}

static scl_status launch_sgd(scl_launcher *q, const scl_node *n, scl_err *err)
{
    return SCL_LAUNCH(q, n, err, "sgd", scl_chunk_grid(q, scl_dim(n, 'D'), 1), SCL_BUF(theta), SCL_BUF(u), SCL_BUF(g),
                      SCL_BUF(scale), SCL_BUF(coef), SCL_BUF(flag), SCL_BUF(theta_out), SCL_BUF(u_out), SIZES);
}

static scl_status launch_rmsprop(scl_launcher *q, const scl_node *n, scl_err *err)
{
    return SCL_LAUNCH(q, n, err, "rmsprop", scl_chunk_grid(q, scl_dim(n, 'D'), 1), SCL_BUF(theta), SCL_BUF(v),
                      SCL_BUF(g), SCL_BUF(scale), SCL_BUF(coef), SCL_BUF(flag), SCL_BUF(theta_out),
                      SCL_BUF(v_out), SIZES);
}

static scl_status launch_ema(scl_launcher *q, const scl_node *n, scl_err *err)
{
    return SCL_LAUNCH(q, n, err, "ema", scl_chunk_grid(q, scl_dim(n, 'D'), 1), SCL_BUF(e), SCL_BUF(theta),
                      SCL_BUF(coef), SCL_BUF(flag), SCL_BUF(e_out), SIZES);
}

#define CHUNKS(launch_)                                                                                                \
    { { .name = "chunks", .tune = SCL_CHUNKS_TUNE, .cpu = SCL_CHUNKS_CPU, .gpu = SCL_CHUNKS_GPU,                       \
        .fits = scl_chunks_fit, .launch = (launch_) } }

static const scl_op op_adam = {
    .name = "adam", .family = "optimizer", .brief = "Adam's update of a weight and its two moments",
    .formula = "theta = fma(-lr/(1-b1^t), div(m, fma(sqrt v, 1/sqrt(1-b2^t), eps)), theta)",
    .in = { "theta f32[D*]", "m f32[D*]", "v f32[D*] > 0", "g f32[D*]", "scale f32[1]", "coef f32[16]", "flag u32[1]" },
    .out = { "theta_out f32[D*] @theta", "m_out f32[D*] @m", "v_out f32[D*] @v" },
    .ref = ref_adam, .impl = CHUNKS(launch_adam), .flops = "24*D", .bytes = "28*D",
};

static const scl_op op_sgd = {
    .name = "sgd", .family = "optimizer", .brief = "stochastic gradient descent with momentum",
    .formula = "u = fma(mu, u, g); theta = fma(-lr, u, theta)",
    .in = { "theta f32[D*]", "u f32[D*]", "g f32[D*]", "scale f32[1]", "coef f32[16]", "flag u32[1]" },
    .out = { "theta_out f32[D*] @theta", "u_out f32[D*] @u" },
    .ref = ref_sgd, .impl = CHUNKS(launch_sgd), .flops = "5*D", .bytes = "20*D",
};

static const scl_op op_rmsprop = {
    .name = "rmsprop", .family = "optimizer", .brief = "RMSProp's update of a weight and its second moment",
    .formula = "v = fma(1-rho, g^2 - v, v); theta = fma(-lr, div(g, sqrt v + eps), theta)",
    .in = { "theta f32[D*]", "v f32[D*] > 0", "g f32[D*]", "scale f32[1]", "coef f32[16]", "flag u32[1]" },
    .out = { "theta_out f32[D*] @theta", "v_out f32[D*] @v" },
    .ref = ref_rmsprop, .impl = CHUNKS(launch_rmsprop), .flops = "22*D", .bytes = "20*D",
};

static const scl_op op_ema = {
    .name = "ema", .family = "optimizer", .brief = "exponential moving average of a weight",
    .formula = "e = fma(1-d, theta - e, e)",
    .in = { "e f32[D*]", "theta f32[D*]", "coef f32[16]", "flag u32[1]" },
    .out = { "e_out f32[D*] @e" },
    .ref = ref_ema, .impl = CHUNKS(launch_ema), .flops = "3*D", .bytes = "12*D",
};

scl_family scl_family_optimizer = { &op_adam, &op_sgd, &op_rmsprop, &op_ema, NULL };
