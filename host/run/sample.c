/* The sample stage: samples from a checkpoint, by any of the samplers of score/sampler.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "graph/arith.h"
#include "graph/plan.h"
#include "run/draw.h"
#include "run/fit.h"
#include "score/truth.h"

enum { TRAJECTORY_COLUMNS = 8 };

/* The network would take any size; a config that asks for another than the checkpoint's is a mistake. */
static scl_status check_shape(const scl_draw *s, const char *path, scl_err *err)
{
    const scl_checkpoint_info *i = &s->from->info;
    const scl_transform_config *t = &s->c->stage->data.transform;
    const bool same_size = !t->size || (t->size == i->height && t->size == i->width);
    if (!s->from->ours || (same_size && (!t->channels || t->channels == i->channels)))
        return SCL_OK;
    char size[48] = "", channels[48] = "";
    if (t->size)
        snprintf(size, sizeof size, " data.transform.size %d", t->size);
    if (t->channels)
        snprintf(channels, sizeof channels, "%s data.transform.channels %d", size[0] ? "," : "", t->channels);
    return scl_fail(err, SCL_FAILED, "checkpoint '%s' is of images of %dx%dx%d, the config says%s%s", path,
                    i->height, i->width, i->channels, size, channels);
}

scl_status scl_draw_set_up(scl_draw *s, const int shape[3], const char *conv, scl_err *err)
{
    s->spec = scl_build_spec(s->c->config, s->c->stage, shape, 1);
    if (conv)
        s->spec.net.conv = conv;
    s->pixels = (size_t)shape[0] * (size_t)shape[1] * (size_t)shape[2];
    SCL_TRY(scl_noise_of(&s->noise, s->c->arena, &s->c->stage->noise, 2.0, false, err));
    s->how = scl_build_sampling_of(s->c->stage);
    if (!scl_sampler_adapts(s->config))
        SCL_TRY(scl_sampler_make(&s->sampler, s->config, &s->noise, err));
    else if (s->noise.levels < 2)
        return scl_fail(err, SCL_BAD_CONFIG, "noise.levels: the probability flow goes from level to level and needs two at least");
    s->rows = scl_sampler_adapts(s->config) ? s->noise.levels : s->sampler.rows;
    return SCL_OK;
}

static scl_status open_net(scl_draw *s, scl_err *err)
{
    const char *path;
    int shape[3];
    if (s->c->stage->model.net == SCL_NET_ANALYTIC) {
        path = "the true score";
    } else {
        SCL_TRY(scl_stage_find_checkpoint(s->c, &path, err));
        SCL_TRY(scl_checkpoint_open(&s->from, path, err));
        SCL_TRY(check_shape(s, path, err));
    }
    if (s->from && s->from->ours)
        memcpy(shape, (int[3]){ s->from->info.height, s->from->info.width, s->from->info.channels }, sizeof shape);
    else
        SCL_TRY(scl_build_shape(s->c->config, s->c->stage, shape, err));
    SCL_TRY(scl_draw_set_up(s, shape, s->from && s->from->ours ? s->from->info.conv : NULL, err));
    SCL_TRY(scl_draw_open_known(s, err));
    SCL_TRY(scl_draw_open_guide(s, err));
    scl_info("%s: draws %d sample%s from %s", s->c->stage->name, s->config->count, s->config->count == 1 ? "" : "s", path);
    return SCL_OK;
}

static void tell_batch(scl_draw *s, const scl_draw_batch *r)
{
    scl_stage_note_tuning(s->c, r->plan);
    scl_stage_note(s->c, "peak_bytes", "%zu", s->peak_bytes);
    scl_info("%s: on %s, batches of %d, peak device memory %.1f MiB", s->c->stage->name, s->b->info.name, r->n,
             (double)(r->plan->peak_bytes + scl_store_bytes(r->store)) / (1 << 20));
}

static scl_status load_weights(scl_draw *s, scl_draw_batch *r, scl_err *err)
{
    const char *prefix = s->config->weights == SCL_WEIGHTS_EMA ? "ema." : "";
    if (s->training)
        return scl_draw_copy_weights(s, r, err);
    return !s->from ? SCL_OK : scl_checkpoint_weights(s->from, r->store, prefix, "", err);
}

static scl_status open_sampler(scl_draw *s, scl_draw_batch *r, int n, scl_err *err)
{
    scl_step_spec spec = s->spec;
    spec.n = spec.global_batch = n;
    *r = (scl_draw_batch){ .n = n };
    SCL_TRY(scl_build_sampling(&r->graph, s->c->arena, s->c->stage, &spec, err));
    const scl_plan_options options = scl_stage_plan_options(s->c, &s->tuning);
    SCL_TRY(scl_plan_make(&r->plan, s->c->arena, r->graph, &s->device, &options, err));
    SCL_TRY(scl_store_create_guarded(&r->store, s->b, &r->graph, 1, scl_observer_guard(s->c->observer), err));
    SCL_TRY(scl_exec_create(&r->exec, s->b, r->plan, r->store, NULL, err));
    const size_t peak = r->plan->peak_bytes + scl_store_bytes(r->store);
    if (peak > s->peak_bytes)
        s->peak_bytes = s->progress.memory_bytes = peak;
    if (!s->training)
        tell_batch(s, r);
    for (int i = 0; i < SCL_DRAW_AHEAD; i++)
        s->slot[i].sumsq = SCL_NEW_ARRAY(s->c->arena, float, n);
    SCL_TRY(scl_noise_write(r->store, &s->noise, err));
    SCL_TRY(scl_truth_write(r->store, &s->c->stage->data, err));
    SCL_TRY(scl_draw_load_guide(s, r, err));
    return load_weights(s, r, err);
}

static void close_sampler(scl_draw_batch *r)
{
    scl_exec_free(r->exec);
    scl_store_free(r->store);
    *r = (scl_draw_batch){ 0 };
}

/* scl_need_function */
static scl_status needed(void *context, int n, scl_need *out, scl_err *err)
{
    scl_draw *s = context;
    scl_arena scratch = { 0 };
    scl_graph *graph;
    scl_step_spec spec = s->spec;
    spec.n = spec.global_batch = n;
    *out = (scl_need){ 0 };
    const scl_plan_options options = scl_stage_plan_options(s->c, &s->tuning);
    scl_status status = scl_build_sampling(&graph, &scratch, s->c->stage, &spec, err);
    if (status == SCL_OK)
        status = scl_need_plan(out, graph, &s->device, &options, err);
    if (status == SCL_OK)
        status = scl_need_store(out, &graph, 1, err);
    scl_arena_free(&scratch);
    return status;
}

scl_status scl_draw_choose_batch(scl_draw *s, int *n, size_t taken_bytes, scl_err *err)
{
    const int batch = scl_build_sample_batch(s->c->stage);
    int parts;
    s->device = scl_build_device(s->c->stage, &s->b->info);
    if (s->device.global_bytes)      /* 0 would be: no limit */
        s->device.global_bytes = s->device.global_bytes > taken_bytes ? s->device.global_bytes - taken_bytes : 1;
    SCL_TRY(scl_fit_parts(&parts, batch, 1, &s->device, needed, s, err));
    *n = (batch + parts - 1) / parts;
    if (*n < batch && scl_sampler_couples(s->config))
        return scl_fail(err, SCL_FAILED, "sampler.group: norms are taken over %d samples at once, and %d fit in %.0f MiB; a smaller group is "
                        "another result, and fits", batch, *n, scl_fit_mib(&s->device));
    return SCL_OK;
}

/* Rows for the batch that fits; what they choose may, rarely, take another batch. */
static scl_status open_tuning(scl_draw *s, scl_err *err)
{
    scl_step_spec spec = s->spec;
    SCL_TRY(scl_draw_choose_batch(s, &spec.n, 0, err));
    spec.global_batch = spec.n;
    return scl_stage_tuning(s->c, s->b, &spec, &s->tuning, err);
}

/* What was drawn at which cost: into the log and environment.json. */
static void report(scl_draw *s)
{
    if (s->least == s->most)
        scl_info("%s: %ld score evaluations per sample", s->c->stage->name, s->most);
    else
        scl_info("%s: %ld to %ld score evaluations per sample", s->c->stage->name, s->least, s->most);
    scl_stage_evaluations(s->c, s->most);
    scl_stage_note(s->c, "score_evaluations", "%ld", s->most);
    if (s->config->sampler.step_lr <= 0 && s->sampler.step_lr > 0)
        scl_stage_note(s->c, "step_lr", "%.9g", s->sampler.step_lr);
}

scl_status scl_draw_batches(scl_draw *s, int n, scl_err *err)
{
    scl_draw_batch r = { 0 };
    scl_status status = SCL_OK;
    const int count = s->config->count;
    for (int first = 0; first < count && status == SCL_OK; first += n) {
        const int now = count - first < n ? count - first : n;
        if (r.n != now) {
            close_sampler(&r);
            status = open_sampler(s, &r, now, err);
        }
        if (status == SCL_OK)
            status = scl_draw_put_classes(s, &r, first, err);
        if (status == SCL_OK)
            status = scl_sampler_adapts(s->config) ? scl_draw_flow(s, &r, first, err) : scl_draw_chain(s, &r, first, err);
        const scl_status settled = scl_draw_settle(s, status == SCL_OK ? err : NULL);
        status = status == SCL_OK ? settled : status;
    }
    close_sampler(&r);
    return status;
}

static scl_status draw_all(scl_draw *s, scl_err *err)
{
    const int count = s->config->count;
    const int asked = scl_build_sample_batch(s->c->stage);
    const bool adapts = scl_sampler_adapts(s->config);
    int n;
    SCL_TRY(scl_draw_choose_batch(s, &n, 0, err));
    if (n < asked)
        scl_info("%s: batch %d does not fit in %.0f MiB: drawn %d at a time", s->c->stage->name, asked, scl_fit_mib(&s->device), n);
    if (s->config->sampler.step_lr <= 0 && s->sampler.step_lr > 0)
        scl_info("%s: step_lr %.6g, by the noise levels", s->c->stage->name, s->sampler.step_lr);
    s->columns = count < TRAJECTORY_COLUMNS ? count : TRAJECTORY_COLUMNS;
    if (s->config->save & SCL_SAVE_TRAJECTORY) {
        void *memory;
        SCL_TRY(scl_alloc_bytes(&memory, sizeof(float) * (size_t)s->rows * (size_t)s->columns * s->pixels,
                                "the trajectory", err));
        s->trajectory = memory;
        s->kept = SCL_NEW_ARRAY(s->c->arena, scl_ticket, s->rows);
    }
    scl_progress_start(&s->progress, s->c->stage->name, "step", 0, adapts ? 0 : (long)((count + n - 1) / n) * s->sampler.total);
    SCL_TRY(scl_draw_batches(s, n, err));
    scl_progress_end(&s->progress);
    report(s);
    return SCL_OK;
}

scl_status scl_draw_finish(scl_draw *s, scl_err *err)
{
    const size_t n = (size_t)s->config->count * s->pixels;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(s->x[i]))
            return scl_fail(err, SCL_FAILED, "sample %zu is not finite: element %zu is %g; a smaller sampler.step_lr may help",
                            i / s->pixels, i % s->pixels, (double)s->x[i]);
        if (s->spec.net.logit)
            s->x[i] = scl_sigmoid(s->x[i]);
    }
    const size_t kept = s->trajectory ? (size_t)s->rows * (size_t)s->columns * s->pixels : 0;
    for (size_t i = 0; i < kept && s->spec.net.logit; i++)
        s->trajectory[i] = scl_sigmoid(s->trajectory[i]);
    return SCL_OK;
}

scl_status scl_stage_sample(scl_stage_context *c, scl_err *err)
{
    scl_draw s = { .c = c, .config = &c->stage->sample };
    void *x = NULL;
    scl_status status = open_net(&s, err);
    if (status == SCL_OK)
        status = scl_alloc_bytes(&x, sizeof(float) * (size_t)s.config->count * s.pixels, "the samples", err);
    s.x = x;
    if (status == SCL_OK)
        status = scl_stage_open_device(c, &s.b, err);
    if (status == SCL_OK)
        status = open_tuning(&s, err);
    if (status == SCL_OK)
        status = draw_all(&s, err);
    if (status == SCL_OK)
        status = scl_draw_finish(&s, err);
    if (status == SCL_OK)
        status = scl_draw_save(&s, err);
    if (status != SCL_OK && status != SCL_INTERRUPTED)
        scl_err_context(err, "stage %s", c->stage->name);
    if (s.b)
        s.b->v->close(s.b);
    scl_draw_close_known(&s);
    scl_draw_close_guide(&s);
    scl_checkpoint_close(s.from);
    scl_tuning_free(&s.tuning);
    free(s.trajectory);
    free(x);
    return status;
}
