/* Recompute instead of store: a value that is cheap to make is not kept over the time in which memory is
 * scarcest.
 *
 * The program's live bytes are summed at each position; at the highest one, of all pointwise results that are
 * read before and again after it, the one that saves most is made a second time right before its first reader
 * after it.  That lengthens the lives of its inputs, which is part of the sum; what it reads must still hold
 * what it held.  Again until no result lowers the highest position.  The second node is a copy of the first,
 * so no bit changes. */
#include <stdlib.h>
#include <string.h>

#include "graph/build.h"
#include "graph/passes.h"

typedef struct pass {
    scl_program *p;
    scl_choice *choice; /* of each node */
    const scl_device_info *device;
    bool *updated; /* value id of the graph: a persistent value that the program updates */
    int cap_node, cap_value;
    scl_life *life;
    size_t *live; /* bytes alive at each position */
    int *first_reader,
        *reader; /* reader[first_reader[id] ... first_reader[id + 1] - 1]: positions that read value id */
} pass;

/* A value's absence: its last reader before the highest position and its first one after it. */
typedef struct gap {
    int node, before, after;
    size_t gain;
} gap;

static bool in_slab(const scl_value *v)
{
    return v->role == SCL_INTERMEDIATE && !v->storage;
}

static size_t workspace_of(const pass *s, int i)
{
    const scl_impl *impl = s->choice[i].impl;
    size_t bytes = 0;
    if (impl && impl->workspace)
        bytes += impl->workspace(s->p->node[i], s->device, &s->choice[i].tune);
    if (impl && impl->prepared)
        bytes += impl->prepared(s->p->node[i], s->device, &s->choice[i].tune);
    return bytes;
}

/* Positions ascend for each value; one that reads a value twice stands there twice. */
static void list_readers(pass *s, scl_arena *scratch)
{
    const scl_program *p = s->p;
    s->first_reader = SCL_NEW_ARRAY(scratch, int, p->n_value + 2);
    for (int i = 0; i < p->n_node; i++)
        for (int k = 0; k < p->node[i]->n_in; k++)
            if (p->node[i]->in[k])
                s->first_reader[p->node[i]->in[k]->id + 2]++;
    for (int v = 0; v < p->n_value; v++)
        s->first_reader[v + 2] += s->first_reader[v + 1];
    s->reader = SCL_NEW_ARRAY(scratch, int, s->first_reader[p->n_value + 1] + 1);
    for (int i = 0; i < p->n_node; i++)
        for (int k = 0; k < p->node[i]->n_in; k++)
            if (p->node[i]->in[k])
                s->reader[s->first_reader[p->node[i]->in[k]->id + 1]++] = i;
}

static void measure(pass *s, scl_arena *scratch)
{
    const scl_program *p = s->p;
    s->life = scl_lifetimes(p, scratch);
    s->live = SCL_NEW_ARRAY(scratch, size_t, p->n_node + 2);
    for (int v = 0; v < p->n_value; v++) {
        if (s->life[v].first < 0 || !in_slab(p->value[v]))
            continue;
        const size_t bytes = scl_value_bytes(p->value[v]);
        s->live[s->life[v].first] += bytes;
        s->live[s->life[v].last + 1] -= bytes; /* wraps, and wraps back in the sum */
    }
    for (int i = 1; i <= p->n_node; i++)
        s->live[i] += s->live[i - 1];
    for (int i = 0; i < p->n_node; i++)
        s->live[i] += workspace_of(s, i);
    list_readers(s, scratch);
}

static int highest(const size_t *live, int n)
{
    int at = 0;
    for (int i = 1; i < n; i++)
        if (live[i] > live[at])
            at = i;
    return at;
}

static bool can_repeat(const pass *s, const scl_node *n)
{
    const scl_value *v = n->out[0];
    if (!scl_is_pointwise(n) || v->output || !in_slab(v))
        return false;
    for (int k = 0; k < n->n_in; k++)
        if (n->in[k] && (n->in[k]->storage || s->updated[n->in[k]->id]))
            return false;
    return true;
}

static bool reads(const scl_node *n, const scl_value *v)
{
    for (int k = 0; k < n->n_in; k++)
        if (n->in[k] == v)
            return true;
    return false;
}

/* Is the node's result idle over the highest position? */
static bool find_gap(const pass *s, int node, int peak, gap *out)
{
    const scl_value *v = s->p->node[node]->out[0];
    *out = (gap){.node = node, .before = node, .after = -1};
    if (node >= peak || s->life[v->id].last <= peak)
        return false;
    for (int r = s->first_reader[v->id]; r < s->first_reader[v->id + 1] && out->after < 0; r++) {
        if (s->reader[r] <= peak)
            out->before = s->reader[r];
        else
            out->after = s->reader[r];
    }
    return out->before < peak && out->after > peak;
}

/* Does value number k of the node's inputs live longer for being read again at g->after? */
static bool prolonged(const pass *s, const gap *g, int k)
{
    const scl_node *n = s->p->node[g->node];
    const scl_value *w = n->in[k];
    if (!w || !in_slab(w) || s->life[w->id].last >= g->after)
        return false;
    for (int j = 0; j < k; j++)
        if (n->in[j] == w)
            return false;
    return true;
}

/* What the highest position would save; 0: nothing, or another one would rise above it. */
static size_t gain_of(const pass *s, const gap *g, int peak)
{
    const scl_node *n = s->p->node[g->node];
    const size_t bytes = scl_value_bytes(n->out[0]);
    size_t longer[SCL_MAX_IN], here = 0; /* here: what is prolonged over the highest position */
    int from[SCL_MAX_IN], n_longer = 0, first = g->after;
    for (int k = 0; k < n->n_in; k++) {
        if (!prolonged(s, g, k))
            continue;
        from[n_longer] = s->life[n->in[k]->id].last + 1;
        longer[n_longer] = scl_value_bytes(n->in[k]);
        first = from[n_longer] < first ? from[n_longer] : first;
        here += from[n_longer] <= peak ? longer[n_longer] : 0;
        n_longer++;
    }
    if (here >= bytes)
        return 0;
    for (int i = first; i <= g->after; i++) { /* no other position rises */
        size_t live = s->live[i] - (i > g->before && i < g->after ? bytes : 0);
        for (int k = 0; k < n_longer; k++)
            live += i >= from[k] ? longer[k] : 0;
        if (live > s->live[peak])
            return 0;
    }
    return bytes - here;
}

static void *grown(scl_arena *arena, void *from, size_t size, int n, int *cap)
{
    if (n < *cap)
        return from;
    *cap = 2 * n + 16;
    void *to = scl_arena_alloc(arena, size * (size_t)*cap);
    if (n)
        memcpy(to, from, size * (size_t)n);
    return to;
}

/* A second value for the readers from g->after on, made right before the first of them. */
static void repeat(pass *s, const gap *g)
{
    scl_program *p = s->p;
    scl_node *again = SCL_NEW(p->arena, scl_node);
    scl_value *v = p->node[g->node]->out[0], *second = SCL_NEW(p->arena, scl_value);
    p->value = grown(p->arena, p->value, sizeof *p->value, p->n_value, &s->cap_value);
    *again = *p->node[g->node];
    *second = *v;
    second->id = p->n_value;
    second->producer = again;
    again->out[0] = second;
    p->value[p->n_value++] = second;
    for (int i = g->after; i < p->n_node; i++) {
        if (!reads(p->node[i], v))
            continue;
        scl_node *copy = SCL_NEW(p->arena, scl_node); /* the graph keeps its own */
        *copy = *p->node[i];
        for (int k = 0; k < copy->n_in; k++)
            if (copy->in[k] == v)
                copy->in[k] = second;
        p->node[i] = copy;
    }
    int cap = s->cap_node;
    p->node = grown(p->arena, p->node, sizeof *p->node, p->n_node, &cap);
    s->choice = grown(p->arena, s->choice, sizeof *s->choice, p->n_node, &s->cap_node);
    const size_t behind = (size_t)(p->n_node - g->after);
    memmove(p->node + g->after + 1, p->node + g->after, sizeof *p->node * behind);
    memmove(s->choice + g->after + 1, s->choice + g->after, sizeof *s->choice * behind);
    p->node[g->after] = again;
    s->choice[g->after] = s->choice[g->node];
    p->n_node++;
}

/* Most bytes first, and of the same in the order of the program. */
static int larger_first(const void *a, const void *b)
{
    const gap *x = a, *y = b;
    if (x->gain != y->gain)
        return x->gain < y->gain ? 1 : -1;
    return x->node - y->node;
}

/* The results that are idle over the highest position, with their bytes as the most that each may gain. */
static gap *find_gaps(const pass *s, int peak, int *n, scl_arena *scratch)
{
    gap *all = SCL_NEW_ARRAY(scratch, gap, peak + 1);
    *n = 0;
    for (int i = 0; i < peak; i++)
        if (can_repeat(s, s->p->node[i]) && find_gap(s, i, peak, &all[*n]))
            all[(*n)++].gain = scl_value_bytes(s->p->node[i]->out[0]);
    qsort(all, (size_t)*n, sizeof *all, larger_first);
    return all;
}

static bool lower_once(pass *s)
{
    scl_arena scratch = {0};
    measure(s, &scratch);
    const int peak = highest(s->live, s->p->n_node);
    int n;
    gap best = {.gain = 0}, *g = find_gaps(s, peak, &n, &scratch);
    for (int i = 0; i < n && g[i].gain > best.gain; i++) {
        g[i].gain = gain_of(s, &g[i], peak);
        if (g[i].gain > best.gain)
            best = g[i];
    }
    if (best.gain)
        repeat(s, &best);
    scl_arena_free(&scratch);
    return best.gain > 0;
}

scl_choice *scl_pass_recompute(scl_program *p, scl_choice *choice, const scl_device_info *device)
{
    pass s = {
        .p = p, .choice = choice, .device = device, .updated = SCL_NEW_ARRAY(p->arena, bool, p->n_value)};
    for (int i = 0; i < p->n_node; i++)
        for (int o = 0; o < p->node[i]->n_out; o++)
            if (p->node[i]->out[o]->storage)
                s.updated[p->node[i]->out[o]->storage->id] = true;
    while (p->n_node && lower_once(&s))
        ;
    return s.choice;
}
