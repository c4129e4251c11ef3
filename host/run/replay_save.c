/* A replay in a folder: replay.json, kernel-K.cl, the buffers as raw little-endian bytes, README.txt. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "cl/device.h"
#include "run/json_text.h"
#include "run/replay_json.h"
#include "run/versions.h"

const char *const scl_replay_faults[3] = { [SCL_REPLAY_BITS] = "bits",
                                           [SCL_REPLAY_BUILD] = "build",
                                           [SCL_REPLAY_HANG] = "hang" };

typedef struct saving {
    const scl_replay *r;
    const char *folder;
    scl_backend *b;
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
static const char *plain(const char *name, scl_arena *arena)
{
    char *text = scl_arena_strdup(arena, name);
    for (char *p = text; *p; p++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", *p))
            *p = '_';
    return text;
}

/* A build's is there as long as the build takes: it must outlive the process, not the machine, and is not synced. */
static scl_status write_file(saving *s, const char *name, const void *bytes, size_t count, scl_err *err)
{
    const char *path = scl_arena_printf(&s->arena, "%s/%s", s->folder, name);
    if (s->r->fault != SCL_REPLAY_BUILD)
        return scl_file_write(path, bytes, count, NULL, err);
    FILE *f = fopen(path, "wb");
    const bool whole = f && fwrite(bytes, 1, count, f) == count;
    return (f && fclose(f) != 0) || !whole ? scl_fail(err, SCL_FAILED, "cannot write '%s': %s", path, strerror(errno)) : SCL_OK;
}

const char *scl_replay_block_file(const scl_replay *r, int i, scl_arena *arena)
{
    return scl_arena_printf(arena, "buffer-%d-%s.before.bin", i, plain(r->block[i].name, arena));
}

const char *scl_replay_check_file(const scl_replay *r, int i, const char *what, scl_arena *arena)
{
    return scl_arena_printf(arena, "check-%d-%s.%s.bin", i, plain(r->check[i].name, arena), what);
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
        json_object_set_new(row, "before", json_string(scl_replay_block_file(r, i, &s->arena)));
        SCL_TRY(write_file(s, scl_replay_block_file(r, i, &s->arena), r->before + b->offset, b->bytes, err));
    }
    for (int i = 0; i < r->n_check; i++) {
        const scl_replay_check *c = &r->check[i];
        const int block = scl_replay_block_of(r, c->offset);
        const char *expected = scl_replay_check_file(r, i, "expected", &s->arena);
        const char *got = scl_replay_check_file(r, i, "got", &s->arena);
        json_t *shape = json_array();
        for (int d = 0; d < c->rank; d++)
            json_array_append_new(shape, json_integer(c->dim[d]));
        json_array_append_new(checks, json_pack("{s:s, s:i, s:I, s:s, s:o, s:s, s:s}", "name", c->name, "buffer", block, "offset",
                                                (json_int_t)(c->offset - r->block[block].offset), "type",
                                                scl_dtype_name(c->dtype), "shape", shape, "expected",
                                                expected, "got", got));
        SCL_TRY(write_file(s, expected, r->expected + c->offset, scl_replay_check_bytes(c), err));
        SCL_TRY(write_file(s, got, r->got + c->offset, scl_replay_check_bytes(c), err));
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

static json_t *launch_json(const scl_replay *r, const scl_launch *l)
{
    json_t *arguments = json_array();
    for (int a = 0; a < l->n_arg; a++)
        json_array_append_new(arguments, argument_json(r, l, a));
    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "operator", l->node->op->name, "kernel", l->kernel, "global",
                     sizes(l->grid.global), "local", sizes(l->grid.local), "arguments", arguments);
}

static scl_status save_launches(saving *s, json_t *launches, scl_err *err)
{
    for (int k = 0; k < s->r->schedule.n_launch; k++) {
        const scl_launch *l = &s->r->schedule.launch[k];
        const char *file = scl_arena_printf(&s->arena, "kernel-%d.cl", k);
        json_t *row = json_pack("{s:s, s:s, s:s}", "source", file, "options", s->r->own[k], "build_options", s->r->options[k]);
        json_array_append_new(launches, row);
        if (s->r->fault != SCL_REPLAY_BUILD)
            json_object_update_new(row, launch_json(s->r, l));
        SCL_TRY(write_file(s, file, l->source, strlen(l->source), err));
    }
    return SCL_OK;
}

static scl_status save_readme(saving *s, const char *kernels, scl_err *err)
{
    size_t size = 0;
    char *text = scl_replay_readme(s->r, s->b, kernels, &size);
    const scl_status status = text ? write_file(s, "README.txt", text, size, err)
                                   : scl_fail(err, SCL_FAILED, "no memory for README.txt");
    free(text);
    return status;
}

static json_t *device_json(saving *s)
{
    const scl_device_info *d = &s->b->info;
    const char *platform, *extensions;
    scl_device_more(d->index, &s->arena, &platform, &extensions);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "platform", d->platform, "platform_version", platform, "name",
                     d->name, "vendor", d->vendor, "driver", d->driver, "version", d->version, "extensions", extensions);
}

static scl_status save(saving *s, json_t *root, scl_err *err)
{
    json_t *buffers = json_array(), *checks = json_array(), *launches = json_array();
    json_object_set_new(root, "scorecl", json_string(SCL_VERSION));
    json_t *versions = scl_versions();
    json_object_set_new(root, "versions", versions);
    json_object_set_new(root, "fault", json_string(scl_replay_faults[s->r->fault]));
    if (s->r->said)
        json_object_set_new(root, "message", scl_json_text(s->r->said));
    json_object_set_new(root, "reproduces", s->r->fault == SCL_REPLAY_BITS ? json_boolean(s->r->reproduces) : json_null());
    json_object_set_new(root, "system", json_string(scl_system_text(&s->arena)));
    json_object_set_new(root, "device", device_json(s));
    json_object_set(root, "about", s->r->about);
    json_object_set_new(root, "memory", json_integer((json_int_t)s->r->schedule.slab_bytes));
    json_object_set_new(root, "buffers", buffers);
    json_object_set_new(root, "launches", launches);
    json_object_set_new(root, "checks", checks);
    SCL_TRY(save_buffers(s, buffers, checks, err));
    SCL_TRY(save_launches(s, launches, err));
    SCL_TRY(save_readme(s, json_string_value(json_object_get(versions, "kernels_sha256")), err));
    char *text = json_dumps(root, JSON_INDENT(1));
    const scl_status status = text ? write_file(s, "replay.json", text, strlen(text), err)
                                   : scl_fail(err, SCL_FAILED, "replay.json cannot be made");
    free(text);
    return status;
}

scl_status scl_replay_save(const scl_replay *r, const char *folder, scl_backend *b, scl_err *err)
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
