/* scorecl check: reads configs, opens no device and no data. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "config/errors.h"
#include "run/early.h"

static json_t *faults_json(const scl_config_errors *errors)
{
    json_t *list = json_array();
    for (int i = 0; i < errors->n; i++)
        json_array_append_new(list, json_string(errors->line[i]));
    return list;
}

/* With --print: what the text result shows. */
static void add_config(json_t *row, const scl_config *config)
{
    scl_arena arena = { 0 };
    json_object_set_new(row, "config", json_loads(scl_config_json(config, &arena), 0, NULL));
    scl_arena_free(&arena);
}

static void say(const scl_config *config, bool print)
{
    scl_arena arena = { 0 };
    if (print) {
        fputs(scl_config_text(config, &arena), stdout);
    } else {
        printf("%s: right; %d stage%s:", config->file, config->n_stage, config->n_stage == 1 ? "" : "s");
        for (int i = 0; i < config->n_stage; i++)
            printf(" %s", config->stage[config->order[i]].name);
        printf("\n");
    }
    scl_arena_free(&arena);
}

/* The fault of a tunable, or of numbers that do not fit, joins the others. */
static scl_status check_rest(scl_config **config, scl_config_errors *errors)
{
    scl_err fault = { 0 };
    scl_status status = cli_check_tune(*config, &fault);
    for (int i = 0; i < (*config)->n_stage && status == SCL_OK; i++)
        status = scl_early_config(*config, &(*config)->stage[i], &fault);
    if (status != SCL_OK) {
        scl_arena arena = { 0 };
        scl_faults faults = { .errors = errors, .arena = &arena, .hint = "" };
        scl_fault(&faults, (scl_place){ fault.file, fault.line, fault.col }, "", "%s", fault.message);
        scl_arena_free(&arena);
        scl_config_free(*config);
        *config = NULL;
    }
    scl_err_clear(&fault);
    return status;
}

scl_status scl_cli_check(int argc, char **argv, scl_err *err)
{
    bool print = false, done;
    const char *json_file = NULL;
    cli_overrides overrides = { 0 };
    int n;
    const cli_flag flags[] = {
        { "print", 0, CLI_SWITCH, &print, NULL, "show the resolved config with every default" },
        { NULL, 'o', CLI_OVERRIDE, &overrides, "KEY=VALUE", "override a key by its path" },
        { "device", 0, CLI_DEVICE, &overrides, "SEL", "override the device" },
        { "seed", 0, CLI_SEED, &overrides, "N", "override the seed" },
        { "json", 0, CLI_TEXT, &json_file, "FILE", "the result for machines (-: standard output)" },
        { 0 },
    };
    const cli_command command = { "CONFIG...", "Validates configs.  Every fault is one line on standard error; exit 2 if there is one.",
                                  flags, 1, -1 };
    SCL_TRY(cli_parse(&command, argc, argv, &n, &done, err));
    if (done)
        return SCL_OK;
    scl_status status = SCL_OK;
    json_t *report = json_array();
    for (int i = 1; i <= n; i++) {
        scl_config_errors errors = { 0 };
        scl_config *config = NULL;
        scl_status one = scl_config_read(argv[i], overrides.at, overrides.n, &config, &errors, NULL);
        if (one == SCL_OK)
            one = check_rest(&config, &errors);
        if (one != SCL_OK)
            status = one;
        cli_print_faults(&errors);
        if (config && cli_shows_text(json_file))
            say(config, print);
        json_t *row = json_pack("{s:s, s:b, s:o}", "file", argv[i], "right", one == SCL_OK, "errors",
                                faults_json(&errors));
        if (config && print)
            add_config(row, config);
        json_array_append_new(report, row);
        scl_config_errors_free(&errors);
        scl_config_free(config);
    }
    if (json_file)
        SCL_TRY(cli_write_json(json_file, report, err));
    else
        json_decref(report);
    return status;
}
