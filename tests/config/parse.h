/* What the programs that test configs share: the reading of a text whose file is called t.yaml, and small pieces of
 * configs. */
#ifndef TESTS_CONFIG_PARSE_H
#define TESTS_CONFIG_PARSE_H

#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "failures.h"

static void expect(int ok, const char *what, const char *got, const char *wanted)
{
    if (ok)
        return;
    failures++;
    fprintf(stderr, "FAIL %s\n  got:\n%s\n  wanted:\n%s\n", what, got, wanted);
}

static scl_config *parse_with(const char *text, size_t length, const scl_override *o, int n, char *faults, size_t size)
{
    scl_config *config = NULL;
    scl_config_errors errors = { 0 };
    scl_err err = { 0 };
    const scl_status status = scl_config_parse(text, length, "t.yaml", "/data", o, n, &config, &errors, &err);
    faults[0] = 0;
    for (int i = 0; i < errors.n; i++) {
        const size_t used = strlen(faults);
        snprintf(faults + used, size - used, "%s%s", i ? "\n" : "", errors.line[i]);
    }
    const int right = config ? status == SCL_OK && errors.n == 0
                             : status == SCL_BAD_CONFIG && errors.n > 0 && err.message[0];
    expect(right, "status and faults agree", faults, "");
    scl_config_errors_free(&errors);
    scl_err_clear(&err);
    return config;
}

static scl_config *parse(const char *text, const scl_override *o, int n)
{
    char faults[4096];
    scl_config *config = parse_with(text, strlen(text), o, n, faults, sizeof faults);
    expect(config != NULL, text, faults, "no fault");
    if (!config)
        exit(1);
    return config;
}

#define DATA "data: { path: d, transform: { size: 28, channels: 1 } }\n"
#define POINTS "data: { format: points, points: { distribution: mixture } }\n"
#define TRAIN "stages:\n  train: { kind: train }\n"

#endif
