#include "run/field.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/arith.h"
#include "lib/coef.h"
#include "run/fit.h"
#include "score/hostmath.h"
#include "score/truth.h"

static scl_status open_network(scl_field *f, int n, scl_err *err)
{
    int shape[3];
    f->from_path = "the true score";
    if (f->c->stage->model.net != SCL_NET_ANALYTIC) {
        SCL_TRY(scl_stage_find_checkpoint(f->c, &f->from_path, err));
        SCL_TRY(scl_checkpoint_open(&f->from, f->from_path, err));
    }
    const bool ours = f->from && f->from->ours;
    if (ours)
        memcpy(shape, (int[3]){ f->from->info.height, f->from->info.width, f->from->info.channels }, sizeof shape);
    else
        SCL_TRY(scl_build_shape(f->c->config, f->c->stage, shape, err));
    f->spec = scl_build_spec(f->c->config, f->c->stage, shape, 1);
    if (ours)
        f->spec.net.conv = f->from->info.conv;
    f->spec.n = f->spec.global_batch = n;
    f->dimension = (size_t)shape[0] * (size_t)shape[1] * (size_t)shape[2];
    return scl_stage_open_device(f->c, &f->b, err);
}

static scl_status build(scl_field *f, scl_field_kind kind, scl_err *err)
{
    if (kind == SCL_FIELD_SCORE)
        return scl_step_score(&f->graph, f->c->arena, &f->spec, "", err);
    if (kind == SCL_FIELD_ENERGY)
        return scl_step_energy(&f->graph, f->c->arena, &f->spec, "", err);
    SCL_TRY(scl_stage_tuning(f->c, f->b, &f->spec, &f->tuning, err));
    return scl_build_likelihood(&f->graph, f->c->arena, f->c->stage, &f->spec, err);
}

static scl_status check_memory(scl_field *f, const scl_device_info *device, const scl_plan_options *options,
                               scl_field_kind kind, scl_err *err)
{
    const double mib = 1.0 / (1 << 20);
    scl_need need = { 0 };
    SCL_TRY(scl_need_plan(&need, f->graph, device, options, err));
    SCL_TRY(scl_need_store(&need, &f->graph, 1, err));
    if (scl_need_fits(&need, device))
        return SCL_OK;
    return scl_fail(err, SCL_FAILED, "%d samples at once take %.1f MiB on %s, %.1f MiB are there%s", f->spec.n,
                    (double)(need.slab_bytes + need.store_bytes) * mib, device->name, scl_fit_mib(device),
                    kind == SCL_FIELD_TRACES ? "; a smaller likelihood.group shares other steps of the ODE, and fits" : "");
}

static scl_status load(scl_field *f, scl_field_kind kind, scl_err *err)
{
    const scl_stage_config *stage = f->c->stage;
    const scl_device_info device = scl_build_device(stage, &f->b->info);
    SCL_TRY(build(f, kind, err));
    const scl_plan_options options = scl_stage_plan_options(f->c, &f->tuning);
    SCL_TRY(check_memory(f, &device, &options, kind, err));
    SCL_TRY(scl_plan_make(&f->plan, f->c->arena, f->graph, &device, &options, err));
    scl_stage_note_tuning(f->c, f->plan);
    SCL_TRY(scl_store_create_guarded(&f->store, f->b, &f->graph, 1, scl_observer_guard(f->c->observer), err));
    SCL_TRY(scl_exec_create(&f->exec, f->b, f->plan, f->store, NULL, err));
    SCL_TRY(scl_noise_of(&f->noise, f->c->arena, &stage->noise, 2.0, false, err));
    SCL_TRY(scl_noise_write(f->store, &f->noise, err));
    SCL_TRY(scl_truth_write(f->store, &stage->data, err));
    const char *prefix = stage->sample.weights == SCL_WEIGHTS_EMA ? "ema." : "";
    return f->from ? scl_checkpoint_weights(f->from, f->store, prefix, "", err) : SCL_OK;
}

scl_status scl_field_open(scl_field **out, scl_stage_context *c, int n, scl_field_kind kind, scl_err *err)
{
    scl_field *f = SCL_NEW_ARRAY(c->arena, scl_field, 1);
    f->c = c;
    f->kind = kind;
    scl_status status = open_network(f, n, err);
    if (status == SCL_OK)
        status = load(f, kind, err);
    if (status != SCL_OK) {
        scl_field_close(f);
        return status;
    }
    *out = f;
    return SCL_OK;
}

void scl_field_close(scl_field *f)
{
    if (!f)
        return;
    scl_exec_free(f->exec);
    scl_store_free(f->store);
    scl_tuning_free(&f->tuning);
    if (f->b)
        f->b->v->close(f->b);
    scl_checkpoint_close(f->from);
}

scl_status scl_field_values(scl_field *f, const float *x, size_t count, int level, float *value, scl_err *err)
{
    const bool energy = f->kind == SCL_FIELD_ENERGY;
    const size_t D = f->dimension, most = (size_t)f->spec.n, width = energy ? 1 : D;
    float *block;
    SCL_TRY(SCL_TAKE_ARRAY(&block, f->c->arena, most * D, "the points of a run", err));
    int32_t *label = SCL_NEW_ARRAY(f->c->arena, int32_t, most);
    for (size_t i = 0; i < most; i++)
        label[i] = level;
    if (scl_store_find(f->store, "sample.label").value)
        SCL_TRY(scl_store_write(f->store, "sample.label", label, sizeof *label * most, err));
    for (size_t first = 0; first < count; first += most) {
        const size_t n = count - first < most ? count - first : most;
        memcpy(block, x + first * D, sizeof *x * n * D);
        SCL_TRY(scl_store_write(f->store, "sample.x", block, sizeof *x * most * D, err));
        SCL_TRY(scl_stage_evaluation(f->c, first, f->exec, err));
        SCL_TRY(scl_exec_read(f->exec, energy ? "sample.energy" : "sample.score", block, sizeof *x * most * width, err));
        memcpy(value + first * width, block, sizeof *x * n * width);
        if (*f->c->stop)
            return scl_stage_interrupted(f->c, -1, err);
    }
    return SCL_OK;
}

float scl_field_value(const scl_field *f, bool byte, float v, uint32_t word, double *volume)
{
    if (!byte)
        return scl_flush(v);
    const float x = (float)((int)v << 16 | (int)(word >> 16)) * 0x1p-24f;
    if (!f->spec.net.logit)
        return scl_flush(x);
    const float y = fmaf(LOGIT_SCALE, x, LOGIT_EDGE), rest = fmaf(LOGIT_SCALE, 1.0f - x, LOGIT_EDGE);
    *volume += scl_host_log((double)LOGIT_SCALE) - scl_host_log((double)y) - scl_host_log((double)rest);
    return scl_flush(scl_log(y) - scl_log(rest));
}
