/* scorecl run and scorecl sample: flags for run/run.h. */
#include <stdio.h>

#include "run/run.h"

#include "cli/cli.h"

static void add(json_t *to, const char *key, double value)
{
    if (value >= 0)
        json_object_set_new(to, key, json_real(value));
}

static void keep_plan(void *user, const scl_planned *p)
{
    json_t *row = json_pack("{s:s, s:s}", "action", p->action, "reason", p->reason);
    add(row, "seconds", p->seconds);
    add(row, "gflop", p->gflop);
    add(row, "disk_bytes", p->disk_bytes);
    json_object_set_new(user, p->stage, row);
}

/* The run's state.json, with the exit code; of a dry run, what it said. */
static scl_status write_result(const scl_config *config, const scl_run_options *o, scl_status status,
                               const char *file, scl_err *err)
{
    char folder[4096], path[4120];
    snprintf(folder, sizeof folder, o->out ? "%s" : "runs/%s", o->out ? o->out : config->name);
    snprintf(path, sizeof path, "%s/state.json", folder);
    json_t *state = json_load_file(path, 0, NULL), *stages = o->dry_run ? o->user : json_object_get(state, "stages");
    json_t *result = json_pack("{s:s, s:i, s:b, s:O}", "run", folder, "exit_code", (int)status, "dry_run", o->dry_run,
                               "stages", stages ? stages : json_null());
    json_decref(state);
    return cli_write_json(file, result, err);
}

scl_status scl_cli_run(int argc, char **argv, scl_err *err)
{
    scl_run_options options = { 0 };
    const char *json_file = NULL;
    cli_overrides overrides = { 0 };
    cli_list force = { 0 };
    bool done;
    int n;
    const cli_flag flags[] = {
        { NULL, 'o', CLI_OVERRIDE, &overrides, "KEY=VALUE", "override a key by its path (stages.train.steps=500)" },
        { "out", 0, CLI_TEXT, &options.out, "DIR", "run directory (default runs/NAME)" },
        { "resume", 0, CLI_SWITCH, &options.resume, NULL, "go on from the newest valid checkpoint" },
        { "only", 0, CLI_TEXT, &options.only, "STAGE", "this stage alone; what it needs must be finished" },
        { "force", 0, CLI_LIST, &force, "STAGE", "run this stage again in any case" },
        { "dry-run", 0, CLI_SWITCH, &options.dry_run, NULL, "say what would run and why, and stop" },
        { "seed", 0, CLI_SEED, &overrides, "N", "override the seed" },
        { "keep-going", 0, CLI_SWITCH, &options.keep_going, NULL, "after a failed stage, run those that do not need it" },
        { "jobs", 0, CLI_NUMBER, &options.jobs, "N", "most stages at the same time (default: one per device)" },
        { "device", 0, CLI_DEVICE, &overrides, "SEL", "auto, cpu, gpu, reference, a number of `scorecl devices`, part of a name" },
        { "json", 0, CLI_TEXT, &json_file, "FILE", "what became of the stages (-: standard output)" },
        { 0 },
    };
    const cli_command command = { "CONFIG", "Runs the stages of a config, in the order of their needs.", flags, 1, 1 };
    SCL_TRY(cli_parse(&command, argc, argv, &n, &done, err));
    if (done)
        return SCL_OK;
    scl_config *config;
    SCL_TRY(cli_read_config(argv[1], &overrides, &config, err));
    options.force = force.at;
    options.n_force = force.n;
    json_t *plan = json_object();
    options.planned = keep_plan;
    options.user = plan;
    scl_status status = scl_run_config(config, &options, err);
    if (json_file) {
        scl_err fault = { 0 };
        if (write_result(config, &options, status, json_file, &fault) != SCL_OK && status == SCL_OK) {
            status = fault.code;
            *err = fault;
        } else {
            scl_err_clear(&fault);
        }
    }
    json_decref(plan);
    scl_config_free(config);
    return status;
}

static void keep_samples(void *user, const char *folder, int count, const char *checksum)
{
    json_object_update_new(user, json_pack("{s:s, s:i, s:s}", "folder", folder, "count", count, "checksum", checksum));
}

scl_status scl_cli_sample(int argc, char **argv, scl_err *err)
{
    scl_sample_options options = { .count = -1 };
    const char *json_file = NULL;
    cli_overrides overrides = { 0 };
    bool done;
    int n;
    const cli_flag flags[] = {
        { NULL, 'n', CLI_NUMBER, &options.count, "N", "how many" },
        { NULL, 'o', CLI_OVERRIDE, &overrides, "KEY=VALUE", "a key of the config inside the checkpoint" },
        { "out", 0, CLI_TEXT, &options.out, "DIR", "where the pictures go" },
        { "seed", 0, CLI_SEED, &overrides, "N", "another seed: other samples" },
        { "device", 0, CLI_DEVICE, &overrides, "SEL", "where to compute" },
        { "json", 0, CLI_TEXT, &json_file, "FILE", "what was drawn (-: standard output)" },
        { 0 },
    };
    const cli_command command = { "CHECKPOINT", "Draws samples; the checkpoint carries what is needed.", flags, 1, 1 };
    SCL_TRY(cli_parse(&command, argc, argv, &n, &done, err));
    if (done)
        return SCL_OK;
    if (options.count == 0)
        return scl_fail(err, SCL_BAD_CONFIG, "-n 0: nothing would be drawn");
    scl_config_errors errors = { 0 };
    scl_err fault = { 0 };
    options.overrides = overrides.at;
    options.n_overrides = overrides.n;
    json_t *result = json_pack("{s:s}", "checkpoint", argv[1]);
    options.made = keep_samples;
    options.user = result;
    scl_status status = scl_run_sample(argv[1], &options, &errors, &fault);
    cli_print_faults(&errors);
    if (errors.n == 0)
        *err = fault;
    else
        scl_err_clear(&fault);
    scl_config_errors_free(&errors);
    if (json_file && status == SCL_OK)
        return cli_write_json(json_file, result, err);
    json_decref(result);
    return status;
}
