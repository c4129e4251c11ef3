/* Flags by a table, over getopt_long. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/cli.h"

enum { FIRST = 1000 };

static void help(const cli_command *command, const char *name)
{
    printf("usage: scorecl %s %s%s\n\n%s\n", name, command->flag[0].name || command->flag[0].letter ? "[flags] " : "",
           command->usage, command->about);
    for (const cli_flag *f = command->flag; f->name || f->letter; f++) {
        char left[64], letter[4] = "";
        if (f->letter)
            snprintf(letter, sizeof letter, "-%c", f->letter);
        snprintf(left, sizeof left, "%s%s%s%s %s", letter, f->letter && f->name ? ", " : "", f->name ? "--" : "",
                 f->name ? f->name : "", f->value ? f->value : "");
        printf("%s  %-26s %s\n", f == command->flag ? "\n" : "", left, f->help);
    }
}

static scl_status add_override(cli_overrides *to, const char *key, const char *value, scl_err *err)
{
    if (to->n == CLI_MOST)
        return scl_fail(err, SCL_BAD_CONFIG, "more than %d overrides", CLI_MOST);
    to->at[to->n++] = (scl_override){ key, value };
    return SCL_OK;
}

static scl_status set(const cli_flag *f, char *value, scl_err *err)
{
    char *end = value;
    switch (f->kind) {
    case CLI_SWITCH: *(bool *)f->to = true; return SCL_OK;
    case CLI_TEXT: *(const char **)f->to = value; return SCL_OK;
    case CLI_DEVICE: return add_override(f->to, "--device", value, err);
    case CLI_SEED: return add_override(f->to, "seed", value, err);
    case CLI_NUMBER:
        errno = 0;
        *(int *)f->to = (int)strtol(value, &end, 10);
        if (end == value || *end || errno || strtol(value, NULL, 10) < 0 || strtol(value, NULL, 10) > 1000000000)
            return scl_fail(err, SCL_BAD_CONFIG, "%s%s takes a number from 0 on, not '%s'", f->name ? "--" : "-",
                            f->name ? f->name : (char[]){ f->letter, 0 }, value);
        return SCL_OK;
    case CLI_LIST: {
        cli_list *list = f->to;
        if (list->n == CLI_MOST)
            return scl_fail(err, SCL_BAD_CONFIG, "--%s given more than %d times", f->name, CLI_MOST);
        list->at[list->n++] = value;
        return SCL_OK;
    }
    case CLI_OVERRIDE: break;
    }
    char *equals = strchr(value, '=');
    if (!equals || equals == value)
        return scl_fail(err, SCL_BAD_CONFIG, "-o takes KEY=VALUE, not '%s'", value);
    *equals = 0;
    return add_override(f->to, value, equals + 1, err);
}

scl_status cli_parse(const cli_command *command, int argc, char **argv, int *n, bool *done, scl_err *err)
{
    struct option longs[CLI_MOST] = { { "help", no_argument, NULL, 'h' } };
    char letters[2 * CLI_MOST] = ":h";
    int n_long = 1, c;
    for (const cli_flag *f = command->flag; f->name || f->letter; f++) {
        const int takes = f->kind == CLI_SWITCH ? no_argument : required_argument;
        if (f->name)
            longs[n_long++] = (struct option){ f->name, takes, NULL, FIRST + (int)(f - command->flag) };
        if (f->letter)
            snprintf(letters + strlen(letters), 3, "%c%s", f->letter, takes == required_argument ? ":" : "");
    }
    *done = false;
    opterr = 0;
    optind = 0;
    while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        if (c == 'h') {
            help(command, argv[0]);
            *done = true;
            return SCL_OK;
        }
        const char *given = argv[optind - 1];
        if (c == ':')
            return scl_fail(err, SCL_BAD_CONFIG, "%s needs a value (scorecl %s --help)", given, argv[0]);
        if (c == '?')
            return scl_fail(err, SCL_BAD_CONFIG, "there is no flag '%s' (scorecl %s --help)", given, argv[0]);
        const cli_flag *f = command->flag;
        while (c < FIRST ? f->letter != c : f != command->flag + (c - FIRST))
            f++;
        SCL_TRY(set(f, optarg, err));
    }
    *n = argc - optind;
    for (int i = 0; i < *n; i++)
        argv[1 + i] = argv[optind + i];
    if (command->most >= 0 && *n > command->most)
        return scl_fail(err, SCL_BAD_CONFIG, "'%s' is one word too many; usage: scorecl %s %s%s(scorecl %s --help says more)",
                        argv[1 + command->most], argv[0], command->usage, command->usage[0] ? " " : "[flags] ", argv[0]);
    if (*n < command->least)
        return scl_fail(err, SCL_BAD_CONFIG, "usage: scorecl %s %s (scorecl %s --help says more)", argv[0],
                        command->usage, argv[0]);
    return SCL_OK;
}

void cli_print_faults(const scl_config_errors *errors)
{
    for (int i = 0; i < errors->n; i++)
        fprintf(stderr, "%s\n", errors->line[i]);
}

scl_status cli_read_config(const char *file, const cli_overrides *overrides, scl_config **out, scl_err *err)
{
    scl_config_errors errors = { 0 };
    scl_status status = scl_config_read(file, overrides ? overrides->at : NULL, overrides ? overrides->n : 0,
                                        out, &errors, NULL);
    cli_print_faults(&errors);
    if (status != SCL_OK && errors.n == 0)
        scl_fail(err, status, "not enough host memory for the config");
    scl_config_errors_free(&errors);
    if (status == SCL_OK && (status = cli_check_tune(*out, err)) != SCL_OK) {
        scl_config_free(*out);
        *out = NULL;
    }
    return status;
}

scl_status cli_write_json(const char *file, json_t *json, scl_err *err)
{
    char *text = json ? json_dumps(json, JSON_INDENT(2) | JSON_PRESERVE_ORDER) : NULL;
    json_decref(json);
    if (!text)
        return scl_fail(err, SCL_FAILED, "not enough host memory for the JSON result");
    scl_status status = SCL_OK;
    if (!strcmp(file, "-"))
        puts(text);
    else
        status = scl_file_write(file, text, strlen(text), NULL, err);
    free(text);
    return status;
}

bool cli_shows_text(const char *json_file)
{
    return !json_file || strcmp(json_file, "-") != 0;
}
