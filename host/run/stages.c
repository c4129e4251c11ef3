/* The engine: which stage may run now, on which thread, and what becomes of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "cl/device.h"
#include "run/build.h"
#include "run/early.h"
#include "run/engine.h"
#include "run/noise_auto.h"
#include "run/signal.h"

typedef enum phase { WAITING, RUNNING, READY_SKIPPED, READY, FAILED, BLOCKED } phase;

typedef struct job {
    struct engine *engine;
    const scl_stage_config *stage;
    phase phase;
    bool resume; /* go on from the newest checkpoint */
    int device;  /* stages of equal numbers do not run at the same time */
    pthread_t thread;
    bool joined;
    scl_status status;
    scl_err err;
    int64_t start_ns;
    scl_arena arena;
} job;

typedef struct engine {
    scl_run *run;
    job *job; /* of config->stage[i] */
    int running;
    bool stopped; /* start nothing more */
} engine;

static void *run_stage(void *argument)
{
    job *j = argument;
    scl_run *run = j->engine->run;
    scl_stage_context c = {
        .config = run->config,
        .stage = j->stage,
        .run = run,
        .resume = j->resume,
        .stop = run->options->watch ? run->options->watch->stop : scl_signals_stop(),
        .tune = run->tune,
        .observer = run->options->observer,
        .arena = &j->arena,
        .folder = scl_arena_printf(&j->arena, "%s/%s", run->folder, j->stage->name),
    };
    c.checkpoints = scl_arena_printf(&j->arena, "%s/checkpoints", c.folder);
    scl_status status =
        scl_file_make_folder(j->stage->kind == SCL_STAGE_TRAIN ? c.checkpoints : c.folder, &j->err);
    if (status == SCL_OK)
        status = run->function[j->stage->kind](&c, &j->err);
    if (status == SCL_BAD_CONFIG)        /* what only the data showed: `check` could not */
        status = SCL_FAILED;
    scl_arena_free(&j->arena);
    pthread_mutex_lock(&run->lock);
    j->status = status;
    j->phase = status == SCL_OK ? READY : FAILED;
    j->engine->running--;
    pthread_cond_signal(&run->changed);
    pthread_mutex_unlock(&run->lock);
    return NULL;
}

static bool named(const scl_run *run, const char *name)
{
    return !run->options->only || !strcmp(run->options->only, name);
}

/* Decides about a stage whose needs are ready, and starts it.  Called with the lock held. */
static scl_status start(engine *e, job *j, scl_err *err)
{
    scl_run *run = e->run;
    scl_stage_state *s = &run->state[scl_stage_index(run->config, j->stage->name)];
    scl_decision d;
    j->status = scl_decide(run, j->stage, &d, &j->err);
    if (j->status != SCL_OK) { /* its files cannot be read: that ends this stage and what needs it */
        scl_warn("%s does not run: %s", j->stage->name, j->err.message);
        j->phase = FAILED;
        e->stopped = e->stopped || !run->options->keep_going;
        s->status = SCL_STAGE_FAILED;
        s->error = scl_arena_strdup(&run->arena, j->err.message);
        return scl_state_write(run, err);
    }
    if (d.action == SCL_ACTION_SKIP) {
        scl_info("%s is left: %s", j->stage->name, d.reason);
        j->phase = READY_SKIPPED;
        return SCL_OK;
    }
    scl_info("%s %s: %s", j->stage->name, d.action == SCL_ACTION_GO_ON ? "goes on" : "runs", d.reason);
    const bool anew = d.action == SCL_ACTION_ANEW;
    if (anew)
        SCL_TRY(scl_run_set_aside(run, j->stage, err));
    d.next.seconds = anew ? 0 : s->seconds;
    d.next.result = d.next.finished = d.next.error = "";
    d.next.status = SCL_STAGE_RUNNING;
    *s = d.next;
    SCL_TRY(scl_state_write(run, err));
    j->resume = !anew;
    j->phase = RUNNING;
    j->start_ns = scl_now_ns();
    if (pthread_create(&j->thread, NULL, run_stage, j))
        return scl_fail(err, SCL_FAILED, "cannot start a thread for stage '%s'", j->stage->name);
    e->running++;
    return SCL_OK;
}

/* Writes down how a stage ended.  Called with the lock held. */
static scl_status settle(engine *e, job *j, scl_err *err)
{
    scl_run *run = e->run;
    scl_stage_state *s = &run->state[scl_stage_index(run->config, j->stage->name)];
    const double seconds = (double)(scl_now_ns() - j->start_ns) * 1e-9;
    char text[64];
    pthread_join(j->thread, NULL);
    j->joined = true;
    s->seconds += seconds;
    scl_duration_text(seconds, text, sizeof text);
    if (j->status == SCL_OK) {
        char date[32];
        const time_t now = time(NULL);
        struct tm utc;
        strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S UTC", gmtime_r(&now, &utc));
        s->status = SCL_STAGE_FINISHED;
        s->finished = scl_arena_strdup(&run->arena, date);
        scl_info("%s finished in %s", j->stage->name, text);
    } else {
        s->status = j->status == SCL_INTERRUPTED ? SCL_STAGE_INTERRUPTED : SCL_STAGE_FAILED;
        s->error = scl_arena_strdup(&run->arena, j->err.message);
        if (!j->err.context[0] && j->status != SCL_INTERRUPTED)
            scl_err_context(&j->err, "stage %s", j->stage->name);
        if (!run->options->keep_going || j->status == SCL_INTERRUPTED)
            e->stopped = true;
        if (e->running > 0 || run->options->keep_going)
            scl_warn("%s %s after %s: %s", j->stage->name, scl_stage_status_name(s->status), text,
                     j->err.message);
    }
    SCL_TRY(scl_state_write(run, err));
    return scl_environment_write(run, err);
}

/* WAITING, or what its needs make of it: READY (may start), BLOCKED. */
static phase look(const engine *e, const job *j)
{
    phase result = READY;
    for (int i = 0; i < j->stage->n_needs; i++) {
        const phase need = e->job[scl_stage_index(e->run->config, j->stage->needs[i])].phase;
        if (need == FAILED || need == BLOCKED)
            return BLOCKED;
        if (need != READY && need != READY_SKIPPED)
            result = WAITING;
    }
    return result;
}

static bool may_start(const engine *e, const job *j)
{
    const int jobs = e->run->options->jobs;
    if (e->stopped || *scl_signals_stop() || (jobs > 0 && e->running >= jobs))
        return false;
    for (int i = 0; i < e->run->config->n_stage; i++)
        if (e->job[i].phase == RUNNING && e->job[i].device == j->device)
            return false;
    return true;
}

/* Starts what can start, until nothing runs and nothing more can.  Called with the lock held. */
static scl_status schedule(engine *e, scl_err *err)
{
    const scl_config *config = e->run->config;
    for (;;) {
        bool changed = false;
        for (int i = 0; i < config->n_stage; i++) {
            job *j = &e->job[config->order[i]];
            if (!j->joined && j->start_ns && j->phase != RUNNING) {
                SCL_TRY(settle(e, j, err));
                changed = true;
            }
            const phase now = j->phase == WAITING ? look(e, j) : WAITING;
            if (now == BLOCKED) {
                if (!*scl_signals_stop())
                    scl_warn("%s does not run: a stage that it needs failed", j->stage->name);
                j->phase = BLOCKED;
                changed = true;
            } else if (now == READY && may_start(e, j)) {
                SCL_TRY(start(e, j, err));
                changed = true;
            }
        }
        if (!changed && e->running == 0)
            return SCL_OK;
        if (!changed)
            pthread_cond_wait(&e->run->changed, &e->run->lock);
    }
}

/* Under --only: the other stages count as ready when they are finished, else the one that needs them cannot
 * run. */
static scl_status prepare_only(engine *e, scl_err *err)
{
    scl_run *run = e->run;
    const int only = scl_stage_index(run->config, run->options->only);
    for (int i = 0; i < run->config->n_stage; i++)
        e->job[i].phase = i == only ? WAITING : READY_SKIPPED;
    char list[512] = "";
    const scl_stage_config *stage = &run->config->stage[only];
    for (int i = 0; i < stage->n_needs; i++) {
        scl_decision d;
        const int at = scl_stage_index(run->config, stage->needs[i]);
        SCL_TRY(scl_decide(run, &run->config->stage[at], &d, err));
        if (run->state[at].status != SCL_STAGE_FINISHED || d.action != SCL_ACTION_SKIP)
            snprintf(list + strlen(list), sizeof list - strlen(list), "%s'%s' (%.160s)", list[0] ? ", " : "",
                     stage->needs[i], d.reason);
    }
    if (list[0])
        return scl_fail(err, SCL_BAD_CONFIG, "--only %s: it needs stages that are not finished: %s",
                        stage->name, list);
    return SCL_OK;
}

/* Numbers for may_start: one for each device, however it is named. */
static void number_devices(engine *e)
{
    const scl_config *config = e->run->config;
    scl_devices devices = { 0 };
    bool several = false;
    for (int i = 1; i < config->n_stage; i++)
        several |= strcmp(config->stage[i].device, config->stage[0].device) != 0;
    if (several && scl_devices_list(&devices, &e->run->arena, NULL) != SCL_OK)
        devices = (scl_devices){ 0 };
    for (int i = 0; i < config->n_stage; i++) {
        const char *sel = config->stage[i].device;
        e->job[i].device = !several                    ? 0
                           : !strcmp(sel, "reference") ? -2
                                                       : scl_device_select(&devices, sel, NULL);
    }
}

/* The error of the first stage that failed, else of one that was interrupted. */
static scl_status outcome(engine *e, scl_err *err)
{
    const scl_config *config = e->run->config;
    job *worst = NULL;
    for (int i = 0; i < config->n_stage; i++) {
        job *j = &e->job[config->order[i]];
        if (j->status != SCL_OK &&
            (!worst || (worst->status == SCL_INTERRUPTED && j->status != SCL_INTERRUPTED)))
            worst = j;
    }
    if (worst) {
        if (err && err->code == SCL_OK) {
            *err = worst->err;
            worst->err.log = NULL;
        }
        return worst->status;
    }
    for (int i = 0; i < config->n_stage; i++)
        if (e->job[i].phase == WAITING && *scl_signals_stop())
            return scl_fail(err, SCL_INTERRUPTED,
                            "stopped before stage '%s'; go on with: %s",
                            config->stage[i].name, scl_run_resume_command(e->run, &e->run->arena));
    return SCL_OK;
}

static scl_status run_all(scl_run *run, scl_err *err)
{
    const scl_config *config = run->config;
    engine e = { .run = run, .job = SCL_NEW_ARRAY(&run->arena, job, config->n_stage) };
    for (int i = 0; i < config->n_stage; i++)
        e.job[i] = (job){ .engine = &e, .stage = &config->stage[i] };
    if (run->options->only)
        SCL_TRY(prepare_only(&e, err));
    /* From here on the folder holds a run; what was refused before leaves none. */
    SCL_TRY(scl_environment_write(run, err));
    SCL_TRY(scl_state_write(run, err));
    number_devices(&e);
    pthread_mutex_lock(&run->lock);
    scl_status status = schedule(&e, err);
    while (e.running > 0) /* the engine failed: what runs must end first */
        pthread_cond_wait(&run->changed, &run->lock);
    for (int i = 0; i < config->n_stage; i++)
        if (e.job[i].start_ns && !e.job[i].joined && e.job[i].phase != RUNNING)
            pthread_join(e.job[i].thread, NULL);
    pthread_mutex_unlock(&run->lock);
    if (status == SCL_OK)
        status = outcome(&e, err);
    for (int i = 0; i < config->n_stage; i++)
        scl_err_clear(&e.job[i].err);
    return status;
}

/* Every stage that the options name must exist. */
static scl_status check_names(const scl_config *config, const scl_run_options *o, scl_err *err)
{
    for (int i = -1; i < o->n_force; i++) {
        const char *name = i < 0 ? o->only : o->force[i];
        if (name && scl_stage_index(config, name) < 0)
            return scl_fail(err, SCL_BAD_CONFIG, "%s %s: %s has no stage of that name",
                            i < 0 ? "--only" : "--force", name, config->file);
    }
    return SCL_OK;
}

static scl_status in_folder(scl_run *run, scl_err *err)
{
    if (run->options->dry_run) {
        SCL_TRY(scl_state_read(run, err));
        return scl_dry_run(run, err);
    }
    for (int i = 0; i < run->config->n_stage; i++)
        SCL_TRY(scl_early_config(run->config, &run->config->stage[i], err));
    for (int i = 0; i < run->config->n_stage; i++) {
        const scl_stage_config *stage = &run->config->stage[i];
        if (!named(run, stage->name))
            continue;
        SCL_TRY(scl_inputs_check(stage, stage->n_needs > 0, err));
        SCL_TRY(scl_early_files(run->config, stage, err));
    }
    if (run->needs_devices) {
        SCL_TRY(scl_run_refuse(run, err));
        SCL_TRY(scl_state_read(run, err));
        SCL_TRY(scl_check_devices(run, err));
    }
    SCL_TRY(scl_run_open_folder(run, err));
    SCL_TRY(scl_state_read(run, err));
    scl_environment_start(run);
    scl_signals_install();
    const scl_status status = run_all(run, err);
    scl_signals_restore();
    return status;
}

/* log.txt ends with what ended the run; on standard error the command says it. */
static void log_end(const scl_run *run, scl_status status, const scl_err *err)
{
    if (status == SCL_OK || run->lock_fd < 0)
        return;
    scl_arena arena = { 0 };
    const size_t size = 4096 + (err->log ? strlen(err->log) : 0);
    char *text = scl_arena_alloc(&arena, size);
    scl_err_text(err, text, size);
    scl_log_file_line(status == SCL_INTERRUPTED ? SCL_LOG_WARNING : SCL_LOG_ERROR, text);
    scl_arena_free(&arena);
}

scl_status scl_run_with(const scl_config *config, const scl_run_options *options,
                        scl_stage_function *const *function, bool needs_devices, scl_err *err)
{
    SCL_TRY(check_names(config, options, err));
    SCL_TRY(scl_noise_resolve(config, err));
    scl_run run = { .config = config, .options = options, .lock_fd = -1, .function = function,
                    .needs_devices = needs_devices };
    run.folder = options->out ? options->out : scl_arena_printf(&run.arena, "runs/%s", config->name);
    run.tune = scl_tune_list(config, &run.arena);
    pthread_mutex_init(&run.lock, NULL);
    pthread_cond_init(&run.changed, NULL);
    scl_err own = { 0 };
    err = err ? err : &own;
    const scl_status status = in_folder(&run, err);
    log_end(&run, status, err);
    scl_err_clear(&own);
    scl_run_close_folder(&run);
    pthread_cond_destroy(&run.changed);
    pthread_mutex_destroy(&run.lock);
    json_decref(run.other);
    json_decref(run.environment);
    scl_arena_free(&run.arena);
    return status;
}

scl_status scl_run_config(const scl_config *config, const scl_run_options *options, scl_err *err)
{
    static scl_stage_function *const function[] = {
        [SCL_STAGE_TRAIN] = scl_stage_train, [SCL_STAGE_SAMPLE] = scl_stage_sample,
        [SCL_STAGE_EVALUATE] = scl_stage_evaluate, [SCL_STAGE_LIKELIHOOD] = scl_stage_likelihood,
        [SCL_STAGE_PLOT] = scl_stage_plot
    };
    return scl_run_with(config, options, function, true, err);
}
