/* The sample stage: annealed Langevin dynamics from a checkpoint (Song & Ermon 2019, algorithm 1). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/progress.h"
#include "data/npy.h"
#include "data/safetensors.h"
#include "graph/arith.h"
#include "graph/plan.h"
#include "run/build.h"
#include "run/fit.h"
#include "run/picture.h"
#include "run/stage.h"
#include "score/noise.h"

enum { AHEAD = 2, TRAJECTORY_COLUMNS = 8 };

/* Executor for batches of n samples. */
typedef struct sampler { int n; scl_graph *graph; scl_plan *plan; scl_store *store; scl_exec *exec; } sampler;

typedef struct sampling {
    scl_stage_context *c;
    const scl_sample_config *config;
    scl_backend *b;
    scl_device_info device;           /* what the stage may use of it */
    scl_checkpoint *from;
    scl_step_spec spec;
    scl_noise noise;
    scl_tuning tuning;
    size_t pixels;                    /* floats of one picture */
    float *x;                         /* [count, pixels] */
    float *trajectory;                /* [levels, columns, pixels]; NULL: not asked for */
    int columns;
    scl_ticket *kept;                 /* of each level's row, on its way */
    size_t peak_bytes;                /* of the largest batch */
    scl_progress progress;
    long done, total;                 /* score evaluations of a batch */
    float probe[AHEAD];
    scl_ticket ticket[AHEAD];
} sampling;

/* The network would take any size; a config that asks for another than the checkpoint's is a mistake. */
static scl_status check_shape(const sampling *s, const char *path, scl_err *err)
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

static scl_status open_net(sampling *s, scl_err *err)
{
    const char *path;
    SCL_TRY(scl_stage_find_checkpoint(s->c, &path, err));
    SCL_TRY(scl_checkpoint_open(&s->from, path, err));
    int shape[3] = { s->from->info.height, s->from->info.width, s->from->info.channels };
    SCL_TRY(check_shape(s, path, err));
    if (!s->from->ours)
        SCL_TRY(scl_build_shape(s->c->config, s->c->stage, shape, err));
    s->spec = scl_build_spec(s->c->config, s->c->stage, shape, 1);
    if (s->from->ours)
        s->spec.net.conv = s->from->info.conv;
    s->pixels = (size_t)shape[0] * (size_t)shape[1] * (size_t)shape[2];
    const scl_noise_config *n = &s->c->stage->noise;
    SCL_TRY(scl_noise_make(&s->noise, s->c->arena, n->sigma_begin, n->sigma_end, n->levels, 2.0, err));
    scl_info("%s: draws %d sample%s from %s", s->c->stage->name, s->config->count, s->config->count == 1 ? "" : "s", path);
    return SCL_OK;
}

static scl_status open_sampler(sampling *s, sampler *r, int n, scl_err *err)
{
    scl_step_spec spec = s->spec;
    spec.n = spec.global_batch = n;
    *r = (sampler){ .n = n };
    SCL_TRY(scl_step_sample(&r->graph, s->c->arena, &spec, "", err));
    const scl_plan_options options =
        scl_build_plan_options(s->c->config, s->c->stage, s->c->tune, &s->tuning);
    SCL_TRY(scl_plan_make(&r->plan, s->c->arena, r->graph, &s->device, &options, err));
    scl_stage_note_tuning(s->c, r->plan);
    SCL_TRY(scl_store_create(&r->store, s->b, &r->graph, 1, err));
    SCL_TRY(scl_exec_create(&r->exec, s->b, r->plan, r->store, NULL, err));
    const size_t peak = r->plan->peak_bytes + scl_store_bytes(r->store);
    if (peak > s->peak_bytes)
        s->peak_bytes = peak;
    scl_stage_note(s->c, "peak_bytes", "%zu", s->peak_bytes);
    scl_info("%s: on %s, batches of %d, peak device memory %.1f MiB", s->c->stage->name, s->b->info.name, n, (double)peak / (1 << 20));
    if (scl_store_find(r->store, "inv_sigma").value)      /* a network that does not give the score itself */
        SCL_TRY(scl_store_write(r->store, "inv_sigma", s->noise.inv_sigma, sizeof(float) * (size_t)s->noise.levels, err));
    const char *prefix = s->config->weights == SCL_WEIGHTS_EMA ? "ema." : "";
    return scl_checkpoint_weights(s->from, r->store, prefix, "", err);
}

static void close_sampler(sampler *r)
{
    scl_exec_free(r->exec);
    scl_store_free(r->store);
    *r = (sampler){ 0 };
}

/* x0 of sample number i: uniform on [0, 1), or normal. */
static void start_of(const sampling *s, uint32_t i, float *x)
{
    const uint64_t seed = s->c->config->seed;
    for (size_t e = 0; e < s->pixels; e += 4) {
        const scl_words w = scl_random(seed, (uint32_t)(e / 4), i, 0, SCL_STREAM_INIT, 1);
        float v[4] = { scl_uniform(w.w[0]), scl_uniform(w.w[1]), scl_uniform(w.w[2]), scl_uniform(w.w[3]) };
        if (s->config->sampler.init != 0) {
            scl_normal2(w.w[0], w.w[1], &v[0], &v[1]);
            scl_normal2(w.w[2], w.w[3], &v[2], &v[3]);
        }
        for (size_t k = 0; k < 4 && e + k < s->pixels; k++)
            x[e + k] = scl_flush(v[k]);
    }
}

/* Enqueues one score evaluation with its update, at most AHEAD in front of the device. */
static scl_status update(sampling *s, sampler *r, uint32_t first, uint32_t step, double drift, double noise, scl_err *err)
{
    const uint64_t seed = s->c->config->seed;
    const uint32_t counters[SCL_COUNTERS] = { [SCL_CNT_SEED_LO] = (uint32_t)seed, [SCL_CNT_SEED_HI] = (uint32_t)(seed >> 32),
                                              [SCL_CNT_STEP] = step, [SCL_CNT_BATCH] = (uint32_t)r->n, [SCL_CNT_SAMPLE] = first };
    const float coef[SCL_SAMPLE_COEFS] = { [SCL_SAMPLE_STEP] = scl_flush((float)drift),
                                            [SCL_SAMPLE_NOISE] = scl_flush((float)noise) };
    const int slot = (int)(s->done % AHEAD);
    if (s->ticket[slot].event)
        SCL_TRY(s->b->v->wait(s->b, &s->ticket[slot], NULL, err));
    SCL_TRY(scl_store_write(r->store, "counters", counters, sizeof counters, err));
    SCL_TRY(scl_store_write(r->store, "sample.coef", coef, sizeof coef, err));
    SCL_TRY(scl_exec_run(r->exec, err));
    scl_region one = scl_store_find(r->store, "sample.x").region;
    one.bytes = sizeof(float);
    SCL_TRY(s->b->v->read_start(s->b, one, &s->probe[slot], &s->ticket[slot], err));
    scl_progress_update(&s->progress, ++s->done, NULL);
    return *s->c->stop ? scl_stage_interrupted(s->c, -1, err) : SCL_OK;
}

static scl_status set_level(const sampling *s, sampler *r, int level, scl_err *err)
{
    int32_t *label = SCL_NEW_ARRAY(s->c->arena, int32_t, r->n);
    for (int i = 0; i < r->n; i++)
        label[i] = level;
    return scl_store_write(r->store, "sample.label", label, sizeof *label * (size_t)r->n, err);
}

/* The first samples of all, after a level: those of them that are in this batch. */
static scl_status keep_level(sampling *s, sampler *r, int first, int level, scl_err *err)
{
    if (!s->trajectory || first >= s->columns)
        return SCL_OK;
    float *row = s->trajectory + ((size_t)level * (size_t)s->columns + (size_t)first) * s->pixels;
    scl_region x = scl_store_find(r->store, "sample.x").region;
    x.bytes = sizeof(float) * (size_t)(s->columns - first < r->n ? s->columns - first : r->n) * s->pixels;
    if (s->kept[level].event)
        SCL_TRY(s->b->v->wait(s->b, &s->kept[level], NULL, err));
    return s->b->v->read_start(s->b, x, row, &s->kept[level], err);
}

/* Waits for reads that may still be under way into this frame's memory. */
static scl_status settle(sampling *s, scl_err *err)
{
    for (int i = 0; i < AHEAD; i++) {
        if (s->ticket[i].event)
            SCL_TRY(s->b->v->wait(s->b, &s->ticket[i], NULL, err));
        s->ticket[i] = (scl_ticket){ 0 };
    }
    for (int i = 0; s->kept && i < s->c->stage->noise.levels; i++)
        if (s->kept[i].event)
            SCL_TRY(s->b->v->wait(s->b, &s->kept[i], NULL, err));
    return SCL_OK;
}

/* Samples first ... first + n - 1. */
static scl_status draw(sampling *s, sampler *r, int first, scl_err *err)
{
    float *x = s->x + (size_t)first * s->pixels;
    const size_t bytes = sizeof(float) * (size_t)r->n * s->pixels;
    const int levels = s->c->stage->noise.levels, per_level = s->config->sampler.steps_per_level;
    for (int i = 0; i < r->n; i++)
        start_of(s, (uint32_t)(first + i), x + (size_t)i * s->pixels);
    SCL_TRY(scl_store_write(r->store, "sample.x", x, bytes, err));
    for (int level = 0; level < levels; level++) {
        double drift, noise;
        scl_langevin_step(&s->noise, s->config->sampler.step_lr, level, s->config->sampler.step_rule == SCL_STEP_PAPER, &drift, &noise);
        SCL_TRY(set_level(s, r, level, err));
        for (int t = 0; t < per_level; t++)
            SCL_TRY(update(s, r, (uint32_t)first, (uint32_t)(level * per_level + t), drift, noise, err));
        SCL_TRY(keep_level(s, r, first, level, err));
    }
    if (s->config->sampler.denoise) {
        const double last = s->noise.level[levels - 1];
        SCL_TRY(update(s, r, (uint32_t)first, (uint32_t)(levels * per_level), last * last, 0.0, err));
    }
    SCL_TRY(settle(s, err));
    return scl_store_read(r->store, "sample.x", x, bytes, err);
}

/* scl_need_function */
static scl_status needed(void *context, int n, scl_need *out, scl_err *err)
{
    sampling *s = context;
    scl_arena scratch = { 0 };
    scl_graph *graph;
    scl_step_spec spec = s->spec;
    spec.n = spec.global_batch = n;
    *out = (scl_need){ 0 };
    const scl_plan_options options =
        scl_build_plan_options(s->c->config, s->c->stage, s->c->tune, &s->tuning);
    scl_status status = scl_step_sample(&graph, &scratch, &spec, "", err);
    if (status == SCL_OK)
        status = scl_need_plan(out, graph, &s->device, &options, err);
    if (status == SCL_OK)
        status = scl_need_store(out, &graph, 1, err);
    scl_arena_free(&scratch);
    return status;
}

/* Samples drawn at once: as asked, or as many as fit. */
static scl_status choose_batch(sampling *s, int *n, scl_err *err)
{
    const int batch = scl_build_sample_batch(s->c->stage);
    int parts;
    s->device = scl_build_device(s->c->stage, &s->b->info);
    SCL_TRY(scl_fit_parts(&parts, batch, 1, &s->device, needed, s, err));
    *n = (batch + parts - 1) / parts;
    return SCL_OK;
}

/* Rows for the batch that fits; what they choose may, rarely, take another batch. */
static scl_status open_tuning(sampling *s, scl_err *err)
{
    scl_step_spec spec = s->spec;
    SCL_TRY(choose_batch(s, &spec.n, err));
    spec.global_batch = spec.n;
    return scl_stage_tuning(s->c, s->b, &spec, &s->tuning, err);
}

static scl_status draw_all(sampling *s, scl_err *err)
{
    const int count = s->config->count, levels = s->c->stage->noise.levels;
    const int asked = scl_build_sample_batch(s->c->stage);
    int n;
    SCL_TRY(choose_batch(s, &n, err));
    if (n < asked)
        scl_info("%s: batch %d does not fit in %.0f MiB: drawn %d at a time", s->c->stage->name, asked, scl_fit_mib(&s->device), n);
    const int evaluations = levels * s->config->sampler.steps_per_level + s->config->sampler.denoise;
    s->columns = count < TRAJECTORY_COLUMNS ? count : TRAJECTORY_COLUMNS;
    if (s->config->save & SCL_SAVE_TRAJECTORY) {
        s->trajectory = SCL_NEW_ARRAY(s->c->arena, float, (size_t)levels * (size_t)s->columns * s->pixels);
        s->kept = SCL_NEW_ARRAY(s->c->arena, scl_ticket, levels);
    }
    scl_progress_start(&s->progress, s->c->stage->name, "step", 0, (long)((count + n - 1) / n) * evaluations);
    sampler r = { 0 };
    scl_status status = SCL_OK;
    for (int first = 0; first < count && status == SCL_OK; first += n) {
        const int now = count - first < n ? count - first : n;
        if (r.n != now) {
            close_sampler(&r);
            status = open_sampler(s, &r, now, err);
        }
        if (status == SCL_OK)
            status = draw(s, &r, first, err);
        const scl_status settled = settle(s, err);
        status = status == SCL_OK ? settled : status;
    }
    close_sampler(&r);
    if (status != SCL_OK)
        return status;
    scl_progress_end(&s->progress);
    scl_info("%s: %d score evaluations per sample", s->c->stage->name, evaluations);
    return SCL_OK;
}

/* A logit model's samples become pixels: sigmoid. */
static scl_status finish_samples(sampling *s, scl_err *err)
{
    const size_t n = (size_t)s->config->count * s->pixels;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(s->x[i]))
            return scl_fail(err, SCL_FAILED, "sample %zu is not finite: element %zu is %g; a smaller sampler.step_lr may help",
                            i / s->pixels, i % s->pixels, (double)s->x[i]);
        if (s->spec.net.logit)
            s->x[i] = scl_sigmoid(s->x[i]);
    }
    const size_t kept = s->trajectory ? (size_t)s->c->stage->noise.levels * (size_t)s->columns * s->pixels : 0;
    for (size_t i = 0; i < kept && s->spec.net.logit; i++)
        s->trajectory[i] = scl_sigmoid(s->trajectory[i]);
    return SCL_OK;
}

static const char *in_folder(sampling *s, const char *name)
{
    return scl_arena_printf(s->c->arena, "%s/%s", s->c->folder, name);
}

static scl_status save(sampling *s, scl_err *err)
{
    const scl_net_config *n = &s->spec.net;
    const unsigned what = s->config->save;
    scl_pictures p = { .x = s->x, .count = (size_t)s->config->count, .height = n->height, .width = n->width, .channels = n->channels };
    if (what & SCL_SAVE_GRID)
        SCL_TRY(scl_picture_grid(&p, 0, 2, in_folder(s, "grid.png"), err));
    if (what & SCL_SAVE_IMAGES)
        SCL_TRY(scl_picture_files(&p, 0, p.count, in_folder(s, "images"), err));
    if (s->trajectory) {
        const size_t levels = (size_t)s->c->stage->noise.levels;
        scl_pictures rows = { .x = s->trajectory, .count = levels * (size_t)s->columns, .height = n->height, .width = n->width,
                              .channels = n->channels };
        SCL_TRY(scl_picture_grid(&rows, s->columns, 2, in_folder(s, "trajectory.png"), err));
    }
    const char *npy = in_folder(s, "samples.npy");
    const scl_npy array = { .dtype = SCL_NPY_F32, .rank = 4, .data = s->x,
                            .dim = { p.count, (size_t)n->height, (size_t)n->width, (size_t)n->channels } };
    SCL_TRY(scl_npy_write(&array, npy, err));
    char checksum[65];
    SCL_TRY(scl_checksum_file(npy, checksum, err));
    scl_stage_result(s->c, checksum);
    if (!(what & SCL_SAVE_NPY))
        remove(npy);
    scl_info("%s: samples are in %s", s->c->stage->name, s->c->folder);
    return SCL_OK;
}

scl_status scl_stage_sample(scl_stage_context *c, scl_err *err)
{
    sampling s = { .c = c, .config = &c->stage->sample };
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
        status = finish_samples(&s, err);
    if (status == SCL_OK)
        status = save(&s, err);
    if (status != SCL_OK && status != SCL_INTERRUPTED)
        scl_err_context(err, "stage %s", c->stage->name);
    if (s.b)
        s.b->v->close(s.b);
    scl_checkpoint_close(s.from);
    scl_tuning_free(&s.tuning);
    free(x);
    return status;
}
