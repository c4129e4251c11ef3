/* The train stage: data in, checkpoints, metrics and a held-out loss out. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/phase.h"
#include "base/progress.h"
#include "run/events.h"
#include "run/metrics.h"
#include "run/samples.h"
#include "run/stage.h"
#include "run/trainer.h"
#include "score/schedule.h"

enum { COL_LOSS, COL_NORM, COL_RATE, COL_SPEED, COL_EVAL, COL_ACCURACY, COLUMNS };
static const char *const columns[COLUMNS] = { "loss", "grad_norm", "lr", "images_per_s", "eval_loss", "eval_accuracy" };

typedef struct training {
    scl_stage_context *c;
    const scl_train_config *config;
    scl_backend *b;
    scl_dataset *data, *held_out;
    scl_tuning tuning;
    scl_trainer *t;
    const scl_stage_config *drawer;  /* how samples over training are drawn; NULL: they are not */
    scl_checkpoint *from;            /* of this run, to go on from; NULL: none */
    scl_metrics *metrics;
    scl_events *events;
    scl_progress progress;
    scl_checkpoint_info info;
    long logged_step;                /* newest step whose row was begun, and when */
    int64_t logged_ns;
    bool row_open;                   /* its loss is still on the way from the device */
    double row[COLUMNS];
    char checksum[65];
} training;


/* The held-out images go through the same network. */
static scl_status check_shapes(const training *s, scl_err *err)
{
    const scl_dataset *a = s->data, *b = s->held_out;
    const scl_data_config *d = &s->c->stage->data;
    if (a->height == b->height && a->width == b->width && a->channels == b->channels)
        return SCL_OK;
    const bool test = s->config->eval.split == SCL_SPLIT_TEST && d->test_path;
    return scl_fail(err, SCL_FAILED,
                    "the training images in '%s' are %dx%dx%d, the held-out ones in '%s' are %dx%dx%d: "
                    "data.transform.size and channels make them equal",
                    d->path, a->height, a->width, a->channels, test ? d->test_path : d->path, b->height, b->width,
                    b->channels);
}

/* A classifier needs classes, and no more than it has outputs for. */
static scl_status check_classes(const training *s, const scl_dataset *d, const char *which, scl_err *err)
{
    const int most = s->c->stage->model.classes;
    if (s->config->objective.loss != SCL_LOSS_CROSS_ENTROPY || !d)
        return SCL_OK;
    if (!d->label)
        return scl_fail(err, SCL_FAILED,
                        "objective.loss: cross_entropy needs classes, and the %s data have none", which);
    if (d->classes > most)
        return scl_fail(err, SCL_FAILED, "model.classes: %d, and the %s data have %d", most, which, d->classes);
    return SCL_OK;
}

static scl_status read_data(training *s, scl_err *err)
{
    const scl_data_config *d = &s->c->stage->data;
    const int64_t since = scl_phase_begin();
    scl_status status = scl_dataset_open(&s->data, d, SCL_SPLIT_TRAIN, err);
    if (status == SCL_OK && s->config->eval.every > 0)
        status = scl_dataset_open(&s->held_out, d, s->config->eval.split, err);
    scl_phase_end(SCL_PHASE_DATA, since);
    return status;
}

static scl_status open_data(training *s, scl_err *err)
{
    SCL_TRY(read_data(s, err));
    if (s->held_out)
        SCL_TRY(check_shapes(s, err));
    SCL_TRY(check_classes(s, s->data, "training", err));
    SCL_TRY(check_classes(s, s->held_out, "held-out", err));
    scl_info("%s: %zu images of %dx%dx%d", s->c->stage->name, s->data->count, s->data->height, s->data->width,
             s->data->channels);
    scl_stage_note(s->c, "data_sha256", "%s", s->data->sha256);
    return SCL_OK;
}

static scl_status open_trainer(training *s, scl_err *err)
{
    scl_step_spec spec;
    if (s->c->resume)
        SCL_TRY(scl_checkpoints_newest(s->c->checkpoints, s->config->steps, &s->from, err));
    const scl_trainer_options options = { .tune = s->c->tune, .tuning = &s->tuning,
                                          .eval_images = s->config->eval.images,
                                          .conv = s->from ? s->from->info.conv : NULL, .observer = s->c->observer };
    SCL_TRY(scl_trainer_spec(&spec, s->b, s->c->config, s->c->stage, s->data, s->held_out, &options, err));
    SCL_TRY(scl_stage_tuning(s->c, s->b, &spec, &s->tuning, err));
    SCL_TRY(scl_trainer_create(&s->t, s->b, s->c->config, s->c->stage, s->data, s->held_out, &options, err));
    for (int i = 0; scl_trainer_plan_at(s->t, i); i++)
        scl_stage_note_tuning(s->c, scl_trainer_plan_at(s->t, i));
    const double mib = (double)scl_trainer_peak_bytes(s->t) / (1 << 20);
    scl_info("%s: on %s, peak device memory %.1f MiB", s->c->stage->name, s->b->info.name, mib);
    scl_stage_note(s->c, "peak_bytes", "%zu", scl_trainer_peak_bytes(s->t));
    return scl_samples_open(&s->drawer, s->c, s->b, s->t, err);
}

static scl_status describe(training *s, scl_err *err)
{
    const scl_net_config *n = scl_trainer_net(s->t);
    scl_config_stage_hash(s->c->config, s->c->stage, false, s->checksum);
    s->info = (scl_checkpoint_info){
        .seed = s->c->config->seed, .arithmetic = s->c->config->arithmetic, .height = n->height, .width = n->width,
        .channels = n->channels, .conv = scl_trainer_conv(s->t), .stage = s->c->stage->name, .data_sha256 = s->data->sha256,
        .net = scl_arena_printf(s->c->arena, "%s ngf=%d channels=%d levels=%d logit=%d", n->net, n->ngf, n->channels, n->levels,
                                n->logit),
        .config = scl_config_text(s->c->config, s->c->arena), .config_hash = scl_arena_strdup(s->c->arena, s->checksum),
        .eval_loss = NAN, .best_loss = NAN, .best_step = -1,
    };
    scl_stage_note(s->c, "conv", "%s", s->info.conv);
    return scl_stage_record_conv(s->c, s->info.conv, err);
}

/* The state to begin with: a checkpoint of this run, another run's weights, or fresh ones. */
static scl_status begin(training *s, long *first, scl_err *err)
{
    *first = 0;
    if (s->from) {
        const scl_checkpoint_info *info = &s->from->info;
        const scl_status status = scl_checkpoint_restore(s->from, scl_trainer_store(s->t), err);
        *first = info->step;
        s->info.eval_loss = info->eval_loss;
        s->info.best_loss = info->best_loss;
        s->info.best_step = info->best_step;
        scl_info("%s: goes on from step %ld", s->c->stage->name, *first);
        return status;
    }
    if (s->c->resume)
        scl_info("%s: no checkpoint yet, starts at step 0", s->c->stage->name);
    SCL_TRY(scl_trainer_init(s->t, err));
    if (!s->config->init)
        return SCL_OK;
    scl_checkpoint *from = NULL;
    SCL_TRY(scl_checkpoint_open(&from, s->config->init, err));
    scl_status status = scl_checkpoint_weights(from, scl_trainer_store(s->t), "", "", err);
    scl_checkpoint_close(from);
    return status == SCL_OK ? scl_trainer_reset_ema(s->t, err) : status;
}

static scl_status save(training *s, long step, scl_err *err)
{
    SCL_TRY(scl_trainer_finish(s->t, err));
    s->info.step = step;
    scl_trainer_counters(s->t, step, s->info.counters);
    const int64_t since = scl_phase_begin();
    const scl_status status = scl_checkpoints_save(s->c->checkpoints, scl_trainer_store(s->t), &s->info,
                                                   s->config->checkpoint.keep, s->checksum, err);
    scl_phase_end(SCL_PHASE_CHECKPOINT, since);
    return status;
}

static scl_status write_row(training *s, long step, scl_err *err)
{
    SCL_TRY(scl_metrics_row(s->metrics, step, s->row, err));
    return scl_events_scalars(s->events, step, columns, s->row, COLUMNS, err);
}

/* Begins the row of step `done`: the loss follows when the device has come that far. */
static scl_status begin_row(training *s, long done, scl_err *err)
{
    const int64_t now = scl_now_ns();
    const double seconds = (double)(now - s->logged_ns) * 1e-9;
    for (int i = 0; i < COLUMNS; i++)
        s->row[i] = NAN;
    s->row[COL_RATE] = scl_learning_rate(s->config, done - 1);
    s->row[COL_SPEED] = seconds > 0 ? (double)(done - s->logged_step) * s->config->batch / seconds : NAN;
    s->logged_step = done;
    s->logged_ns = now;
    s->row_open = true;
    return scl_trainer_record_start(s->t, err);
}

static scl_status take_row(training *s, bool wait, bool keep, scl_err *err)
{
    if (!s->row_open)
        return SCL_OK;
    scl_step_record r;
    bool ready;
    SCL_TRY(scl_trainer_record_take(s->t, wait, &ready, &r, err));
    if (!ready)
        return SCL_OK;
    s->row_open = false;
    s->row[COL_LOSS] = (double)r.loss;
    s->row[COL_NORM] = (double)r.norm;
    char note[48];
    snprintf(note, sizeof note, "loss %.3f", (double)r.loss);
    scl_progress_update(&s->progress, s->logged_step, note);
    return keep ? SCL_OK : write_row(s, s->logged_step, err);
}

/* Puts what came into the row; keep: the row is not written yet, as the held-out loss is still to come. */
static scl_status end_row(training *s, bool wait, bool keep, scl_err *err)
{
    const int64_t since = s->row_open ? scl_phase_begin() : 0;
    const scl_status status = take_row(s, wait, keep, err);
    scl_phase_end(SCL_PHASE_METRICS, since);
    return status;
}

static scl_status evaluate(training *s, long done, scl_err *err)
{
    float loss, accuracy;
    const bool same_row = s->row_open && s->logged_step == done;
    SCL_TRY(end_row(s, true, same_row, err));
    SCL_TRY(scl_trainer_finish(s->t, err));
    SCL_TRY(scl_trainer_evaluate(s->t, &loss, &accuracy, err));
    s->info.eval_loss = (double)loss;
    if (!(s->info.best_loss <= (double)loss)) {
        s->info.best_loss = (double)loss;
        s->info.best_step = done;
    }
    char right[48] = "";
    if (isfinite(accuracy))
        snprintf(right, sizeof right, ", %.2f %% right", 100 * (double)accuracy);
    scl_info("%s: step %ld, held-out loss %.3f%s", s->c->stage->name, done, (double)loss, right);
    for (int i = 0; i < COLUMNS && !same_row; i++)
        s->row[i] = NAN;
    s->row[COL_EVAL] = (double)loss;
    s->row[COL_ACCURACY] = (double)accuracy;
    return write_row(s, done, err);
}

/* The pictures' time is not the steps'. */
static scl_status draw_samples(training *s, long done, scl_err *err)
{
    SCL_TRY(end_row(s, true, false, err));
    SCL_TRY(scl_trainer_finish(s->t, err));
    const int64_t since = scl_now_ns();
    scl_samples_draw(s->c, s->b, s->t, s->drawer, done, s->events);
    s->logged_ns += scl_now_ns() - since;
    return SCL_OK;
}

/* What a failed run still has. */
static void name_kept(training *s, scl_err *err)
{
    const char *path;
    const size_t used = err ? strlen(err->message) : 0;
    if (!err)
        return;
    if (scl_checkpoints_find(s->c->checkpoints, "latest", s->c->arena, &path, NULL) == SCL_OK)
        snprintf(err->message + used, sizeof err->message - used, "; the last good checkpoint is %s", path);
    else
        snprintf(err->message + used, sizeof err->message - used, "; no checkpoint was written yet");
}

static bool due(long done, int every, long steps) { return (every > 0 && done % every == 0) || done == steps; }

/* What is due after `done` steps. */
static scl_status after_step(training *s, long done, scl_err *err)
{
    const long steps = s->config->steps;
    const bool logs = due(done, s->config->log_every, steps);
    SCL_TRY(end_row(s, logs, false, err));
    scl_progress_update(&s->progress, done, NULL);
    if (logs)
        SCL_TRY(begin_row(s, done, err));
    if (s->held_out && due(done, s->config->eval.every, steps))
        SCL_TRY(evaluate(s, done, err));
    if (s->drawer && due(done, s->c->config->log.samples_every, steps))
        SCL_TRY(draw_samples(s, done, err));
    const bool stop = *s->c->stop != 0;
    if (!stop && !due(done, s->config->checkpoint.every, steps))
        return SCL_OK;
    SCL_TRY(end_row(s, true, false, err));
    SCL_TRY(save(s, done, err));
    return stop && done < steps ? scl_stage_interrupted(s->c, done, err) : SCL_OK;
}

static scl_status loop(training *s, scl_err *err)
{
    long step;
    SCL_TRY(begin(s, &step, err));
    SCL_TRY(scl_metrics_open(&s->metrics, s->c->folder, columns, COLUMNS, step > 0 ? step : -1, err));
    SCL_TRY(scl_events_open_stage(&s->events, s->c, step + 1, err));
    scl_progress_start(&s->progress, s->c->stage->name, "step", step, s->config->steps);
    s->progress.memory_bytes = scl_trainer_peak_bytes(s->t);
    s->logged_step = step;
    s->logged_ns = scl_now_ns();
    if (step == s->config->steps)
        SCL_TRY(save(s, step, err));
    while (step < s->config->steps) {
        scl_status status = scl_stage_step(s->c, s->b, step, err);
        if (status == SCL_OK)
            status = scl_trainer_step(s->t, step, err);
        if (status == SCL_OK)
            status = after_step(s, ++step, err);
        if (status != SCL_OK) {
            if (status == SCL_INTERRUPTED)
                return status;
            name_kept(s, err);
            scl_err_context(err, "stage %s", s->c->stage->name);
            return status;
        }
    }
    scl_progress_end(&s->progress);
    return SCL_OK;
}

scl_status scl_stage_train(scl_stage_context *c, scl_err *err)
{
    training s = { .c = c, .config = &c->stage->train };
    scl_status status = scl_stage_open_device(c, &s.b, err); /* first: decoding data may take long */
    if (status == SCL_OK)
        status = open_data(&s, err);
    if (status == SCL_OK)
        status = open_trainer(&s, err);
    if (status == SCL_OK)
        status = describe(&s, err);
    if (status == SCL_OK)
        status = loop(&s, err);
    if (status == SCL_OK)
        scl_stage_result(c, s.checksum);
    scl_metrics_close(s.metrics);
    scl_events_close(s.events);
    scl_trainer_free(s.t);
    scl_checkpoint_close(s.from);
    scl_tuning_free(&s.tuning);
    if (s.b)
        s.b->v->close(s.b);
    scl_dataset_free(s.data);
    scl_dataset_free(s.held_out);
    return status;
}
