/* analytic: the true score of the mixture that the data are drawn from, as a network without weights.
 *
 * With the level as an input the mixture is widened by its noise, variance_k + sigma^2 (host/ops/mixture.c), and scaled by its alpha;
 * `condition: none` is the score of the data themselves.  Constants, written by scl_truth_write: truth.log_weight, truth.variance
 * f32[K], truth.mean f32[K,D].  truth.zero f32[N] stays as a store begins: 0. */
#include "model/blocks.h"

scl_status scl_mixture_score_build(scl_graph *g, int K, scl_value *x, scl_value *sigma, scl_value *inv_alpha, scl_value **score,
                                   scl_err *err)
{
    const int D = x->dim[1] * x->dim[2] * x->dim[3];
    scl_value *log_weight, *mean, *variance;
    SCL_TRY(scl_value_get(g, &log_weight, SCL_CONST, "truth.log_weight", SCL_F32, SCL_DIMS(K), err));
    SCL_TRY(scl_value_get(g, &mean, SCL_CONST, "truth.mean", SCL_F32, SCL_DIMS(K, D), err));
    SCL_TRY(scl_value_get(g, &variance, SCL_CONST, "truth.variance", SCL_F32, SCL_DIMS(K), err));
    if (inv_alpha) {
        SCL_TRY(SCL_POINTWISE(g, &x, err, "x * inv_alpha", SCL_IN("x", x), SCL_IN("inv_alpha", inv_alpha)));
        SCL_TRY(SCL_POINTWISE(g, &sigma, err, "sigma * inv_alpha", SCL_IN("sigma", sigma), SCL_IN("inv_alpha", inv_alpha)));
    }
    SCL_TRY(SCL_APPLY(g, score, err, "mixture_score", SCL_IN("x", x), SCL_IN("sigma", sigma), SCL_IN("log_weight", log_weight),
                      SCL_IN("mean", mean), SCL_IN("variance", variance)));
    if (!inv_alpha)
        return SCL_OK;
    return SCL_POINTWISE(g, score, err, "s * inv_alpha", SCL_IN("s", *score), SCL_IN("inv_alpha", inv_alpha));
}

scl_status scl_analytic_build(scl_builder *b, scl_value *x, scl_value **score)
{
    const scl_net_config *c = b->c;
    scl_value *sigma, *inv_alpha = NULL;
    if (c->conditional) {
        SCL_TRY(scl_level_get(b->g, &sigma, b->level, c->levels, SCL_SIGMA, b->err));
        if (c->scaled)
            SCL_TRY(scl_level_get(b->g, &inv_alpha, b->level, c->levels, SCL_INV_ALPHA, b->err));
    } else {
        SCL_TRY(scl_value_get(b->g, &sigma, SCL_CONST, "truth.zero", SCL_F32, SCL_DIMS(x->dim[0]), b->err));
    }
    return scl_mixture_score_build(b->g, c->components, x, sigma, inv_alpha, score, b->err);
}
