/* scorecl profile: where the time of a stage goes (docs/profile.md). */
#include "run/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/progress.h"
#include "cli/cli.h"
#include "cli/page.h"
#include "cli/profile.h"

static scl_status write_page(const json_t *profile, const char *folder, scl_err *err)
{
    scl_arena arena = { 0 };
    const scl_status status = cli_page_write(scl_arena_printf(&arena, "%s/profile.html", folder), "profile.js", profile, err);
    scl_arena_free(&arena);
    return status;
}

scl_status scl_cli_profile(int argc, char **argv, scl_err *err)
{
    scl_profile_options options = {0};
    const char *json_file = NULL;
    if (argc > 1 && !strcmp(argv[1], "diff"))
        return cli_profile_diff(argc - 1, argv + 1, err);
    cli_overrides overrides = {0};
    cli_list stages = {0};
    int rows = 12;
    bool done;
    int n;
    const cli_flag flags[] = {
        {"stage", 0, CLI_LIST, &stages, "NAME",
         "a stage of kind train, sample or likelihood, again for more (default: the first train stage)"},
        {"steps", 0, CLI_NUMBER, &options.steps, "N",
         "profiled steps; as many run unprofiled in turns with them (default: what 6 s hold, 10 to 100)"},
        {"warm-up", 0, CLI_NUMBER, &options.warm_up, "N", "steps before them, in no figure (default 3)"},
        {"out", 0, CLI_TEXT, &options.out, "DIR",
         "where profile.json and trace.json go (default runs/NAME/profile)"},
        {"csv", 0, CLI_SWITCH, &options.csv, NULL, "events.csv too: a row for every command"},
        {"rows", 0, CLI_NUMBER, &rows, "N", "rows of each table shown (default 12; 0: all)"},
        {"measure", 0, CLI_SWITCH, &options.measure, NULL,
         "the device's ceilings anew, not as they were measured before"},
        {"device", 0, CLI_DEVICE, &overrides, "SEL",
         "auto, cpu, gpu, reference, a number of `scorecl devices`, part of a name"},
        {NULL, 'o', CLI_OVERRIDE, &overrides, "KEY=VALUE",
         "override a key by its path (stages.train.batch=64)"},
        {"json", 0, CLI_TEXT, &json_file, "FILE", "what profile.json holds (-: standard output)"},
        {0},
    };
    const cli_command command = {
        "CONFIG, or diff A.json B.json",
        "Runs some steps of a stage and says where their time goes; diff (see diff --help): what changed.", flags,
        1, 1};
    SCL_TRY(cli_parse(&command, argc, argv, &n, &done, err));
    if (done)
        return SCL_OK;
    const int64_t begin = scl_now_ns();
    scl_config *config;
    SCL_TRY(cli_read_config(argv[1], &overrides, &config, err));
    options.config_s = 1e-9 * (double)(scl_now_ns() - begin);
    options.stage = stages.at;
    options.n_stage = stages.n;
    options.overrides = overrides.at;
    options.n_overrides = overrides.n;
    json_t *profile;
    char *folder;
    scl_status status = scl_profile_run(config, &options, &profile, &folder, err);
    if (status == SCL_OK)
        status = write_page(profile, folder, err);
    if (status == SCL_OK && cli_shows_text(json_file))
        cli_profile_print(profile, folder, rows);
    if (status == SCL_OK && json_file)
        status = cli_write_json(json_file, json_incref(profile), err);
    json_decref(profile);
    free(folder);
    scl_config_free(config);
    return status;
}
