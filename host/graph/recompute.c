/* Recompute instead of store: a value that is cheap to make is not kept over the time in which memory is
 * scarcest.
 *
 * The program's live bytes are summed at each position; at the highest one, of all pointwise results that are
 * read before and again after it, the one that saves most is made a second time right before its first reader
 * after it.  That lengthens the lives of its inputs, which is part of the sum; what it reads must still hold
 * what it held.  Again until no result lowers the highest position.  The second node is a copy of the first,
 * so no bit changes. */
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
    size_t *trial;
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

static void measure(pass *s, scl_arena *scratch)
{
    const scl_program *p = s->p;
    s->life = scl_lifetimes(p, scratch);
    s->live = SCL_NEW_ARRAY(scratch, size_t, p->n_node + 2);
    s->trial = SCL_NEW_ARRAY(scratch, size_t, p->n_node + 2);
    for (int v = 0; v < p->n_value; v++) {
        if (!in_slab(p->value[v]) || s->life[v].first < 0)
            continue;
        s->live[s->life[v].first] += scl_value_bytes(p->value[v]);
        s->live[s->life[v].last + 1] -= scl_value_bytes(p->value[v]); /* wraps, and wraps back in the sum */
    }
    for (int i = 1; i <= p->n_node; i++)
        s->live[i] += s->live[i - 1];
    for (int i = 0; i < p->n_node; i++)
        s->live[i] += workspace_of(s, i);
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
    for (int i = node + 1; i <= s->life[v->id].last && out->after < 0; i++) {
        if (!reads(s->p->node[i], v))
            continue;
        if (i <= peak)
            out->before = i;
        else
            out->after = i;
    }
    return out->before < peak && out->after > peak;
}

/* What the highest position would save; 0: nothing, or another one would rise above it. */
static size_t gain_of(const pass *s, const gap *g, int peak)
{
    const scl_program *p = s->p;
    const scl_node *n = p->node[g->node];
    const size_t bytes = scl_value_bytes(n->out[0]);
    memcpy(s->trial, s->live, sizeof *s->trial * (size_t)p->n_node);
    for (int i = g->before + 1; i < g->after; i++)
        s->trial[i] -= bytes;
    for (int k = 0; k < n->n_in; k++) {
        const scl_value *w = n->in[k];
        bool counted = !w || !in_slab(w);
        for (int j = 0; j < k && !counted; j++)
            counted = n->in[j] == w;
        for (int i = counted ? g->after : s->life[w->id].last + 1; i <= g->after && !counted; i++)
            s->trial[i] += scl_value_bytes(w);
    }
    const bool lower = s->trial[highest(s->trial, p->n_node)] <= s->live[peak];
    return lower && s->trial[peak] < s->live[peak] ? s->live[peak] - s->trial[peak] : 0;
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

static bool lower_once(pass *s)
{
    scl_arena scratch = {0};
    measure(s, &scratch);
    const int peak = highest(s->live, s->p->n_node);
    gap best = {.gain = 0}, g;
    for (int i = 0; i < peak; i++) {
        if (!can_repeat(s, s->p->node[i]) || !find_gap(s, i, peak, &g))
            continue;
        g.gain = gain_of(s, &g, peak);
        if (g.gain > best.gain)
            best = g;
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
