/* Which stages run, which go on, which are left, and why. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "cl/device.h"
#include "run/build.h"
#include "run/engine.h"

#define SAY(...) snprintf(d->reason, sizeof d->reason, __VA_ARGS__)

static bool is_forced(const scl_run *run, const char *name)
{
    for (int i = 0; i < run->options->n_force; i++)
        if (!strcmp(run->options->force[i], name))
            return true;
    return false;
}

/* Is what a finished stage made still there?  Only what later stages need is looked at. */
static bool results_there(scl_run *run, const scl_stage_config *stage)
{
    return stage->kind == SCL_STAGE_TRAIN
               ? scl_file_exists(scl_run_path(run, "%s/checkpoints/latest.safetensors", stage->name))
               : scl_file_exists(scl_run_path(run, "%s", stage->name));
}

/* By its link, or any that opens: a process may have been killed between a checkpoint and its link. */
static bool has_checkpoint(scl_run *run, const scl_stage_config *stage)
{
    scl_arena arena = { 0 };
    scl_checkpoint *newest = NULL;
    const char *folder = scl_run_path(run, "%s/checkpoints", stage->name), *path;
    const bool linked = scl_checkpoints_find(folder, "latest", &arena, &path, NULL) == SCL_OK;
    const bool found = linked || (scl_checkpoints_newest(folder, -1, &newest, NULL) == SCL_OK && newest);
    scl_checkpoint_close(newest);
    scl_arena_free(&arena);
    return found;
}

/* The inputs are the same; steps may differ. */
static void decide_unchanged(scl_run *run, const scl_stage_config *stage, const scl_stage_state *s,
                             scl_decision *d)
{
    const bool finished = s->status == SCL_STAGE_FINISHED;
    const long before = s->steps, now = d->next.steps;
    const bool fixed_rate =
        stage->kind != SCL_STAGE_TRAIN || stage->train.optimizer.schedule == SCL_LR_CONSTANT;
    d->action = SCL_ACTION_ANEW;
    if (finished && before == now) {
        d->action = results_there(run, stage) ? SCL_ACTION_SKIP : SCL_ACTION_ANEW;
        if (d->action == SCL_ACTION_SKIP)
            SAY("finished %s, inputs unchanged", s->finished);
        else
            SAY("finished %s, but its results are gone", s->finished);
    } else if (before != now && !fixed_rate) {
        SAY("train.steps was %ld, is %ld, and the learning rate's schedule (%s) depends on it", before, now,
            scl_config_choice("optimizer.schedule", (int)stage->train.optimizer.schedule));
    } else if (finished && now < before) {
        SAY("train.steps was %ld, is %ld", before, now);
    } else if (stage->kind == SCL_STAGE_LIKELIHOOD &&
               scl_file_exists(scl_run_path(run, "%s/metrics.jsonl", stage->name))) {
        d->action = SCL_ACTION_GO_ON;
        SAY("it did not finish (%s): goes on behind the samples of metrics.jsonl", scl_stage_status_name(s->status));
    } else if (stage->kind != SCL_STAGE_TRAIN) {
        SAY("it did not finish (%s)", scl_stage_status_name(s->status));
    } else if (!has_checkpoint(run, stage)) {
        SAY("it did not finish (%s), and there is no checkpoint yet: from step 0",
            scl_stage_status_name(s->status));
    } else {
        d->action = SCL_ACTION_GO_ON;
        if (before != now)
            SAY("train.steps was %ld, is %ld: goes on from the newest checkpoint", before, now);
        else
            SAY("it did not finish (%s): goes on from the newest checkpoint",
                scl_stage_status_name(s->status));
    }
}

scl_status scl_decide(scl_run *run, const scl_stage_config *stage, scl_decision *d, scl_err *err)
{
    const scl_stage_state *s = &run->state[scl_stage_index(run->config, stage->name)];
    *d = (scl_decision){ .action = SCL_ACTION_ANEW };
    SCL_TRY(scl_inputs_of(run, stage, &d->next, err));
    if (is_forced(run, stage->name)) {
        SAY("--force");
    } else if (s->status == SCL_STAGE_PENDING || !s->inputs[0]) {
        SAY("%s", run->options->resume ? "it has not run yet: from the start" : "it has not run yet");
    } else if (strcmp(s->inputs_hash, d->next.inputs_hash) != 0) {
        scl_inputs_difference(s->inputs, d->next.inputs, d->reason, sizeof d->reason);
    } else {
        decide_unchanged(run, stage, s, d);
    }
    return SCL_OK;
}

/* Would one of the stages that this one needs run? */
static bool any_of(const bool *runs, const scl_config *config, const scl_stage_config *stage)
{
    for (int i = 0; i < stage->n_needs; i++)
        if (runs[scl_stage_index(config, stage->needs[i])])
            return true;
    return false;
}

scl_status scl_check_devices(scl_run *run, scl_err *err)
{
    const scl_config *config = run->config;
    bool *runs = SCL_NEW_ARRAY(&run->arena, bool, config->n_stage);
    for (int i = 0; i < config->n_stage; i++) {
        const int at = config->order[i];
        const scl_stage_config *stage = &config->stage[at];
        if (run->options->only && strcmp(run->options->only, stage->name) != 0)
            continue;
        scl_decision d = { .action = SCL_ACTION_ANEW };
        /* Only what is finished can be left, and its files are not read again to see it. */
        if (run->state[at].status == SCL_STAGE_FINISHED && !any_of(runs, config, stage))
            scl_decide(run, stage, &d, NULL);
        runs[at] = d.action != SCL_ACTION_SKIP;
        scl_status status = runs[at] && scl_stage_uses_device(stage) ? scl_device_check(stage->device, err) : SCL_OK;
        if (status != SCL_OK) {
            scl_err_context(err, "stage %s", stage->name);
            return status;
        }
    }
    return SCL_OK;
}

static const char *action_name(scl_action action)
{
    static const char *const name[] = { "is left", "goes on", "runs" };
    return name[action];
}

/* Seconds of a stage that has not run yet, by what its device is said to have.  -1: not known. */
static double guess_seconds(const scl_stage_config *stage, double flops, char *name, size_t size)
{
    scl_arena arena = { 0 };
    scl_devices devices;
    const bool listed = scl_devices_list(&devices, &arena, NULL) == SCL_OK;
    const int i = listed ? scl_device_select(&devices, stage->device, NULL) : -1;
    const double seconds = i < 0 ? -1 : flops / scl_build_rate(&devices.info[i]);
    snprintf(name, size, "%s", i < 0 ? "" : devices.info[i].name);
    scl_arena_free(&arena);
    return seconds;
}

/* Time: what the stage took before, for as many steps as now; else a guess. */
static void say_expected(scl_run *run, const scl_stage_config *stage, const scl_decision *d, scl_planned *p)
{
    const scl_stage_state *s = &run->state[scl_stage_index(run->config, stage->name)];
    scl_stage_cost cost;
    scl_err why = { 0 };
    char text[64], name[256];
    if (d->action == SCL_ACTION_SKIP)
        return;
    if (s->status == SCL_STAGE_FINISHED && s->seconds > 0) {
        const double more =
            s->steps > 0 && d->next.steps > 0 ? (double)d->next.steps / (double)s->steps : 1.0;
        p->seconds = s->seconds * more;
        scl_duration_text(p->seconds, text, sizeof text);
        scl_info("    time: about %s (from its last run)", text);
    }
    if (scl_stage_cost_of(run->config, stage, &cost, &why) == SCL_OK) {
        p->gflop = cost.flops / 1e9;
        p->disk_bytes = cost.disk_bytes;
        const double guess = p->seconds < 0 ? guess_seconds(stage, cost.flops, name, sizeof name) : -1;
        if (guess >= 0) {
            p->seconds = guess;
            scl_duration_text(guess, text, sizeof text);
            scl_info("    time: perhaps %s on %s (a guess, by its compute units)", text, name);
        }
        scl_info("    arithmetic: about %.3g GFLOP; disk: at most about %.1f MB", cost.flops / 1e9,
                 cost.disk_bytes / 1e6);
    } else {
        scl_info("    cost unknown: %s", why.message);
    }
    scl_err_clear(&why);
}

scl_status scl_dry_run(scl_run *run, scl_err *err)
{
    const scl_config *config = run->config;
    bool *runs = SCL_NEW_ARRAY(&run->arena, bool, config->n_stage);
    for (int i = 0; i < config->n_stage; i++) {
        const int at = config->order[i];
        const scl_stage_config *stage = &config->stage[at];
        if (run->options->only && strcmp(run->options->only, stage->name) != 0)
            continue;
        scl_decision d;
        if (scl_inputs_check(stage, false, NULL) != SCL_OK && any_of(runs, config, stage)) {
            SCL_TRY(scl_inputs_check(stage, true, err));
            d = (scl_decision){ .action = SCL_ACTION_ANEW };
            snprintf(d.reason, sizeof d.reason,
                     "its checkpoint is not there yet; a stage before it may make it");
        } else {
            SCL_TRY(scl_decide(run, stage, &d, err));
        }
        for (int k = 0; k < stage->n_needs && d.action == SCL_ACTION_SKIP; k++)
            if (runs[scl_stage_index(config, stage->needs[k])]) {
                d.action = SCL_ACTION_ANEW;
                snprintf(d.reason, sizeof d.reason,
                         "%s runs before it (left after all if that gives the same result)", stage->needs[k]);
            }
        runs[at] = d.action != SCL_ACTION_SKIP;
        scl_info("%s %s: %s", stage->name, action_name(d.action), d.reason);
        scl_planned p = { stage->name, action_name(d.action), d.reason, -1, -1, -1 };
        say_expected(run, stage, &d, &p);
        if (run->options->planned)
            run->options->planned(run->options->user, &p);
    }
    scl_info("run directory: %s; nothing was run (--dry-run)", run->folder);
    return SCL_OK;
}
