#include "graph/inspect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/signature.h"
#include "graph/tuning.h"

enum { PATTERN = 0x41, DEFINE_GUARD = 128 };   /* 0x41414141 is 12.08f: finite, and no likely result */

/* ---- bands ---- */

typedef struct extent { size_t offset, end; const char *name; } extent;
typedef struct extents { extent *at; int n, cap; scl_arena *arena; } extents;

static void add(extents *e, const scl_place *p, const scl_node *n, const char *name)
{
    if (p->in != SCL_PLACE_SLAB || !p->bytes)
        return;
    if (e->n == e->cap) {
        extent *bigger = SCL_NEW_ARRAY(e->arena, extent, e->cap = e->cap ? 2 * e->cap : 256);
        if (e->n)
            memcpy(bigger, e->at, sizeof *bigger * (size_t)e->n);
        e->at = bigger;
    }
    e->at[e->n++] = (extent){ p->offset, p->offset + p->bytes,
                              scl_arena_printf(e->arena, "%s of %s%s%s", name, n->op->name, n->scope[0] ? " at " : "", n->scope) };
}

static int by_offset(const void *a, const void *b)
{
    const extent *x = a, *y = b;
    return x->offset != y->offset ? (x->offset < y->offset ? -1 : 1) : x->end < y->end ? 1 : x->end > y->end ? -1 : 0;
}

static const char *output_name(const scl_node *n, int o, char text[32])
{
    const bool own = o < scl_op_outputs(n->op) && n->op->out[o];
    snprintf(text, 32, "%s", own ? scl_sig_parse(n->op->out[o]).name : n->expr ? "out" : "along");
    return text;
}

/* Values under the names of the nodes that make them, scratch under those that use it. */
static void collect(extents *e, const scl_schedule *s)
{
    char name[32];
    for (int i = 0; i < s->n_node; i++)
        for (int o = 0; o < s->step[i].node->n_out; o++)
            add(e, &s->step[i].out[o], s->step[i].node, output_name(s->step[i].node, o, name));
    for (int i = 0; i < s->n_launch; i++)
        for (int k = 0; k < s->launch[i].n_arg; k++)
            if (s->launch[i].arg[k].kind != SCL_ARG_VALUE)
                add(e, &s->launch[i].place[k], s->launch[i].node, s->launch[i].arg[k].name);
    if (e->n)
        qsort(e->at, (size_t)e->n, sizeof *e->at, by_offset);
}

static void slab_bands(const scl_exec *exec, scl_arena *arena, scl_band *out, int *n, const extents *e)
{
    const size_t bytes = scl_exec_plan(exec)->schedule.slab_bytes;
    size_t end = 0;
    const char *before = "";
    (void)arena;
    for (int i = 0; i <= e->n; i++) {
        const size_t next = i < e->n ? e->at[i].offset : bytes;
        if (next > end)
            out[(*n)++] = (scl_band){ { scl_exec_slab(exec), end, next - end }, before, i < e->n ? e->at[i].name : "" };
        if (i < e->n && e->at[i].end > end) {
            end = e->at[i].end;
            before = e->at[i].name;
        }
    }
}

void scl_bands_of(const scl_exec *exec, scl_arena *arena, scl_band **out, int *n)
{
    const scl_store *store = scl_exec_store(exec);
    extents e = { .arena = arena };
    collect(&e, &scl_exec_plan(exec)->schedule);
    scl_store_gap *gap = SCL_NEW_ARRAY(arena, scl_store_gap, 2 * scl_store_count(store) + 1);
    const int gaps = scl_store_gaps(store, gap);
    *out = SCL_NEW_ARRAY(arena, scl_band, e.n + gaps + 1);
    *n = 0;
    if (e.n)
        slab_bands(exec, arena, *out, n, &e);
    for (int i = 0; i < gaps; i++)
        (*out)[(*n)++] = (scl_band){ gap[i].region, gap[i].before ? gap[i].before->name : "",
                                     gap[i].behind ? gap[i].behind->name : "" };
}

scl_status scl_bands_fill(scl_backend *b, const scl_band *band, int n, scl_err *err)
{
    for (int i = 0; i < n; i++)
        SCL_TRY(b->v->fill(b, band[i].region, PATTERN, err));
    return SCL_OK;
}

scl_status scl_bands_check(scl_backend *b, const scl_band *band, int n, int *which, size_t *byte, scl_err *err)
{
    size_t most = 1;
    *which = -1;
    for (int i = 0; i < n; i++)
        most = band[i].region.bytes > most ? band[i].region.bytes : most;
    void *memory;
    SCL_TRY(scl_alloc_bytes(&memory, most, "the bands between buffers", err));
    const unsigned char *data = memory;
    scl_status status = SCL_OK;
    for (int i = 0; i < n && *which < 0 && status == SCL_OK; i++) {
        status = b->v->read(b, band[i].region, memory, err);
        for (size_t k = 0; k < band[i].region.bytes && *which < 0 && status == SCL_OK; k++)
            if (data[k] != PATTERN) {
                *which = i;
                *byte = k;
            }
    }
    free(memory);
    return status;
}

void scl_band_text(const scl_band *band, size_t byte, char *text, size_t size)
{
    const size_t left = band->region.bytes - byte;
    if (band->before[0] && (byte < left || !band->behind[0]))
        snprintf(text, size, "byte %zu behind buffer '%s'", byte, band->before);
    else if (band->behind[0])
        snprintf(text, size, "byte %zu before buffer '%s'", left, band->behind);
    else
        snprintf(text, size, "byte %zu outside of all buffers", byte);
}

/* ---- launches one at a time ---- */

scl_schedule *scl_schedule_by_launch(const scl_schedule *s, scl_arena *arena)
{
    scl_schedule *out = SCL_NEW(arena, scl_schedule);
    *out = *s;
    out->record = false;
    out->n_node = s->n_launch - s->n_prepare;
    out->step = SCL_NEW_ARRAY(arena, struct scl_step, out->n_node ? out->n_node : 1);
    for (int i = 0; i < s->n_node; i++)
        for (int k = 0; k < s->step[i].n_launch; k++) {
            struct scl_step *to = &out->step[s->step[i].first_launch + k];
            *to = s->step[i];
            to->first_launch += k;
            to->n_launch = 1;
        }
    return out;
}

/* ---- a node by its definition ---- */

static scl_status write_inputs(const scl_node *n, scl_store *store, void *const *in, scl_err *err)
{
    for (int i = 0; i < n->n_in; i++) {
        const scl_binding b = in[i] ? scl_store_find(store, n->in_name[i]) : (scl_binding){ 0 };
        if (b.value)        /* one value under two names is there once */
            SCL_TRY(scl_store_write(store, n->in_name[i], in[i], b.region.bytes, err));
    }
    return SCL_OK;
}

static scl_status run_defined(scl_backend *b, scl_exec *exec, const scl_node *n, void *const *out, scl_err *err)
{
    char name[16];
    for (int pass = 0; pass < 2; pass++) {
        for (int o = 0; o < n->n_out; o++) {
            snprintf(name, sizeof name, "out%d", o);
            const scl_region r = scl_exec_region(exec, name);
            if (n->out[o]->storage && !pass)      /* its memory is an input's */
                continue;
            SCL_TRY(pass ? b->v->read(b, r, out[o], err) : b->v->write(b, r, out[o], err));
        }
        if (!pass)
            SCL_TRY(scl_exec_run(exec, err));
    }
    return SCL_OK;
}

scl_status scl_node_define(const scl_node *n, void *const *in, void *const *out, scl_err *err)
{
    /* Guards keep every output in memory of its own: what stood there before must still stand where it is not written. */
    static const scl_plan_options options = { .no_fuse = true, .guard_bytes = DEFINE_GUARD };
    scl_arena arena = { 0 };
    scl_backend *b = NULL;
    scl_graph *graph;
    scl_store *store = NULL;
    scl_plan *plan;
    scl_exec *exec = NULL;
    scl_status status = scl_reference_open(&b, err);
    if (status == SCL_OK)
        status = scl_graph_isolate_apart(&graph, &arena, n, err);
    if (status == SCL_OK)
        status = scl_store_create(&store, b, &graph, 1, err);
    if (status == SCL_OK)
        status = write_inputs(n, store, in, err);
    if (status == SCL_OK)
        status = scl_plan_make(&plan, &arena, graph, &b->info, &options, err);
    if (status == SCL_OK)
        status = scl_exec_create(&exec, b, plan, store, NULL, err);
    if (status == SCL_OK)
        status = run_defined(b, exec, n, out, err);
    scl_exec_free(exec);
    scl_store_free(store);
    if (b)
        b->v->close(b);
    scl_arena_free(&arena);
    return status;
}

/* ---- texts ---- */

void scl_node_value_text(const scl_node *n, int out, char *text, size_t size)
{
    const scl_value *v = out < 0 ? n->in[-1 - out] : n->out[out];
    char name[32];
    size_t used = (size_t)snprintf(text, size, "%s %s[", out < 0 ? n->in_name[-1 - out] : output_name(n, out, name),
                                   v ? scl_dtype_name(v->dtype) : "absent");
    for (int d = 0; v && d < v->rank && used < size; d++)
        used += (size_t)snprintf(text + used, size - used, "%s%d", d ? "," : "", v->dim[d]);
    if (used < size)
        snprintf(text + used, size - used, "]");
}

void scl_element_text(const scl_value *v, size_t element, char *text, size_t size)
{
    int at[SCL_MAX_RANK];
    size_t used = (size_t)snprintf(text, size, "[");
    for (int d = v->rank - 1; d >= 0; d--) {
        at[d] = (int)(element % (size_t)v->dim[d]);
        element /= (size_t)v->dim[d];
    }
    for (int d = 0; d < v->rank && used < size; d++)
        used += (size_t)snprintf(text + used, size - used, "%s%d", d ? "," : "", at[d]);
    if (used < size)
        snprintf(text + used, size - used, "]");
}
