/* scorecl tune: which kernels are the fastest for the shapes of a config (run/tuner.h). */
#include <stdio.h>
#include <string.h>

#include "cl/device.h"
#include "cl/matrix.h"
#include "cl/tuning_cache.h"
#include "cli/cli.h"
#include "run/build.h"
#include "run/tuner.h"

enum { QUICK_S = 30, THOROUGH_S = 180 };

typedef struct request {
    const char *op, *json;
    bool thorough;
    int seconds;
    cli_overrides overrides;
    scl_arena arena;
    json_t *shapes, *devices;
    bool show;
} request;

static void show_shape(void *user, const scl_tuned *s)
{
    request *r = user;
    json_array_append_new(
        r->shapes, json_pack("{s:s, s:s, s:i, s:i, s:f, s:i, s:i, s:i, s:i, s:s, s:s, s:f, s:f}", "op", s->op,
                             "shape", s->shape, "batch", s->batch, "nodes", s->nodes, "share", s->share,
                             "choices", s->choices, "tried", s->tried, "wrong", s->wrong, "failed", s->failed,
                             "before", s->before, "now", s->now, "before_s", s->before_s, "now_s", s->now_s));
    if (!r->show)
        return;
    if (!s->now[0]) {
        printf("%5.1f%%  not measured: the default fails     N=%d %s\n", 100 * s->share, s->batch, s->shape);
        return;
    }
    printf("%5.1f%% %9.3f %9.3f ms %5.2fx  %3d/%-3d %-36s N=%d %s", 100 * s->share, 1e3 * s->before_s,
           1e3 * s->now_s, s->before_s / s->now_s, s->tried, s->choices, s->now, s->batch, s->shape);
    if (s->wrong)
        printf("  (%d with other bits than the definition: not used)", s->wrong);
    printf("\n");
    fflush(stdout);
}

/* The graphs of all stages that run on this device, with batches that fit it. */
static scl_status graphs_of(request *r, const scl_config *config, scl_backend *b, const char *sel,
                            scl_tuner_graph *out, int *n, scl_err *err)
{
    *n = 0;
    for (int i = 0; i < config->n_stage; i++) {
        const scl_stage_config *stage = &config->stage[i];
        int shape[3];
        scl_tuner_list list;
        if (strcmp(stage->device, sel) != 0 || stage->kind == SCL_STAGE_EVALUATE || stage->kind == SCL_STAGE_PLOT)
            continue;
        SCL_TRY(scl_build_shape(config, stage, shape, err));
        scl_step_spec spec =
            scl_build_spec(config, stage, shape, stage->train.batch > 0 ? stage->train.batch : 1);
        SCL_TRY(scl_build_guide(&spec, &r->arena, config, stage, err));
        const scl_plan_options plan =
            scl_build_plan_options(config, stage, scl_tune_list(config, &r->arena), NULL);
        const scl_device_info device = scl_build_device(stage, &b->info);
        SCL_TRY(scl_tuner_fit(&spec, stage, &plan, &device, err));
        SCL_TRY(scl_tuner_graphs(stage, &spec, &plan, &r->arena, &list, err));
        for (int k = 0; k < list.n; k++)
            out[(*n)++] = list.graph[k];
    }
    return SCL_OK;
}

static scl_status tune_device(request *r, const scl_config *config, scl_backend *b, const char *sel,
                              double seconds, scl_err *err)
{
    scl_tuner_graph *graph = SCL_NEW_ARRAY(&r->arena, scl_tuner_graph, SCL_TUNER_GRAPHS * config->n_stage);
    scl_tuning rows = {0};
    scl_tuner_report report;
    char path[4096];
    int n;
    const scl_tuner_options options = {
        .seconds = seconds, .thorough = r->thorough, .op = r->op, .done = show_shape, .user = r};
    if (b->info.klass == SCL_CLASS_REFERENCE)
        return scl_fail(err, SCL_FAILED, "%s is no OpenCL device: nothing to measure", b->info.name);
    SCL_TRY(graphs_of(r, config, b, sel, graph, &n, err));
    if (r->show)
        printf("%s: at most %.0f s\n share   default       now     gain   tried choice%31sshape\n",
               b->info.name, seconds, "");
    const scl_status status = scl_tuner_run(b, graph, n, &options, &rows, &report, err);
    scl_tuning_path(b, path, sizeof path);
    if (status == SCL_OK && r->show)
        printf("%d of %d shapes with a choice measured in %.1f s, %d faster; their kernels in one run of "
               "each graph: %.1f ms, "
               "before %.1f ms\n%d rows%s%s\n",
               report.measured, report.shapes, report.seconds, report.faster, 1e3 * report.now_s,
               1e3 * report.before_s, rows.n_row, path[0] ? " in " : "; no folder to keep them in", path);
    json_t *o = cli_device_json(&b->info, &rows);
    json_object_set_new(o, "seconds", json_real(report.seconds));
    json_array_append_new(r->devices, o);
    scl_tuning_free(&rows);
    return status;
}

static bool done_before(const scl_config *config, int i)
{
    for (int k = 0; k < i; k++)
        if (!strcmp(config->stage[k].device, config->stage[i].device))
            return true;
    return false;
}

static scl_status tune_all(request *r, const scl_config *config, scl_err *err)
{
    int devices = 0;
    for (int i = 0; i < config->n_stage; i++)
        devices += !done_before(config, i);
    const double seconds = (r->seconds > 0 ? r->seconds
                            : r->thorough  ? THOROUGH_S
                                           : QUICK_S) /
                           (double)devices;
    for (int i = 0; i < config->n_stage; i++) {
        const char *sel = config->stage[i].device;
        scl_backend *b;
        if (done_before(config, i))
            continue;
        SCL_TRY(scl_device_open(sel, &b, err));
        scl_matrix_result result;
        scl_status status = scl_matrix_use(b, scl_config_choice("precision", (int)config->precision), &result, err);
        if (status == SCL_OK)
            status = tune_device(r, config, b, sel, seconds, err);
        b->v->close(b);
        SCL_TRY(status);
    }
    return SCL_OK;
}

scl_status scl_cli_tune(int argc, char **argv, scl_err *err)
{
    request r = {0};
    bool done;
    int n;
    const cli_flag flags[] = {
        {"thorough", 0, CLI_SWITCH, &r.thorough, NULL, "every choice, 3 minutes instead of 30 seconds"},
        {"seconds", 0, CLI_NUMBER, &r.seconds, "S", "at most so long, compiling included"},
        {"op", 0, CLI_TEXT, &r.op, "NAME",
         "this operator alone (pointwise: everything that is fused of expressions)"},
        {NULL, 'o', CLI_OVERRIDE, &r.overrides, "KEY=VALUE", "override a key by its path"},
        {"device", 0, CLI_DEVICE, &r.overrides, "SEL", "measure on this device"},
        {"json", 0, CLI_TEXT, &r.json, "FILE",
         "the result for machines; also a device description with these rows"},
        {0},
    };
    const cli_command command = {
        "CONFIG",
        "Measures which kernels are the fastest for the shapes of a config, and keeps the "
        "result in the user's cache folder.\nIt changes the time of a run and no bit of its result.",
        flags, 1, 1};
    SCL_TRY(cli_parse(&command, argc, argv, &n, &done, err));
    if (done)
        return SCL_OK;
    scl_config *config;
    if (r.op)
        SCL_TRY(cli_check_op(r.op, err));
    SCL_TRY(cli_read_config(argv[1], &r.overrides, &config, err));
    r.show = cli_shows_text(r.json);
    r.shapes = json_array();
    r.devices = json_array();
    scl_status status = tune_all(&r, config, err);
    json_t *report =
        json_pack("{s:s, s:o, s:o}", "version", SCL_VERSION, "devices", r.devices, "shapes", r.shapes);
    if (status == SCL_OK && r.json)
        status = cli_write_json(r.json, report, err);
    else
        json_decref(report);
    scl_config_free(config);
    scl_arena_free(&r.arena);
    return status;
}
