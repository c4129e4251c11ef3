/* scorecl verify --replay: a saved kernel launch, alone. */
#include <stdlib.h>
#include <string.h>

#include "cl/device.h"
#include "cl/kernels.h"
#include "cl/lost.h"
#include "cli/verify.h"
#include "run/json_text.h"
#include "run/replay.h"
#include "run/verify.h"

/* Whatever the folder's author wanted to say: stage, step, node. */
static void say_about(const verify_options *o, const scl_replay *r)
{
    const char *key;
    json_t *value;
    json_object_foreach(r->about, key, value) {
        char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);
        const char *shown = text ? text : json_string_value(value);
        if (shown && shown[0])
            verify_say(o, "  %-12s %s\n", key, shown);
        free(text);
    }
}

static json_t *add_row(json_t *report, const scl_backend *b, const char *name, bool passed, const char *message)
{
    json_t *row = json_pack("{s:s, s:s, s:s, s:b, s:o}", "op", "replay", "case", name, "device", b->info.name, "passed", passed,
                            "message", scl_json_text(message));
    json_array_append_new(json_object_get(report, "cases"), row);
    return row;
}

/* What a build or a launch came to; the reports are written in any case. */
static scl_status add_end(json_t *report, const scl_backend *b, const char *name, scl_status status, const scl_err *fault,
                          scl_err *err)
{
    char line[4096] = "";
    if (status != SCL_OK)
        scl_err_text(fault, line, sizeof line);
    json_t *row = add_row(report, b, name, status == SCL_OK, line);
    if (scl_device_hangs(b->info.index))
        json_object_set_new(row, "lost", json_true());
    json_object_set_new(report, "not_run", json_integer(0));
    if (status != SCL_OK && err)
        *err = *fault;
    return status;
}

static scl_status build(const verify_options *o, const scl_replay *r, scl_backend *b, json_t *report, scl_err *err)
{
    scl_err fault = { 0 };
    const scl_status status = scl_kernel_builds(b, r->schedule.launch[0].source, r->schedule.launch[0].options, &fault);
    if (status == SCL_OK)
        verify_say(o, "builds: this device's compiler takes the program\n");
    return add_end(report, b, "build", status, &fault, err);
}

/* outside: "" or what was written outside of buffers. */
static scl_status judge(const verify_options *o, const scl_replay *r, scl_backend *b, const unsigned char *image,
                        const char *outside, json_t *report)
{
    scl_arena arena = { 0 };
    scl_bits *bits = SCL_NEW_ARRAY(&arena, scl_bits, r->n_check + 1);
    const bool differ = scl_replay_compare(r, image, bits) > 0;
    if (outside[0])
        verify_say(o, "FAIL %s\n", outside);
    for (int i = 0; i < r->n_check; i++) {
        json_t *row = add_row(report, b, bits[i].name, !bits[i].differ && !outside[0],
                              outside[0]       ? outside
                              : bits[i].differ ? "other bits"
                                               : "");
        json_object_set_new(row, "bits", scl_bits_json(&bits[i]));
        verify_say(o, bits[i].differ ? "%s" : "  all elements of %s are as expected\n",
                   bits[i].differ ? scl_bits_text(&bits[i], &arena) : bits[i].name);
    }
    if (r->fault == SCL_REPLAY_HANG)
        add_row(report, b, "launch", !outside[0], outside);
    verify_say(o, differ || outside[0]            ? "DIFFERENT: this device does not give the expected bits\n"
                  : r->fault == SCL_REPLAY_HANG ? "ends: the launch does not hang on this device\n"
                                                : "equal: this device gives the expected bits\n");
    scl_arena_free(&arena);
    return differ || outside[0] ? SCL_DIFFERENT : SCL_OK;
}

static scl_status compare(const verify_options *o, const scl_replay *r, scl_backend *b, json_t *report, scl_err *err)
{
    scl_arena arena = { 0 };
    const int n = r->schedule.n_launch;
    unsigned char **after = SCL_NEW_ARRAY(&arena, unsigned char *, n);
    char outside[512] = "";
    bool broken = false;
    void *image;
    scl_err fault = { 0 };
    scl_status status = scl_alloc_bytes(&image, r->schedule.slab_bytes, "the memory of a replay", &fault);
    after[n - 1] = image;
    if (status == SCL_OK)
        status = scl_replay_run(r, b, "", after, &broken, outside, sizeof outside, &fault);
    status = status == SCL_OK ? judge(o, r, b, image, outside, report) : add_end(report, b, "launch", status, &fault, err);
    free(image);
    scl_arena_free(&arena);
    return status;
}

/* Of its replay.json: the folder. */
static const char *folder_of(const char *path, scl_arena *arena)
{
    const char *name = strrchr(path, '/');
    if (strcmp(name ? name + 1 : path, "replay.json") != 0)
        return path;
    return name ? scl_arena_printf(arena, "%.*s", (int)(name - path), path) : ".";
}

scl_status verify_replay(const verify_options *o, json_t *report, scl_err *err)
{
    scl_replay r;
    scl_backend *b = NULL;
    scl_arena arena = { 0 };
    if (!strcmp(o->device, "reference"))
        return scl_fail(err, SCL_BAD_CONFIG,
                        "--replay launches kernels, and the reference device has none: name an OpenCL device");
    json_object_set_new(report, "replay", json_string(o->replay));
    json_object_set_new(report, "cases", json_array());
    char caches[256] = "";
    scl_status status = scl_replay_load(&r, folder_of(o->replay, &arena), err);
    if (status == SCL_OK && r.fault == SCL_REPLAY_BUILD)      /* a driver's cache would answer for its compiler */
        status = scl_verify_temporary(caches, err);
    if (caches[0])
        scl_verify_fresh_caches(caches);
    if (status == SCL_OK)
        status = scl_device_open(o->device, &b, err);
    if (status == SCL_OK) {
        json_object_set_new(report, "devices", json_pack("[o]", verify_device_json(&b->info)));
        json_object_set(report, "about", r.about);
        verify_say(o, "%s: %s, driver %s\n", b->info.platform, b->info.name, b->info.driver);
        say_about(o, &r);
        status = r.fault == SCL_REPLAY_BUILD ? build(o, &r, b, report, err) : compare(o, &r, b, report, err);
    }
    if (b)
        b->v->close(b);
    scl_verify_remove(caches);
    scl_replay_free(&r);
    scl_arena_free(&arena);
    return status;
}
