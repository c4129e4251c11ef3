#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/plan.h"
#include "graph/signature.h"

struct scl_exec {
    scl_arena arena;
    scl_backend *backend;
    const scl_plan *plan;
    scl_store *store;
    scl_memory *slab;
    bool owns_slab;
    scl_loaded *loaded;
    bool prepared;              /* the launches for weights that rest have run */
};

scl_status scl_exec_create(scl_exec **out, scl_backend *b, const scl_plan *plan, scl_store *store,
                           scl_memory *slab, scl_err *err)
{
    void *memory;
    SCL_TRY(scl_alloc_bytes(&memory, sizeof(scl_exec), "an executor", err));
    scl_exec *e = memory;
    *e = (scl_exec){ .backend = b, .plan = plan, .store = store, .slab = slab };
    scl_status status = SCL_OK;
    if (!slab && plan->schedule.slab_bytes) {
        status = b->v->alloc(b, plan->schedule.slab_bytes, &e->slab, err);
        e->owns_slab = status == SCL_OK;
    }
    const int n = scl_store_count(store);
    scl_binding *binding = SCL_NEW_ARRAY(&e->arena, scl_binding, n ? n : 1);
    for (int i = 0; i < n; i++)
        binding[i] = scl_store_at(store, i);
    if (status == SCL_OK)
        status = b->v->load(b, &plan->schedule, e->slab, binding, n, &e->loaded, err);
    if (status != SCL_OK) {
        scl_exec_free(e);
        return status;
    }
    if (b->watch)
        b->watch->loaded(b->watch->user, plan, e->loaded);
    *out = e;
    return SCL_OK;
}

void scl_exec_free(scl_exec *e)
{
    if (!e)
        return;
    if (e->loaded)
        e->backend->v->unload(e->backend, e->loaded);
    if (e->owns_slab)
        e->backend->v->release(e->backend, e->slab);
    scl_arena_free(&e->arena);
    free(e);
}

static scl_status prepare(scl_exec *e, scl_err *err)
{
    if (!e->prepared && e->plan->schedule.n_prepare)
        SCL_TRY(e->backend->v->prepare(e->backend, e->loaded, err));
    e->prepared = true;
    return SCL_OK;
}

scl_status scl_exec_run(scl_exec *e, scl_err *err)
{
    SCL_TRY(prepare(e, err));
    return e->backend->v->run(e->backend, e->loaded, 0, e->plan->schedule.n_node, err);
}

scl_status scl_exec_run_timed(scl_exec *e, scl_span *span, scl_err *err)
{
    if (!e->backend->v->run_timed)
        return scl_fail(err, SCL_FAILED, "%s does not tell when its launches begin and end",
                        e->backend->info.name);
    SCL_TRY(prepare(e, err));
    return e->backend->v->run_timed(e->backend, e->loaded, span, err);
}

scl_backend *scl_exec_backend(const scl_exec *e) { return e->backend; }
const scl_plan *scl_exec_plan(const scl_exec *e) { return e->plan; }
scl_store *scl_exec_store(const scl_exec *e) { return e->store; }
scl_memory *scl_exec_slab(const scl_exec *e) { return e->slab; }

scl_status scl_exec_run_steps(scl_exec *e, int first, int end, scl_err *err)
{
    SCL_TRY(prepare(e, err));
    return e->backend->v->run(e->backend, e->loaded, first, end, err);
}

scl_region scl_exec_place(const scl_exec *e, const scl_place *place)
{
    if (place->in == SCL_PLACE_SLAB)
        return (scl_region){ .memory = e->slab, .offset = place->offset, .bytes = place->bytes };
    if (place->in == SCL_PLACE_STORE)
        return scl_store_find(e->store, place->value->name).region;
    return (scl_region){ 0 };
}

scl_region scl_exec_region(const scl_exec *e, const char *name)
{
    const scl_schedule *s = &e->plan->schedule;
    for (int i = 0; i < s->n_node; i++)
        for (int o = 0; o < s->step[i].node->n_out; o++) {
            const scl_value *v = s->step[i].node->out[o];
            if (v->output && !strcmp(v->name, name))
                return scl_exec_place(e, &s->step[i].out[o]);
        }
    return scl_store_find(e->store, name).region;
}

scl_status scl_exec_read(scl_exec *e, const char *name, void *to, size_t bytes, scl_err *err)
{
    const scl_region from = scl_exec_region(e, name);
    if (from.bytes != bytes)
        return scl_fail(err, SCL_FAILED, "value '%s' has %zu bytes, not %zu", name, from.bytes, bytes);
    return e->backend->v->read(e->backend, from, to, err);
}

/* The first element of an output that is not finite; -1: all are. */
static scl_status first_nonfinite(const scl_exec *e, const struct scl_step *step, int o, long *index,
                                  float *value, scl_err *err)
{
    *index = -1;
    const scl_region from = scl_exec_place(e, &step->out[o]);
    const size_t count = scl_value_count(step->node->out[o]);
    void *data;
    SCL_TRY(scl_alloc_bytes(&data, from.bytes, "the replay of a step", err));
    const scl_status status = e->backend->v->read(e->backend, from, data, err);
    const float *f = data;
    for (size_t i = 0; i < count && status == SCL_OK && *index < 0; i++)
        if (!isfinite(f[i])) {
            *index = (long)i;
            *value = f[i];
        }
    free(data);
    return status;
}

scl_status scl_exec_find_nonfinite(scl_exec *e, char *text, size_t size, scl_err *err)
{
    const scl_schedule *s = &e->plan->schedule;
    snprintf(text, size, "no node of graph %s", e->plan->graph->name);
    SCL_TRY(prepare(e, err));
    for (int i = 0; i < s->n_node; i++) {
        const struct scl_step *step = &s->step[i];
        SCL_TRY(e->backend->v->run(e->backend, e->loaded, i, i + 1, err));
        for (int o = 0; o < step->node->n_out; o++) {
            /* A stack of partial sums holds old values in the slots that this batch does not use. */
            if (step->node->out[o]->dtype != SCL_F32 || strstr(step->node->op->name, "_dw") ||
                !strcmp(step->node->op->name, "batch_sum"))
                continue;
            long index;
            float value;
            SCL_TRY(first_nonfinite(e, step, o, &index, &value, err));
            if (index < 0)
                continue;
            const scl_op *op = step->node->op;
            snprintf(text, size, "node %d, %s%s%s, %s[%ld] = %g", step->node->id, step->node->scope,
                     step->node->scope[0] ? ": " : "", op->name,
                     o < scl_op_outputs(op) ? scl_sig_parse(op->out[o]).name : "out", index, (double)value);
            return SCL_OK;
        }
    }
    return SCL_OK;
}
