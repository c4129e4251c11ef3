/* scorecl devices: what there is to compute on, and with --measure how fast it is. */
#include <stdio.h>
#include <string.h>

#include "cl/device.h"
#include "cl/matrix.h"
#include "cl/measure.h"
#include "cl/tuning_cache.h"
#include "cli/cli.h"

static void print_size(size_t bytes, char *out, size_t size)
{
    if (bytes >= (size_t)1 << 30)
        snprintf(out, size, "%.1f GB", (double)bytes / (double)(1 << 30));
    else if (bytes >= (size_t)1 << 20)
        snprintf(out, size, "%.1f MB", (double)bytes / (double)(1 << 20));
    else
        snprintf(out, size, "%zu KB", bytes >> 10);
}

static void print_device(const scl_device_info *d)
{
    char local[32], global[32], alloc[32];
    print_size(d->local_bytes, local, sizeof local);
    print_size(d->global_bytes, global, sizeof global);
    print_size(d->max_alloc_bytes, alloc, sizeof alloc);
    printf("%3d  %s: %s\n", d->index, d->platform, d->name);
    printf("     %s, %s, driver %s, %s\n", scl_device_class_name(d->klass), d->vendor, d->driver, d->version);
    printf("     %u compute units at %u MHz, native float vector %u; work-group %zu, local memory %s%s\n",
           d->compute_units, d->clock_mhz, d->vector_width, d->max_work_group, local,
           d->local_is_cached_memory ? " (cached memory)" : "");
    printf("     memory %s, one block at most %s, alignment %u\n", global, alloc, d->align_bytes);
    printf("     fp64 %s, fp16 %s, sub-groups %s, command buffers %s, out-of-order queues %s, denormals %s\n",
           d->has_fp64 ? "yes" : "no", d->has_fp16 ? "yes" : "no", d->has_subgroups ? "yes" : "no",
           d->has_command_buffer ? "yes" : "no", d->out_of_order ? "yes" : "no", d->denormals ? "yes" : "no");
}

json_t *cli_device_json(const scl_device_info *d, const scl_tuning *rows)
{
    scl_arena arena = { 0 };
    const char *platform_version, *extensions;
    scl_device_more(d->index, &arena, &platform_version, &extensions);
    json_t *o = json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "index", d->index, "class",
                          scl_device_class_name(d->klass), "platform", d->platform, "name", d->name, "vendor",
                          d->vendor, "driver", d->driver, "version", d->version, "platform_version", platform_version,
                          "extensions", extensions);
    scl_arena_free(&arena);
    const struct { const char *name; size_t value; } numbers[] = {
        { "compute_units", d->compute_units }, { "units_per_core", d->units_per_core }, { "clock_mhz", d->clock_mhz },
        { "vector_width", d->vector_width },
        { "max_work_group", d->max_work_group }, { "local_bytes", d->local_bytes }, { "global_bytes", d->global_bytes },
        { "max_alloc_bytes", d->max_alloc_bytes }, { "align_bytes", d->align_bytes },
        { "least_sub_group", d->least_sub_group },
    };
    const struct { const char *name; bool value; } features[] = {
        { "fp64", d->has_fp64 }, { "fp16", d->has_fp16 }, { "subgroups", d->has_subgroups },
        { "command_buffer", d->has_command_buffer }, { "out_of_order", d->out_of_order }, { "denormals", d->denormals },
        { "local_is_cached_memory", d->local_is_cached_memory },
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_object_set_new(o, numbers[i].name, json_integer((json_int_t)numbers[i].value));
    for (size_t i = 0; i < sizeof features / sizeof *features; i++)
        json_object_set_new(o, features[i].name, json_boolean(features[i].value));
    if (!rows || !rows->n_row)
        return o;
    json_t *array = json_array();
    for (int i = 0; i < rows->n_row; i++) {
        const scl_tuning_row *r = &rows->row[i];
        json_array_append_new(array, json_pack("{s:s, s:i, s:s, s:I, s:I}", "shape", r->shape, "batch",
                                               r->batch, "choice", r->choice, "ns", (json_int_t)r->ns,
                                               "default_ns", (json_int_t)r->default_ns));
    }
    json_object_set_new(o, "tuning", array);
    return o;
}

/* Matrix units by precision, as asked of the device; NULL: it has none. */
static json_t *matrix_json(scl_backend *b)
{
    json_t *o = json_object();
    for (int p = SCL_TF32; p < SCL_PRECISIONS; p++) {
        scl_matrix_result r = { 0 };
        scl_err ignored = { 0 };
        if (scl_matrix_use(b, scl_precision_name(p), &r, &ignored) == SCL_OK && r.unit)
            json_object_set_new(o, scl_precision_name(p), json_string(r.unit->name));
        scl_err_clear(&ignored);
    }
    if (b->info.matrix.emulated)
        json_object_set_new(o, "emulated", json_true());
    if (json_object_size(o))
        return o;
    json_decref(o);
    return NULL;
}

/* With its rows and matrix units, which only an open device can name. */
static json_t *described(int index, const scl_device_info *info, bool with_rows)
{
    char sel[16];
    scl_backend *b;
    scl_err ignored = { 0 };
    scl_tuning rows = { 0 };
    json_t *units = NULL;
    snprintf(sel, sizeof sel, "%d", index);
    if (with_rows && scl_device_open(sel, &b, &ignored) == SCL_OK) {
        scl_tuning_load(b, &rows);
        units = matrix_json(b);
        b->v->close(b);
    }
    json_t *o = cli_device_json(info, &rows);
    if (units)
        json_object_set_new(o, "matrix", units);
    scl_err_clear(&ignored);
    scl_tuning_free(&rows);
    return o;
}

static void print_peak(const scl_peak *p)
{
    printf("     measured: %.4g GFLOP/s of float fma", p->fma_gflops);
    if (p->fma_gflops_expected > 0)
        printf(" (units x %.2f GHz x lanes x pipes: %.0f; %.0f %%)", p->clock_ghz, p->fma_gflops_expected,
               100 * p->fma_gflops / p->fma_gflops_expected);
    printf(",\n     read %.1f GB/s, copy %.1f GB/s, launch %.1f us in a full queue, %.0f us waited for\n",
           p->read_gb_s, p->copy_gb_s, p->launch_us, p->launch_wait_us);
}

static json_t *peak_json(const scl_peak *p)
{
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "fma_gflops", p->fma_gflops,
                     "fma_gflops_expected", p->fma_gflops_expected, "clock_ghz", p->clock_ghz, "read_gb_s",
                     p->read_gb_s, "copy_gb_s", p->copy_gb_s, "launch_us", p->launch_us, "launch_wait_us",
                     p->launch_wait_us);
}

/* A device that is listed and cannot build or run is told, and the others are still measured. */
static void measure(int index, bool show, json_t *o)
{
    char sel[16], text[4096];
    scl_err fault = { 0 };
    scl_backend *b = NULL;
    scl_peak peak;
    snprintf(sel, sizeof sel, "%d", index);
    scl_status status = scl_device_open(sel, &b, &fault);
    if (status == SCL_OK)
        status = scl_measure_peak(b, &peak, &fault);
    if (status == SCL_OK) {
        if (show)
            print_peak(&peak);
        json_object_set_new(o, "measured", peak_json(&peak));
    } else {
        scl_err_text(&fault, text, sizeof text);
        if (show)
            printf("     not measured: %s\n", text);
        json_object_set_new(o, "not_measured", json_string(text));
    }
    if (b)
        b->v->close(b);
    scl_err_clear(&fault);
}

static scl_status describe_reference(const char *json_file, scl_err *err)
{
    scl_backend *b;
    SCL_TRY(scl_device_open("reference", &b, err));
    json_t *o = cli_device_json(&b->info, NULL);
    b->v->close(b);
    if (cli_shows_text(json_file))
        puts("     reference: the C definitions, without OpenCL");
    json_t *report = json_pack("{s:[o]}", "devices", o);
    if (json_file)
        return cli_write_json(json_file, report, err);
    json_decref(report);
    return SCL_OK;
}

static scl_status list_devices(const char *sel, bool measured, const char *json_file, scl_arena *arena, scl_err *err)
{
    scl_devices list;
    if (sel && !strcmp(sel, "reference"))
        return describe_reference(json_file, err);
    SCL_TRY(scl_devices_list(&list, arena, err));
    int only = -1;
    if (sel && (only = scl_device_select(&list, sel, NULL)) < 0)
        return scl_fail(err, SCL_NO_DEVICE,
                        "no device is called '%s'; there are\n%s  also: auto, cpu, gpu, reference", sel,
                        scl_devices_text(&list, arena));
    if (!list.n)
        return scl_fail(
            err, SCL_NO_DEVICE,
            "no OpenCL device: no driver is installed, or none of them has a device (Debian: "
            "pocl-opencl-icd runs on any processor); --device reference computes without OpenCL, slowly");
    const bool show = cli_shows_text(json_file);
    json_t *array = json_array();
    for (int i = 0; i < list.n; i++) {
        if (only >= 0 && i != only)
            continue;
        json_t *o = described(i, &list.info[i], json_file != NULL);
        if (show)
            print_device(&list.info[i]);
        if (measured)
            measure(i, show, o);
        json_array_append_new(array, o);
    }
    if (show && only < 0)
        printf("     reference: the C definitions, without OpenCL\n");
    json_t *report = json_pack("{s:o}", "devices", array);
    if (json_file)
        return cli_write_json(json_file, report, err);
    json_decref(report);
    return SCL_OK;
}

scl_status scl_cli_devices(int argc, char **argv, scl_err *err)
{
    const char *json_file = NULL, *sel = NULL;
    bool measured = false, done;
    int n;
    const cli_flag flags[] = {
        { "measure", 0, CLI_SWITCH, &measured, NULL, "FMA peak, memory bandwidth and cost of a launch (a second each)" },
        { "device", 0, CLI_TEXT, &sel, "SEL", "only this one: cpu, gpu, an index, or part of a name" },
        { "json", 0, CLI_TEXT, &json_file, "FILE", "the result for machines (-: standard output); also a device description" },
        { 0 },
    };
    const cli_command command = { "", "Platforms and devices, with the features and limits that matter.", flags, 0, 0 };
    SCL_TRY(cli_parse(&command, argc, argv, &n, &done, err));
    if (done)
        return SCL_OK;
    scl_arena arena = { 0 };
    const scl_status status = list_devices(sel, measured, json_file, &arena, err);
    scl_arena_free(&arena);
    return status;
}
