/* dsm_loss - denoising score matching, one value per sample.
 *
 *   loss[n] = weight[n] * 1/2 * sum_d ( s[n,d] + z[n,d] * inv_sigma[n] )^2
 *
 * s: score of the network at x + sigma*z;  z: the unit noise that perturbed x;  D = H*W*C;  weight = sigma^p, where p = 2
 * makes every noise level weigh alike.  inv_sigma and weight come from the noise table, rounded once (host/score/noise.c).
 * Sum over d: flat row (docs/design/arithmetic.md 3).  Source: Vincent 2011; Song & Ermon 2019, eq. 5 and 6.
 * Kernel: cl/ops/dsm_loss.cl.  Oracle and cases: tests/ops/dsm_loss.c. */
#include "graph/arith.h"
#include "graph/op.h"
#include "ops/chunks.h"

/* Affine in s: pointwise expressions, which fusion may fold into their neighbours.  inv_sigma and weight are constants of the
 * noise table. */
static scl_status vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    if (scl_want(n, 2) || scl_want(n, 3))
        return scl_fail(err, SCL_FAILED, "dsm_loss has no derivative by the noise level");
    if (scl_want(n, 0))
        SCL_TRY(SCL_POINTWISE(g, &dx[0], err, "dy * weight * fma(z, inv_sigma, s)", SCL_IN("s", n->in[0]),
                              SCL_IN("z", n->in[1]), SCL_IN("inv_sigma", n->in[2]),
                              SCL_IN("weight", n->in[3]), SCL_IN("dy", dy[0])));
    if (scl_want(n, 1))
        SCL_TRY(SCL_POINTWISE(g, &dx[1], err, "dy * weight * fma(z, inv_sigma, s) * inv_sigma", SCL_IN("s", n->in[0]),
                              SCL_IN("z", n->in[1]), SCL_IN("inv_sigma", n->in[2]), SCL_IN("weight", n->in[3]),
                              SCL_IN("dy", dy[0])));
    return SCL_OK;
}

static scl_status jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    if (dx[2] || dx[3])
        return scl_fail(err, SCL_FAILED, "dsm_loss has no derivative by the noise level");
    scl_value *tangent = dx[0], *term;
    if (dx[0] && dx[1])
        SCL_TRY(SCL_POINTWISE(g, &tangent, err, "fma(dz, inv_sigma, ds)", SCL_IN("ds", dx[0]), SCL_IN("dz", dx[1]),
                              SCL_IN("inv_sigma", n->in[2])));
    else if (dx[1])
        SCL_TRY(SCL_POINTWISE(g, &tangent, err, "dz * inv_sigma", SCL_IN("dz", dx[1]), SCL_IN("inv_sigma", n->in[2])));
    SCL_TRY(SCL_POINTWISE(g, &term, err, "weight * fma(z, inv_sigma, s) * dr", SCL_IN("s", n->in[0]),
                          SCL_IN("z", n->in[1]), SCL_IN("inv_sigma", n->in[2]), SCL_IN("weight", n->in[3]),
                          SCL_IN("dr", tangent)));
    return SCL_APPLY(g, dy, err, "flat_sum", SCL_IN("x", term));
}

/* The definition, bit for bit. */
SCL_FAST_REF static void ref(const scl_node *n, const scl_host_values *v)
{
    const int N = scl_dim(n, 'N'), D = scl_dim(n, 'D');
    const float *inv_sigma = v->in[2], *weight = v->in[3];
    for (int i = 0; i < N; i++) {
        const float *s = (const float *)v->in[0] + (size_t)i * D, *z = (const float *)v->in[1] + (size_t)i * D;
        scl_flat sum = { 0 };
        for (int d = 0; d < D; d++) {
            const float r = fmaf(z[d], inv_sigma[i], s[d]);
            scl_flat_add_product(&sum, r, r);
        }
        ((float *)v->out[0])[i] = scl_flush(weight[i] * (0.5f * scl_flat_end(&sum)));
    }
}

static scl_status launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const size_t wg = (size_t)scl_tune_get(scl_launcher_tune(q), "WG");
    return SCL_LAUNCH(q, n, err, "dsm_loss", scl_groups(wg, (size_t)scl_dim(n, 'N'), 1, 1), SCL_BUF(s), SCL_BUF(z),
                      SCL_BUF(inv_sigma), SCL_BUF(weight), SCL_BUF(loss), SCL_I32(D, scl_dim(n, 'D')));
}

static const scl_op op_dsm_loss = {
    .name = "dsm_loss", .family = "dsm_loss", .brief = "denoising score matching loss of each sample",
    .formula = "loss[n] = weight[n] * 1/2 * sum_d (s[n,d] + z[n,d] * inv_sigma[n])^2",
    .in = { "s f32[N,D*]", "z f32[N,D*]", "inv_sigma f32[N] > 0", "weight f32[N] > 0" },
    .out = { "loss f32[N]" },
    .vjp = vjp, .jvp = jvp, .ref = ref,
    .impl = { { .name = "group_per_sample", .tune = "WG=1|16|64|256 VEC=16|8|4|2|1", .cpu = "WG=1 VEC=16", .gpu = "WG=64 VEC=4",
                .fits = scl_chunks_fit, .launch = launch } },
    .flops = "4*N*D", .bytes = "8*N*D",
};

scl_family scl_family_dsm_loss = { &op_dsm_loss, NULL };
