/* One graph on one device, in guarded memory: a finite pattern round every buffer, NaN in every output
 * before, twice. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "op_run.h"

enum { GUARD_BYTES = 256, GUARD = 0x41, UNWRITTEN = 0xff, MAX_BLOCKS = 256 };   /* 0x41414141 is 12.08f */

typedef struct block { size_t offset, bytes; } block;

/* Device memory with its picture on the host: what is written before a run, what is read after it. */
typedef struct memory {
    scl_memory *device;
    size_t bytes;
    unsigned char *before, *after;
    int n;
    block block[MAX_BLOCKS];
} memory;

typedef struct execution {
    scl_arena *arena;
    scl_backend *b;
    scl_plan *plan;
    memory slab, store;
    int n_binding;
    scl_binding binding[MAX_BLOCKS];
    scl_loaded *loaded;
} execution;

void *t_bundle_find(const t_bundle *bundle, const scl_value *v)
{
    for (int i = 0; i < bundle->n; i++)
        if (bundle->item[i].value == v)
            return bundle->item[i].data;
    return NULL;
}

static size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

static size_t alignment(const scl_backend *b)
{
    return b->info.align_bytes > 128 ? b->info.align_bytes : 128;
}

static int by_offset(const void *a, const void *b)
{
    const block *x = a, *y = b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static void add_block(memory *m, const scl_place *p)
{
    if (p->in != SCL_PLACE_SLAB || m->n == MAX_BLOCKS)
        return;
    for (int i = 0; i < m->n; i++)
        if (m->block[i].offset == p->offset) {
            if (p->bytes > m->block[i].bytes)
                m->block[i].bytes = p->bytes;
            return;
        }
    m->block[m->n++] = (block){ p->offset, p->bytes };
}

static void shift(scl_place *p, const memory *m, size_t gap)
{
    size_t before = 0;
    for (int i = 0; i < m->n && m->block[i].offset <= p->offset; i++)
        before++;
    if (p->in == SCL_PLACE_SLAB)
        p->offset += before * gap;
}

/* Blocks that share memory at different times count as one. */
static void join_overlapping(memory *m)
{
    int n = 0;
    qsort(m->block, (size_t)m->n, sizeof *m->block, by_offset);
    for (int i = 0; i < m->n; i++) {
        block *last = n ? &m->block[n - 1] : NULL;
        const size_t end = m->block[i].offset + m->block[i].bytes;
        if (last && m->block[i].offset < last->offset + last->bytes)
            last->bytes = end > last->offset + last->bytes ? end - last->offset : last->bytes;
        else
            m->block[n++] = m->block[i];
    }
    m->n = n;
}

/* Moves the places of the plan's slab apart, so that a gap stands before each block and behind the last. */
static void spread(scl_schedule *s, memory *m, size_t gap)
{
    for (int i = 0; i < s->n_node; i++)
        for (int o = 0; o < s->step[i].node->n_out; o++)
            add_block(m, &s->step[i].out[o]);
    for (int i = 0; i < s->n_launch; i++)
        for (int k = 0; k < s->launch[i].n_arg; k++)
            add_block(m, &s->launch[i].place[k]);
    join_overlapping(m);
    for (int i = 0; i < s->n_node; i++) {
        for (int k = 0; k < s->step[i].node->n_in; k++)
            shift(&s->step[i].in[k], m, gap);
        for (int o = 0; o < s->step[i].node->n_out; o++)
            shift(&s->step[i].out[o], m, gap);
    }
    for (int i = 0; i < s->n_launch; i++)
        for (int k = 0; k < s->launch[i].n_arg; k++)
            shift(&s->launch[i].place[k], m, gap);
    s->slab_bytes += (size_t)(m->n + 1) * gap;
    m->bytes = s->slab_bytes;
    for (int i = 0; i < m->n; i++)
        m->block[i].offset += (size_t)(i + 1) * gap;
}

static scl_status picture(execution *e, memory *m, scl_err *err)
{
    if (!m->bytes)
        return SCL_OK;
    void *before, *after;
    T_TRY(scl_alloc_bytes(&before, m->bytes, "the guarded memory of a case", err));
    m->before = before;
    T_TRY(scl_alloc_bytes(&after, m->bytes, "the guarded memory of a case", err));
    m->after = after;
    memset(m->before, GUARD, m->bytes);
    return e->b->v->alloc(e->b, m->bytes, &m->device, err);
}

/* Every persistent value in one block of memory, gaps between them; values without data start unwritten. */
static scl_status lay_store(execution *e, const scl_graph *g, const t_bundle *in, scl_err *err)
{
    memory *m = &e->store;
    const size_t align = alignment(e->b);
    m->bytes = GUARD_BYTES;
    for (int i = 0; i < g->n_value; i++) {
        const scl_value *v = g->value[i];
        if (v->role == SCL_INTERMEDIATE || e->n_binding == MAX_BLOCKS)
            continue;
        m->bytes = round_up(m->bytes, align);
        m->block[m->n++] = (block){ m->bytes, scl_value_bytes(v) };
        e->binding[e->n_binding++] = (scl_binding){ v, { NULL, m->bytes, scl_value_bytes(v) } };
        m->bytes += scl_value_bytes(v) + GUARD_BYTES;
    }
    T_TRY(picture(e, m, err));
    for (int i = 0; i < e->n_binding; i++) {
        scl_binding *b = &e->binding[i];
        const void *data = t_bundle_find(in, b->value);
        b->region.memory = m->device;
        if (data)
            memcpy(m->before + b->region.offset, data, b->region.bytes);
        else
            memset(m->before + b->region.offset, UNWRITTEN, b->region.bytes);
    }
    return SCL_OK;
}

static scl_status lay_slab(execution *e, scl_err *err)
{
    memory *m = &e->slab;
    spread(&e->plan->schedule, m, round_up(GUARD_BYTES, alignment(e->b)));
    T_TRY(picture(e, m, err));
    for (int i = 0; i < m->n; i++)
        memset(m->before + m->block[i].offset, UNWRITTEN, m->block[i].bytes);
    return SCL_OK;
}

static scl_status move(execution *e, memory *m, bool in, scl_err *err)
{
    const scl_region all = { .memory = m->device, .bytes = m->bytes };
    if (!m->bytes)
        return SCL_OK;
    return in ? e->b->v->write(e->b, all, m->before, err) : e->b->v->read(e->b, all, m->after, err);
}

static scl_status run_once(execution *e, scl_err *err)
{
    T_TRY(move(e, &e->slab, true, err));
    T_TRY(move(e, &e->store, true, err));
    T_TRY(e->b->v->run(e->b, e->loaded, 0, e->plan->schedule.n_node, err));
    T_TRY(e->b->v->finish(e->b, err));
    T_TRY(move(e, &e->slab, false, err));
    return move(e, &e->store, false, err);
}

static bool guards_whole(const memory *m, const char *what, char *fault, size_t size)
{
    size_t next = 0;
    for (int i = 0; i <= m->n; i++) {
        const size_t end = i < m->n ? m->block[i].offset : m->bytes;
        for (size_t k = next; k < end; k++)
            if (m->after[k] != GUARD) {
                snprintf(fault, size, "wrote outside a buffer: byte %zu %s block %d of the %s",
                         i ? k - next : end - k, i ? "behind" : "before", i ? i - 1 : 0, what);
                return false;
            }
        if (i < m->n && m->block[i].offset + m->block[i].bytes > next)
            next = m->block[i].offset + m->block[i].bytes;
    }
    return true;
}

static bool is_storage(const scl_graph *g, const scl_value *v)
{
    for (int i = 0; i < g->n_value; i++)
        if (g->value[i]->storage == v)
            return true;
    return false;
}

static bool inputs_whole(const execution *e, const scl_graph *g, char *fault, size_t size)
{
    for (int i = 0; i < e->n_binding; i++) {
        const scl_binding *b = &e->binding[i];
        if (is_storage(g, b->value) ||
            !memcmp(e->store.before + b->region.offset, e->store.after + b->region.offset, b->region.bytes))
            continue;
        snprintf(fault, size, "changed its input '%s'", b->value->name);
        return false;
    }
    return true;
}

static const scl_binding *binding_of(const execution *e, const scl_value *v)
{
    for (int i = 0; i < e->n_binding; i++)
        if (e->binding[i].value == v)
            return &e->binding[i];
    return NULL;
}

static void collect(const execution *e, const scl_value *v, const unsigned char *from, size_t bytes,
                    t_bundle *out)
{
    if (out->n == T_MAX_DATA || t_bundle_find(out, v))
        return;
    void *copy = scl_arena_alloc(e->arena, bytes);
    memcpy(copy, from, bytes);
    out->item[out->n++] = (t_data){ v, copy };
}

static void collect_all(const execution *e, const scl_graph *g, t_bundle *out)
{
    const scl_schedule *s = &e->plan->schedule;
    for (int i = 0; i < s->n_node; i++)
        for (int o = 0; o < s->step[i].node->n_out; o++) {
            const scl_value *v = s->step[i].node->out[o];
            const scl_place *p = &s->step[i].out[o];
            if (v->output && p->in == SCL_PLACE_SLAB)
                collect(e, v, e->slab.after + p->offset, scl_value_bytes(v), out);
            else if (v->output && p->in == SCL_PLACE_STORE)
                collect(e, v, e->store.after + binding_of(e, p->value)->region.offset, scl_value_bytes(v),
                        out);
        }
    for (int i = 0; i < e->n_binding; i++)
        if (is_storage(g, e->binding[i].value))
            collect(e, e->binding[i].value, e->store.after + e->binding[i].region.offset,
                    e->binding[i].region.bytes, out);
}

static scl_status run_twice(execution *e, const scl_graph *g, t_bundle *out, char *fault, size_t size,
                            scl_err *err)
{
    T_TRY(e->b->v->load(e->b, &e->plan->schedule, e->slab.device, e->binding, e->n_binding, &e->loaded, err));
    T_TRY(run_once(e, err));
    if (!guards_whole(&e->slab, "slab", fault, size) ||
        !guards_whole(&e->store, "persistent values", fault, size) || !inputs_whole(e, g, fault, size))
        return SCL_OK;
    collect_all(e, g, out);
    T_TRY(run_once(e, err));
    t_bundle again = { 0 };
    collect_all(e, g, &again);
    for (int i = 0; i < out->n && !fault[0]; i++)
        if (memcmp(out->item[i].data, t_bundle_find(&again, out->item[i].value),
                   scl_value_bytes(out->item[i].value)) != 0)
            snprintf(fault, size, "a second run gave other bits in '%s'", out->item[i].value->name);
    return SCL_OK;
}

static void release(execution *e)
{
    memory *const both[] = { &e->slab, &e->store };
    if (e->loaded)
        e->b->v->unload(e->b, e->loaded);
    for (int i = 0; i < 2; i++) {
        if (both[i]->device)
            e->b->v->release(e->b, both[i]->device);
        free(both[i]->before);
        free(both[i]->after);
    }
    free(e);
}

scl_status t_execute(scl_arena *arena, scl_backend *b, scl_graph *g, const scl_plan_options *options,
                     const t_bundle *in, t_bundle *out, char *fault, size_t fault_size, scl_err *err)
{
    void *fresh;
    T_TRY(scl_alloc_bytes(&fresh, sizeof(execution), "the execution of a case", err));
    execution *e = fresh;
    e->arena = arena;
    e->b = b;
    out->n = 0;
    fault[0] = 0;
    scl_status status = scl_plan_make(&e->plan, arena, g, &b->info, options, err);
    if (status == SCL_OK)
        status = lay_store(e, g, in, err);
    if (status == SCL_OK)
        status = lay_slab(e, err);
    if (status == SCL_OK)
        status = run_twice(e, g, out, fault, fault_size, err);
    release(e);
    return status;
}
