/* Pointwise expressions as text: in their own language, and as OpenCL C. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/expr_tree.h"

typedef enum dialect { OWN, SCALAR, VECTOR } dialect;

static void print(FILE *f, const scl_expr *e, dialect d);

static void print_number(FILE *f, float number, dialect d)
{
    if (d == OWN)
        fprintf(f, "%a", (double)number);
    else
        fprintf(f, d == VECTOR ? "((floatV)(%af))" : "%af", (double)number);
}

static void print_call(FILE *f, const scl_expr *e, dialect d)
{
    if (d == OWN)
        fprintf(f, "%s(", scl_expr_function(e->kind));
    else if (e->kind == SCL_EXPR_fma)
        fprintf(f, "fma(");
    else
        fprintf(f, "scl_%s%s(", scl_expr_function(e->kind), d == VECTOR ? "_v" : "");
    for (int i = 0; i < scl_expr_arity(e->kind); i++) {
        fprintf(f, i ? ", " : "");
        print(f, e->arg[i], d);
    }
    fprintf(f, ")");
}

static void print(FILE *f, const scl_expr *e, dialect d)
{
    switch (e->kind) {
    case SCL_EXPR_NUMBER: print_number(f, e->number, d); break;
    case SCL_EXPR_NAME: fprintf(f, "%s", e->name); break;
    case SCL_EXPR_NEG:
        fprintf(f, "(-");
        print(f, e->arg[0], d);
        fprintf(f, ")");
        break;
    case SCL_EXPR_ADD: case SCL_EXPR_SUB: case SCL_EXPR_MUL:
        fprintf(f, "(");
        print(f, e->arg[0], d);
        fprintf(f, e->kind == SCL_EXPR_ADD ? " + " : e->kind == SCL_EXPR_SUB ? " - " : " * ");
        print(f, e->arg[1], d);
        fprintf(f, ")");
        break;
    default: print_call(f, e, d);
    }
}

static const char *text_of(const scl_expr *e, dialect d, scl_arena *arena)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        abort();       /* no memory for a line of text: see base/arena.h */
    print(f, e, d);
    fclose(f);
    const char *copy = scl_arena_strdup(arena, text);
    free(text);
    return copy;
}

const char *scl_expr_text(const scl_expr *e, scl_arena *arena) { return text_of(e, OWN, arena); }

const char *scl_expr_opencl(const scl_expr *e, bool vector, scl_arena *arena)
{
    return text_of(e, vector ? VECTOR : SCALAR, arena);
}
