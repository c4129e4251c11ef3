/* What the engine offers to a running stage (run/stage.h). */
#include "run/stage.h"

#include <string.h>

#include "base/shell.h"
#include "run/build.h"
#include "run/engine.h"

/* The train stages of scores among the needs of a stage, directly or through others; classifiers are named
 * where they are used. */
static void find_trainers(const scl_config *config, const scl_stage_config *stage, bool *seen)
{
    for (int i = 0; i < stage->n_needs; i++) {
        const int at = scl_stage_index(config, stage->needs[i]);
        const bool classifies =
            config->stage[at].kind == SCL_STAGE_TRAIN && config->stage[at].model.net == SCL_NET_CLASSIFIER;
        if (seen[at] || classifies)
            continue;
        seen[at] = true;
        if (config->stage[at].kind != SCL_STAGE_TRAIN)
            find_trainers(config, &config->stage[at], seen);
    }
}

scl_status scl_stage_find_checkpoint(scl_stage_context *c, const char **path, scl_err *err)
{
    const char *which = c->stage->sample.checkpoint;
    if (scl_checkpoint_is_file(which)) {
        *path = which;
        return SCL_OK;
    }
    bool *seen = SCL_NEW_ARRAY(c->arena, bool, c->config->n_stage);
    find_trainers(c->config, c->stage, seen);
    const scl_stage_config *train = NULL;
    for (int i = 0; i < c->config->n_stage; i++) {
        const scl_stage_config *s = &c->config->stage[i];
        if (!seen[i] || s->kind != SCL_STAGE_TRAIN)
            continue;
        if (train)
            return scl_fail(
                err, SCL_BAD_CONFIG,
                "stage '%s' needs two train stages, '%s' and '%s': name a file in sample.checkpoint",
                c->stage->name, train->name, s->name);
        train = s;
    }
    if (!train)
        return scl_fail(err, SCL_BAD_CONFIG,
                        "stage '%s' needs no train stage: name one in needs, or a file in checkpoint",
                        c->stage->name);
    const char *folder = scl_arena_printf(c->arena, "%s/%s/checkpoints", c->run->folder, train->name);
    return scl_checkpoints_find(folder, which, c->arena, path, err);
}

scl_status scl_stage_step(scl_stage_context *c, scl_backend *b, long step, scl_err *err)
{
    const scl_run_watch *w = c->run ? c->run->options->watch : NULL;
    return w && w->step ? w->step(w->user, b, step, err) : SCL_OK;
}

scl_plan_options scl_stage_plan_options(const scl_stage_context *c, const scl_tuning *rows)
{
    scl_plan_options options = scl_build_plan_options(c->config, c->stage, c->tune, rows);
    options.guard_bytes = scl_observer_guard(c->observer);
    return options;
}

scl_status scl_stage_evaluation(scl_stage_context *c, size_t first, scl_exec *exec, scl_err *err)
{
    return scl_observe_run(c->observer, c->stage, c->evaluations++, (int)first, exec, err);
}

void scl_stage_result(scl_stage_context *c, const char *checksum)
{
    pthread_mutex_lock(&c->run->lock);
    c->run->state[scl_stage_index(c->config, c->stage->name)].result =
        scl_arena_strdup(&c->run->arena, checksum);
    pthread_mutex_unlock(&c->run->lock);
}

void scl_stage_evaluations(scl_stage_context *c, long evaluations)
{
    pthread_mutex_lock(&c->run->lock);
    c->run->state[scl_stage_index(c->config, c->stage->name)].evaluations = evaluations;
    pthread_mutex_unlock(&c->run->lock);
}

const char *scl_run_resume_command(const scl_run *run, scl_arena *arena)
{
    const scl_run_options *o = run->options;
    const char *dot = run->folder[0] == '-' ? "./" : "";
    const char *file = scl_shell_word(scl_arena_printf(arena, "%s%s/config.yaml", dot, run->folder), arena);
    const char *folder = scl_shell_word(scl_arena_printf(arena, "%s%s", dot, run->folder), arena);
    const char *only = o->only ? scl_arena_printf(arena, " --only %s", o->only) : "";
    const char *jobs = o->jobs > 0 ? scl_arena_printf(arena, " --jobs %d", o->jobs) : "";
    return scl_arena_printf(arena, "scorecl run %s --out %s --resume%s%s%s", file, folder, only, jobs,
                            o->keep_going ? " --keep-going" : "");
}

scl_status scl_stage_interrupted(scl_stage_context *c, long step, scl_err *err)
{
    const char *command = scl_run_resume_command(c->run, c->arena);
    if (step >= 0)
        return scl_fail(err, SCL_INTERRUPTED, "stopped after step %ld, with a checkpoint; go on with: %s", step,
                        command);
    if (c->stage->kind == SCL_STAGE_LIKELIHOOD)
        return scl_fail(err, SCL_INTERRUPTED, "stopped; the samples that are measured are kept; go on with: %s",
                        command);
    if (c->stage->kind != SCL_STAGE_SAMPLE)
        return scl_fail(err, SCL_INTERRUPTED, "stopped in stage %s, which begins anew with: %s",
                        c->stage->name, command);
    if (c->run->lock_fd < 0) /* `scorecl sample`: there is no run to go on with */
        return scl_fail(err, SCL_INTERRUPTED, "stopped while sampling; the same command draws the samples anew");
    return scl_fail(err, SCL_INTERRUPTED, "stopped while sampling; draw the samples anew with: %s", command);
}
