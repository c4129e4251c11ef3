#include "graph/autodiff.h"

#include <assert.h>
#include <string.h>

#include "graph/build.h"
#include "graph/expr.h"

/* The nodes and values of one differentiation, by id.  Only what existed at its start takes part. */
typedef struct pass {
    scl_graph *g;
    int n_node, n_value;
    bool *depends;          /* value id: depends on one of the wrt */
    bool *hidden;           /* value id: depends on one of the wrt by a way through a constant operator, which
                               derivatives do not see */
    scl_value **cotangent;  /* value id: sum so far, or NULL */
} pass;

/* Does the result of the node need one of the values? */
static bool needs_any(const scl_node *n, const bool *values)
{
    const bool all = !scl_is_pointwise(n) || n->op->total; /* an expression need not name every input */
    for (int k = 0; k < n->n_in; k++)
        if (n->in[k] && n->in[k]->dtype == SCL_F32 && values[n->in[k]->id] &&
            (all || scl_expr_uses(n->expr, n->in_name[k])))
            return true;
    return false;
}

static pass start(scl_graph *g, scl_arena *scratch, scl_value *const *wrt, int n_wrt)
{
    pass p = { .g = g, .n_node = g->n_node, .n_value = g->n_value };
    p.depends = SCL_NEW_ARRAY(scratch, bool, p.n_value);
    p.hidden = SCL_NEW_ARRAY(scratch, bool, p.n_value);
    p.cotangent = SCL_NEW_ARRAY(scratch, scl_value *, p.n_value);
    for (int i = 0; i < n_wrt; i++)
        p.depends[wrt[i]->id] = true;
    for (int i = 0; i < p.n_node; i++) {
        const scl_node *n = g->node[i];
        const bool visible = needs_any(n, p.depends), lost = needs_any(n, p.hidden);
        for (int k = 0; k < n->n_out; k++) {
            if (n->out[k]->dtype != SCL_F32)
                continue;
            p.depends[n->out[k]->id] |= visible && !n->op->constant;
            p.hidden[n->out[k]->id] |= n->op->constant ? visible || lost : lost && !n->op->total;
        }
    }
    return p;
}

/* Consumers come in descending number, so adding as they come is the canonical order. */
static scl_status add_cotangent(pass *p, const scl_value *v, scl_value *term, scl_err *err)
{
    scl_value **sum = &p->cotangent[v->id];
    if (scl_value_count(term) != scl_value_count(v))
        return scl_fail(err, SCL_FAILED, "a cotangent of '%s' has the wrong size", v->name ? v->name : "?");
    if (!*sum) {
        *sum = term;
        return SCL_OK;
    }
    return SCL_POINTWISE(p->g, sum, err, "a + b", SCL_IN("a", *sum), SCL_IN("b", term));
}

static scl_status no_rule(const scl_node *n, const char *rule, scl_err *err)
{
    return scl_fail(err, SCL_FAILED, "operator '%s' has no %s rule%s%s", n->op->name, rule, n->scope[0] ? ", at " : "",
                    n->scope);
}

/* Statistics are constants, and the rules of what reads them make up for it (scl_op.total).  What else reads
 * them has no right derivative: a total rule appended it, and one order more than there is would be asked
 * for. */
static scl_status sees_all(const pass *p, const scl_node *n, scl_err *err)
{
    if (n->op->total || !needs_any(n, p->hidden))
        return SCL_OK;
    return scl_fail(err, SCL_FAILED,
                    "operator '%s' has no derivative of this order: it reads statistics as constants%s%s",
                    n->op->name, n->scope[0] ? ", at " : "", n->scope);
}

static unsigned wanted(const pass *p, const scl_node *n)
{
    unsigned want = 0;
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i] && n->in[i]->dtype == SCL_F32 && p->depends[n->in[i]->id])
            want |= 1u << i;
    return want;
}

static scl_status back_through(pass *p, scl_node *n, scl_err *err)
{
    scl_value *dy[SCL_MAX_OUT] = { 0 }, *dx[SCL_MAX_IN] = { 0 };
    bool any = false;
    for (int o = 0; o < n->n_out; o++) {
        dy[o] = p->cotangent[n->out[o]->id];
        any |= dy[o] != NULL;
    }
    n->want = wanted(p, n);
    if (!any || !n->want || n->op->constant)
        return SCL_OK;
    const scl_op *op = !n->op->vjp && scl_is_pointwise(n) ? scl_op_pointwise() : n->op;
    if (!op->vjp)
        return no_rule(n, "vjp", err);
    SCL_TRY(sees_all(p, n, err));
    const char *before = p->g->scope;
    p->g->scope = n->scope;
    SCL_TRY(op->vjp(p->g, n, dy, dx, err));
    for (int i = 0; i < n->n_in; i++)
        if (dx[i] && scl_want(n, i))
            SCL_TRY(add_cotangent(p, n->in[i], dx[i], err));
    p->g->scope = before;
    return SCL_OK;
}

scl_status scl_vjp(scl_graph *g, scl_value *y, scl_value *dy, scl_value *const *wrt, int n_wrt, scl_value **dwrt, scl_err *err)
{
    scl_arena scratch = { 0 };
    pass p = start(g, &scratch, wrt, n_wrt);
    scl_status status = add_cotangent(&p, y, dy, err);
    for (int i = p.n_node - 1; i >= 0 && status == SCL_OK; i--)
        status = back_through(&p, g->node[i], err);
    for (int i = 0; i < n_wrt && status == SCL_OK; i++)
        dwrt[i] = p.depends[y->id] ? p.cotangent[wrt[i]->id] : NULL;
    scl_arena_free(&scratch);
    return status;
}

static scl_status forward_through(pass *p, scl_node *n, scl_value **tangent, scl_err *err)
{
    scl_value *dx[SCL_MAX_IN] = { 0 }, *dy[SCL_MAX_OUT] = { 0 };
    bool any = false;
    for (int i = 0; i < n->n_in; i++) {
        dx[i] = n->in[i] ? tangent[n->in[i]->id] : NULL;
        any |= dx[i] != NULL;
    }
    n->want = wanted(p, n);
    if (!any || n->op->constant)
        return SCL_OK;
    const scl_op *op = !n->op->jvp && scl_is_pointwise(n) ? scl_op_pointwise() : n->op;
    if (!op->jvp)
        return no_rule(n, "jvp", err);
    SCL_TRY(sees_all(p, n, err));
    const char *before = p->g->scope;
    p->g->scope = n->scope;
    SCL_TRY(op->jvp(p->g, n, dx, dy, err));
    for (int o = 0; o < n->n_out; o++)
        tangent[n->out[o]->id] = dy[o];
    p->g->scope = before;
    return SCL_OK;
}

/* Value id: does y need it?  Tangents of anything else (another tangent of the same point) are not made. */
static bool *needed_by(const scl_graph *g, const scl_value *y, scl_arena *scratch)
{
    bool *needed = SCL_NEW_ARRAY(scratch, bool, g->n_value);
    needed[y->id] = true;
    for (int i = g->n_node - 1; i >= 0; i--) {
        const scl_node *n = g->node[i];
        bool any = false;
        for (int o = 0; o < n->n_out; o++)
            any |= needed[n->out[o]->id];
        for (int k = 0; any && k < n->n_in; k++)
            if (n->in[k])
                needed[n->in[k]->id] = true;
    }
    return needed;
}

static bool makes_needed(const scl_node *n, const bool *needed)
{
    for (int o = 0; o < n->n_out; o++)
        if (needed[n->out[o]->id])
            return true;
    return false;
}

scl_status scl_jvp(scl_graph *g, scl_value *y, scl_value *const *x, scl_value *const *dx, int n_x, scl_value **dy, scl_err *err)
{
    scl_arena scratch = { 0 };
    pass p = start(g, &scratch, x, n_x);
    for (int i = 0; i < n_x; i++)
        p.cotangent[x[i]->id] = dx[i];      /* here: tangents */
    const bool *needed = needed_by(g, y, &scratch);
    scl_status status = SCL_OK;
    for (int i = 0; i < p.n_node && status == SCL_OK; i++)
        if (makes_needed(g->node[i], needed))
            status = forward_through(&p, g->node[i], p.cotangent, err);
    *dy = p.cotangent[y->id];
    scl_arena_free(&scratch);
    return status;
}
