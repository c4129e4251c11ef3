/* scorecl dump: what a config becomes, value by value (docs/design/architecture.md, section 1). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cl/device.h"
#include "cl/matrix.h"
#include "cl/tuning_cache.h"
#include "cli/cli.h"
#include "graph/plan.h"
#include "run/build.h"
#include "run/graphviz.h"
#include "run/profile_diff.h"

typedef struct request {
    const char *what, *config_file, *stage, *graph, *block, *format, *json, *describe, *profile;
    bool svg;                    /* what format dot gives, drawn */
    cli_overrides overrides;
} request;

static const char *stages_text(const scl_config *config, const char *format, scl_arena *arena)
{
    const bool json = !strcmp(format, "json");
    const char *text = json ? "[\n" : "", *quote = json ? "\"" : "";
    if (!strcmp(format, "dot"))
        return scl_stages_dot(config, arena);
    for (int i = 0; i < config->n_stage; i++) {
        const scl_stage_config *s = &config->stage[config->order[i]];
        const char *needs = "", *kind = scl_config_choice("stage.kind", (int)s->kind);
        for (int k = 0; k < s->n_needs; k++)
            needs = scl_arena_printf(arena, "%s%s%s%s%s", needs, k ? ", " : "", quote, s->needs[k], quote);
        if (json)
            text = scl_arena_printf(arena, "%s  {\"name\": \"%s\", \"kind\": \"%s\", \"needs\": [%s]}%s\n",
                                    text, s->name, kind, needs, i + 1 < config->n_stage ? "," : "");
        else
            text = scl_arena_printf(arena, "%s%-16s %-8s needs [%s]  device %s\n", text, s->name, kind, needs,
                                    s->device);
    }
    return scl_arena_printf(arena, "%s%s", text, json ? "]\n" : "");
}

static size_t size_of(const json_t *o, const char *key, size_t otherwise)
{
    const json_t *value = json_object_get(o, key);
    return json_is_integer(value) && json_integer_value(value) > 0 ? (size_t)json_integer_value(value) : otherwise;
}

static void text_of(const json_t *o, const char *key, char *to, size_t size)
{
    const char *text = json_string_value(json_object_get(o, key));
    snprintf(to, size, "%s", text ? text : "");
}

/* Rows that lack a shape or a choice are left out: a row is a wish, not a promise. */
static void read_rows(const json_t *o, scl_tuning *rows)
{
    const json_t *list = json_object_get(o, "tuning");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *r = json_array_get(list, i);
        const scl_tuning_row row = { .shape = json_string_value(json_object_get(r, "shape")),
                                     .batch = (int)json_integer_value(json_object_get(r, "batch")),
                                     .choice = json_string_value(json_object_get(r, "choice")) };
        if (row.shape && row.choice)
            scl_tuning_put(rows, &row);
    }
}

/* A device description: one device as `scorecl devices --json` writes it, with its tuning rows if it has some.
 * What it lacks is what every OpenCL 1.2 device has. */
static scl_status read_description(const char *file, scl_device_info *info, scl_tuning *rows, scl_err *err)
{
    json_error_t fault;
    json_t *root = json_load_file(file, 0, &fault);
    if (!root)
        return scl_fail_at(err, SCL_FAILED, file, fault.line > 0 ? fault.line : 0,
                           fault.column > 0 ? fault.column : 0, "%s", fault.text);
    const json_t *o = json_object_get(root, "devices") ? json_object_get(root, "devices") : root;
    if (json_is_array(o))
        o = json_array_get(o, 0);
    const char *klass = json_string_value(json_object_get(o, "class"));
    if (!klass) {
        json_decref(root);
        return scl_fail_at(err, SCL_FAILED, file, 0, 0,
                           "no device description: it has no \"class\" (CPU, GPU, other, reference)");
    }
    *info = (scl_device_info){ .index = -1 };
    info->klass = !strcasecmp(klass, "cpu")         ? SCL_CLASS_CPU
                  : !strcasecmp(klass, "gpu")       ? SCL_CLASS_GPU
                  : !strcasecmp(klass, "reference") ? SCL_CLASS_REFERENCE
                                                    : SCL_CLASS_OTHER;
    text_of(o, "platform", info->platform, sizeof info->platform);
    text_of(o, "name", info->name, sizeof info->name);
    text_of(o, "vendor", info->vendor, sizeof info->vendor);
    text_of(o, "driver", info->driver, sizeof info->driver);
    text_of(o, "version", info->version, sizeof info->version);
    info->has_fp64 = json_is_true(json_object_get(o, "fp64"));
    info->has_fp16 = json_is_true(json_object_get(o, "fp16"));
    info->has_subgroups = json_is_true(json_object_get(o, "subgroups"));
    info->has_command_buffer = json_is_true(json_object_get(o, "command_buffer"));
    info->out_of_order = json_is_true(json_object_get(o, "out_of_order"));
    info->denormals = json_is_true(json_object_get(o, "denormals"));
    info->local_is_cached_memory = json_is_true(json_object_get(o, "local_is_cached_memory"));
    info->clock_mhz = (unsigned)size_of(o, "clock_mhz", 0);
    info->compute_units = (unsigned)size_of(o, "compute_units", 1);
    info->units_per_core = (unsigned)size_of(o, "units_per_core", 1);
    info->vector_width = (unsigned)size_of(o, "vector_width", 1);
    info->max_work_group = size_of(o, "max_work_group", 256);
    info->local_bytes = size_of(o, "local_bytes", 32768);
    info->global_bytes = size_of(o, "global_bytes", (size_t)1 << 30);
    info->max_alloc_bytes = size_of(o, "max_alloc_bytes", info->global_bytes / 4);
    info->align_bytes = (unsigned)size_of(o, "align_bytes", 128);
    info->least_sub_group = (unsigned)size_of(o, "least_sub_group", 0);
    for (int p = 1; p < SCL_PRECISIONS; p++) {
        const char *unit = json_string_value(json_object_get(json_object_get(o, "matrix"), scl_precision_name(p)));
        info->matrix.unit[p] = unit && scl_unit_named(unit) ? scl_unit_named(unit)->number : 0;
    }
    info->matrix.emulated = json_is_true(json_object_get(json_object_get(o, "matrix"), "emulated"));
    read_rows(o, rows);
    json_decref(root);
    return SCL_OK;
}

static scl_status device_info(const request *r, const scl_config *config, const scl_stage_config *stage, scl_device_info *info,
                              scl_tuning *rows, scl_err *err)
{
    const char *precision = scl_config_choice("precision", (int)config->precision);
    if (r->describe) {
        SCL_TRY(read_description(r->describe, info, rows, err));
        const int wanted = scl_precision_named(precision);
        info->matrix.precision = info->matrix.unit[wanted] ? wanted : 0;
        return SCL_OK;
    }
    scl_backend *backend;
    scl_matrix_result result;
    SCL_TRY(scl_device_open(stage->device, &backend, err));
    const scl_status status = scl_matrix_use(backend, precision, &result, err);
    if (status != SCL_OK) {
        backend->v->close(backend);
        return status;
    }
    *info = backend->info;
    info->builder = NULL; /* goes with the device */
    scl_tuning_load(backend, rows);
    backend->v->close(backend);
    return SCL_OK;
}

static scl_status find_stage(const request *r, const scl_config *config, const scl_stage_config **out, scl_err *err)
{
    *out = r->stage ? scl_config_stage(config, r->stage) : &config->stage[config->order[0]];
    if (*out)
        return SCL_OK;
    return scl_fail(err, SCL_BAD_CONFIG, "%s has no stage '%s'", config->file, r->stage);
}

/* A picture that nobody could look at, and that dot would work at for minutes, is drawn by blocks. */
static scl_status show_graph(const request *r, const scl_graph *graph, const char **text, scl_arena *arena, scl_err *err)
{
    if (r->block || (r->svg && graph->n_node > SCL_DRAWN_MOST))
        return scl_graph_blocks_dot(graph, r->block, text, arena, err);
    *text = scl_graph_text(graph, r->format, arena);
    return SCL_OK;
}

static scl_status graph_text(const request *r, const scl_config *config, const char **text, scl_arena *arena, scl_err *err)
{
    const scl_stage_config *stage;
    scl_graph *graph;
    scl_plan *plan;
    scl_device_info info;
    SCL_TRY(find_stage(r, config, &stage, err));
    SCL_TRY(scl_build_graph(&graph, arena, config, stage, r->graph, err));
    if (!strcmp(r->what, "graph"))
        return show_graph(r, graph, text, arena, err);
    scl_tuning rows = { 0 };
    const scl_plan_options options =
        scl_build_plan_options(config, stage, scl_tune_list(config, arena), &rows);
    scl_status status = device_info(r, config, stage, &info, &rows, err);
    if (status == SCL_OK) {
        info = scl_build_device(stage, &info);
        status = scl_plan_make(&plan, arena, graph, &info, &options, err);
    }
    if (status == SCL_OK && !strcmp(r->format, "dot"))
        status = show_graph(r, plan->graph, text, arena, err);
    else if (status == SCL_OK)
        *text = !strcmp(r->what, "plan") ? scl_plan_text(plan, r->format, arena)
                                         : scl_schedule_text(plan, r->format, arena);
    scl_tuning_free(&rows);
    return status;
}

static bool is_one_of(const char *word, const char *const *words)
{
    while (*words && strcmp(word, *words))
        words++;
    return *words != NULL;
}

/* The graph that was measured: the profile has all of it. */
static scl_status show_profile(const request *r, scl_err *err)
{
    scl_arena arena = { 0 };
    json_t *profile;
    const char *dot;
    char *svg = NULL;
    SCL_TRY(scl_profile_read(r->profile, &profile, err));
    scl_status status = scl_profile_dot(profile, r->stage, r->block, &dot, &arena, err);
    if (status == SCL_OK && r->svg)
        status = scl_graphviz_svg(dot, &svg, &arena, err);
    if (status == SCL_OK)
        fputs(svg ? svg : dot, stdout);
    json_decref(profile);
    scl_arena_free(&arena);
    return status;
}

static scl_status show(const request *r, const char *file, scl_err *err)
{
    scl_config *config;
    scl_arena arena = { 0 };
    const char *text = NULL;
    char *svg = NULL;
    scl_status status = SCL_OK;
    SCL_TRY(cli_read_config(file, &r->overrides, &config, err));
    if (!strcmp(r->what, "config"))
        text = strcmp(r->format, "json") ? scl_config_text(config, &arena) : scl_config_json(config, &arena);
    else if (!strcmp(r->what, "stages"))
        text = stages_text(config, r->format, &arena);
    else
        status = graph_text(r, config, &text, &arena, err);
    if (status == SCL_OK && text && r->svg)
        status = scl_graphviz_svg(text, &svg, &arena, err);
    if (status == SCL_OK && text && r->json)
        status = cli_write_json(r->json, json_loads(text, 0, NULL), err);
    else if (status == SCL_OK && text)
        fputs(svg ? svg : text, stdout);
    scl_arena_free(&arena);
    scl_config_free(config);
    return status;
}

scl_status scl_cli_dump(int argc, char **argv, scl_err *err)
{
    static const char *const whats[] = { "config", "stages", "graph", "plan", "schedule", NULL };
    static const char *const formats[] = { "text", "dot", "svg", "json", NULL };
    request r = { .format = "text" };
    bool done;
    int n;
    const cli_flag flags[] = {
        { "stage", 0, CLI_TEXT, &r.stage, "S", "of which stage (default: the first)" },
        { "graph", 0, CLI_TEXT, &r.graph, "G", "train, eval or sample (default: the stage's own)" },
        { "block", 0, CLI_TEXT, &r.block, "NAME", "graph, plan: only the nodes of this block of the network, such as res1.0 (dot, svg)" },
        { "format", 0, CLI_TEXT, &r.format, "F", "text, dot, svg or json" },
        { "json", 0, CLI_TEXT, &r.json, "FILE", "as --format json, to a file (-: standard output)" },
        { "profile", 0, CLI_TEXT, &r.profile, "FILE", "graph: the nodes of this profile.json, coloured by their times (dot, svg); without CONFIG" },
        { "describe", 0, CLI_TEXT, &r.describe, "FILE", "plan for this device description; no device is opened" },
        { NULL, 'o', CLI_OVERRIDE, &r.overrides, "KEY=VALUE", "override a key by its path" },
        { "device", 0, CLI_DEVICE, &r.overrides, "SEL", "plan for this device" },
        { "seed", 0, CLI_SEED, &r.overrides, "N", "override the seed" },
        { 0 },
    };
    const cli_command command = { "config|stages|graph|plan|schedule CONFIG", "Shows what a config becomes.", flags, 1, 2 };
    SCL_TRY(cli_parse(&command, argc, argv, &n, &done, err));
    if (done)
        return SCL_OK;
    r.what = argv[1];
    if (!is_one_of(r.what, whats))
        return scl_fail(err, SCL_BAD_CONFIG, "dump shows config, stages, graph, plan or schedule, not '%s'", r.what);
    if (!is_one_of(r.format, formats))
        return scl_fail(err, SCL_BAD_CONFIG, "--format is text, dot, svg or json, not '%s'", r.format);
    if (r.json)
        r.format = "json";
    if (!strcmp(r.format, "svg") || !strcmp(r.format, "dot")) {
        if (!strcmp(r.what, "config") || !strcmp(r.what, "schedule"))
            return scl_fail(err, SCL_BAD_CONFIG, "--format %s: a %s is no graph; dump %s has text and json", r.format, r.what, r.what);
        r.svg = !strcmp(r.format, "svg");
        r.format = "dot";
    }
    if (r.block && ((strcmp(r.what, "graph") && strcmp(r.what, "plan")) || strcmp(r.format, "dot")))
        return scl_fail(err, SCL_BAD_CONFIG, "--block is for dump graph and dump plan, as dot or svg");
    if (r.profile && (n != 1 || strcmp(r.what, "graph") || strcmp(r.format, "dot")))
        return scl_fail(err, SCL_BAD_CONFIG, "--profile is for dump graph without CONFIG, as dot or svg");
    if (!r.profile && n != 2)
        return scl_fail(err, SCL_BAD_CONFIG, "dump %s needs a CONFIG; see scorecl dump --help", r.what);
    return r.profile ? show_profile(&r, err) : show(&r, argv[2], err);
}
