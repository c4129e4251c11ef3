/* analytic: the true score of the mixture that the data are drawn from, as a network without weights.
 *
 * With the level as an input the mixture is widened by its noise, variance_k + sigma^2 (host/ops/mixture.c); `condition: none` is the
 * score of the data themselves.  Constants, written by scl_truth_write: truth.log_weight, truth.variance f32[K], truth.mean f32[K,D];
 * with the level also the table sigma f32[L].  truth.zero f32[N] stays as a store begins: 0. */
#include "model/blocks.h"

scl_status scl_analytic_build(scl_builder *b, scl_value *x, scl_value **score)
{
    const scl_net_config *c = b->c;
    const int K = c->components, D = c->height * c->width * c->channels;
    scl_value *log_weight, *mean, *variance, *sigma, *table;
    SCL_TRY(scl_value_get(b->g, &log_weight, SCL_CONST, "truth.log_weight", SCL_F32, SCL_DIMS(K), b->err));
    SCL_TRY(scl_value_get(b->g, &mean, SCL_CONST, "truth.mean", SCL_F32, SCL_DIMS(K, D), b->err));
    SCL_TRY(scl_value_get(b->g, &variance, SCL_CONST, "truth.variance", SCL_F32, SCL_DIMS(K), b->err));
    if (c->conditional) {
        SCL_TRY(scl_value_get(b->g, &table, SCL_CONST, "sigma", SCL_F32, SCL_DIMS(c->levels), b->err));
        SCL_TRY(SCL_APPLY(b->g, &sigma, b->err, "lookup", SCL_IN("table", table), SCL_IN("label", b->label)));
    } else {
        SCL_TRY(scl_value_get(b->g, &sigma, SCL_CONST, "truth.zero", SCL_F32, SCL_DIMS(x->dim[0]), b->err));
    }
    return SCL_APPLY(b->g, score, b->err, "mixture_score", SCL_IN("x", x), SCL_IN("sigma", sigma), SCL_IN("log_weight", log_weight),
                     SCL_IN("mean", mean), SCL_IN("variance", variance));
}
