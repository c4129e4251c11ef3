/* Values of pointwise expressions: the definition of their bits, and the oracle in double. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "graph/arith.h"
#include "graph/expr_tree.h"

static int find_name(const char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(names[i], name))
            return i;
    assert(!"an expression names an unknown value");
    return 0;
}

static inline float scl_rounded(float x) { return x; }

/* One operation on blocks of floats. */
#define F1(f)                                                                                                          \
    SCL_FAST_REF static void block_##f(float *out, const float *a, const float *b, const float *c, int n)              \
    {                                                                                                                  \
        (void)b, (void)c;                                                                                              \
        for (int i = 0; i < n; i++)                                                                                    \
            out[i] = scl_##f(a[i]);                                                                                    \
    }
#define F2(f)                                                                                                          \
    SCL_FAST_REF static void block_##f(float *out, const float *a, const float *b, const float *c, int n)              \
    {                                                                                                                  \
        (void)c;                                                                                                       \
        for (int i = 0; i < n; i++)                                                                                    \
            out[i] = scl_##f(a[i], b[i]);                                                                              \
    }
#define F3(f)                                                                                                          \
    SCL_FAST_REF static void block_##f(float *out, const float *a, const float *b, const float *c, int n)              \
    {                                                                                                                  \
        for (int i = 0; i < n; i++)                                                                                    \
            out[i] = scl_##f(a[i], b[i], c[i]);                                                                        \
    }
#define scl_fma fmaf
#define scl_add(a, b) ((a) + (b))
#define scl_sub(a, b) ((a) - (b))
#define scl_mul(a, b) ((a) * (b))
#define scl_neg(a) (-(a))
SCL_EXPR_FUNCTIONS(F1, F2, F3)
F1(neg) F2(add) F2(sub) F2(mul)
#undef F1
#undef F2
#undef F3

typedef void block_function(float *out, const float *a, const float *b, const float *c, int n);

static block_function *const function_of[SCL_EXPR_KINDS] = {
    [SCL_EXPR_NEG] = block_neg, [SCL_EXPR_ADD] = block_add, [SCL_EXPR_SUB] = block_sub, [SCL_EXPR_MUL] = block_mul,
#define F(f) [SCL_EXPR_##f] = block_##f,
    SCL_EXPR_FUNCTIONS(F, F, F)
#undef F
};

/* A straight line of block operations.  A slot is an input (slot < n_input) or a register. */
typedef struct step { block_function *function; int arg[3], out; const scl_expr *from; } step;
struct scl_expr_code {
    int n_input, n_step, result;
    step *step;
    float *slots;              /* registers, SCL_EXPR_BLOCK floats each, by slot - n_input */
    const float **place;       /* of each slot */
};

static int compile(scl_expr_code *code, const scl_expr *e, const char *const *names, scl_arena *arena)
{
    if (e->kind == SCL_EXPR_NAME)
        return find_name(names, code->n_input, e->name);
    for (int i = 0; i < code->n_step; i++)      /* a tree may share its parts */
        if (code->step[i].from == e)
            return code->step[i].out;
    step s = { .function = function_of[e->kind], .from = e };
    for (int i = 0; i < scl_expr_arity(e->kind); i++)
        s.arg[i] = compile(code, e->arg[i], names, arena);
    s.out = code->n_input + code->n_step;
    code->step[code->n_step++] = s;
    return s.out;
}

scl_expr_code *scl_expr_compile(const scl_expr *e, const char *const *names, int n, scl_arena *arena)
{
    const int most = scl_expr_size(e);
    scl_expr_code *code = SCL_NEW(arena, scl_expr_code);
    code->n_input = n;
    code->step = SCL_NEW_ARRAY(arena, step, most);
    code->result = compile(code, e, names, arena);
    code->slots = SCL_NEW_ARRAY(arena, float, (size_t)code->n_step * SCL_EXPR_BLOCK);
    code->place = SCL_NEW_ARRAY(arena, const float *, n + code->n_step);
    for (int i = 0; i < code->n_step; i++) {
        float *slot = code->slots + (size_t)i * SCL_EXPR_BLOCK;
        code->place[n + i] = slot;
        for (int k = 0; code->step[i].from->kind == SCL_EXPR_NUMBER && k < SCL_EXPR_BLOCK; k++)
            slot[k] = code->step[i].from->number;
    }
    return code;
}

void scl_expr_run(scl_expr_code *code, const float *const *in, float *out, int count)
{
    assert(count <= SCL_EXPR_BLOCK);
    for (int i = 0; i < code->n_input; i++)
        code->place[i] = in[i];
    for (int i = 0; i < code->n_step; i++) {
        const step *s = &code->step[i];
        if (s->function)
            s->function(code->slots + (size_t)i * SCL_EXPR_BLOCK, code->place[s->arg[0]], code->place[s->arg[1]],
                        code->place[s->arg[2]], count);
    }
    memcpy(out, code->place[code->result], sizeof(float) * (size_t)count);
}

float scl_expr_eval(const scl_expr *e, const char *const *names, const float *values, int n)
{
    if (e->kind == SCL_EXPR_NUMBER)
        return e->number;
    if (e->kind == SCL_EXPR_NAME)
        return values[find_name(names, n, e->name)];
    float arg[3] = { 0 }, out;
    for (int i = 0; i < scl_expr_arity(e->kind); i++)
        arg[i] = scl_expr_eval(e->arg[i], names, values, n);
    function_of[e->kind](&out, &arg[0], &arg[1], &arg[2], 1);
    return out;
}

static double function_f64(scl_expr_kind kind, const double *a)
{
    switch (kind) {
    case SCL_EXPR_NEG: return -a[0];
    case SCL_EXPR_ADD: return a[0] + a[1];
    case SCL_EXPR_SUB: return a[0] - a[1];
    case SCL_EXPR_MUL: return a[0] * a[1];
    case SCL_EXPR_fma: return a[0] * a[1] + a[2];
    case SCL_EXPR_div: return a[0] / a[1];
    case SCL_EXPR_rcp: return 1.0 / a[0];
    case SCL_EXPR_sqrt: return sqrt(a[0]);
    case SCL_EXPR_exp: return exp(a[0]);
    case SCL_EXPR_expm1_neg: return expm1(a[0]);
    case SCL_EXPR_log: return log(a[0]);
    case SCL_EXPR_log1p: return log1p(a[0]);
    case SCL_EXPR_sigmoid: return 1.0 / (1.0 + exp(-a[0]));
    case SCL_EXPR_softplus: return (a[0] > 0 ? a[0] : 0.0) + log1p(exp(-fabs(a[0])));
    case SCL_EXPR_abs: return fabs(a[0]);
    case SCL_EXPR_min: return a[0] < a[1] ? a[0] : a[1];
    case SCL_EXPR_max: return a[0] > a[1] ? a[0] : a[1];
    case SCL_EXPR_elu: return a[0] > 0 ? a[0] : expm1(a[0]);
    case SCL_EXPR_elu_grad: return a[0] > 0 ? 1.0 : exp(a[0]);
    case SCL_EXPR_elu_grad2: return a[0] > 0 ? 0.0 : exp(a[0]);
    case SCL_EXPR_relu: return a[0] > 0 ? a[0] : 0.0;
    case SCL_EXPR_relu_grad: return a[0] > 0 ? 1.0 : 0.0;
    case SCL_EXPR_clamp01: return a[0] < 0 ? 0.0 : a[0] > 1 ? 1.0 : a[0];
    case SCL_EXPR_positive: return a[0] > 0 ? a[1] : a[2];
    default: return a[0];       /* flush, rounded */
    }
}

double scl_expr_eval_f64(const scl_expr *e, const char *const *names, const double *values, int n)
{
    if (e->kind == SCL_EXPR_NUMBER)
        return (double)e->number;
    if (e->kind == SCL_EXPR_NAME)
        return values[find_name(names, n, e->name)];
    double arg[3] = { 0 };
    for (int i = 0; i < scl_expr_arity(e->kind); i++)
        arg[i] = scl_expr_eval_f64(e->arg[i], names, values, n);
    return function_f64(e->kind, arg);
}
