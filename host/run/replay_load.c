/* A replay from its folder.  The folder may have been edited, or come from anybody: every number is checked before it is used. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "run/replay_json.h"

typedef struct loading {
    scl_replay *r;
    const char *folder;
    json_t *root;
} loading;

enum { PATTERN = 0x41 };
static const json_int_t most_bytes = (json_int_t)1 << 36;

static scl_status corrupt(const loading *l, const char *what, scl_err *err)
{
    return scl_fail(err, SCL_FAILED, "'%s/replay.json' is no replay that this version can run: %s", l->folder, what);
}

static const char *text_of(loading *l, const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? scl_arena_strdup(&l->r->arena, text) : NULL;
}

/* A number from 0 to most; -1: there is none. */
static json_int_t number(const json_t *row, const char *key, json_int_t most)
{
    const json_t *v = json_object_get(row, key);
    const json_int_t n = json_is_integer(v) ? json_integer_value(v) : -1;
    return n <= most ? n : -1;
}

/* A file beside replay.json: a name, no path. */
static scl_status read_file(loading *l, const char *name, char **bytes, size_t *count, scl_err *err)
{
    if (!name || strchr(name, '/'))
        return corrupt(l, "a file is not named, or not beside it", err);
    return scl_file_read(scl_arena_printf(&l->r->arena, "%s/%s", l->folder, name), bytes, count, err);
}

static scl_status read_into(loading *l, const char *name, unsigned char *to, size_t want, scl_err *err)
{
    char *bytes;
    size_t count;
    SCL_TRY(read_file(l, name, &bytes, &count, err));
    if (count == want)
        memcpy(to, bytes, count);
    free(bytes);
    return count == want ? SCL_OK : scl_fail(err, SCL_FAILED, "'%s/%s' has %zu bytes, not %zu", l->folder, name, count, want);
}

static scl_status load_images(loading *l, scl_err *err)
{
    unsigned char **const all[] = { &l->r->before, &l->r->expected, &l->r->got };
    for (int i = 0; i < 3; i++) {
        void *memory;
        SCL_TRY(scl_alloc_bytes(&memory, l->r->schedule.slab_bytes, "the memory of a replay", err));
        memset(memory, PATTERN, l->r->schedule.slab_bytes);
        *all[i] = memory;
    }
    return SCL_OK;
}

static scl_status load_blocks(loading *l, const json_t *rows, scl_err *err)
{
    scl_replay *r = l->r;
    const json_int_t memory = (json_int_t)r->schedule.slab_bytes;
    size_t i, end = 0;
    json_t *row;
    r->n_block = (int)json_array_size(rows);
    r->block = SCL_NEW_ARRAY(&r->arena, scl_replay_block, r->n_block + 1);
    json_array_foreach(rows, i, row) {
        scl_replay_block *b = &r->block[i];
        const json_int_t offset = number(row, "offset", memory), bytes = number(row, "bytes", memory);
        b->name = text_of(l, row, "name");
        if (!b->name || offset < (json_int_t)end || bytes < 1 || offset + bytes > memory)
            return corrupt(l, "a buffer lies outside of its memory, or over another", err);
        b->offset = (size_t)offset;
        b->bytes = (size_t)bytes;
        b->unused = !json_object_get(row, "before");
        end = b->offset + b->bytes;
        if (!b->unused)
            SCL_TRY(read_into(l, text_of(l, row, "before"), r->before + b->offset, b->bytes, err));
    }
    return SCL_OK;
}

/* "buffer", "offset" and a size: where that lies in the image. */
static bool placed(const loading *l, const json_t *row, size_t bytes, size_t *offset)
{
    const json_int_t block = number(row, "buffer", l->r->n_block - 1), at = number(row, "offset", most_bytes);
    if (block < 0 || at < 0 || bytes < 1 || (size_t)at + bytes > l->r->block[block].bytes)
        return false;
    *offset = l->r->block[block].offset + (size_t)at;
    return true;
}

static bool load_argument(loading *l, const json_t *row, scl_launch_arg *arg, scl_place *place)
{
    const char *kind = json_string_value(json_object_get(row, "kind")), *value = json_string_value(json_object_get(row, "value"));
    *arg = (scl_launch_arg){ .kind = SCL_ARG_VALUE, .name = text_of(l, row, "name") };
    *place = (scl_place){ .in = SCL_PLACE_NONE };
    arg->value = arg->name;
    if (!kind || !arg->name)
        return false;
    if (!strcmp(kind, "buffer")) {
        place->in = SCL_PLACE_SLAB;
        const json_int_t bytes = number(row, "bytes", most_bytes);
        place->bytes = bytes > 0 ? (size_t)bytes : 0;
        return placed(l, row, place->bytes, &place->offset);
    }
    if (!strcmp(kind, "local")) {
        arg->kind = SCL_ARG_LOCAL;
        const json_int_t bytes = number(row, "bytes", 1 << 24);
        arg->bytes = bytes > 0 ? (size_t)bytes : 0;
        return arg->bytes > 0;
    }
    if (!strcmp(kind, "f32") && value) {
        const uint32_t bits = (uint32_t)strtoul(value, NULL, 16);
        arg->kind = SCL_ARG_F32;
        memcpy(&arg->f, &bits, sizeof bits);
        return true;
    }
    const json_int_t n = json_integer_value(json_object_get(row, "value"));
    arg->kind = !strcmp(kind, "u32") ? SCL_ARG_U32 : SCL_ARG_I32;
    arg->u = (unsigned)n;
    arg->i = (int)n;
    return !strcmp(kind, "null") ? (arg->kind = SCL_ARG_VALUE, true) : !strcmp(kind, "u32") || !strcmp(kind, "i32");
}

/* The file as messages shall call it: lines are those of the folder's file, whatever it was made of. */
static scl_status load_source(loading *l, const char *file, const char **out, scl_err *err)
{
    char *source;
    size_t count;
    SCL_TRY(read_file(l, file, &source, &count, err));
    for (char *p = source; *p; p += strcspn(p, "\n"), p += *p == '\n')
        if (!strncmp(p, "#line ", 6))
            memset(p, ' ', strcspn(p, "\n"));
    const char *path = scl_arena_printf(&l->r->arena, "%s/%s", l->folder, file);
    *out = scl_arena_printf(&l->r->arena, "#line 1 \"%s\"\n%s", strpbrk(path, "\"\\\n") ? file : path, source);
    free(source);
    return SCL_OK;
}

/* What is built. */
static scl_status load_program(loading *l, const json_t *row, int k, scl_err *err)
{
    scl_replay *r = l->r;
    scl_launch *to = &r->schedule.launch[k];
    to->options = r->own[k] = text_of(l, row, "options");
    r->options[k] = text_of(l, row, "build_options");
    if (!to->options || !r->options[k])
        return corrupt(l, "a launch without options", err);
    return load_source(l, text_of(l, row, "source"), &to->source, err);
}

static scl_status load_launch(loading *l, const json_t *row, int k, scl_err *err)
{
    scl_replay *r = l->r;
    scl_launch *to = &r->schedule.launch[k];
    scl_node *node = SCL_NEW(&r->arena, scl_node);
    const char *op = json_string_value(json_object_get(row, "operator"));
    const json_t *arguments = json_object_get(row, "arguments");
    size_t a;
    json_t *argument;
    node->op = op ? scl_op_find(op) : NULL;
    node->scope = "";
    if (!node->op)
        return corrupt(l, "a launch is of an unknown operator", err);
    to->node = node;
    to->family = node->op->family;
    to->kernel = text_of(l, row, "kernel");
    to->n_arg = (int)json_array_size(arguments);
    if (!to->kernel || to->n_arg > SCL_MAX_LAUNCH_ARGS)
        return corrupt(l, "a launch without a kernel, or with too many arguments", err);
    for (int d = 0; d < 3; d++) {
        const json_int_t global = json_integer_value(json_array_get(json_object_get(row, "global"), (size_t)d)),
                         local = json_integer_value(json_array_get(json_object_get(row, "local"), (size_t)d));
        if (global < 1 || local < 1 || global % local)
            return corrupt(l, "a launch without sizes", err);
        to->grid.global[d] = (size_t)global;
        to->grid.local[d] = (size_t)local;
    }
    json_array_foreach(arguments, a, argument)
        if (!load_argument(l, argument, &to->arg[a], &to->place[a]))
            return corrupt(l, "an argument that cannot be", err);
    r->schedule.step[k] = (struct scl_step){ .node = node, .first_launch = k, .n_launch = 1 };
    return SCL_OK;
}

static bool dtype_named(const char *name, scl_dtype *out)
{
    for (int d = SCL_F32; d <= SCL_U8 && name; d++)
        if (!strcmp(name, scl_dtype_name((scl_dtype)d))) {
            *out = (scl_dtype)d;
            return true;
        }
    return false;
}

static scl_status load_check(loading *l, const json_t *row, scl_replay_check *c, scl_err *err)
{
    const json_t *shape = json_object_get(row, "shape");
    double bytes = 1;
    c->name = text_of(l, row, "name");
    c->rank = (int)json_array_size(shape);
    if (!c->name || c->rank > SCL_MAX_RANK || !dtype_named(json_string_value(json_object_get(row, "type")), &c->dtype))
        return corrupt(l, "a check without name, type or shape", err);
    for (int d = 0; d < c->rank; d++) {
        const json_int_t n = json_integer_value(json_array_get(shape, (size_t)d));
        if (n < 1 || n > 1 << 30)
            return corrupt(l, "a check of an impossible shape", err);
        c->dim[d] = (int)n;
        bytes *= (double)n;
    }
    if (4 * bytes > (double)most_bytes || !placed(l, row, scl_replay_check_bytes(c), &c->offset))
        return corrupt(l, "a check lies outside of its buffer", err);
    SCL_TRY(read_into(l, text_of(l, row, "expected"), l->r->expected + c->offset, scl_replay_check_bytes(c), err));
    return read_into(l, text_of(l, row, "got"), l->r->got + c->offset, scl_replay_check_bytes(c), err);
}

/* Without one: bits, of folders that know no other. */
static bool fault_named(const char *name, scl_replay_fault *out)
{
    for (int i = 0; i < 3; i++)
        if (!name || !strcmp(name, scl_replay_faults[i])) {
            *out = (scl_replay_fault)i;
            return true;
        }
    return false;
}

static scl_status load(loading *l, scl_err *err)
{
    scl_replay *r = l->r;
    const json_t *launches = json_object_get(l->root, "launches"), *checks = json_object_get(l->root, "checks");
    const int n = (int)json_array_size(launches);
    const json_int_t memory = number(l->root, "memory", most_bytes);
    r->n_check = (int)json_array_size(checks);
    if (!fault_named(json_string_value(json_object_get(l->root, "fault")), &r->fault))
        return corrupt(l, "its fault is unknown", err);
    const bool runs = r->fault != SCL_REPLAY_BUILD;
    if ((memory < 1 && runs) || n < 1 || n > 1024 || (r->n_check < 1 && r->fault == SCL_REPLAY_BITS) || r->n_check > 1024)
        return corrupt(l, "it has no memory, launches or checks", err);
    r->about = json_incref(json_object_get(l->root, "about"));
    r->schedule = (scl_schedule){ .n_launch = n, .n_node = n, .slab_bytes = runs ? (size_t)memory : 0 };
    r->schedule.launch = SCL_NEW_ARRAY(&r->arena, scl_launch, n);
    r->schedule.step = SCL_NEW_ARRAY(&r->arena, struct scl_step, n);
    r->options = SCL_NEW_ARRAY(&r->arena, const char *, n);
    r->own = SCL_NEW_ARRAY(&r->arena, const char *, n);
    r->check = SCL_NEW_ARRAY(&r->arena, scl_replay_check, r->n_check + 1);
    for (int k = 0; k < n; k++)
        SCL_TRY(load_program(l, json_array_get(launches, (size_t)k), k, err));
    if (!runs)
        return SCL_OK;
    SCL_TRY(load_images(l, err));
    SCL_TRY(load_blocks(l, json_object_get(l->root, "buffers"), err));
    for (int k = 0; k < n; k++)
        SCL_TRY(load_launch(l, json_array_get(launches, (size_t)k), k, err));
    for (int i = 0; i < r->n_check; i++)
        SCL_TRY(load_check(l, json_array_get(checks, (size_t)i), &r->check[i], err));
    return SCL_OK;
}

scl_status scl_replay_load(scl_replay *r, const char *folder, scl_err *err)
{
    loading l = { .r = r, .folder = folder };
    char *bytes;
    size_t count;
    json_error_t fault;
    *r = (scl_replay){ 0 };
    SCL_TRY(scl_file_read(scl_arena_printf(&r->arena, "%s/replay.json", folder), &bytes, &count, err));
    l.root = json_loadb(bytes, count, 0, &fault);
    free(bytes);
    const scl_status status = l.root ? load(&l, err) : corrupt(&l, fault.text, err);
    json_decref(l.root);
    return status;
}
