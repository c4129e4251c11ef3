#include "graph/passes.h"

#include <stdlib.h>
#include <string.h>

#include "graph/build.h"
#include "graph/expr.h"

/* An in-place update of a value that outlives the run is an effect: it keeps its node alive. */
static bool has_effect(const scl_node *n, bool accumulate_only)
{
    for (int o = 0; o < n->n_out; o++) {
        const scl_value *v = n->out[o];
        if (v->storage && (!accumulate_only || v->storage->role == SCL_ACCUM))
            return true;
        if (v->output && !accumulate_only)
            return true;
    }
    return false;
}

void scl_pass_live(scl_program *p, bool accumulate_only)
{
    scl_arena scratch = { 0 };
    bool *live = SCL_NEW_ARRAY(&scratch, bool, p->graph->n_value);
    bool *keep = SCL_NEW_ARRAY(&scratch, bool, p->n_node);
    for (int i = p->n_node - 1; i >= 0; i--) {
        const scl_node *n = p->node[i];
        keep[i] = has_effect(n, accumulate_only);
        for (int o = 0; o < n->n_out; o++)
            keep[i] |= live[n->out[o]->id];
        for (int k = 0; keep[i] && k < n->n_in; k++)
            if (n->in[k])
                live[n->in[k]->id] = true;
    }
    int kept = 0;
    for (int i = 0; i < p->n_node; i++)
        if (keep[i])
            p->node[kept++] = p->node[i];
    p->n_node = kept;
    scl_arena_free(&scratch);
}

static scl_node *copy_node(scl_program *p, const scl_node *n)
{
    scl_node *copy = SCL_NEW(p->arena, scl_node);
    *copy = *n;
    return copy;
}

static bool same_attrs(const scl_node *a, const scl_node *b)
{
    for (int i = 0; i < SCL_MAX_ATTR; i++) {
        const scl_attr_value *x = &a->attr[i], *y = &b->attr[i];
        if (x->i != y->i || memcmp(&x->f, &y->f, sizeof x->f) != 0)
            return false;
        if (!x->text != !y->text || (x->text && strcmp(x->text, y->text) != 0))
            return false;
    }
    return true;
}

static bool same_node(const scl_node *a, const scl_node *b)
{
    if (a->op != b->op || a->n_in != b->n_in || memcmp(a->letter, b->letter, sizeof a->letter) != 0)
        return false;
    for (int i = 0; i < a->n_in; i++) {
        if (a->in[i] != b->in[i] || a->in_index[i] != b->in_index[i] || a->in_offset[i] != b->in_offset[i])
            return false;
        if (!a->in_name[i] != !b->in_name[i] || (a->in_name[i] && strcmp(a->in_name[i], b->in_name[i]) != 0))
            return false;
    }
    return same_attrs(a, b);
}

/* Outputs and updated values have names and places of their own; values that are updated later must not be read earlier. */
static bool may_merge(const scl_node *n)
{
    for (int o = 0; o < n->n_out; o++)
        if (n->out[o]->storage || n->out[o]->output)
            return false;
    return true;
}

void scl_pass_common(scl_program *p)
{
    scl_arena scratch = { 0 };
    enum { BUCKETS = 4096 };
    scl_value **instead = SCL_NEW_ARRAY(&scratch, scl_value *, p->graph->n_value);
    int *head = SCL_NEW_ARRAY(&scratch, int, BUCKETS), *next = SCL_NEW_ARRAY(&scratch, int, p->n_node);
    memset(head, 0xff, sizeof(int) * BUCKETS);
    int kept = 0;
    for (int i = 0; i < p->n_node; i++) {
        scl_node *n = p->node[i];
        bool renamed = false;
        for (int k = 0; k < n->n_in; k++)
            renamed |= n->in[k] && instead[n->in[k]->id];
        if (renamed) {
            n = copy_node(p, n);
            for (int k = 0; k < n->n_in; k++)
                if (n->in[k] && instead[n->in[k]->id])
                    n->in[k] = instead[n->in[k]->id];
        }
        size_t hash = (size_t)n->op / 16;
        for (int k = 0; k < n->n_in; k++)
            hash = hash * 31 + (n->in[k] ? (size_t)n->in[k]->id + 1 : 0);
        int *bucket = &head[hash % BUCKETS], same = -1;
        for (int j = *bucket; j >= 0 && may_merge(n); j = next[j])
            if (same_node(p->node[j], n) && may_merge(p->node[j]))
                same = j;
        if (same >= 0) {
            for (int o = 0; o < n->n_out; o++)
                instead[n->out[o]->id] = p->node[same]->out[o];
            continue;
        }
        next[kept] = *bucket;
        *bucket = kept;
        p->node[kept++] = n;
    }
    p->n_node = kept;
    scl_arena_free(&scratch);
}

scl_life *scl_lifetimes(const scl_program *p, scl_arena *arena)
{
    scl_life *life = SCL_NEW_ARRAY(arena, scl_life, p->n_value);
    for (int i = 0; i < p->n_value; i++)
        life[i] = (scl_life){ -1, -1 };
    for (int i = 0; i < p->n_node; i++) {
        const scl_node *n = p->node[i];
        for (int k = 0; k < n->n_in; k++)
            if (n->in[k] && life[n->in[k]->id].last < i)       /* an output stays to the end */
                life[n->in[k]->id].last = i;
        for (int o = 0; o < n->n_out; o++)
            life[n->out[o]->id] = (scl_life){ i, n->out[o]->output ? p->n_node : i };
    }
    return life;
}

static int by_size(const void *a, const void *b)
{
    const scl_block *const *x = a, *const *y = b;
    if ((*x)->bytes != (*y)->bytes)
        return (*x)->bytes < (*y)->bytes ? 1 : -1;
    return *x < *y ? -1 : 1;
}

static int by_offset(const void *a, const void *b)
{
    const scl_block *const *x = a, *const *y = b;
    return (*x)->offset < (*y)->offset ? -1 : (*x)->offset > (*y)->offset;
}

/* The lowest gap below and between the blocks placed so far that are alive at the same time. */
static size_t lowest_gap(const scl_block *b, scl_block *const *placed, int n)
{
    size_t offset = 0;
    for (int i = 0; i < n; i++) {
        const scl_block *q = placed[i];
        if (q->life.last < b->life.first || q->life.first > b->life.last)
            continue;
        if (q->offset >= offset + b->bytes)
            return offset;
        if (q->offset + q->bytes > offset)
            offset = q->offset + q->bytes;
    }
    return offset;
}

/* Largest first, each at the lowest place that is free while it lives. */
size_t scl_place_blocks(scl_block *blocks, int n, size_t align)
{
    scl_arena scratch = { 0 };
    scl_block **order = SCL_NEW_ARRAY(&scratch, scl_block *, n), **placed = SCL_NEW_ARRAY(&scratch, scl_block *, n);
    int filled = 0;
    for (int i = 0; i < n; i++) {
        blocks[i].bytes = (blocks[i].bytes + align - 1) / align * align;
        if (blocks[i].bytes) /* the others lie at 0 */
            order[filled++] = &blocks[i];
    }
    qsort(order, (size_t)filled, sizeof *order, by_size);
    size_t top = 0;
    for (int i = 0; i < filled; i++) {
        order[i]->offset = lowest_gap(order[i], placed, i);
        const size_t end = order[i]->offset + order[i]->bytes;
        top = end > top ? end : top;
        int at = i;
        for (; at > 0 && by_offset(&placed[at - 1], &order[i]) > 0; at--)
            placed[at] = placed[at - 1];
        placed[at] = order[i];
    }
    scl_arena_free(&scratch);
    return top;
}
