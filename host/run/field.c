#include "run/field.h"

#include <stdlib.h>
#include <string.h>

#include "run/build.h"
#include "score/noise.h"
#include "score/truth.h"

enum { AT_ONCE = 4096 };

struct scl_field {
    scl_stage_context *c;
    scl_field_kind kind;
    scl_backend *b;
    scl_checkpoint *from;
    scl_step_spec spec;
    scl_graph *graph;
    scl_plan *plan;
    scl_store *store;
    scl_exec *exec;
    size_t dimension;
};

static scl_status open_network(scl_field *f, scl_err *err)
{
    const char *path;
    SCL_TRY(scl_stage_find_checkpoint(f->c, &path, err));
    SCL_TRY(scl_checkpoint_open(&f->from, path, err));
    int shape[3] = { f->from->info.height, f->from->info.width, f->from->info.channels };
    if (!f->from->ours)
        SCL_TRY(scl_build_shape(f->c->config, f->c->stage, shape, err));
    f->spec = scl_build_spec(f->c->config, f->c->stage, shape, 1);
    if (f->from->ours)
        f->spec.net.conv = f->from->info.conv;
    f->spec.n = f->spec.global_batch = AT_ONCE;
    f->dimension = (size_t)shape[0] * (size_t)shape[1] * (size_t)shape[2];
    return scl_stage_open_device(f->c, &f->b, err);
}

static scl_status load(scl_field *f, scl_err *err)
{
    const scl_stage_config *stage = f->c->stage;
    const scl_plan_options options = scl_build_plan_options(f->c->config, stage, f->c->tune, NULL);
    const scl_device_info device = scl_build_device(stage, &f->b->info);
    scl_noise noise;
    SCL_TRY(f->kind == SCL_FIELD_ENERGY ? scl_step_energy(&f->graph, f->c->arena, &f->spec, "", err)
                                        : scl_step_score(&f->graph, f->c->arena, &f->spec, "", err));
    SCL_TRY(scl_plan_make(&f->plan, f->c->arena, f->graph, &device, &options, err));
    SCL_TRY(scl_store_create(&f->store, f->b, &f->graph, 1, err));
    SCL_TRY(scl_exec_create(&f->exec, f->b, f->plan, f->store, NULL, err));
    SCL_TRY(scl_noise_of(&noise, f->c->arena, &stage->noise, 2.0, false, err));
    SCL_TRY(scl_noise_write(f->store, &noise, err));
    SCL_TRY(scl_truth_write(f->store, &stage->data, err));
    return scl_checkpoint_weights(f->from, f->store, stage->sample.weights == SCL_WEIGHTS_EMA ? "ema." : "", "", err);
}

scl_status scl_field_open(scl_field **out, scl_stage_context *c, scl_field_kind kind, scl_err *err)
{
    scl_field *f = SCL_NEW_ARRAY(c->arena, scl_field, 1);
    f->c = c;
    f->kind = kind;
    scl_status status = open_network(f, err);
    if (status == SCL_OK)
        status = load(f, err);
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
    if (f->b)
        f->b->v->close(f->b);
    scl_checkpoint_close(f->from);
}

size_t scl_field_dimension(const scl_field *f) { return f->dimension; }

scl_status scl_field_values(scl_field *f, const float *x, size_t count, int level, float *value, scl_err *err)
{
    const bool energy = f->kind == SCL_FIELD_ENERGY;
    const size_t D = f->dimension, width = energy ? 1 : D;
    float *block = SCL_NEW_ARRAY(f->c->arena, float, AT_ONCE * D);
    int32_t *label = SCL_NEW_ARRAY(f->c->arena, int32_t, AT_ONCE);
    for (int i = 0; i < AT_ONCE; i++)
        label[i] = level;
    if (scl_store_find(f->store, "sample.label").value)
        SCL_TRY(scl_store_write(f->store, "sample.label", label, sizeof *label * AT_ONCE, err));
    for (size_t first = 0; first < count; first += AT_ONCE) {
        const size_t n = count - first < AT_ONCE ? count - first : AT_ONCE;
        memcpy(block, x + first * D, sizeof *x * n * D);
        SCL_TRY(scl_store_write(f->store, "sample.x", block, sizeof *x * AT_ONCE * D, err));
        SCL_TRY(scl_exec_run(f->exec, err));
        SCL_TRY(scl_exec_read(f->exec, energy ? "sample.energy" : "sample.score", block, sizeof *x * AT_ONCE * width, err));
        memcpy(value + first * width, block, sizeof *x * n * width);
        if (*f->c->stop)
            return scl_stage_interrupted(f->c, -1, err);
    }
    return SCL_OK;
}
