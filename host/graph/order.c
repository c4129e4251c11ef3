/* The order of execution: which of the nodes that could run next does.
 *
 * A graph numbers its nodes as rules append them: a tangent follows all of the forward pass, and the reverse
 * of a tangent comes before all of the reverse of the forward pass, whose values it holds in the meantime.
 * Here a step takes one of the nodes whose inputs are there: the one that adds least to the bytes alive (what
 * it makes minus what nothing reads after it), of the same that of the earliest layer; or that of the
 * earliest layer, of the same the one that adds least.  The second way makes a layer and its tangent, and
 * their reverse, side by side; the first spares wide images.  Both are tried.
 *
 * A node may move over others but not over an in-place update of what it reads or updates.  It computes the
 * same from the same, so no bit changes. */
#include <string.h>

#include "graph/passes.h"

enum { MOST_NODES = 30000 }; /* an exact trace of many dimensions: their order is not worth its search */

typedef struct edge {
    int from, to;
} edge;

typedef struct pass {
    const scl_program *p;
    scl_arena *scratch;
    edge *edges; /* from has to run before to */
    int n_edge, cap_edge;
    int *first_edge;     /* of each node; edges are sorted by from */
    int *waits;          /* of each node: edges to it from nodes that have not run */
    int *depth;          /* of each node: the most layers (operators with weights) on a way to it */
    int *readers;        /* of each value: nodes that read it and have not run */
    long long unit;      /* bytes that make a difference */
    int *ready, n_ready; /* positions, in no order */
} pass;

static bool in_slab(const scl_value *v)
{
    return v && v->role == SCL_INTERMEDIATE && !v->storage;
}

/* Is value k of the node's inputs one of those before it too? */
static bool repeated(const scl_node *n, int k)
{
    for (int j = 0; j < k; j++)
        if (n->in[j] == n->in[k])
            return true;
    return false;
}

static void add_edge(pass *s, int from, int to)
{
    if (from < 0 || from == to)
        return;
    if (s->n_edge == s->cap_edge) {
        s->cap_edge = 2 * s->cap_edge + 1024;
        edge *more = SCL_NEW_ARRAY(s->scratch, edge, s->cap_edge);
        if (s->n_edge)
            memcpy(more, s->edges, sizeof *more * (size_t)s->n_edge);
        s->edges = more;
    }
    s->edges[s->n_edge++] = (edge){from, to};
    s->waits[to]++;
}

/* Who touched a persistent value: its last update, and its readers since then as a list through next. */
typedef struct touched {
    int update, reader;
} touched;
typedef struct link {
    int node, next;
} link;

static void find_edges(pass *s)
{
    const scl_program *p = s->p;
    int *maker = SCL_NEW_ARRAY(s->scratch, int, p->n_value), n_link = 1;
    touched *touch = SCL_NEW_ARRAY(s->scratch, touched, p->n_value);
    link *links = SCL_NEW_ARRAY(s->scratch, link, p->n_node * SCL_MAX_IN + 1);
    for (int v = 0; v < p->n_value; v++)
        maker[v] = touch[v].update = -1;
    for (int i = 0; i < p->n_node; i++) {
        const scl_node *n = p->node[i];
        for (int k = 0; k < n->n_in; k++) {
            if (!n->in[k] || repeated(n, k))
                continue;
            touched *t = &touch[n->in[k]->storage ? n->in[k]->storage->id : n->in[k]->id];
            add_edge(s, maker[n->in[k]->id], i);
            add_edge(s, t->update, i);
            links[n_link] = (link){i, t->reader};
            t->reader = n_link++;
            s->readers[n->in[k]->id]++;
        }
        for (int o = 0; o < n->n_out; o++) {
            maker[n->out[o]->id] = i;
            if (!n->out[o]->storage)
                continue;
            touched *t = &touch[n->out[o]->storage->id];
            add_edge(s, t->update, i);
            for (int r = t->reader; r; r = links[r].next)
                add_edge(s, links[r].node, i);
            *t = (touched){i, 0};
        }
    }
}

static void sort_edges(pass *s)
{
    const int n = s->p->n_node;
    edge *sorted = SCL_NEW_ARRAY(s->scratch, edge, s->n_edge + 1);
    s->first_edge = SCL_NEW_ARRAY(s->scratch, int, n + 2);
    for (int e = 0; e < s->n_edge; e++)
        s->first_edge[s->edges[e].from + 2]++;
    for (int i = 0; i < n; i++)
        s->first_edge[i + 2] += s->first_edge[i + 1];
    for (int e = 0; e < s->n_edge; e++)
        sorted[s->first_edge[s->edges[e].from + 1]++] = s->edges[e];
    s->edges = sorted;
}

/* Depth of the nodes, and the unit: a part of the largest value, so that what belongs to a channel does not
 * decide. */
static void measure(pass *s)
{
    const scl_program *p = s->p;
    size_t largest = 0;
    for (int i = 0; i < p->n_node; i++) { /* edges go up, and are sorted by from */
        bool layer = false;
        for (int k = 0; k < p->node[i]->n_in; k++)
            layer |= p->node[i]->in[k] && p->node[i]->in[k]->role == SCL_PARAM;
        for (int o = 0; o < p->node[i]->n_out; o++) {
            const scl_value *v = p->node[i]->out[o];
            if (in_slab(v) && scl_value_bytes(v) > largest)
                largest = scl_value_bytes(v);
        }
        s->depth[i] += layer;
        for (int e = s->first_edge[i]; e < s->first_edge[i + 1]; e++)
            if (s->depth[s->edges[e].to] < s->depth[i])
                s->depth[s->edges[e].to] = s->depth[i];
    }
    s->unit = (long long)(largest / 64 + 1);
}

/* Bytes that are alive behind the node and were not before it. */
static long long growth(const pass *s, int i)
{
    const scl_node *n = s->p->node[i];
    long long bytes = 0;
    for (int o = 0; o < n->n_out; o++)
        if (in_slab(n->out[o]) && (s->readers[n->out[o]->id] || n->out[o]->output))
            bytes += (long long)scl_value_bytes(n->out[o]);
    for (int k = 0; k < n->n_in; k++)
        if (in_slab(n->in[k]) && !n->in[k]->output && s->readers[n->in[k]->id] == 1 && !repeated(n, k))
            bytes -= (long long)scl_value_bytes(n->in[k]);
    return bytes;
}

/* The index of the best one in ready. */
static int choose(const pass *s, bool layers_first)
{
    int best = -1;
    long long least[2] = {0};
    for (int r = 0; r < s->n_ready; r++) {
        const int i = s->ready[r];
        const long long units = growth(s, i) / s->unit, depth = s->depth[i];
        const long long key[2] = {layers_first ? depth : units, layers_first ? units : depth};
        const bool same = best >= 0 && key[0] == least[0] && key[1] == least[1];
        if (best < 0 || key[0] < least[0] || (key[0] == least[0] && key[1] < least[1]) ||
            (same && i < s->ready[best])) {
            best = r;
            least[0] = key[0];
            least[1] = key[1];
        }
    }
    return best;
}

static void run(pass *s, int i)
{
    const scl_node *n = s->p->node[i];
    for (int k = 0; k < n->n_in; k++)
        if (n->in[k] && !repeated(n, k))
            s->readers[n->in[k]->id]--;
    for (int e = s->first_edge[i]; e < s->first_edge[i + 1]; e++)
        if (--s->waits[s->edges[e].to] == 0)
            s->ready[s->n_ready++] = s->edges[e].to;
}

static size_t most_alive(const scl_program *p, scl_arena *scratch)
{
    const scl_life *life = scl_lifetimes(p, scratch);
    size_t *change = SCL_NEW_ARRAY(scratch, size_t, p->n_node + 2), live = 0, most = 0;
    for (int v = 0; v < p->n_value; v++)
        if (life[v].first >= 0 && in_slab(p->value[v])) {
            change[life[v].first] += scl_value_bytes(p->value[v]);
            change[life[v].last + 1] -= scl_value_bytes(p->value[v]); /* wraps, and wraps back in the sum */
        }
    for (int i = 0; i < p->n_node; i++) {
        live += change[i];
        most = live > most ? live : most;
    }
    return most;
}

static scl_node **ordered(const scl_program *p, bool layers_first, scl_arena *scratch)
{
    pass s = {.p = p, .scratch = scratch};
    s.waits = SCL_NEW_ARRAY(scratch, int, p->n_node + 1);
    s.depth = SCL_NEW_ARRAY(scratch, int, p->n_node + 1);
    s.ready = SCL_NEW_ARRAY(scratch, int, p->n_node + 1);
    s.readers = SCL_NEW_ARRAY(scratch, int, p->n_value);
    find_edges(&s);
    sort_edges(&s);
    measure(&s);
    for (int i = 0; i < p->n_node; i++)
        if (!s.waits[i])
            s.ready[s.n_ready++] = i;
    scl_node **node = SCL_NEW_ARRAY(p->arena, scl_node *, p->n_node + 1);
    for (int n = 0; s.n_ready; n++) {
        const int r = choose(&s, layers_first), i = s.ready[r];
        s.ready[r] = s.ready[--s.n_ready];
        node[n] = p->node[i];
        run(&s, i);
    }
    return node;
}

bool scl_pass_order(scl_program *p)
{
    if (p->n_node > MOST_NODES)
        return false;
    scl_arena scratch = {0};
    size_t least = most_alive(p, &scratch);
    scl_node **best = NULL;
    for (int way = 0; way < 2; way++) {
        scl_program other = *p;
        other.node = ordered(p, way == 1, &scratch);
        const size_t most = most_alive(&other, &scratch);
        if (most < least) {
            least = most;
            best = other.node;
        }
    }
    if (best)
        p->node = best;
    scl_arena_free(&scratch);
    return best != NULL;
}
