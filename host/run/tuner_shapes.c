#include "run/tuner_shapes.h"

#include <stdlib.h>
#include <string.h>

#include "graph/expr.h"
#include "graph/signature.h"

/* What was fused into a node is computed once for each element of its result, roughly. */
static double fused_flops(const scl_node *n)
{
    const int size = (n->pre ? scl_expr_size(n->pre) : 0) + (n->post ? scl_expr_size(n->post) : 0);
    return 2.0 * size * (double)scl_value_count(n->out[0]);
}

static double flops_of(const scl_node *n)
{
    if (n->expr)
        return 2.0 * scl_expr_size(n->expr) * (double)scl_value_count(n->out[0]);
    return scl_cost(n, n->op->flops) + fused_flops(n);
}

static double bytes_of(const scl_node *n)
{
    double sum = 0;
    const bool told = !n->expr && n->op->bytes;
    for (int i = told ? scl_op_inputs(n->op) : 0; i < n->n_in; i++)
        sum += n->in[i] ? (double)scl_value_bytes(n->in[i]) : 0;
    if (told)
        return sum + scl_cost(n, n->op->bytes);
    for (int o = 0; o < n->n_out; o++)
        sum += (double)scl_value_bytes(n->out[o]);
    return sum;
}

/* Seconds of a run, roughly: only the order of shapes and their shares depend on it. */
static double cost_of(const scl_node *n, const scl_device_info *d)
{
    const bool gpu = d->klass == SCL_CLASS_GPU;
    const double units = d->compute_units ? d->compute_units : 1;
    const double compute = flops_of(n) / ((gpu ? 100e9 : 30e9) * units),
                 move = bytes_of(n) / (gpu ? 200e9 : 10e9);
    return (compute > move ? compute : move) + 1e-6;
}

static const char *op_name(const scl_node *n)
{
    return n->expr ? "pointwise" : n->op->name;
}

static void add_shape(scl_tuner_shapes *t, scl_arena *arena, const scl_device_info *device, const scl_node *n,
                      const scl_tuner_graph *graph)
{
    int batch;
    const char *text = scl_tuning_shape(n, &batch, arena);
    const double cost = graph->runs * cost_of(n, device);
    for (int i = 0; i < t->n; i++)
        if (t->at[i].batch == batch && !strcmp(t->at[i].text, text)) {
            t->at[i].nodes++;
            t->at[i].rest &= graph->plan.weights_rest;
            t->at[i].cost += cost;
            return;
        }
    if (t->n == t->cap) {
        t->cap = t->cap ? 2 * t->cap : 128;
        scl_tuner_shape *bigger = SCL_NEW_ARRAY(arena, scl_tuner_shape, t->cap);
        if (t->n)
            memcpy(bigger, t->at, sizeof *bigger * (size_t)t->n);
        t->at = bigger;
    }
    t->at[t->n++] = (scl_tuner_shape){.node = n,
                                      .op = op_name(n),
                                      .text = text,
                                      .batch = batch,
                                      .nodes = 1,
                                      .rest = graph->plan.weights_rest,
                                      .work = flops_of(n) + bytes_of(n),
                                      .cost = cost};
}

static int by_cost(const void *a, const void *b)
{
    const scl_tuner_shape *x = a, *y = b;
    return x->cost < y->cost ? 1 : x->cost > y->cost ? -1 : strcmp(x->text, y->text);
}

scl_status scl_tuner_collect(scl_tuner_shapes *out, scl_arena *arena, const scl_device_info *device,
                             const scl_tuner_graph *graphs, int n_graphs, const scl_tuner_options *options,
                             scl_err *err)
{
    scl_choice two[2];
    int kept = 0;
    *out = (scl_tuner_shapes){0};
    for (int g = 0; g < n_graphs; g++) {
        scl_plan_options as_run = graphs[g].plan;
        scl_plan *plan;
        as_run.tuning = NULL;
        SCL_TRY(scl_plan_make(&plan, arena, graphs[g].graph, device, &as_run, err));
        for (int i = 0; i < plan->schedule.n_node; i++) {
            const scl_node *n = plan->schedule.step[i].node;
            if (!options->op || !strcmp(options->op, op_name(n)))
                add_shape(out, arena, device, n, &graphs[g]);
        }
    }
    for (int i = 0; i < out->n; i++)
        if (scl_choice_list(two, 2, out->at[i].node, device) == 2)
            out->at[kept++] = out->at[i];
    out->n = kept;
    if (kept)
        qsort(out->at, (size_t)kept, sizeof *out->at, by_cost);
    return SCL_OK;
}

bool scl_tuner_knows(const scl_device_info *device, const scl_tuner_graph *graphs, int n_graphs,
                     const scl_tuning *rows)
{
    const scl_tuner_options options = {0};
    scl_arena arena = {0};
    scl_tuner_shapes s = {0};
    bool known = false;
    if (rows->n_row && scl_tuner_collect(&s, &arena, device, graphs, n_graphs, &options, NULL) == SCL_OK)
        for (int i = 0; i < s.n && !known; i++)
            known = scl_tuning_exact(rows, s.at[i].text, s.at[i].batch) != NULL;
    scl_arena_free(&arena);
    return known;
}

double scl_tuner_flops(const scl_tuner_graph *graphs, int n_graphs)
{
    double sum = 0;
    for (int g = 0; g < n_graphs; g++)
        for (int i = 0; i < graphs[g].graph->n_node; i++)
            sum += graphs[g].runs * scl_cost(graphs[g].graph->node[i], graphs[g].graph->node[i]->op->flops);
    return sum;
}
