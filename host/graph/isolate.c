/* A node taken out of its graph. */
#include <stdio.h>
#include <string.h>

#include "graph/build.h"
#include "graph/expr.h"
#include "graph/signature.h"
#include "graph/tuning.h"

static bool updated(const scl_node *n, const scl_value *v)
{
    for (int o = 0; o < n->n_out; o++)
        if (n->out[o]->storage == v)
            return true;
    return false;
}

/* Weights stay weights: what is made of them may rest (scl_plan_options). */
static scl_role role_of(const scl_node *n, const scl_value *v)
{
    if (updated(n, v))
        return SCL_STATE;
    return v->role == SCL_PARAM || v->role == SCL_CONST ? v->role : SCL_INPUT;
}

/* A value that two inputs read is one value here too. */
static scl_status take_input(scl_graph *g, scl_node *copy, const scl_node *n, int i, scl_err *err)
{
    for (int k = 0; k < i; k++)
        if (n->in[k] == n->in[i]) {
            copy->in[i] = copy->in[k];
            return SCL_OK;
        }
    const scl_value *v = n->in[i];
    return scl_value_get(g, &copy->in[i], role_of(n, v), n->in_name[i], v->dtype, v->rank, v->dim, err);
}

static void make_output(scl_graph *g, scl_node *copy, const scl_node *n, int o)
{
    const scl_value *v = n->out[o];
    scl_value *y = scl_value_new(g, NULL, v->dtype, v->rank, v->dim);
    y->producer = copy;
    y->producer_out = o;
    for (int i = 0; i < n->n_in && v->storage; i++)
        if (n->in[i] == v->storage)
            y->storage = copy->in[i];
    scl_output(y, scl_arena_printf(g->arena, "out%d", o));
    copy->out[o] = y;
}

static scl_status copy_node(scl_graph *g, scl_node **out, const scl_node *n, scl_err *err)
{
    scl_node *copy = scl_node_new(g, n->op);
    const int id = copy->id;
    *copy = *n;
    copy->id = id;
    copy->graph = g;
    copy->scope = "";
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i])
            SCL_TRY(take_input(g, copy, n, i, err));
    for (int o = 0; o < n->n_out; o++)
        make_output(g, copy, n, o);
    *out = copy;
    return SCL_OK;
}

scl_status scl_graph_isolate(scl_graph **out, scl_arena *arena, const scl_node *n, scl_err *err)
{
    scl_node *copy;
    *out = scl_graph_new(arena, "one node");
    (*out)->global_batch = n->graph->global_batch;
    return copy_node(*out, &copy, n, err);
}

/* ---- what was fused into a node stands as nodes of its own ---- */

static void add_input(scl_node *side, const char *name, scl_value *v, scl_index index, int offset)
{
    side->in[side->n_in] = v;
    side->in_name[side->n_in] = name;
    side->in_index[side->n_in] = index;
    side->in_offset[side->n_in++] = offset;
}

/* An expression over `inner` and the inputs pre0 ... or post0 ... of the fused node; y: its result. */
static void add_side(scl_node *side, const scl_node *fused, const void *expr, const char *prefix,
                     const char *inner_name, scl_value *inner, scl_value *y)
{
    side->expr = expr;
    add_input(side, inner_name, inner, SCL_INDEX_FULL, 0);
    for (int i = scl_op_inputs(fused->op); i < fused->n_in; i++)
        if (!strncmp(fused->in_name[i], prefix, strlen(prefix)))
            add_input(side, fused->in_name[i], fused->in[i], fused->in_index[i], fused->in_offset[i]);
    y->producer = side;
    y->producer_out = 0;
    side->out[0] = y;
    side->n_out = 1;
}

/* A value of the shape that the operator's signature gives. */
static scl_value *inner_value(const scl_node *n, const char *signature)
{
    const scl_sig s = scl_sig_parse(signature);
    int rank, dims[SCL_MAX_RANK];
    scl_sig_dims(&s, n, &rank, dims);
    return scl_value_new(n->graph, NULL, s.dtype, rank, dims);
}

static void split_before(scl_node *pre, scl_node *node)
{
    scl_value *x = inner_value(node, node->op->in[0]);
    add_side(pre, node, node->pre, "pre", "x", node->in[0], x);
    node->in[0] = x;
    node->pre = NULL;
}

static void split_behind(scl_node *post, scl_node *node)
{
    scl_value *y = inner_value(node, node->op->out[0]);
    add_side(post, node, node->post, "post", "y", y, node->out[0]);
    y->producer = node;
    node->out[0] = y;
    node->post = NULL;
}

/* What is computed along reads the operator's input as y, and its results as v_mean ... */
static void split_along(scl_node *post, scl_node *node)
{
    add_side(post, node, node->post, "post", "y", node->in[0], node->out[node->n_out - 1]);
    node->n_out--;
    for (int o = 0; o < node->n_out; o++) {
        const char *name = scl_arena_printf(node->graph->arena, "v_%s", scl_sig_parse(node->op->out[o]).name);
        if (scl_expr_uses(node->post, name))
            add_input(post, name, node->out[o], SCL_INDEX_SAMPLE_CHANNEL, 0);
    }
    node->post = NULL;
}

scl_status scl_graph_isolate_apart(scl_graph **out, scl_arena *arena, const scl_node *n, scl_err *err)
{
    scl_graph *g = scl_graph_new(arena, "one node, taken apart");
    scl_node *pre = n->pre ? scl_node_new(g, scl_op_pointwise()) : NULL, *node;
    g->global_batch = n->graph->global_batch;
    SCL_TRY(copy_node(g, &node, n, err));
    if (n->pre)
        split_before(pre, node);
    if (n->post && n->n_out > scl_op_outputs(n->op))
        split_along(scl_node_new(g, scl_op_pointwise()), node);
    else if (n->post)
        split_behind(scl_node_new(g, scl_op_pointwise()), node);
    node->n_in = n->expr ? n->n_in : scl_op_inputs(n->op);
    *out = g;
    return SCL_OK;
}
