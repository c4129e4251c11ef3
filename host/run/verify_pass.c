/* One run of the config on one device. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "run/engine.h"
#include "run/signal.h"
#include "run/verify_parts.h"

typedef struct passing {
    scl_verify_pass *p;
    const scl_config *config;
    scl_program_counts now;          /* of the device that is open */
} passing;

static scl_verify_unit *next_unit(scl_verify_pass *p)
{
    if (p->n_unit == p->cap_unit) {
        const int cap = p->cap_unit ? 2 * p->cap_unit : 64;
        scl_verify_unit *bigger = SCL_NEW_ARRAY(&p->arena, scl_verify_unit, cap);
        if (p->n_unit)
            memcpy(bigger, p->unit, sizeof *bigger * (size_t)p->n_unit);
        p->unit = bigger;
        p->cap_unit = cap;
    }
    return &p->unit[p->n_unit++];
}

/* Every opened device counts its programs from nothing. */
static void add_programs(passing *s)
{
    s->p->programs.built += s->now.built;
    s->p->programs.loaded += s->now.loaded;
    s->now = (scl_program_counts){ 0 };
}

/* scl_run_watch.opened */
static void opened(void *user, const char *stage, scl_backend *b)
{
    (void)stage, (void)b;
    add_programs(user);
}

static scl_status run_unit(passing *s, const scl_stage_config *stage, long step, int first, scl_exec *exec, scl_err *err)
{
    const int at = scl_stage_index(s->config, stage->name);
    if (s->p->guards) {
        char broken[512];
        const scl_status status = scl_verify_guarded(exec, broken, sizeof broken, err);
        if (status == SCL_DIFFERENT)
            snprintf(s->p->broken, sizeof s->p->broken, "stage %s, %s %ld: %s", stage->name,
                     s->p->stage[at].counts, step + 1, broken);
        SCL_TRY(status);
    } else {
        SCL_TRY(scl_exec_run(exec, err));
    }
    s->now = scl_program_counts_of(scl_exec_backend(exec));
    scl_verify_unit u = { .stage = at, .step = step, .first = first };
    SCL_TRY(scl_verify_digest(exec, &u, err));
    *next_unit(s->p) = u;      /* one that cannot be read differs from nothing */
    return SCL_OK;
}

/* scl_observer.run */
static scl_status sum_up(void *user, const scl_stage_config *stage, long step, int first, scl_exec *exec, scl_err *err)
{
    passing *s = user;
    s->p->info = scl_exec_backend(exec)->info;
    const scl_status status = run_unit(s, stage, step, first, exec, err);
    if (status == SCL_FAILED && scl_kernel_hung(scl_exec_backend(exec)) && err)
        scl_verify_reproduce_hang(s->p, s->config, stage, step, exec, err->message);
    return status;
}

/* Stages that launch nothing of their own are left. */
static scl_status evaluate(scl_stage_context *c, scl_err *err)
{
    return scl_stage_uses_device(c->stage) ? scl_stage_evaluate(c, err) : SCL_OK;
}

static scl_status plot(scl_stage_context *c, scl_err *err)
{
    return scl_stage_uses_device(c->stage) ? scl_stage_plot(c, err) : SCL_OK;
}

static scl_status checksums(scl_verify_pass *p, const char *folder, scl_err *err)
{
    for (int i = 0; i < p->n_stage; i++) {
        scl_verify_stage *s = &p->stage[i];
        if (s->compared)
            SCL_TRY(scl_verify_stage_sum(s, scl_arena_printf(&p->arena, "%s/%s/%s", folder, s->name, s->file), err));
    }
    return SCL_OK;
}

static void prepare(scl_verify_pass *p, scl_config *config)
{
    p->n_stage = config->n_stage;
    p->n_unit = p->cap_unit = 0;
    p->stage = SCL_NEW_ARRAY(&p->arena, scl_verify_stage, config->n_stage + 1);
    for (int i = 0; i < config->n_stage; i++) {
        p->stage[i] = scl_verify_stage_of(&config->stage[i]);
        p->stage[i].name = scl_arena_strdup(&p->arena, config->stage[i].name);
        config->stage[i].device = p->sel;
    }
    scl_program_cache_in(p->cache);
}

scl_status scl_verify_pass_run(scl_verify_pass *p, scl_config *config, const char *folder, const scl_observer *observer, scl_err *err)
{
    static scl_stage_function *const function[] = { [SCL_STAGE_TRAIN] = scl_stage_train,
                                                    [SCL_STAGE_SAMPLE] = scl_stage_sample,
                                                    [SCL_STAGE_EVALUATE] = evaluate,
                                                    [SCL_STAGE_LIKELIHOOD] = scl_stage_likelihood,
                                                    [SCL_STAGE_PLOT] = plot };
    passing s = { .p = p, .config = config };
    const scl_run_watch watch = { .opened = opened, .user = &s, .stop = scl_signals_stop() };
    const scl_observer own = { .guard_bytes = p->guards ? SCL_VERIFY_GUARD_BYTES : 0, .run = sum_up, .user = &s };
    const scl_run_options options = { .out = folder, .jobs = 1, .observer = observer ? observer : &own,
                                      .watch = &watch };
    const int64_t start = scl_now_ns();
    const char *usual = config->device;
    if (!observer)
        prepare(p, config);
    else
        for (int i = 0; i < config->n_stage; i++)
            config->stage[i].device = p->sel;
    config->device = p->sel;
    scl_program_cache_in(p->cache);
    /* What the stages tell is of no interest here; a stage that is ended early is no failure, though they take it for one. */
    scl_err own_err = { 0 };
    scl_log_show(observer || p->guards ? SCL_LOG_ERROR : SCL_LOG_WARNING);
    scl_status status = scl_run_with(config, &options, function, true, &own_err);
    scl_log_show(SCL_LOG_INFO);
    if (*scl_signals_stop()) {        /* whatever else ended it; what the stages advise is of a folder that is removed */
        scl_err_clear(&own_err);
        status = scl_fail(&own_err, SCL_INTERRUPTED, "interrupted: the devices were not compared to the end");
    }
    if (status != SCL_OK && status != SCL_DIFFERENT && err) {
        *err = own_err;
        own_err.log = NULL;
    }
    scl_err_clear(&own_err);
    scl_program_cache_in(NULL);
    config->device = usual;
    if (observer || status == SCL_INTERRUPTED)
        return status;
    add_programs(&s);
    if (status == SCL_OK)
        status = checksums(p, folder, err);
    p->seconds = (double)(scl_now_ns() - start) * 1e-9;
    return status == SCL_DIFFERENT && p->broken[0] ? SCL_OK : status;
}

void scl_verify_pass_free(scl_verify_pass *p) { scl_arena_free(&p->arena); }

/* ---- folders ---- */

scl_status scl_verify_temporary(char out[256], scl_err *err)
{
    const char *base = getenv("TMPDIR");
    snprintf(out, 256, "%s/scorecl-verify-XXXXXX", base && *base && strlen(base) < 200 ? base : "/tmp");
    if (mkdtemp(out))
        return SCL_OK;
    const scl_status status = scl_fail(err, SCL_FAILED, "cannot make a temporary folder like '%s'", out);
    out[0] = 0;
    return status;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

void scl_verify_remove(const char *folder)
{
    if (folder[0])
        nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Drivers read these when they are first asked for anything.  What a driver that is not here keeps stays warm. */
void scl_verify_fresh_caches(const char *folder)
{
    static const char *const caches[][2] = { { "POCL_CACHE_DIR", "pocl" },          { "MESA_SHADER_CACHE_DIR", "mesa" },
                                             { "CUDA_CACHE_PATH", "nvidia" },       { "NEO_CACHE_DIR", "intel" },
                                             { "AMD_COMGR_CACHE_DIR", "amd" } };
    char path[512];
    for (size_t i = 0; i < sizeof caches / sizeof *caches; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, caches[i][1]);
        if (scl_file_make_folder(path, NULL) == SCL_OK)
            setenv(caches[i][0], path, 1);
    }
    setenv("SCL_PROGRAM_CACHE", "1", 0);      /* ours is checked where it is not worth its files too */
}
