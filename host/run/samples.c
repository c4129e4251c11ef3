#include "run/samples.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "run/draw.h"
#include "run/picture.h"

/* One drawing beside a training: what it makes goes with its arena. */
typedef struct drawing {
    scl_arena arena;
    scl_stage_config stage;
    scl_stage_context c;
    scl_draw draw;
} drawing;

static scl_status set_up(drawing *d, const scl_stage_context *c, scl_backend *b, scl_trainer *t, const scl_stage_config *how,
                         int *n, scl_err *err)
{
    const scl_net_config *net = scl_trainer_net(t);
    d->stage = *how;
    d->stage.memory = c->stage->memory;
    d->stage.sample.count = c->config->log.samples;
    if (!scl_build_ema(c->stage))
        d->stage.sample.weights = SCL_WEIGHTS_RAW;
    d->c = *c;
    d->c.stage = &d->stage;
    d->c.observer = NULL;
    d->c.arena = &d->arena;
    d->draw = (scl_draw){ .c = &d->c, .config = &d->stage.sample, .b = b, .training = scl_trainer_store(t) };
    SCL_TRY(scl_draw_set_up(&d->draw, (int[3]){ net->height, net->width, net->channels }, scl_trainer_conv(t), err));
    return scl_draw_choose_batch(&d->draw, n, scl_trainer_peak_bytes(t), err);
}

scl_status scl_samples_open(const scl_stage_config **how, scl_stage_context *c, scl_backend *b, scl_trainer *t, scl_err *err)
{
    drawing d = { 0 };
    const scl_net_config *net = scl_trainer_net(t);
    const char *name = c->stage->name;
    int n;
    *how = NULL;
    if (c->config->log.samples_every == 0)
        return SCL_OK;
    const scl_stage_config *stage = scl_config_drawer(c->config, c->stage);
    if (!stage || (net->height == 1 && net->width == 1)) {
        scl_info("%s: no samples over training: %s", name, stage ? "points have no picture" : "no sample stage draws from it");
        return SCL_OK;
    }
    scl_status status = set_up(&d, c, b, t, stage, &n, err);
    scl_arena_free(&d.arena);
    if (status == SCL_OK)
        status = scl_file_make_folder(scl_arena_printf(c->arena, "%s/samples", c->folder), err);
    if (status != SCL_OK) {
        scl_err_context(err, "samples over training (log.samples_every), drawn as stage %s does", stage->name);
        return status;
    }
    *how = stage;
    return SCL_OK;
}

scl_status scl_draw_copy_weights(const scl_draw *s, scl_draw_batch *r, scl_err *err)
{
    const char *prefix = s->config->weights == SCL_WEIGHTS_EMA ? "ema." : "";
    for (int i = 0; i < scl_store_count(r->store); i++) {
        const scl_binding to = scl_store_at(r->store, i);
        if (to.value->role != SCL_PARAM)
            continue;
        const scl_binding from = scl_store_find(s->training, scl_arena_printf(s->c->arena, "%s%s", prefix, to.value->name));
        if (!from.value || from.region.bytes != to.region.bytes)
            return scl_fail(err, SCL_FAILED, "'%s' of stage %s is not in the trained network, or has another shape there",
                            to.value->name, s->c->stage->name);
        SCL_TRY(s->b->v->copy(s->b, to.region, from.region, err));
    }
    return SCL_OK;
}

static scl_status save(drawing *d, long step, scl_events *events, scl_err *err)
{
    const scl_net_config *net = &d->draw.spec.net;
    const scl_pictures p = { .x = d->draw.x, .count = (size_t)d->stage.sample.count, .height = net->height, .width = net->width,
                             .channels = net->channels };
    const char *path = scl_arena_printf(&d->arena, "%s/samples/step-%08ld.png", d->c.folder, step);
    SCL_TRY(scl_draw_finish(&d->draw, err));
    SCL_TRY(scl_picture_grid(&p, 0, 2, path, err));
    return scl_events_picture(events, step, "samples", path, err);
}

/* A young network's samples may explode, which ends a sample stage; a training goes on without the picture.  When the run is
 * stopped the training sees it too, and says how to go on. */
static void tell_missing(const scl_stage_context *c, long step, scl_status status, scl_err *fault)
{
    char text[1024];
    scl_err_text(fault, text, sizeof text);
    if (status != SCL_OK && status != SCL_INTERRUPTED)
        scl_warn("%s: no samples of step %ld: %s", c->stage->name, step, text);
    scl_err_clear(fault);
}

void scl_samples_draw(scl_stage_context *c, scl_backend *b, scl_trainer *t, const scl_stage_config *how, long step,
                      scl_events *events)
{
    scl_err fault = { 0 }, *err = &fault;
    drawing d = { 0 };
    void *x = NULL;
    int n = 0;
    const int64_t since = scl_now_ns();
    scl_status status = set_up(&d, c, b, t, how, &n, err);
    if (status == SCL_OK)
        status = scl_alloc_bytes(&x, sizeof(float) * (size_t)d.stage.sample.count * d.draw.pixels, "the samples", err);
    d.draw.x = x;
    const long batches = n > 0 ? (d.stage.sample.count + n - 1) / n : 0;
    const char *what = scl_arena_printf(&d.arena, "%s: samples of step %ld", c->stage->name, step);
    scl_progress_start(&d.draw.progress, what, "update", 0,
                       scl_sampler_adapts(d.draw.config) ? 0 : batches * d.draw.sampler.total);
    if (status == SCL_OK)
        status = scl_draw_batches(&d.draw, n, err);
    if (status == SCL_OK)
        status = save(&d, step, events, err);
    if (status == SCL_OK) {
        char time[64];
        scl_duration_text((double)(scl_now_ns() - since) * 1e-9, time, sizeof time);
        scl_info("%s: step %ld, samples/step-%08ld.png, drawn in %s", c->stage->name, step, step, time);
    }
    scl_log_status(NULL);
    free(x);
    scl_arena_free(&d.arena);
    tell_missing(c, step, status, err);
}
