/* The parser of pointwise expressions, and what asks about their trees. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/expr_tree.h"

enum { MAX_DEPTH = 128 };

typedef struct parser {
    scl_arena *arena;
    const char *text, *at;
    int depth;
    scl_err *err;
} parser;

int scl_expr_arity(scl_expr_kind kind)
{
    static const signed char arity[SCL_EXPR_KINDS] = {
        [SCL_EXPR_NEG] = 1, [SCL_EXPR_ADD] = 2, [SCL_EXPR_SUB] = 2, [SCL_EXPR_MUL] = 2,
#define F1(f) [SCL_EXPR_##f] = 1,
#define F2(f) [SCL_EXPR_##f] = 2,
#define F3(f) [SCL_EXPR_##f] = 3,
        SCL_EXPR_FUNCTIONS(F1, F2, F3)
#undef F1
#undef F2
#undef F3
    };
    return arity[kind];
}

const char *scl_expr_function(scl_expr_kind kind)
{
    static const char *const name[SCL_EXPR_KINDS] = {
#define F(f) [SCL_EXPR_##f] = #f,
        SCL_EXPR_FUNCTIONS(F, F, F)
#undef F
    };
    return name[kind];
}

scl_expr *scl_expr_node(scl_arena *arena, scl_expr_kind kind, const scl_expr *a, const scl_expr *b, const scl_expr *c)
{
    scl_expr *e = SCL_NEW(arena, scl_expr);
    *e = (scl_expr){ .kind = kind, .arg = { a, b, c } };
    return e;
}

bool scl_expr_is_product(const scl_expr *e)
{
    while (e->kind == SCL_EXPR_NEG)
        e = e->arg[0];
    return e->kind == SCL_EXPR_MUL;
}

static scl_status fault(parser *p, const char *at, const char *what)
{
    return scl_fail(p->err, SCL_FAILED, "expression \"%s\", column %d: %s", p->text, (int)(at - p->text) + 1, what);
}

static void skip_blanks(parser *p)
{
    while (isspace((unsigned char)*p->at))
        p->at++;
}

static bool take(parser *p, char c)
{
    skip_blanks(p);
    if (*p->at != c)
        return false;
    p->at++;
    return true;
}

static scl_status parse_sum(parser *p, scl_expr **out);

static scl_status parse_number(parser *p, scl_expr **out)
{
    const char *start = p->at;
    char *end;
    const float number = strtof(start, &end);
    if (end == start)
        return fault(p, start, "this is not a number");
    if (*end == 'f')
        end++;
    if (isalnum((unsigned char)*end) || *end == '_' || *end == '.')
        return fault(p, start, "this is not a number");
    if (!isfinite(number))
        return fault(p, start, "the number is too large for a float");
    p->at = end;
    *out = scl_expr_node(p->arena, SCL_EXPR_NUMBER, NULL, NULL, NULL);
    (*out)->number = number;
    return SCL_OK;
}

static scl_status parse_call(parser *p, const char *name, const char *start, scl_expr **out)
{
    int kind = SCL_EXPR_MUL + 1;
    while (kind < SCL_EXPR_KINDS && strcmp(scl_expr_function((scl_expr_kind)kind), name) != 0)
        kind++;
    if (kind == SCL_EXPR_KINDS)
        return fault(p, start, "there is no such function");
    scl_expr *e = scl_expr_node(p->arena, (scl_expr_kind)kind, NULL, NULL, NULL);
    const int arity = scl_expr_arity(e->kind);
    for (int i = 0; i < arity; i++) {
        scl_expr *arg;
        if (i && !take(p, ','))
            return fault(p, p->at, "a comma and one more argument are missing");
        SCL_TRY(parse_sum(p, &arg));
        e->arg[i] = arg;
    }
    if (!take(p, ')'))
        return fault(p, p->at, *p->at == ',' ? "one argument too many" : "')' is missing");
    *out = e;
    return SCL_OK;
}

static scl_status parse_operand(parser *p, scl_expr **out)
{
    skip_blanks(p);
    const char *start = p->at;
    if (take(p, '(')) {
        SCL_TRY(parse_sum(p, out));
        return take(p, ')') ? SCL_OK : fault(p, p->at, "')' is missing");
    }
    if (isdigit((unsigned char)*start) || *start == '.')
        return parse_number(p, out);
    if (!isalpha((unsigned char)*start) && *start != '_')
        return fault(p, start, *start ? "a value is expected here" : "it ends where a value is expected");
    while (isalnum((unsigned char)*p->at) || *p->at == '_')
        p->at++;
    char *name = scl_arena_printf(p->arena, "%.*s", (int)(p->at - start), start);
    if (take(p, '('))
        return parse_call(p, name, start, out);
    *out = scl_expr_node(p->arena, SCL_EXPR_NAME, NULL, NULL, NULL);
    (*out)->name = name;
    return SCL_OK;
}

static scl_status parse_signed(parser *p, scl_expr **out)
{
    if (!take(p, '-'))
        return parse_operand(p, out);
    if (++p->depth > MAX_DEPTH)
        return fault(p, p->at, "nested too deeply");
    scl_expr *inner;
    SCL_TRY(parse_signed(p, &inner));
    p->depth--;
    *out = scl_expr_node(p->arena, SCL_EXPR_NEG, inner, NULL, NULL);
    return SCL_OK;
}

static scl_status parse_product(parser *p, scl_expr **out)
{
    SCL_TRY(parse_signed(p, out));
    while (take(p, '*')) {
        scl_expr *right;
        SCL_TRY(parse_signed(p, &right));
        *out = scl_expr_node(p->arena, SCL_EXPR_MUL, *out, right, NULL);
    }
    skip_blanks(p);
    return *p->at == '/' ? fault(p, p->at, "there is no '/': write div(a, b)") : SCL_OK;
}

/* A product beside + or - might become one fma on some device: the writer says which is meant. */
static scl_status parse_sum(parser *p, scl_expr **out)
{
    static const char rule[] =
        "a product feeds + or -: write fma(a, b, c), or rounded(a * b) where the rounding is meant";
    if (++p->depth > MAX_DEPTH)
        return fault(p, p->at, "nested too deeply");
    skip_blanks(p);
    const char *start = p->at;
    SCL_TRY(parse_product(p, out));
    for (;;) {
        const bool plus = take(p, '+');
        if (!plus && !take(p, '-'))
            break;
        skip_blanks(p);
        const char *right_start = p->at;
        scl_expr *right;
        if (scl_expr_is_product(*out))
            return fault(p, start, rule);
        SCL_TRY(parse_product(p, &right));
        if (scl_expr_is_product(right))
            return fault(p, right_start, rule);
        *out = scl_expr_node(p->arena, plus ? SCL_EXPR_ADD : SCL_EXPR_SUB, *out, right, NULL);
    }
    p->depth--;
    return SCL_OK;
}

scl_status scl_expr_parse(scl_expr **out, scl_arena *arena, const char *text, scl_err *err)
{
    parser p = { .arena = arena, .text = text, .at = text, .err = err };
    SCL_TRY(parse_sum(&p, out));
    skip_blanks(&p);
    return *p.at ? fault(&p, p.at, "this belongs to nothing") : SCL_OK;
}

bool scl_expr_uses(const scl_expr *e, const char *name)
{
    if (e->kind == SCL_EXPR_NAME)
        return !strcmp(e->name, name);
    for (int i = 0; i < scl_expr_arity(e->kind); i++)
        if (scl_expr_uses(e->arg[i], name))
            return true;
    return false;
}

int scl_expr_size(const scl_expr *e)
{
    int size = 1;
    for (int i = 0; i < scl_expr_arity(e->kind); i++)
        size += scl_expr_size(e->arg[i]);
    return size;
}
