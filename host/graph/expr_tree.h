/* The tree behind scl_expr; for the files expr*.c alone. */
#ifndef SCL_GRAPH_EXPR_TREE_H
#define SCL_GRAPH_EXPR_TREE_H

#include "graph/expr.h"

/* Functions of the language by number of arguments; each is scl_<name> of graph/arith.h and cl/lib/math.cl, but for fma and
 * rounded, which is its argument. */
#define SCL_EXPR_FUNCTIONS(F1, F2, F3)                                                                                 \
    F1(rcp) F1(sqrt) F1(exp) F1(expm1_neg) F1(log) F1(log1p) F1(sigmoid) F1(softplus) F1(abs) F1(elu) F1(elu_grad)     \
    F1(elu_grad2) F1(relu) F1(relu_grad) F1(clamp01) F1(flush) F1(rounded) F2(div) F2(min) F2(max) F3(fma) F3(positive)

typedef enum scl_expr_kind {
    SCL_EXPR_NUMBER, SCL_EXPR_NAME, SCL_EXPR_NEG, SCL_EXPR_ADD, SCL_EXPR_SUB, SCL_EXPR_MUL,
#define SCL_EXPR_ENUM(f) SCL_EXPR_##f,
    SCL_EXPR_FUNCTIONS(SCL_EXPR_ENUM, SCL_EXPR_ENUM, SCL_EXPR_ENUM)
#undef SCL_EXPR_ENUM
    SCL_EXPR_KINDS
} scl_expr_kind;

struct scl_expr {
    scl_expr_kind kind;
    const scl_expr *arg[3];
    float number;
    const char *name;
};

int scl_expr_arity(scl_expr_kind kind);
const char *scl_expr_function(scl_expr_kind kind);      /* "exp"; NULL: not a function */

scl_expr *scl_expr_node(scl_arena *arena, scl_expr_kind kind, const scl_expr *a, const scl_expr *b, const scl_expr *c);

/* A product, or a product with a minus before it: what must not stand beside + or -. */
bool scl_expr_is_product(const scl_expr *e);

#endif
