/* Pointwise expressions: parsed, evaluated in C (the definition of their bits), printed as OpenCL C, differentiated.
 *
 * Language: C's + - * on floats, unary minus, parentheses, numbers (decimal or hex float; kept as float bits), names, and
 *   fma(a,b,c) div(a,b) rcp(a) sqrt(a) exp(a) expm1_neg(a) log(a) log1p(a) sigmoid(a) softplus(a) abs(a) min(a,k) max(a,k)
 *   elu(a) elu_grad(a) elu_grad2(a) relu(a) relu_grad(a) clamp01(a) positive(a,b,c) (a > 0 ? b : c) flush(a) rounded(a)
 * Each function is scl_<name> of cl/lib/math.cl, the same source in C and OpenCL.  A product never feeds + or - directly:
 * write fma, or let rounded(a*b) say that the rounding is meant.  The parser refuses it otherwise (docs/design/arithmetic.md 2).
 * The result of a node is flushed; inside an expression nothing is. */
#ifndef SCL_GRAPH_EXPR_H
#define SCL_GRAPH_EXPR_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

typedef struct scl_expr scl_expr;     /* immutable tree, in an arena */

scl_status scl_expr_parse(scl_expr **out, scl_arena *arena, const char *text, scl_err *err);

/* Value for one element; names[i] has value values[i].  Not flushed at the top. */
float scl_expr_eval(const scl_expr *e, const char *const *names, const float *values, int n);
/* The same in double with libm: the oracle. */
double scl_expr_eval_f64(const scl_expr *e, const char *const *names, const double *values, int n);

/* The same for blocks of elements: compiled once, then run; in[i] holds count <= SCL_EXPR_BLOCK values of names[i].  The code
 * lives in arena and is used by one thread at a time. */
enum { SCL_EXPR_BLOCK = 256 };
typedef struct scl_expr_code scl_expr_code;
scl_expr_code *scl_expr_compile(const scl_expr *e, const char *const *names, int n, scl_arena *arena);
void scl_expr_run(scl_expr_code *code, const float *const *in, float *out, int count);

/* OpenCL C text over variables called names; type "float" or "floatV" (vector functions have suffix _v). */
const char *scl_expr_opencl(const scl_expr *e, bool vector, scl_arena *arena);

/* d e / d name as an expression (NULL: zero).  Second derivatives work by calling it again. */
scl_status scl_expr_derivative(const scl_expr **out, const scl_expr *e, const char *name, scl_arena *arena,
                               scl_err *err);

/* For rules of differentiation: sums (by fma where a product is added) and products; NULL is zero, and factors 1 drop out. */
const scl_expr *scl_expr_name(scl_arena *arena, const char *name);
const scl_expr *scl_expr_add(scl_arena *arena, const scl_expr *a, const scl_expr *b);
const scl_expr *scl_expr_mul(scl_arena *arena, const scl_expr *a, const scl_expr *b);
bool scl_expr_is_one(const scl_expr *e);

/* Puts flush(with) where name stands: what fusion does. */
const scl_expr *scl_expr_substitute(const scl_expr *e, const char *name, const scl_expr *with, scl_arena *arena);
const scl_expr *scl_expr_rename(const scl_expr *e, const char *from, const char *to, scl_arena *arena);
bool scl_expr_uses(const scl_expr *e, const char *name);
int scl_expr_size(const scl_expr *e);                         /* nodes of the tree */
const char *scl_expr_text(const scl_expr *e, scl_arena *arena);

#endif
