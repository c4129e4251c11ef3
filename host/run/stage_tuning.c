/* Tuning rows of a stage: the stored ones, or a few that are measured before a long stage. */
#include "base/log.h"
#include "cl/tuning_cache.h"
#include "run/build.h"
#include "run/fit.h"
#include "run/stage.h"
#include "run/tuner.h"
#include "score/sampler.h"

/* A short search is worth its time where the stage computes for twenty times as long. */
static const double BRIEF_S = 5, SHARE = 0.05, LONG_S = 60;

static double runs_of_evaluation(const scl_train_config *t, int n)
{
    const int images = t->eval.images > 0 ? t->eval.images : 10000; /* of the usual test splits */
    return t->eval.every > 0 ? (t->steps / t->eval.every + 1.0) * (images + n - 1) / n : 0;
}

scl_status scl_tuner_graphs(const scl_stage_config *stage, const scl_step_spec *spec,
                            const scl_plan_options *plan, scl_arena *arena, scl_tuner_list *out, scl_err *err)
{
    *out = (scl_tuner_list){.n = 1};
    for (int i = 0; i < SCL_TUNER_GRAPHS; i++)
        out->graph[i].plan = *plan;
    if (stage->kind == SCL_STAGE_SAMPLE) {
        const scl_sample_config *c = &stage->sample;
        out->graph[0].runs =
            (double)((c->count + spec->n - 1) / spec->n) * scl_sampler_evaluations(c, stage->noise.levels);
        return scl_build_sampling(&out->graph[0].graph, arena, stage, spec, err);
    }
    if (stage->kind == SCL_STAGE_LIKELIHOOD) {
        out->graph[0].runs = scl_build_likelihood_runs(stage);
        return scl_build_likelihood(&out->graph[0].graph, arena, stage, spec, err);
    }
    const scl_train_config *c = &stage->train;
    out->graph[0].runs = (double)c->steps * ((c->batch + spec->n - 1) / spec->n);
    SCL_TRY(scl_step_train(&out->graph[0].graph, arena, spec, err));
    if (c->eval.every <= 0)
        return SCL_OK;
    out->n = 2;
    out->graph[1].runs = runs_of_evaluation(c, spec->n);
    return scl_step_eval(&out->graph[1].graph, arena, spec, spec->ema ? "ema." : "", err);
}

/* ---- how many samples fit, where there are no data yet ---- */

typedef struct fitting {
    const scl_stage_config *stage;
    scl_step_spec *spec;
    const scl_plan_options *plan;
    const scl_device_info *device;
    int batch;
} fitting;

/* scl_need_function */
static scl_status needed(void *context, int n, scl_need *out, scl_err *err)
{
    fitting *f = context;
    scl_arena scratch = {0};
    scl_tuner_list list;
    scl_graph *graphs[SCL_TUNER_GRAPHS];
    *out = (scl_need){0};
    f->spec->n = n;
    f->spec->accumulate = f->stage->kind == SCL_STAGE_TRAIN && n < f->batch;
    if (f->stage->kind != SCL_STAGE_TRAIN)
        f->spec->global_batch = n;
    scl_status status = scl_tuner_graphs(f->stage, f->spec, f->plan, &scratch, &list, err);
    for (int i = 0; status == SCL_OK && i < list.n; i++) {
        graphs[i] = list.graph[i].graph;
        status = scl_need_plan(out, graphs[i], f->device, f->plan, err);
    }
    if (status == SCL_OK)
        status = scl_need_store(out, graphs, list.n, err);
    scl_arena_free(&scratch);
    return status;
}

scl_status scl_tuner_fit(scl_step_spec *spec, const scl_stage_config *stage, const scl_plan_options *plan,
                         const scl_device_info *device, scl_err *err)
{
    const bool trains = stage->kind == SCL_STAGE_TRAIN;
    fitting f = {.stage = stage, .spec = spec, .plan = plan, .device = device};
    scl_need need;
    int parts;
    f.batch = trains                            ? stage->train.batch
              : stage->kind == SCL_STAGE_SAMPLE ? scl_build_sample_batch(stage)
                                                : scl_build_group(stage);
    SCL_TRY(scl_fit_parts(&parts, f.batch, trains ? stage->train.accumulate : 1, device, needed, &f, err));
    return needed(&f, (f.batch + parts - 1) / parts, &need, err);
}

/* ---- in a stage ---- */

static double expected_seconds(const scl_tuner_list *list, const scl_device_info *d)
{
    return scl_tuner_flops(list->graph, list->n) / scl_build_rate(d);
}

/* A fault here is none of the stage: it will show there, if it matters. */
static void measure_some(scl_stage_context *c, scl_backend *b, const scl_tuner_list *list, double seconds,
                         scl_tuning *rows)
{
    const scl_tuner_options options = {.seconds = seconds, .stop = c->stop};
    scl_tuner_report r;
    scl_err fault = {0};
    if (scl_tuner_run(b, list->graph, list->n, &options, rows, &r, &fault) != SCL_OK) {
        scl_warn("%s: kernels keep their defaults: %s", c->stage->name, fault.message);
        scl_err_clear(&fault);
        return;
    }
    scl_info("%s: tuned %d of %d kernel shapes in %.1f s, %d faster (scorecl tune takes its time for all)",
             c->stage->name, r.measured, r.shapes, r.seconds, r.faster);
    if (r.wrong)
        scl_warn("%s: %d kernel choices do not give the bits of the C definitions on %s and are not used",
                 c->stage->name, r.wrong, b->info.name);
}

scl_status scl_stage_tuning(scl_stage_context *c, scl_backend *b, const scl_step_spec *spec, scl_tuning *out,
                            scl_err *err)
{
    scl_arena arena = {0};
    scl_tuner_list list;
    const scl_plan_options plan = scl_build_plan_options(c->config, c->stage, c->tune, NULL);
    *out = (scl_tuning){0};
    if (c->config->tuning == SCL_TUNING_OFF || b->info.klass == SCL_CLASS_REFERENCE)
        return SCL_OK;
    scl_tuning_load(b, out);
    scl_status status = scl_tuner_graphs(c->stage, spec, &plan, &arena, &list, err);
    const double expected = status == SCL_OK ? expected_seconds(&list, &b->info) : 0;
    if (expected >= LONG_S && !scl_tuner_knows(&b->info, list.graph, list.n, out)) {
        const double share = SHARE * expected;
        measure_some(c, b, &list, share < BRIEF_S ? share : BRIEF_S, out);
    }
    scl_arena_free(&arena);
    return status;
}
