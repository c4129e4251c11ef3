/* Derivatives and rewriting of pointwise expressions.
 *
 * A derivative is an expression like any other: its operations, in the order they are built here, define its bits.  Factors 1
 * and terms 0 that differentiation itself brings in are left out (that changes no bit); nothing else is rewritten. */
#include <string.h>

#include "graph/expr_tree.h"

static const scl_expr *make(scl_arena *arena, scl_expr_kind kind, const scl_expr *a, const scl_expr *b,
                            const scl_expr *c)
{
    return scl_expr_node(arena, kind, a, b, c);
}

static const scl_expr *number(scl_arena *arena, float value)
{
    scl_expr *e = scl_expr_node(arena, SCL_EXPR_NUMBER, NULL, NULL, NULL);
    e->number = value;
    return e;
}

const scl_expr *scl_expr_name(scl_arena *arena, const char *name)
{
    scl_expr *e = scl_expr_node(arena, SCL_EXPR_NAME, NULL, NULL, NULL);
    e->name = scl_arena_strdup(arena, name);
    return e;
}

/* Below, NULL stands for zero. */

static const scl_expr *negated(scl_arena *arena, const scl_expr *a)
{
    if (!a)
        return NULL;
    return a->kind == SCL_EXPR_NEG ? a->arg[0] : make(arena, SCL_EXPR_NEG, a, NULL, NULL);
}

bool scl_expr_is_one(const scl_expr *e) { return e && e->kind == SCL_EXPR_NUMBER && e->number == 1.0f; }

const scl_expr *scl_expr_mul(scl_arena *arena, const scl_expr *a, const scl_expr *b)
{
    if (!a || !b)
        return NULL;
    if (scl_expr_is_one(a))
        return b;
    return scl_expr_is_one(b) ? a : make(arena, SCL_EXPR_MUL, a, b, NULL);
}

/* A product of two factors, with the sign put on the first. */
static void factors(scl_arena *arena, const scl_expr *product, const scl_expr **a, const scl_expr **b)
{
    bool minus = false;
    for (; product->kind == SCL_EXPR_NEG; product = product->arg[0])
        minus = !minus;
    *a = minus ? negated(arena, product->arg[0]) : product->arg[0];
    *b = product->arg[1];
}

/* a + b, by fma where one of them is a product. */
const scl_expr *scl_expr_add(scl_arena *arena, const scl_expr *a, const scl_expr *b)
{
    if (!a || !b)
        return a ? a : b;
    if (!scl_expr_is_product(a) && scl_expr_is_product(b))
        return scl_expr_add(arena, b, a);
    if (scl_expr_is_product(a)) {
        const scl_expr *p, *q;
        factors(arena, a, &p, &q);
        return make(arena, SCL_EXPR_fma, p, q, b);
    }
    if (b->kind == SCL_EXPR_NEG)
        return make(arena, SCL_EXPR_SUB, a, b->arg[0], NULL);
    if (a->kind == SCL_EXPR_NEG)
        return make(arena, SCL_EXPR_SUB, b, a->arg[0], NULL);
    return make(arena, SCL_EXPR_ADD, a, b, NULL);
}

static const scl_expr *or_zero(scl_arena *arena, const scl_expr *a) { return a ? a : number(arena, 0.0f); }

static const scl_expr *positive(scl_arena *arena, const scl_expr *a, const scl_expr *yes, const scl_expr *no)
{
    if (!yes && !no)
        return NULL;
    return make(arena, SCL_EXPR_positive, a, or_zero(arena, yes), or_zero(arena, no));
}

static const scl_expr *difference(scl_arena *arena, const scl_expr *a, const scl_expr *b)
{
    return scl_expr_add(arena, a, negated(arena, b));
}

/* Derivative of a function of one argument a, at e = f(a). */
static const scl_expr *slope(scl_arena *arena, const scl_expr *e)
{
    const scl_expr *a = e->arg[0], *one = number(arena, 1.0f);
    switch (e->kind) {
    case SCL_EXPR_rcp: return negated(arena, scl_expr_mul(arena, e, e));
    case SCL_EXPR_sqrt: return make(arena, SCL_EXPR_div, number(arena, 0.5f), e, NULL);
    case SCL_EXPR_exp: return e;
    case SCL_EXPR_expm1_neg: return make(arena, SCL_EXPR_exp, a, NULL, NULL);
    case SCL_EXPR_log: return make(arena, SCL_EXPR_rcp, a, NULL, NULL);
    case SCL_EXPR_log1p: return make(arena, SCL_EXPR_rcp, scl_expr_add(arena, one, a), NULL, NULL);
    case SCL_EXPR_sigmoid: return scl_expr_mul(arena, e, difference(arena, one, e));
    case SCL_EXPR_softplus: return make(arena, SCL_EXPR_sigmoid, a, NULL, NULL);
    case SCL_EXPR_abs: return positive(arena, a, one, positive(arena, negated(arena, a), negated(arena, one), NULL));
    case SCL_EXPR_elu: return make(arena, SCL_EXPR_elu_grad, a, NULL, NULL);
    case SCL_EXPR_elu_grad: return make(arena, SCL_EXPR_elu_grad2, a, NULL, NULL);
    case SCL_EXPR_elu_grad2: return e;
    case SCL_EXPR_relu: return make(arena, SCL_EXPR_relu_grad, a, NULL, NULL);
    case SCL_EXPR_relu_grad: return NULL;
    case SCL_EXPR_clamp01: return positive(arena, a, positive(arena, difference(arena, one, a), one, NULL), NULL);
    default: return one;     /* flush, rounded */
    }
}

static const scl_expr *derive(const scl_expr *e, const char *name, scl_arena *arena);

/* (a / b)' = (a' - (a/b) b') / b */
static const scl_expr *derive_div(const scl_expr *e, const scl_expr *da, const scl_expr *db, scl_arena *arena)
{
    const scl_expr *top = difference(arena, da, scl_expr_mul(arena, e, db));
    if (!top)
        return NULL;
    return scl_expr_is_one(top) ? make(arena, SCL_EXPR_rcp, e->arg[1], NULL, NULL)
                                : make(arena, SCL_EXPR_div, top, e->arg[1], NULL);
}

static const scl_expr *derive(const scl_expr *e, const char *name, scl_arena *arena)
{
    if (e->kind == SCL_EXPR_NUMBER)
        return NULL;
    if (e->kind == SCL_EXPR_NAME)
        return strcmp(e->name, name) ? NULL : number(arena, 1.0f);
    const scl_expr *d[3] = { 0 }, *a = e->arg[0], *b = e->arg[1];
    bool any = false;
    for (int i = 0; i < scl_expr_arity(e->kind); i++) {
        d[i] = derive(e->arg[i], name, arena);
        any |= d[i] != NULL;
    }
    if (!any)
        return NULL;
    switch (e->kind) {
    case SCL_EXPR_NEG: return negated(arena, d[0]);
    case SCL_EXPR_ADD: return scl_expr_add(arena, d[0], d[1]);
    case SCL_EXPR_SUB: return difference(arena, d[0], d[1]);
    case SCL_EXPR_MUL:
        return scl_expr_add(arena, scl_expr_mul(arena, d[0], b), scl_expr_mul(arena, a, d[1]));
    case SCL_EXPR_fma:
        return scl_expr_add(arena, scl_expr_mul(arena, d[0], b),
                            scl_expr_add(arena, scl_expr_mul(arena, a, d[1]), d[2]));
    case SCL_EXPR_div: return derive_div(e, d[0], d[1], arena);
    case SCL_EXPR_min: return positive(arena, difference(arena, b, a), d[0], d[1]);
    case SCL_EXPR_max: return positive(arena, difference(arena, a, b), d[0], d[1]);
    case SCL_EXPR_positive: return positive(arena, a, d[1], d[2]);
    default: return scl_expr_mul(arena, slope(arena, e), d[0]);
    }
}

scl_status scl_expr_derivative(const scl_expr **out, const scl_expr *e, const char *name, scl_arena *arena,
                               scl_err *err)
{
    (void)err;      /* every function of the language has a derivative; one without would say so here */
    *out = derive(e, name, arena);
    return SCL_OK;
}

/* A copy with `with` where name stands; parts without it are shared. */
static const scl_expr *replace(const scl_expr *e, const char *name, const scl_expr *with, scl_arena *arena)
{
    if (e->kind == SCL_EXPR_NAME)
        return strcmp(e->name, name) ? e : with;
    const scl_expr *arg[3] = { 0 };
    bool changed = false;
    for (int i = 0; i < scl_expr_arity(e->kind); i++) {
        arg[i] = replace(e->arg[i], name, with, arena);
        changed |= arg[i] != e->arg[i];
    }
    return changed ? make(arena, e->kind, arg[0], arg[1], arg[2]) : e;
}

const scl_expr *scl_expr_substitute(const scl_expr *e, const char *name, const scl_expr *with, scl_arena *arena)
{
    return replace(e, name, make(arena, SCL_EXPR_flush, with, NULL, NULL), arena);
}

const scl_expr *scl_expr_rename(const scl_expr *e, const char *from, const char *to, scl_arena *arena)
{
    return replace(e, from, scl_expr_name(arena, to), arena);
}
