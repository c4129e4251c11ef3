#include "graph/graph.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

scl_graph *scl_graph_new(scl_arena *arena, const char *name)
{
    scl_graph *g = SCL_NEW(arena, scl_graph);
    g->arena = arena;
    g->name = scl_arena_strdup(arena, name);
    g->scope = "";
    return g;
}

size_t scl_dtype_bytes(scl_dtype dtype) { return dtype == SCL_U8 ? 1 : 4; }

const char *scl_dtype_name(scl_dtype dtype)
{
    static const char *const names[] = { "f32", "i32", "u32", "u8" };
    return names[dtype];
}

size_t scl_value_count(const scl_value *v)
{
    size_t n = 1;
    for (int d = 0; d < v->rank; d++)
        n *= (size_t)v->dim[d];
    return n;
}

size_t scl_value_bytes(const scl_value *v) { return scl_value_count(v) * scl_dtype_bytes(v->dtype); }

/* Room for one more pointer in an array that lives in the arena. */
static void grow(scl_arena *arena, void ***items, int n, int *cap)
{
    if (n < *cap)
        return;
    const int bigger = *cap ? 2 * *cap : 256;
    void **copy = scl_arena_alloc(arena, sizeof(void *) * (size_t)bigger);
    if (n)
        memcpy(copy, *items, sizeof(void *) * (size_t)n);
    *items = copy;
    *cap = bigger;
}

scl_value *scl_value_new(scl_graph *g, const char *name, scl_dtype dtype, int rank, const int *dims)
{
    assert(rank >= 1 && rank <= SCL_MAX_RANK);
    scl_value *v = SCL_NEW(g->arena, scl_value);
    v->id = g->n_value;
    v->name = name;
    v->dtype = dtype;
    v->rank = rank;
    memcpy(v->dim, dims, sizeof(int) * (size_t)rank);
    grow(g->arena, (void ***)&g->value, g->n_value, &g->cap_value);
    g->value[g->n_value++] = v;
    return v;
}

scl_node *scl_node_new(scl_graph *g, const scl_op *op)
{
    scl_node *n = SCL_NEW(g->arena, scl_node);
    n->id = g->n_node;
    n->op = op;
    n->graph = g;
    n->scope = g->scope;
    grow(g->arena, (void ***)&g->node, g->n_node, &g->cap_node);
    g->node[g->n_node++] = n;
    return n;
}

scl_status scl_value_get(scl_graph *g, scl_value **out, scl_role role, const char *name, scl_dtype dtype, int rank,
                         const int *dims, scl_err *err)
{
    assert(role != SCL_INTERMEDIATE);
    for (int i = 0; i < g->n_value; i++) {
        scl_value *v = g->value[i];
        if (v->role == SCL_INTERMEDIATE || v->producer || strcmp(v->name, name) != 0)
            continue;
        if (v->dtype != dtype || v->rank != rank || memcmp(v->dim, dims, sizeof(int) * (size_t)rank) != 0)
            return scl_fail(err, SCL_FAILED, "value '%s' is used with two shapes", name);
        *out = v;
        return SCL_OK;
    }
    for (int d = 0; d < rank; d++)
        if (dims[d] <= 0)
            return scl_fail(err, SCL_FAILED, "value '%s' has a dimension of %d", name, dims[d]);
    *out = scl_value_new(g, scl_arena_strdup(g->arena, name), dtype, rank, dims);
    (*out)->role = role;
    return SCL_OK;
}

scl_value *scl_counters(scl_graph *g)
{
    scl_value *v = NULL;
    scl_err err = { 0 };
    const scl_status status = scl_value_get(g, &v, SCL_INPUT, "counters", SCL_U32, SCL_DIMS(SCL_COUNTERS), &err);
    assert(status == SCL_OK);
    (void)status;
    return v;
}

void scl_output(scl_value *v, const char *name)
{
    v->output = true;
    v->name = name;
}

scl_value *scl_find_value(const scl_graph *g, const char *name)
{
    for (int i = g->n_value - 1; i >= 0; i--)
        if (g->value[i]->name && !strcmp(g->value[i]->name, name))
            return g->value[i];
    return NULL;
}

const char *scl_scope_push(scl_graph *g, const char *format, ...)
{
    const char *before = g->scope;
    char name[128];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    g->scope = before[0] ? scl_arena_printf(g->arena, "%s.%s", before, name) : scl_arena_strdup(g->arena, name);
    return before;
}

void scl_scope_pop(scl_graph *g, const char *before) { g->scope = before; }
