#include "graph/store.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGN_BYTES = 4096 };
static const size_t block_limit = (size_t)256 << 20;   /* a device may allow no single block of all weights */

struct scl_store {
    scl_arena arena;
    scl_backend *backend;
    int n;
    scl_binding *binding;
    int n_block;
    scl_memory **block;
    size_t bytes, guard;        /* guard: least bytes between values, before the first and behind the last of a block; 0: none */
    size_t *block_bytes;
};

/* Adds a value under its name; later graphs must agree on the shape. */
static scl_status collect(scl_store *s, const scl_value *v, scl_err *err)
{
    for (int i = 0; i < s->n; i++) {
        const scl_value *have = s->binding[i].value;
        if (strcmp(have->name, v->name) != 0)
            continue;
        if (have->dtype != v->dtype || scl_value_bytes(have) != scl_value_bytes(v))
            return scl_fail(err, SCL_FAILED, "value '%s' has two shapes in two graphs", v->name);
        return SCL_OK;
    }
    s->binding[s->n++] = (scl_binding){ .value = v, .region = { .bytes = scl_value_bytes(v) } };
    return SCL_OK;
}

static scl_status collect_all(scl_store *s, scl_graph *const *graphs, int n_graphs, scl_err *err)
{
    int most = 0;
    for (int g = 0; g < n_graphs; g++)
        most += graphs[g]->n_value;
    s->binding = SCL_NEW_ARRAY(&s->arena, scl_binding, most ? most : 1);
    for (int g = 0; g < n_graphs; g++)
        for (int i = 0; i < graphs[g]->n_value; i++)
            if (graphs[g]->value[i]->role != SCL_INTERMEDIATE)
                SCL_TRY(collect(s, graphs[g]->value[i], err));
    return SCL_OK;
}

static size_t aligned(size_t bytes) { return (bytes + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES; }

scl_status scl_store_measure(scl_graph *const *graphs, int n_graphs, size_t *bytes, size_t *largest, scl_err *err)
{
    scl_store s = { 0 };
    *bytes = *largest = 0;
    const scl_status status = collect_all(&s, graphs, n_graphs, err);
    for (int i = 0; i < s.n; i++) {
        const size_t need = aligned(s.binding[i].region.bytes);
        *bytes += need;
        *largest = need > *largest ? need : *largest;
    }
    scl_arena_free(&s.arena);
    return status;
}

/* Values share blocks of at most block_limit (a larger value has one of its own). */
static scl_status allocate(scl_store *s, scl_err *err)
{
    const size_t most = s->backend->info.max_alloc_bytes;
    s->block = SCL_NEW_ARRAY(&s->arena, scl_memory *, s->n);
    s->block_bytes = SCL_NEW_ARRAY(&s->arena, size_t, s->n);
    for (int first = 0; first < s->n;) {
        size_t bytes = aligned(s->guard);
        int end = first;
        for (; end < s->n; end++) {
            const size_t need = aligned(s->binding[end].region.bytes + s->guard);
            if (end > first && bytes + need > (most && most < block_limit ? most : block_limit))
                break;
            s->binding[end].region.offset = bytes;
            bytes += need;
        }
        SCL_TRY(s->backend->v->alloc(s->backend, bytes, &s->block[s->n_block], err));
        s->block_bytes[s->n_block] = bytes;
        const scl_region all = { .memory = s->block[s->n_block++], .bytes = bytes };
        SCL_TRY(s->backend->v->fill(s->backend, all, 0, err));
        for (; first < end; first++)
            s->binding[first].region.memory = all.memory;
        s->bytes += bytes;
    }
    return SCL_OK;
}

scl_status scl_store_create(scl_store **out, scl_backend *b, scl_graph *const *graphs, int n_graphs, scl_err *err)
{
    return scl_store_create_guarded(out, b, graphs, n_graphs, 0, err);
}

scl_status scl_store_create_guarded(scl_store **out, scl_backend *b, scl_graph *const *graphs, int n_graphs,
                                    size_t guard_bytes, scl_err *err)
{
    void *memory;
    SCL_TRY(scl_alloc_bytes(&memory, sizeof(scl_store), "a store", err));
    scl_store *s = memory;
    s->backend = b;
    s->guard = guard_bytes;
    scl_status status = collect_all(s, graphs, n_graphs, err);
    if (status == SCL_OK)
        status = allocate(s, err);
    if (status != SCL_OK) {
        scl_store_free(s);
        return status;
    }
    *out = s;
    return SCL_OK;
}

void scl_store_free(scl_store *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->n_block; i++)
        s->backend->v->release(s->backend, s->block[i]);
    scl_arena_free(&s->arena);
    free(s);
}

int scl_store_gaps(const scl_store *s, scl_store_gap *out)
{
    int n = 0;
    for (int i = 0, block = 0; i < s->n; i++) {
        const scl_binding *b = &s->binding[i], *next = i + 1 < s->n ? b + 1 : NULL;
        const bool first = i == 0 || b->region.memory != b[-1].region.memory;
        const bool last = !next || next->region.memory != b->region.memory;
        const size_t begin = b->region.offset + b->region.bytes;
        const size_t end = last ? s->block_bytes[block] : next->region.offset;
        if (first && b->region.offset)
            out[n++] = (scl_store_gap){ { b->region.memory, 0, b->region.offset }, NULL, b->value };
        if (end > begin)
            out[n++] = (scl_store_gap){ { b->region.memory, begin, end - begin }, b->value, last ? NULL : next->value };
        block += last;
    }
    return n;
}

size_t scl_store_bytes(const scl_store *s) { return s->bytes; }
int scl_store_count(const scl_store *s) { return s->n; }
scl_binding scl_store_at(const scl_store *s, int i) { return s->binding[i]; }

scl_binding scl_store_find(const scl_store *s, const char *name)
{
    for (int i = 0; i < s->n; i++)
        if (!strcmp(s->binding[i].value->name, name))
            return s->binding[i];
    return (scl_binding){ 0 };
}

static scl_status whole(const scl_store *s, const char *name, size_t bytes, scl_region *out, scl_err *err)
{
    const scl_binding b = scl_store_find(s, name);
    if (!b.value)
        return scl_fail(err, SCL_FAILED, "no value is called '%s'", name);
    if (b.region.bytes != bytes)
        return scl_fail(err, SCL_FAILED, "value '%s' has %zu bytes, not %zu", name, b.region.bytes, bytes);
    *out = b.region;
    return SCL_OK;
}

scl_status scl_store_write(scl_store *s, const char *name, const void *from, size_t bytes, scl_err *err)
{
    scl_region to;
    SCL_TRY(whole(s, name, bytes, &to, err));
    return s->backend->v->write(s->backend, to, from, err);
}

scl_status scl_store_read(scl_store *s, const char *name, void *to, size_t bytes, scl_err *err)
{
    scl_region from;
    SCL_TRY(whole(s, name, bytes, &from, err));
    return s->backend->v->read(s->backend, from, to, err);
}
