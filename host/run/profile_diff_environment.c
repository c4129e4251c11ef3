/* In what else but times two profiles differ. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/profile_diff_parts.h"

/* Ceilings are measured: what differs by less than this share is the same device on another day. */
static const double CEILING_NOISE = 0.05;

/* Every value of a tree, as text, under its path. */
static void flatten(const json_t *value, const char *path, json_t *into, scl_arena *arena)
{
    const char *key;
    json_t *item;
    if (json_is_object(value)) {
        json_object_foreach((json_t *)value, key, item)
            flatten(item, path[0] ? scl_arena_printf(arena, "%s.%s", path, key) : key, into, arena);
        return;
    }
    char *text = json_is_string(value) ? strdup(json_string_value(value))
                                       : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
    json_object_set_new(into, path, text ? json_string(text) : json_null());
    free(text);
}

static void compare(const json_t *a, const json_t *b, const char *path, json_t *out, scl_arena *arena)
{
    json_t *flat[2] = {json_object(), json_object()}, *value;
    const char *key;
    flatten(a, path, flat[0], arena);
    flatten(b, path, flat[1], arena);
    json_object_foreach(flat[0], key, value)
    {
        json_t *other = json_object_get(flat[1], key);
        if (!other || !json_equal(value, other))
            json_array_append_new(out, json_pack("{s:s, s:O, s:o}", "key", key, "a", value, "b",
                                                 other ? json_incref(other) : json_null()));
    }
    json_object_foreach(flat[1], key, value) if (!json_object_get(flat[0], key))
        json_array_append_new(out, json_pack("{s:s, s:n, s:O}", "key", key, "a", "b", value));
    json_decref(flat[0]);
    json_decref(flat[1]);
}

static void compare_ceilings(const json_t *a, const json_t *b, json_t *out, scl_arena *arena)
{
    static const char *const names[] = {"fma_gflop_s", "copy_gb_s"};
    for (int i = 0; i < 2; i++) {
        const double x = json_number_value(json_object_get(json_object_get(a, "roofline"), names[i]));
        const double y = json_number_value(json_object_get(json_object_get(b, "roofline"), names[i]));
        if (fabs(x - y) > CEILING_NOISE * fmax(fabs(x), fabs(y)))
            json_array_append_new(out, json_pack("{s:s, s:s, s:s}", "key",
                                                 scl_arena_printf(arena, "roofline.%s", names[i]), "a",
                                                 scl_arena_printf(arena, "%.4g", x), "b",
                                                 scl_arena_printf(arena, "%.4g", y)));
    }
}

/* What a stage was, beside its times. */
static json_t *facts(const json_t *stage)
{
    json_t *o = json_object();
    json_object_set(o, "batch", json_object_get(stage, "batch"));
    json_object_set(o, "launches_per_step", json_object_get(stage, "launches_per_step"));
    json_object_set(o, "profiled_steps", json_object_get(json_object_get(stage, "steps"), "profiled"));
    json_object_set(o, "clock", json_object_get(json_object_get(stage, "clock"), "source"));
    json_object_set(o, "peak_bytes", json_object_get(json_object_get(stage, "memory"), "peak_bytes"));
    return o;
}

static void compare_stages(const json_t *a, const json_t *b, json_t *out, scl_arena *arena)
{
    const json_t *list[2] = {json_object_get(a, "stages"), json_object_get(b, "stages")};
    for (size_t i = 0; i < json_array_size(list[0]); i++)
        for (size_t k = 0; k < json_array_size(list[1]); k++) {
            const json_t *x = json_array_get(list[0], i), *y = json_array_get(list[1], k);
            const char *name = scl_diff_text(x, "name");
            if (strcmp(name, scl_diff_text(y, "name")) != 0)
                continue;
            json_t *of[2] = {facts(x), facts(y)};
            compare(of[0], of[1], scl_arena_printf(arena, "%s", name), out, arena);
            json_decref(of[0]);
            json_decref(of[1]);
        }
}

json_t *scl_diff_environment(const json_t *a, const json_t *b, scl_arena *arena)
{
    json_t *out = json_array(), *device[2] = {json_object_get(a, "device"), json_object_get(b, "device")};
    const json_t *config[2] = {json_object_get(a, "config"), json_object_get(b, "config")};
    const json_t *resolved[2] = {json_object_get(config[0], "resolved"),
                                 json_object_get(config[1], "resolved")};
    compare(json_object_get(a, "version"), json_object_get(b, "version"), "version", out, arena);
    for (int i = 0; i < 2; i++) { /* its number in a list says nothing of a device */
        device[i] = device[i] ? json_copy(device[i]) : json_object();
        json_object_del(device[i], "index");
    }
    compare(device[0], device[1], "device", out, arena);
    json_decref(device[0]);
    json_decref(device[1]);
    compare_ceilings(a, b, out, arena);
    if (resolved[0] && resolved[1])
        compare(resolved[0], resolved[1], "", out, arena);
    else
        compare(json_object_get(config[0], "overrides"), json_object_get(config[1], "overrides"),
                "config.overrides", out, arena);
    compare_stages(a, b, out, arena);
    return out;
}
