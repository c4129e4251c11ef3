/* Derivatives of pointwise nodes: expressions of the same inputs, times a cotangent or tangents. */
#include <stdio.h>
#include <string.h>

#include "graph/expr.h"
#include "ops/pointwise.h"

/* A name that no input has. */
static const char *fresh_name(const scl_node *n, const char *stem, int number)
{
    for (;; number += SCL_MAX_IN) {
        const char *name = scl_arena_printf(n->graph->arena, "%s%d", stem, number);
        bool taken = false;
        for (int i = 0; i < n->n_in; i++)
            taken |= n->in[i] && !strcmp(n->in_name[i], name);
        if (!taken)
            return name;
    }
}

static scl_arg input_like(const scl_node *n, int i, const char *name, scl_value *v)
{
    return (scl_arg){ .name = name, .value = v, .index = n->in_index[i], .offset = n->in_offset[i] };
}

/* Appends the node that computes e from n's inputs and the extra ones, in the shape of the first extra one. */
static scl_status apply(scl_graph *g, scl_value **out, const scl_node *n, const scl_expr *e,
                        const scl_arg *extra, int n_extra, scl_err *err)
{
    scl_arg args[2 * SCL_MAX_IN + 1];
    int count = 0;
    args[count++] = SCL_TEXT("expr", scl_expr_text(e, g->arena));
    for (int i = 0; i < n_extra; i++)
        args[count++] = extra[i];
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i] && scl_expr_uses(e, n->in_name[i]))
            args[count++] = input_like(n, i, n->in_name[i], n->in[i]);
    return scl_apply(g, out, err, "pointwise", args, count);
}

static bool same_shape(const scl_value *a, const scl_value *b)
{
    return a->rank == b->rank && !memcmp(a->dim, b->dim, sizeof *a->dim * (size_t)a->rank);
}

/* e in n's result's shape, summed to the shape of input i. */
static scl_status sum_to_input(scl_graph *g, scl_value **dx, const scl_node *n, int i, scl_value *term, scl_err *err)
{
    const scl_value *y = n->out[0], *x = n->in[i];
    if (n->in_index[i] == SCL_INDEX_SAMPLE && x->rank == 1)
        return SCL_APPLY(g, dx, err, "flat_sum", SCL_IN("x", term));
    const int channels = y->dim[y->rank - 1], row = x->dim[x->rank - 1];
    const bool channel = n->in_index[i] == SCL_INDEX_CHANNEL && (x->rank == 1 || (x->rank == 2 && x->dim[0] == 1));
    const bool sample_channel = n->in_index[i] == SCL_INDEX_SAMPLE_CHANNEL && x->rank == 2;
    if ((!channel && !sample_channel) || (y->rank != 4 && y->rank != 2))
        return scl_fail(err, SCL_FAILED,
                        "%s: no rule for the derivative by input '%s', which is spread over the result",
                        n->op->name, n->in_name[i]);
    if (y->rank == 4)
        SCL_TRY(SCL_APPLY(g, &term, err, "pixel_sum", SCL_IN("x", term)));
    if (row != channels)
        SCL_TRY(SCL_APPLY(g, &term, err, "place_columns", SCL_IN("x", term), SCL_INT("S", row),
                          SCL_INT("offset", n->in_offset[i])));
    *dx = term;
    return channel ? scl_sum_over_batch(g, dx, term, err) : SCL_OK;
}

scl_status scl_pointwise_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    const char *cotangent = fresh_name(n, "dy", 0);
    for (int i = 0; i < n->n_in; i++) {
        if (!scl_want(n, i) || !scl_expr_uses(n->expr, n->in_name[i]))
            continue;
        const scl_expr *d;
        SCL_TRY(scl_expr_derivative(&d, n->expr, n->in_name[i], g->arena, err));
        if (!d)
            continue;
        const bool full = n->in_index[i] == SCL_INDEX_FULL, reshaped = full && !same_shape(n->in[i], dy[0]);
        scl_value *term = dy[0];
        if (!scl_expr_is_one(d) || reshaped) {
            const scl_expr *product = scl_expr_mul(g->arena, d, scl_expr_name(g->arena, cotangent));
            /* A cotangent has the shape of its value: the input itself comes first, read or not. */
            scl_arg extra[2] = { SCL_IN(cotangent, dy[0]) };
            if (reshaped)
                extra[0] = SCL_IN(fresh_name(n, "shape", 0), n->in[i]), extra[1] = SCL_IN(cotangent, dy[0]);
            SCL_TRY(apply(g, &term, n, product, extra, 1 + reshaped, err));
        }
        dx[i] = term;
        if (!full)
            SCL_TRY(sum_to_input(g, &dx[i], n, i, term, err));
    }
    return SCL_OK;
}

scl_status scl_pointwise_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    const scl_expr *sum = NULL;
    scl_arg extra[SCL_MAX_IN + 1];
    int count = 1;
    /* The result's shape is that of the first full input, as in n itself; it leads so that only broadcast tangents are possible. */
    extra[0] = SCL_IN(fresh_name(n, "shape", 0), n->out[0]);
    for (int i = 0; i < n->n_in; i++) {
        if (!dx[i] || !scl_expr_uses(n->expr, n->in_name[i]))
            continue;
        const scl_expr *d;
        SCL_TRY(scl_expr_derivative(&d, n->expr, n->in_name[i], g->arena, err));
        if (!d)
            continue;
        const char *name = fresh_name(n, "tangent", i);
        sum = scl_expr_add(g->arena, sum, scl_expr_mul(g->arena, d, scl_expr_name(g->arena, name)));
        extra[count++] = input_like(n, i, name, dx[i]);
    }
    if (!sum)
        return SCL_OK;
    return apply(g, dy, n, sum, extra, count, err);
}
