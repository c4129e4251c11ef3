#include "run/checkpoint.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "run/layout.h"
#include "score/sampling.h"

static const char *const state_prefixes[] = { "ema.", "adam.", "sgd.", "rmsprop." };
enum { N_PREFIXES = 4, N_SHOWN = 5 };

static bool starts_with(const char *text, const char *start) { return !strncmp(text, start, strlen(start)); }

static bool is_state_name(const char *name)
{
    for (int i = 0; i < N_PREFIXES; i++)
        if (starts_with(name, state_prefixes[i]))
            return true;
    return false;
}

bool scl_checkpoint_keeps(const scl_value *v)
{
    return v->dtype == SCL_F32 && (v->role == SCL_PARAM || (v->role == SCL_STATE && is_state_name(v->name)));
}

/* Metadata: every key and how it is written. */

static void add_meta(scl_safetensors_content *c, scl_tensor_meta *meta, const char *key, const char *value)
{
    meta[c->n_meta++] = (scl_tensor_meta){ .key = key, .value = value ? value : "" };
}

static void make_meta(scl_safetensors_content *c, const scl_checkpoint_info *info, scl_arena *arena)
{
    scl_tensor_meta *meta = SCL_NEW_ARRAY(arena, scl_tensor_meta, 24);
    c->meta = meta;
    char counters[SCL_COUNTERS * 11 + 1] = "";
    for (int i = 0, used = 0; i < SCL_COUNTERS; i++)
        used += snprintf(counters + used, sizeof counters - (size_t)used, "%s%" PRIu32, i ? "," : "",
                         info->counters[i]);
    add_meta(c, meta, "format", "scorecl 1");
    add_meta(c, meta, "scorecl", SCL_VERSION);
    add_meta(c, meta, "step", scl_arena_printf(arena, "%ld", info->step));
    add_meta(c, meta, "seed", scl_arena_printf(arena, "%" PRIu64, info->seed));
    add_meta(c, meta, "counters", scl_arena_strdup(arena, counters));
    add_meta(c, meta, "arithmetic", scl_arena_printf(arena, "%d", info->arithmetic));
    add_meta(c, meta, "image",
             scl_arena_printf(arena, "%d,%d,%d", info->height, info->width, info->channels));
    add_meta(c, meta, "network", info->net);
    add_meta(c, meta, "conv", info->conv);
    add_meta(c, meta, "stage", info->stage);
    add_meta(c, meta, "config", info->config);
    add_meta(c, meta, "config_sha256", info->config_hash);
    add_meta(c, meta, "data_sha256", info->data_sha256);
    /* Hex floats keep the bits. */
    add_meta(c, meta, "eval_loss", scl_arena_printf(arena, "%a", info->eval_loss));
    add_meta(c, meta, "best_loss", scl_arena_printf(arena, "%a", info->best_loss));
    add_meta(c, meta, "best_step", scl_arena_printf(arena, "%ld", info->best_step));
}

static const char *meta_text(const scl_checkpoint *c, const char *key)
{
    const char *text = scl_safetensors_meta(c->file, key);
    return text ? text : "";
}

static void read_meta(scl_checkpoint *c)
{
    scl_checkpoint_info *info = &c->info;
    c->ours = starts_with(meta_text(c, "format"), "scorecl ");
    *info = (scl_checkpoint_info){ .eval_loss = NAN, .best_loss = NAN, .best_step = -1 };
    info->net = meta_text(c, "network");
    info->conv = meta_text(c, "conv");
    info->stage = meta_text(c, "stage");
    info->config = meta_text(c, "config");
    info->config_hash = meta_text(c, "config_sha256");
    info->data_sha256 = meta_text(c, "data_sha256");
    if (!c->ours)
        return;
    info->step = strtol(meta_text(c, "step"), NULL, 10);
    info->seed = strtoull(meta_text(c, "seed"), NULL, 10);
    info->arithmetic = (int)strtol(meta_text(c, "arithmetic"), NULL, 10);
    sscanf(meta_text(c, "image"), "%d,%d,%d", &info->height, &info->width, &info->channels);
    const char *p = meta_text(c, "counters");
    for (int i = 0; i < SCL_COUNTERS && *p; i++, p += *p == ',') {
        char *end;
        info->counters[i] = (uint32_t)strtoul(p, &end, 10);
        p = end;
    }
    info->eval_loss = strtod(meta_text(c, "eval_loss"), NULL);
    info->best_loss = strtod(meta_text(c, "best_loss"), NULL);
    info->best_step = strtol(meta_text(c, "best_step"), NULL, 10);
}

/* Writing. */

typedef struct source {
    scl_store *store;
    float *scratch;
} source;

static scl_status fetch(void *user, const scl_tensor *t, void *to, scl_err *err)
{
    const source *s = user;
    SCL_TRY(scl_store_read(s->store, t->name, s->scratch, t->bytes, err));
    scl_layout_to_file(scl_store_find(s->store, t->name).value, s->scratch, to);
    return SCL_OK;
}

scl_status scl_checkpoint_write(const char *path, scl_store *store, const scl_checkpoint_info *info,
                                char checksum[65], scl_err *err)
{
    scl_arena arena = { 0 };
    source from = { .store = store };
    const int count = scl_store_count(store);
    scl_tensor *tensor = SCL_NEW_ARRAY(&arena, scl_tensor, count + 1);
    scl_safetensors_content content = {
        .tensor = tensor, .fetch = fetch, .user = &from, .fault = "checkpoint"
    };
    make_meta(&content, info, &arena);
    size_t largest = 0;
    for (int i = 0; i < count; i++) {
        const scl_value *v = scl_store_at(store, i).value;
        if (!scl_checkpoint_keeps(v))
            continue;
        scl_tensor *t = &tensor[content.n++];
        *t = scl_layout_tensor(v);
        largest = t->bytes > largest ? t->bytes : largest;
    }
    void *memory = NULL;
    scl_status status = scl_alloc_bytes(&memory, largest, "the largest tensor of a checkpoint", err);
    from.scratch = memory;
    if (status == SCL_OK)
        status = scl_safetensors_write(path, &content, checksum, err);
    free(memory);
    scl_arena_free(&arena);
    if (status != SCL_OK)
        scl_err_context(err, "writing checkpoint");
    return status;
}

/* Reading. */

scl_status scl_checkpoint_open(scl_checkpoint **out, const char *path, scl_err *err)
{
    void *memory;
    *out = NULL;
    SCL_TRY(scl_alloc_bytes(&memory, sizeof(scl_checkpoint), "a checkpoint", err));
    scl_checkpoint *c = memory;
    scl_status status = scl_safetensors_open(&c->file, path, err);
    if (status == SCL_OK)
        status = scl_safetensors_verify(c->file, err);
    if (status != SCL_OK) {
        scl_checkpoint_close(c);
        return status;
    }
    read_meta(c);
    if (c->ours && !scl_safetensors_meta(c->file, "content_sha256")) {
        scl_checkpoint_close(c);
        return scl_fail(err, SCL_FAILED, "'%s' is corrupt: its checksum is gone", path);
    }
    *out = c;
    return SCL_OK;
}

void scl_checkpoint_close(scl_checkpoint *c)
{
    if (!c)
        return;
    scl_safetensors_close(c->file);
    scl_arena_free(&c->arena);
    free(c);
}

/* The first differences between file and network, collected for one message. */
typedef struct differences {
    char text[1024];
    size_t used;
    int n;
} differences;

static void differ(differences *d, const char *format, const char *name, const char *there, const char *here)
{
    if (d->n++ >= N_SHOWN)
        return;
    if (d->used)
        d->used += (size_t)snprintf(d->text + d->used, sizeof d->text - d->used, "; ");
    d->used += (size_t)snprintf(d->text + d->used, sizeof d->text - d->used, format, name, there, here);
    if (d->used >= sizeof d->text)
        d->used = sizeof d->text - 1;
}

static scl_status fail_differences(const scl_checkpoint *c, const differences *d, scl_err *err)
{
    char more[32] = "";
    if (d->n > N_SHOWN)
        snprintf(more, sizeof more, "; and %d more", d->n - N_SHOWN);
    return scl_fail(err, SCL_FAILED, "checkpoint '%s' does not fit this network%s%s%s: %s%s", c->file->path,
                    c->info.net[0] ? " (it holds " : "", c->info.net, c->info.net[0] ? ")" : "", d->text,
                    more);
}

static void compare(differences *d, const scl_tensor *there, const scl_value *v, const char *name)
{
    char a[128], b[128];
    const scl_tensor here = scl_layout_tensor(v);
    scl_tensor_shape_text(&here, b, sizeof b);
    if (!there) {
        differ(d, "%s%s [%s] is missing in the file", name, "", b);
        return;
    }
    scl_tensor_shape_text(there, a, sizeof a);
    if (strcmp(a, b) != 0)
        differ(d, "%s is [%s] in the file, [%s] here", name, a, b);
    else if (there->dtype != SCL_TENSOR_F32 && there->dtype != SCL_TENSOR_F64)
        differ(d, "%s is of type %s%s", name, scl_tensor_dtype_name(there->dtype), "");
}

/* From a file's tensor into the store; the shapes fit. */
static scl_status load_value(const scl_checkpoint *c, const scl_tensor *t, scl_store *store,
                             const scl_value *v, float *scratch, scl_err *err)
{
    float *raw = scratch, *device = scratch + t->count;
    scl_tensor_f32(t, raw);
    const bool second_moment = starts_with(t->name, "adam.v.") || starts_with(t->name, "rmsprop.");
    const float least = second_moment ? 0x1p-100f : 0x1p-60f;
    for (size_t i = 0; i < t->count; i++) {
        if (!isfinite(raw[i]))
            return scl_fail(err, SCL_FAILED, "checkpoint '%s': tensor '%s' holds %g at element %zu",
                            c->file->path, t->name, (double)raw[i], i);
        raw[i] = fabsf(raw[i]) < least ? 0.0f : raw[i];
    }
    scl_layout_to_device(v, raw, device);
    return scl_store_write(store, v->name, device, t->count * sizeof(float), err);
}

typedef struct pair {
    const scl_tensor *tensor;
    const scl_value *value;
} pair;

static scl_status load_pairs(const scl_checkpoint *c, const pair *p, int n, scl_store *store, scl_err *err)
{
    size_t largest = 1;
    for (int i = 0; i < n; i++)
        largest = p[i].tensor->count > largest ? p[i].tensor->count : largest;
    void *scratch;
    SCL_TRY(
        scl_alloc_bytes(&scratch, 2 * largest * sizeof(float), "the largest tensor of a checkpoint", err));
    scl_status status = SCL_OK;
    for (int i = 0; i < n && status == SCL_OK; i++)
        status = load_value(c, p[i].tensor, store, p[i].value, scratch, err);
    free(scratch);
    return status;
}

scl_status scl_checkpoint_restore(const scl_checkpoint *c, scl_store *store, scl_err *err)
{
    scl_arena arena = { 0 };
    differences d = { 0 };
    const int count = scl_store_count(store);
    pair *p = SCL_NEW_ARRAY(&arena, pair, count + 1);
    int n = 0;
    for (int i = 0; i < count; i++) {
        const scl_value *v = scl_store_at(store, i).value;
        if (!scl_checkpoint_keeps(v))
            continue;
        p[n] = (pair){ scl_safetensors_find(c->file, v->name), v };
        compare(&d, p[n++].tensor, v, v->name);
    }
    for (int i = 0; i < c->file->n; i++)
        if (!scl_store_find(store, c->file->tensor[i].name).value)
            differ(&d, "%s%s%s is not in this network", c->file->tensor[i].name, "", "");
    const scl_status status = d.n ? fail_differences(c, &d, err) : load_pairs(c, p, n, store, err);
    scl_arena_free(&arena);
    return status;
}

/* What stands in front of a weight's name in a file: "", or "param." (files of golden outputs), or "ema.". */
static const char *find_prefix(const scl_checkpoint *c, const char *asked)
{
    bool plain = false;
    for (int i = 0; i < c->file->n; i++) {
        const char *name = c->file->tensor[i].name;
        if (asked[0] && starts_with(name, asked))
            return asked;
        plain |= !strcmp(name, "begin_conv.weight");
    }
    if (asked[0])
        scl_info("'%s' has no averaged weights: the plain ones are used", c->file->path);
    for (int i = 0; i < c->file->n && !plain; i++)
        if (starts_with(c->file->tensor[i].name, "param."))
            return "param.";
    return "";
}

scl_status scl_checkpoint_weights(const scl_checkpoint *c, scl_store *store, const char *from_prefix,
                                  const char *to_prefix, scl_err *err)
{
    scl_arena arena = { 0 };
    differences d = { 0 };
    const char *from = find_prefix(c, from_prefix);
    const int count = scl_store_count(store);
    pair *p = SCL_NEW_ARRAY(&arena, pair, count + 1);
    int n = 0;
    for (int i = 0; i < count; i++) {
        const scl_value *v = scl_store_at(store, i).value;
        const bool belongs = to_prefix[0] ? starts_with(v->name, to_prefix)
                                          : !is_state_name(v->name) && !starts_with(v->name, SCL_GUIDE_PREFIX);
        if (!scl_checkpoint_keeps(v) || !belongs)
            continue;
        const char *name = scl_arena_printf(&arena, "%s%s", from, v->name + strlen(to_prefix));
        p[n] = (pair){ scl_safetensors_find(c->file, name), v };
        compare(&d, p[n++].tensor, v, name);
    }
    for (int i = 0; i < c->file->n && !(from[0] && !strcmp(from, "param.")); i++) {
        const char *name = c->file->tensor[i].name;
        const bool weight = from[0] ? starts_with(name, from) : !is_state_name(name);
        if (weight &&
            !scl_store_find(store, scl_arena_printf(&arena, "%s%s", to_prefix, name + strlen(from))).value)
            differ(&d, "%s%s%s is not in this network", name, "", "");
    }
    const scl_status status = d.n ? fail_differences(c, &d, err) : load_pairs(c, p, n, store, err);
    scl_arena_free(&arena);
    return status;
}
