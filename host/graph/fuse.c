/* Fusion of pointwise nodes.  A node is inlined into all of its consumers or into none; each inlined result keeps its flush,
 * so the bits are those of the unfused graph. */
#include <stdio.h>
#include <string.h>

#include "graph/build.h"
#include "graph/expr.h"
#include "graph/passes.h"

enum { MAX_FULL_INPUTS = 6, MAX_EXPR_SIZE = 120, MAX_INPUTS = 12 };

typedef struct fusion {
    scl_program *p;
    int *n_use;             /* value id: consumers */
    bool *updated;          /* value id: a persistent value that the program updates in place */
    int fresh;              /* names fused0, fused1 ... */
} fusion;

static int full_inputs(const scl_node *n)
{
    int full = 0;
    for (int i = 0; i < n->n_in; i++)
        full += n->in[i] && scl_expr_uses(n->expr, n->in_name[i]) && n->in_index[i] == SCL_INDEX_FULL;
    return full;
}

/* Only the inputs that the expression names: those that are there for a derivative would hold memory for nothing. */
static void drop_unused(scl_node *n)
{
    int kept = 0;
    for (int i = 0; i < n->n_in; i++) {
        if (!n->in[i] || !scl_expr_uses(n->expr, n->in_name[i]))
            continue;
        n->in[kept] = n->in[i];
        n->in_name[kept] = n->in_name[i];
        n->in_index[kept] = n->in_index[i];
        n->in_offset[kept++] = n->in_offset[i];
    }
    n->n_in = kept;
}

static const char *name_in(const scl_node *n, const scl_value *v, scl_index index, int offset)
{
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i] == v && n->in_index[i] == index && n->in_offset[i] == offset)
            return n->in_name[i];
    return NULL;
}

static bool reads_full(const scl_node *n, const scl_value *v)
{
    bool found = false;
    for (int i = 0; i < n->n_in; i++) {
        if (n->in[i] != v)
            continue;
        if (n->in_index[i] != SCL_INDEX_FULL)
            return false;
        found = true;
    }
    return found;
}

/* Would the consumer still be small enough? */
static bool can_take(const scl_node *consumer, const scl_node *inner)
{
    const scl_value *v = inner->out[0];
    if (!scl_is_pointwise(consumer) || !reads_full(consumer, v))
        return false;
    if (scl_value_count(consumer->out[0]) != scl_value_count(v) || consumer->out[0]->dim[0] != v->dim[0] ||
        consumer->out[0]->dim[consumer->out[0]->rank - 1] != v->dim[v->rank - 1])
        return false;
    if (consumer->n_in + inner->n_in > MAX_INPUTS || full_inputs(consumer) + full_inputs(inner) - 1 > MAX_FULL_INPUTS)
        return false;
    return scl_expr_size(consumer->expr) + scl_expr_size(inner->expr) <= MAX_EXPR_SIZE;
}

/* Inlining reads the inputs once per consumer instead of writing and reading the result: worth it when that is less traffic. */
static bool worth(int consumers, int full)
{
    return consumers * full - full < 1 + consumers;
}

static bool can_inline(const fusion *f, const scl_node *n, int position)
{
    const scl_value *v = n->out[0];
    if (!scl_is_pointwise(n) || v->output || v->storage || !f->n_use[v->id])
        return false;
    for (int i = 0; i < n->n_in; i++)
        if (f->updated[n->in[i]->id])
            return false;
    int consumers = 0;
    for (int j = position + 1; j < f->p->n_node; j++) {
        const scl_node *c = f->p->node[j];
        bool reads = false;
        for (int i = 0; i < c->n_in; i++)
            reads |= c->in[i] == v;
        if (!reads)
            continue;
        if (!can_take(c, n))
            return false;
        consumers++;
    }
    return worth(consumers, full_inputs(n));
}

static void inline_into(fusion *f, scl_node *consumer, const scl_node *inner)
{
    scl_arena *arena = f->p->arena;
    const scl_expr *with = inner->expr;
    /* Two steps, so that a new name never meets an old one of the inner expression. */
    for (int i = 0; i < inner->n_in; i++) {
        const char *known = name_in(consumer, inner->in[i], inner->in_index[i], inner->in_offset[i]);
        const char *name = known ? known : scl_arena_printf(arena, "fused%d", f->fresh++);
        with = scl_expr_rename(with, inner->in_name[i], scl_arena_printf(arena, "tmp_%s", name), arena);
        if (known)
            continue;
        consumer->in[consumer->n_in] = inner->in[i];
        consumer->in_name[consumer->n_in] = name;
        consumer->in_index[consumer->n_in] = inner->in_index[i];
        consumer->in_offset[consumer->n_in++] = inner->in_offset[i];
    }
    for (int i = 0; i < consumer->n_in; i++)
        with = scl_expr_rename(with, scl_arena_printf(arena, "tmp_%s", consumer->in_name[i]),
                               consumer->in_name[i], arena);
    for (int i = 0; i < consumer->n_in; i++)
        if (consumer->in[i] == inner->out[0])
            consumer->expr = scl_expr_substitute(consumer->expr, consumer->in_name[i], with, arena);
    drop_unused(consumer);
}

void scl_pass_fuse(scl_program *p)
{
    scl_arena scratch = { 0 };
    fusion f = { .p = p };
    f.n_use = SCL_NEW_ARRAY(&scratch, int, p->graph->n_value);
    f.updated = SCL_NEW_ARRAY(&scratch, bool, p->graph->n_value);
    for (int i = 0; i < p->n_node; i++) {
        scl_node *n = p->node[i];
        if (scl_is_pointwise(n)) {
            scl_node *copy = SCL_NEW(p->arena, scl_node);
            *copy = *n;
            drop_unused(copy);
            p->node[i] = n = copy;
        }
        for (int k = 0; k < n->n_in; k++)
            if (n->in[k])
                f.n_use[n->in[k]->id]++;
        for (int o = 0; o < n->n_out; o++)
            if (n->out[o]->storage)
                f.updated[n->out[o]->storage->id] = true;
    }
    int kept = 0;
    bool *gone = SCL_NEW_ARRAY(&scratch, bool, p->n_node);
    for (int i = 0; i < p->n_node; i++) {
        scl_node *n = p->node[i];
        if (!can_inline(&f, n, i))
            continue;
        for (int j = i + 1; j < p->n_node; j++)
            if (scl_is_pointwise(p->node[j]) && reads_full(p->node[j], n->out[0]))
                inline_into(&f, p->node[j], n);
        gone[i] = true;
    }
    for (int i = 0; i < p->n_node; i++)
        if (!gone[i])
            p->node[kept++] = p->node[i];
    p->n_node = kept;
    scl_arena_free(&scratch);
}
