/* What a stage will cost, from its graphs: for --dry-run. */
#include "graph/signature.h"
#include "run/build.h"
#include "run/engine.h"
#include "score/sampler.h"

static double flops_of(const scl_graph *g)
{
    double sum = 0;
    for (int i = 0; i < g->n_node; i++)
        if (g->node[i]->op->flops)
            sum += scl_cost(g->node[i], g->node[i]->op->flops);
    return sum;
}

static double checkpoint_bytes(const scl_graph *g)
{
    double sum = 0;
    for (int i = 0; i < g->n_value; i++)
        if (scl_checkpoint_keeps(g->value[i]))
            sum += (double)scl_value_bytes(g->value[i]);
    return sum;
}

/* At most: the newest `keep`, the best, and one being written. */
static double checkpoints(const scl_train_config *t)
{
    const double all = (t->checkpoint.every > 0 ? t->steps / t->checkpoint.every : 0) + 1.0,
                 kept = t->checkpoint.keep + 2.0;
    return t->checkpoint.keep > 0 && kept < all ? kept : all;
}

/* Of `count` samples, by the graph of an update. */
static double sampling_flops(const scl_stage_config *stage, const scl_graph *g, int count)
{
    const int n = scl_build_sample_batch(stage);
    return flops_of(g) * (double)((count + n - 1) / n) * scl_sampler_evaluations(&stage->sample, stage->noise.levels);
}

/* Pictures over training: their bytes are those of the checkpoints' rounding. */
static scl_status add_pictures(const scl_config *config, const scl_stage_config *stage, scl_arena *arena, scl_stage_cost *out,
                               scl_err *err)
{
    scl_graph *g;
    const int every = config->log.samples_every, steps = stage->train.steps;
    const scl_stage_config *how = every > 0 ? scl_config_drawer(config, stage) : NULL;
    if (!how)
        return SCL_OK;
    scl_stage_config drawn = *how;
    drawn.sample.count = config->log.samples;
    SCL_TRY(scl_build_graph(&g, arena, config, &drawn, NULL, err));
    out->flops += sampling_flops(&drawn, g, drawn.sample.count) * (double)(steps / every + (steps % every != 0));
    return SCL_OK;
}

static scl_status cost(const scl_config *config, const scl_stage_config *stage, scl_arena *arena,
                       scl_stage_cost *out, scl_err *err)
{
    scl_graph *g;
    int shape[3];
    if (stage->kind != SCL_STAGE_TRAIN && stage->kind != SCL_STAGE_SAMPLE && stage->kind != SCL_STAGE_LIKELIHOOD)
        return scl_fail(err, SCL_FAILED, "it goes by samples and data");
    SCL_TRY(scl_build_shape(config, stage, shape, err));
    SCL_TRY(scl_build_graph(&g, arena, config, stage, NULL, err));
    if (stage->kind == SCL_STAGE_TRAIN) {
        const scl_train_config *t = &stage->train;
        out->flops = flops_of(g) * (t->accumulate > 1 ? t->accumulate : 1) * t->steps;
        out->disk_bytes = checkpoint_bytes(g) * checkpoints(t);
        SCL_TRY(add_pictures(config, stage, arena, out, err));
    } else if (stage->kind == SCL_STAGE_LIKELIHOOD) {
        out->flops = flops_of(g) * scl_build_likelihood_runs(stage);
        out->disk_bytes = 200.0 * stage->likelihood.count;          /* two lines and a float of each sample */
    } else {
        const scl_sample_config *s = &stage->sample;
        const double pixels = (double)shape[0] * shape[1] * shape[2];
        out->flops = sampling_flops(stage, g, s->count);
        out->disk_bytes = pixels * s->count * (4.0 + 2.0) + pixels * stage->noise.levels * 8;
    }
    return SCL_OK;
}

scl_status scl_stage_cost_of(const scl_config *config, const scl_stage_config *stage, scl_stage_cost *out,
                             scl_err *err)
{
    scl_arena arena = { 0 };
    *out = (scl_stage_cost){ 0 };
    const scl_status status = cost(config, stage, &arena, out, err);
    scl_arena_free(&arena);
    return status;
}
