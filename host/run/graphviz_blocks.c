#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/op.h"
#include "run/graphviz.h"

/* What is drawn as one box. */
typedef struct box {
    const char *title;               /* block of the network */
    const scl_drawn_node *longest;   /* of its nodes */
    int nodes;
    double time_s;
} box;

typedef struct drawing {
    const scl_drawn *g;
    const char *block;               /* NULL: all */
    int *of;                         /* box of each node; -1: it is not of the block */
    box *item;
    int n;
} drawing;

static bool is_in(const char *scope, const char *block)
{
    const size_t n = strlen(block);
    return !strncmp(scope, block, n) && (scope[n] == '\0' || scope[n] == '.');
}

static int depth_of(const char *scope)
{
    int n = scope[0] != '\0';
    for (; (scope = strchr(scope, '.')); scope++)
        n++;
    return n;
}

/* The first `depth` names of a scope. */
static const char *first_names(const char *scope, int depth, scl_arena *arena)
{
    const char *end = scope;
    for (; *end && (*end != '.' || --depth > 0); end++)
        ;
    return scl_arena_printf(arena, "%.*s", (int)(end - scope), scope);
}

/* Which nodes stand together.  level 0: each alone; 1: those of a scope and an operator; 2: of a scope; from 3 on, of an
 * outer block of depth deepest + 2 - level. */
static const char *name_at(const scl_drawn_node *n, int i, int level, int deepest, scl_arena *arena)
{
    if (level == 0)
        return scl_arena_printf(arena, "%d", i);
    const char *scope = level < 3 ? n->scope : first_names(n->scope, deepest + 2 - level, arena);
    return scl_arena_printf(arena, "%s/%s/%s", n->plan, scope, level == 1 ? n->operator : "");
}

static void add_to(box *to, const scl_drawn_node *n, const char *title)
{
    to->title = title;
    to->longest = !to->longest || n->time_s > to->longest->time_s ? n : to->longest;
    to->nodes++;
    to->time_s += n->time_s;
}

static void group(drawing *d, int level, int deepest, scl_arena *arena)
{
    json_t *seen = json_object();
    d->n = 0;
    memset(d->item, 0, sizeof *d->item * (size_t)d->g->n);
    for (int i = 0; i < d->g->n; i++) {
        const scl_drawn_node *n = &d->g->node[i];
        d->of[i] = -1;
        if (d->block && !is_in(n->scope, d->block))
            continue;
        const char *name = name_at(n, i, level, deepest, arena);
        const json_t *at = json_object_get(seen, name);
        d->of[i] = at ? (int)json_integer_value(at) : d->n++;
        if (!at)
            json_object_set_new(seen, name, json_integer(d->of[i]));
        add_to(&d->item[d->of[i]], n, level < 3 ? n->scope : first_names(n->scope, deepest + 2 - level, arena));
    }
    json_decref(seen);
}

static void write_box(FILE *f, const drawing *d, int i, double longest_s, double sum_s)
{
    const box *b = &d->item[i];
    const double share = longest_s > 0 ? b->time_s / longest_s : 0;
    fprintf(f, "  n%d [label=\"%s\\n", i, b->title[0] ? b->title : "(outside the network)");
    if (b->nodes == 1)
        fprintf(f, "%s", b->longest->operator);
    else
        fprintf(f, "%d nodes, %s%s", b->nodes, d->g->timed ? "longest: " : "first: ", b->longest->operator);
    if (d->g->timed)
        fprintf(f, "\\n%.3f ms, %.1f %%\", fillcolor=\"%.3f %.3f 1.000", 1e3 * b->time_s,
                sum_s > 0 ? 100 * b->time_s / sum_s : 0, 0.14 * (1 - share), 0.05 + 0.75 * share);
    fprintf(f, "\", tooltip=\"%s\"];\n", b->longest->tooltip ? b->longest->tooltip : b->title);
}

/* Loss, gradient norm and optimiser in one box: every block is connected with it, which hides how they are with each other. */
static bool is_hub(const drawing *d, int i) { return d->item[i].nodes > 1 && !d->item[i].title[0]; }

static void write_edges(FILE *f, const drawing *d, scl_arena *arena)
{
    json_t *seen = json_object();
    for (int i = 0; i < d->g->n_edge; i++) {
        const int from = d->of[d->g->edge[i][0]], to = d->of[d->g->edge[i][1]];
        const char *name = scl_arena_printf(arena, "n%d -> n%d", from, to);
        if (from < 0 || to < 0 || from == to || is_hub(d, from) || is_hub(d, to) || json_object_get(seen, name))
            continue;
        json_object_set_new(seen, name, json_true());
        fprintf(f, "  %s;\n", name);
    }
    json_decref(seen);
}

/* The finest grouping that is small enough; as a last resort, the outermost blocks. */
static int choose_boxes(drawing *d, scl_arena *arena)
{
    int deepest = 1, shown = 0, level = 0;
    for (int i = 0; i < d->g->n; i++) {
        const int depth = depth_of(d->g->node[i].scope);
        deepest = depth > deepest ? depth : deepest;
        shown += !d->block || is_in(d->g->node[i].scope, d->block);
    }
    for (group(d, 0, deepest, arena); d->n > SCL_DRAWN_MOST && level < deepest + 1;)
        group(d, ++level, deepest, arena);
    return shown;
}

scl_status scl_blocks_dot(const scl_drawn *g, const char *block, const char **dot, scl_arena *arena, scl_err *err)
{
    scl_arena scratch = { 0 };
    drawing d = { .g = g, .block = block };
    d.of = SCL_NEW_ARRAY(&scratch, int, g->n + 1);
    d.item = SCL_NEW_ARRAY(&scratch, box, g->n + 1);
    const int shown = choose_boxes(&d, &scratch);
    char *text = NULL;
    size_t size;
    FILE *f = shown ? open_memstream(&text, &size) : NULL;
    if (!f) {
        scl_arena_free(&scratch);
        return shown ? scl_fail(err, SCL_FAILED, "not enough host memory for a picture")
                     : scl_fail(err, SCL_BAD_CONFIG, "the graph has no nodes in a block '%s'", block ? block : "");
    }
    double longest_s = 0, sum_s = 0;
    for (int i = 0; i < d.n; i++)
        longest_s = fmax(longest_s, d.item[i].time_s);
    for (int i = 0; i < g->n; i++)
        sum_s += g->node[i].time_s;
    fputs("digraph graph_of_blocks {\n  nslimit=2;\n  nslimit1=2;\n  fontname=\"sans-serif\";\n  labelloc=t;\n"
          "  node [shape=box, style=filled, fillcolor=\"#ffffff\", fontname=\"sans-serif\"];\n", f);
    if (d.n < shown)
        fprintf(f, "  label=\"%d nodes in %d boxes; --block NAME draws those of a block alone\";\n", shown, d.n);
    for (int i = 0; i < d.n; i++)
        write_box(f, &d, i, longest_s, sum_s);
    write_edges(f, &d, &scratch);
    fputs("}\n", f);
    fclose(f);
    *dot = scl_arena_strdup(arena, text);
    free(text);
    scl_arena_free(&scratch);
    return SCL_OK;
}

scl_status scl_graph_blocks_dot(const scl_graph *graph, const char *block, const char **dot, scl_arena *arena, scl_err *err)
{
    scl_arena scratch = { 0 };
    int most = 0, largest = 0;
    for (int i = 0; i < graph->n_node; i++) {
        most += graph->node[i]->n_in;
        largest = graph->node[i]->id > largest ? graph->node[i]->id : largest;
    }
    int *at = SCL_NEW_ARRAY(&scratch, int, largest + 1);     /* index of a node by its number */
    scl_drawn g = { .node = SCL_NEW_ARRAY(&scratch, scl_drawn_node, graph->n_node + 1),
                    .n = graph->n_node,
                    .edge = scl_arena_alloc(&scratch, sizeof *g.edge * (size_t)(most + 1)) };
    for (int i = 0; i < graph->n_node; i++) {
        const scl_node *n = graph->node[i];
        at[n->id] = i;
        g.node[i] = (scl_drawn_node){ .plan = "", .scope = n->scope, .operator = n->op->name };
        for (int k = 0; k < n->n_in; k++)
            if (n->in[k] && n->in[k]->producer) {
                g.edge[g.n_edge][0] = at[n->in[k]->producer->id];
                g.edge[g.n_edge++][1] = i;
            }
    }
    const scl_status status = scl_blocks_dot(&g, block, dot, arena, err);
    scl_arena_free(&scratch);
    return status;
}
