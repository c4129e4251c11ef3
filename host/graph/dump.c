/* Printing graphs, plans and schedules: scorecl dump. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/build.h"
#include "graph/expr.h"
#include "graph/passes.h"
#include "graph/signature.h"

typedef struct text { char *data; size_t size; FILE *file; } text;

/* The stream writes to t's own fields: t must not move. */
static void begin(text *t)
{
    *t = (text){ 0 };
    t->file = open_memstream(&t->data, &t->size);
}

static char *end(text *t, scl_arena *arena)
{
    fclose(t->file);
    char *copy = scl_arena_strdup(arena, t->data);
    free(t->data);
    return copy;
}

static void shape(FILE *f, const scl_value *v)
{
    fprintf(f, "%s[", scl_dtype_name(v->dtype));
    for (int d = 0; d < v->rank; d++)
        fprintf(f, "%s%d", d ? "," : "", v->dim[d]);
    fprintf(f, "]");
}

static void value_name(FILE *f, const scl_value *v)
{
    if (!v)
        fprintf(f, "-");
    else if (v->name)
        fprintf(f, "%s", v->name);
    else
        fprintf(f, "%%%d", v->id);
}

static void node_line(FILE *f, const scl_node *n, scl_arena *scratch)
{
    fprintf(f, "%4d  ", n->id);
    for (int o = 0; o < n->n_out; o++) {
        fprintf(f, "%s", o ? ", " : "");
        value_name(f, n->out[o]);
        fprintf(f, " ");
        shape(f, n->out[o]);
    }
    fprintf(f, " = %s(", n->op->name);
    for (int i = 0; i < n->n_in; i++) {
        fprintf(f, "%s", i ? ", " : "");
        value_name(f, n->in[i]);
    }
    fprintf(f, ")");
    if (n->expr)
        fprintf(f, "  { %s }", scl_expr_text(n->expr, scratch));
    if (n->scope[0])
        fprintf(f, "  # %s", n->scope);
    fprintf(f, "\n");
}

static json_t *value_json(const scl_value *v)
{
    if (!v)
        return json_null();
    json_t *dims = json_array();
    for (int d = 0; d < v->rank; d++)
        json_array_append_new(dims, json_integer(v->dim[d]));
    return json_pack("{s:i, s:s?, s:s, s:o, s:b}", "id", v->id, "name", v->name, "dtype",
                     scl_dtype_name(v->dtype), "shape", dims, "persistent", v->role != SCL_INTERMEDIATE);
}

static json_t *node_json(const scl_node *n)
{
    json_t *in = json_array(), *out = json_array();
    for (int i = 0; i < n->n_in; i++)
        json_array_append_new(in, value_json(n->in[i]));
    for (int o = 0; o < n->n_out; o++)
        json_array_append_new(out, value_json(n->out[o]));
    return json_pack("{s:i, s:s, s:s, s:o, s:o}", "id", n->id, "op", n->op->name, "scope", n->scope, "in", in,
                     "out", out);
}

static char *json_text(json_t *root, scl_arena *arena)
{
    char *dumped = json_dumps(root, JSON_INDENT(1));
    char *copy = scl_arena_printf(arena, "%s\n", dumped);
    free(dumped);
    json_decref(root);
    return copy;
}

static void dot_node(FILE *f, const scl_node *n)
{
    fprintf(f, "  n%d [label=\"%s\\n%s\"];\n", n->id, n->op->name, n->scope);
    for (int i = 0; i < n->n_in; i++) {
        const scl_value *v = n->in[i];
        if (!v)
            continue;
        if (v->producer)
            fprintf(f, "  n%d -> n%d;\n", v->producer->id, n->id);
        else
            fprintf(f, "  v%d [shape=box,label=\"%s\"];\n  v%d -> n%d;\n", v->id, v->name, v->id, n->id);
    }
}

char *scl_graph_text(const scl_graph *g, const char *format, scl_arena *arena)
{
    if (!strcmp(format, "json")) {
        json_t *nodes = json_array();
        for (int i = 0; i < g->n_node; i++)
            json_array_append_new(nodes, node_json(g->node[i]));
        return json_text(json_pack("{s:s, s:o}", "graph", g->name, "nodes", nodes), arena);
    }
    text t;
    begin(&t);
    const bool dot = !strcmp(format, "dot");
    fprintf(t.file, dot ? "digraph \"%s\" {\n" : "graph %s\n", g->name);
    scl_arena scratch = { 0 };
    for (int i = 0; i < g->n_value && !dot; i++)
        if (g->value[i]->role != SCL_INTERMEDIATE) {
            fprintf(t.file, "      %s ", g->value[i]->name);
            shape(t.file, g->value[i]);
            fprintf(t.file, "\n");
        }
    for (int i = 0; i < g->n_node; i++)
        dot ? dot_node(t.file, g->node[i]) : node_line(t.file, g->node[i], &scratch);
    if (dot)
        fprintf(t.file, "}\n");
    scl_arena_free(&scratch);
    return end(&t, arena);
}

char *scl_plan_text(const scl_plan *plan, const char *format, scl_arena *arena)
{
    const scl_schedule *s = &plan->schedule;
    char choice[SCL_CHOICE_TEXT];
    if (!strcmp(format, "json")) {
        json_t *steps = json_array();
        for (int i = 0; i < s->n_node; i++) {
            json_t *step = node_json(s->step[i].node);
            for (int o = 0; o < s->step[i].node->n_out; o++)
                if (s->step[i].out[o].in == SCL_PLACE_SLAB)
                    json_object_set_new(json_array_get(json_object_get(step, "out"), (size_t)o), "slab",
                                        json_pack("[I,I]", (json_int_t)s->step[i].out[o].offset,
                                                  (json_int_t)s->step[i].out[o].bytes));
            scl_choice_text(&plan->choice[i], choice, sizeof choice);
            json_object_set_new(step, "implementation", json_string(choice));
            json_array_append_new(steps, step);
        }
        return json_text(json_pack("{s:s, s:s, s:I, s:I, s:o}", "graph", plan->graph->name, "device",
                                   plan->device.name, "slab_bytes", (json_int_t)plan->peak_bytes,
                                   "persistent_bytes", (json_int_t)plan->persistent_bytes, "steps", steps),
                         arena);
    }
    if (!strcmp(format, "dot"))
        return scl_graph_text(plan->graph, "dot", arena);
    text t;
    begin(&t);
    scl_arena scratch = { 0 };
    fprintf(t.file, "plan of %s for %s: %d nodes, slab %zu bytes, persistent %zu bytes\n", plan->graph->name,
            plan->device.name, s->n_node, plan->peak_bytes, plan->persistent_bytes);
    for (int i = 0; i < s->n_node; i++) {
        node_line(t.file, s->step[i].node, &scratch);
        fprintf(t.file, "      %s", scl_choice_text(&plan->choice[i], choice, sizeof choice));
        for (int o = 0; o < s->step[i].node->n_out; o++)
            if (s->step[i].out[o].in == SCL_PLACE_SLAB)
                fprintf(t.file, "  slab[%zu+%zu]", s->step[i].out[o].offset, s->step[i].out[o].bytes);
        fprintf(t.file, "\n");
    }
    scl_arena_free(&scratch);
    return end(&t, arena);
}

char *scl_schedule_text(const scl_plan *plan, const char *format, scl_arena *arena)
{
    const scl_schedule *s = &plan->schedule;
    json_t *launches = json_array();
    text t;
    begin(&t);
    fprintf(t.file, "schedule of %s for %s: %d launches\n", plan->graph->name, plan->device.name, s->n_launch);
    for (int i = 0; i < s->n_launch; i++) {
        const scl_launch *l = &s->launch[i];
        const char *kernel = l->kernel ? l->kernel : "CLBlast gemm";
        fprintf(t.file, "%5d  %s.cl %s  global %zux%zux%zu local %zu  %s  # node %d %s\n", i, l->family,
                kernel, l->grid.global[0], l->grid.global[1], l->grid.global[2], l->grid.local[0], l->options,
                l->node->id, l->node->scope);
        json_array_append_new(launches,
                              json_pack("{s:s, s:s, s:s, s:s, s:[I,I,I], s:I, s:i, s:s, s:s*}", "family",
                                        l->family, "op", l->node->op->name, "kernel", kernel, "options",
                                        l->options, "global", (json_int_t)l->grid.global[0], (json_int_t)l->grid.global[1],
                                        (json_int_t)l->grid.global[2], "local", (json_int_t)l->grid.local[0],
                                        "node", l->node->id, "scope", l->node->scope, "source", l->source));
    }
    char *plain = end(&t, arena);
    if (strcmp(format, "json") != 0) {
        json_decref(launches);
        return plain;
    }
    return json_text(json_pack("{s:s, s:s, s:o}", "graph", plan->graph->name, "device", plan->device.name,
                               "launches", launches),
                     arena);
}
