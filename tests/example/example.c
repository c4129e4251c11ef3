/* The smallest program on libscorecl: runs a config, with one key changed, and says where the results are. */
#include <stdio.h>

#include "scorecl.h"

static void show(void *user, scl_log_level level, const char *line)
{
    (void)user;
    if (level >= SCL_LOG_INFO)
        printf("| %s\n", line);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return fprintf(stderr, "usage: example CONFIG FOLDER\n"), 2;
    scl_err err = { 0 };
    scl_config *config;
    scl_config_errors errors = { 0 };
    const scl_override fewer = { .key = "stages.train.steps", .value = "2" };
    scl_log_set_sink(show, NULL);
    scl_status status = scl_config_read(argv[1], &fewer, 1, &config, &errors, &err);
    if (status == SCL_OK)
        status = scl_run_config(config, &(scl_run_options){ .out = argv[2], .jobs = 1 }, &err);
    if (status == SCL_OK)
        printf("weights: %s/train/checkpoints/latest.safetensors\n", argv[2]);
    else
        fprintf(stderr, "example: %s\n", err.message);
    scl_config_free(config);
    scl_config_errors_free(&errors);
    scl_err_clear(&err);
    return status;
}
