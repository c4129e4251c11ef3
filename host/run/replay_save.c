/* A replay in a folder: replay.json, kernel-K.cl, the buffers as raw little-endian bytes, README.txt. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "run/replay_json.h"
#include "run/versions.h"

typedef struct saving {
    const scl_replay *r;
    const char *folder;
    const scl_backend *b;
    scl_arena arena;
} saving;

int scl_replay_block_of(const scl_replay *r, size_t offset)
{
    for (int i = 0; i < r->n_block; i++)
        if (offset >= r->block[i].offset && offset < r->block[i].offset + r->block[i].bytes)
            return i;
    return -1;
}

/* A name that every file system takes. */
static const char *plain(saving *s, const char *name)
{
    char *text = scl_arena_strdup(&s->arena, name);
    for (char *p = text; *p; p++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", *p))
            *p = '_';
    return text;
}

static scl_status write_file(saving *s, const char *name, const void *bytes, size_t count, scl_err *err)
{
    return scl_file_write(scl_arena_printf(&s->arena, "%s/%s", s->folder, name), bytes, count, NULL, err);
}

static const char *block_file(saving *s, int i)
{
    return scl_arena_printf(&s->arena, "buffer-%d-%s.before.bin", i, plain(s, s->r->block[i].name));
}

static const char *check_file(saving *s, int i, const char *what)
{
    return scl_arena_printf(&s->arena, "check-%d-%s.%s.bin", i, plain(s, s->r->check[i].name), what);
}

static scl_status save_buffers(saving *s, json_t *buffers, json_t *checks, scl_err *err)
{
    const scl_replay *r = s->r;
    for (int i = 0; i < r->n_block; i++) {
        const scl_replay_block *b = &r->block[i];
        json_t *row = json_pack("{s:s, s:I, s:I}", "name", b->name, "offset", (json_int_t)b->offset, "bytes", (json_int_t)b->bytes);
        json_array_append_new(buffers, row);
        if (b->unused)
            continue;
        json_object_set_new(row, "before", json_string(block_file(s, i)));
        SCL_TRY(write_file(s, block_file(s, i), r->before + b->offset, b->bytes, err));
    }
    for (int i = 0; i < r->n_check; i++) {
        const scl_replay_check *c = &r->check[i];
        const int block = scl_replay_block_of(r, c->offset);
        json_t *shape = json_array();
        for (int d = 0; d < c->rank; d++)
            json_array_append_new(shape, json_integer(c->dim[d]));
        json_array_append_new(checks, json_pack("{s:s, s:i, s:I, s:s, s:o, s:s, s:s}", "name", c->name, "buffer", block, "offset",
                                                (json_int_t)(c->offset - r->block[block].offset), "type",
                                                scl_dtype_name(c->dtype), "shape", shape, "expected",
                                                check_file(s, i, "expected"), "got", check_file(s, i, "got")));
        SCL_TRY(write_file(s, check_file(s, i, "expected"), r->expected + c->offset, scl_replay_check_bytes(c), err));
        SCL_TRY(write_file(s, check_file(s, i, "got"), r->got + c->offset, scl_replay_check_bytes(c), err));
    }
    return SCL_OK;
}

static json_t *argument_json(const scl_replay *r, const scl_launch *l, int a)
{
    const scl_launch_arg *arg = &l->arg[a];
    const scl_place *p = &l->place[a];
    char bits[16];
    uint32_t u;
    switch (arg->kind) {
    case SCL_ARG_LOCAL:
        return json_pack("{s:s, s:s, s:I}", "name", arg->name, "kind", "local", "bytes", (json_int_t)arg->bytes);
    case SCL_ARG_I32:
        return json_pack("{s:s, s:s, s:i}", "name", arg->name, "kind", "i32", "value", arg->i);
    case SCL_ARG_U32:
        return json_pack("{s:s, s:s, s:I}", "name", arg->name, "kind", "u32", "value", (json_int_t)arg->u);
    case SCL_ARG_F32:
        memcpy(&u, &arg->f, sizeof u);
        snprintf(bits, sizeof bits, "0x%08x", u);
        return json_pack("{s:s, s:s, s:s}", "name", arg->name, "kind", "f32", "value", bits);
    default:
        break;
    }
    if (p->in != SCL_PLACE_SLAB)
        return json_pack("{s:s, s:s}", "name", arg->name, "kind", "null");
    const int block = scl_replay_block_of(r, p->offset);
    return json_pack("{s:s, s:s, s:i, s:I, s:I}", "name", arg->name, "kind", "buffer", "buffer", block, "offset",
                     (json_int_t)(p->offset - r->block[block].offset), "bytes", (json_int_t)p->bytes);
}

static json_t *sizes(const size_t s[3])
{
    return json_pack("[I, I, I]", (json_int_t)s[0], (json_int_t)s[1], (json_int_t)s[2]);
}

static scl_status save_launches(saving *s, json_t *launches, scl_err *err)
{
    for (int k = 0; k < s->r->schedule.n_launch; k++) {
        const scl_launch *l = &s->r->schedule.launch[k];
        const char *file = scl_arena_printf(&s->arena, "kernel-%d.cl", k);
        json_t *arguments = json_array();
        for (int a = 0; a < l->n_arg; a++)
            json_array_append_new(arguments, argument_json(s->r, l, a));
        json_array_append_new(launches,
                              json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o}", "operator", l->node->op->name, "kernel",
                                        l->kernel, "source", file, "options", s->r->own[k], "build_options", s->r->options[k],
                                        "global", sizes(l->grid.global), "local", sizes(l->grid.local), "arguments", arguments));
        SCL_TRY(write_file(s, file, l->source, strlen(l->source), err));
    }
    return SCL_OK;
}

static void add_arguments(FILE *f, const scl_replay *r, const scl_launch *l)
{
    for (int a = 0; a < l->n_arg; a++) {
        json_t *row = argument_json(r, l, a);
        char *text = json_dumps(row, JSON_COMPACT);
        fprintf(f, "    %s\n", text ? text : "");
        free(text);
        json_decref(row);
    }
}

static scl_status save_readme(saving *s, scl_err *err)
{
    const scl_replay *r = s->r;
    const scl_device_info *d = &s->b->info;
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return scl_fail(err, SCL_FAILED, "no memory for README.txt");
    fprintf(f,
            "%s that %s on this device:\n\n  %s\n  %s, %s\n  driver %s\n\n"
            "The same source, options, sizes and memory give other bits than the C definition of the operator. Run it alone:\n\n"
            "  scorecl verify --replay THIS-FOLDER --device \"part of a device's name\"\n\n"
            "Exit code 0: the device gives the expected bits. 4: it does not, and the elements are named.\n\n",
            r->schedule.n_launch == 1 ? "A kernel launch" : "Kernel launches, one after the other,", "went wrong", d->platform,
            d->name, d->version, d->driver);
    for (int k = 0; k < r->schedule.n_launch; k++) {
        const scl_launch *l = &r->schedule.launch[k];
        fprintf(f, "Kernel %s in kernel-%d.cl (OpenCL C 1.2, complete), built with\n    %s\n  global size %zu %zu %zu, local size %zu %zu %zu, arguments by name:\n",
                l->kernel, k, r->options[k], l->grid.global[0], l->grid.global[1], l->grid.global[2], l->grid.local[0],
                l->grid.local[1], l->grid.local[2]);
        add_arguments(f, r, l);
    }
    fprintf(f, "\n'buffer' I at byte 'offset' is the memory in buffer-I-*.before.bin: raw little-endian bytes, as they stand before the first\n"
               "launch; arguments of the same buffer share memory. check-*.expected.bin is what should stand there afterwards,\n"
               "check-*.got.bin what stood there (at 'buffer' and 'offset' of 'checks' in replay.json, which has all of this for machines).\n\n");
    scl_bits bits[SCL_MAX_LAUNCH_ARGS];
    scl_replay_compare(r, r->got, bits);
    for (int i = 0; i < r->n_check && i < SCL_MAX_LAUNCH_ARGS; i++)
        if (bits[i].differ)
            fputs(scl_bits_text(&bits[i], &s->arena), f);
    fclose(f);
    const scl_status status = write_file(s, "README.txt", text, size, err);
    free(text);
    return status;
}

static json_t *device_json(const scl_device_info *d)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "platform", d->platform, "name", d->name, "vendor", d->vendor, "driver", d->driver,
                     "version", d->version);
}

static scl_status save(saving *s, json_t *root, scl_err *err)
{
    json_t *buffers = json_array(), *checks = json_array(), *launches = json_array();
    json_object_set_new(root, "scorecl", json_string(SCL_VERSION));
    json_object_set_new(root, "versions", scl_versions());
    json_object_set_new(root, "device", device_json(&s->b->info));
    json_object_set(root, "about", s->r->about);
    json_object_set_new(root, "memory", json_integer((json_int_t)s->r->schedule.slab_bytes));
    json_object_set_new(root, "buffers", buffers);
    json_object_set_new(root, "launches", launches);
    json_object_set_new(root, "checks", checks);
    SCL_TRY(save_buffers(s, buffers, checks, err));
    SCL_TRY(save_launches(s, launches, err));
    SCL_TRY(save_readme(s, err));
    char *text = json_dumps(root, JSON_INDENT(1));
    const scl_status status = text ? write_file(s, "replay.json", text, strlen(text), err)
                                   : scl_fail(err, SCL_FAILED, "replay.json cannot be made");
    free(text);
    return status;
}

scl_status scl_replay_save(const scl_replay *r, const char *folder, const scl_backend *b, scl_err *err)
{
    saving s = { .r = r, .folder = folder, .b = b };
    if (mkdir(folder, 0777) != 0)
        return scl_fail(err, SCL_FAILED, "cannot make the folder '%s': %s", folder, strerror(errno));
    json_t *root = json_object();
    const scl_status status = save(&s, root, err);
    json_decref(root);
    scl_arena_free(&s.arena);
    return status;
}
