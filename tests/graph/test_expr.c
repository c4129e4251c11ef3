/* Pointwise expressions: what is refused, that block evaluation, text and fusion keep the bits, and that derivatives are right. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "failures.h"
#include "graph/arith.h"
#include "graph/expr.h"

static const char *const names[] = { "x", "a", "b" };
enum { N_NAMES = 3, N_POINTS = 61 };
static scl_arena arena;

static const scl_expr *parse(const char *text)
{
    scl_err err = { 0 };
    scl_expr *e = NULL;
    CHECK(scl_expr_parse(&e, &arena, text, &err) == SCL_OK, "%s", err.message);
    scl_err_clear(&err);
    return e;
}

/* x through both signs and 0; a in 0.25 .. 4; b in -1 .. 1. */
static void point(int i, float *v)
{
    v[0] = (float)(i - N_POINTS / 2) * 0.1f;
    v[1] = 0.25f + (float)((i * 7) % N_POINTS) * 0.0614f;
    v[2] = (float)((i * 13) % N_POINTS) / (float)N_POINTS * 2.0f - 1.0f;
}

static void test_refused(void)
{
    static const struct { const char *text, *message; } cases[] = {
        { "a * b + x", "expression \"a * b + x\", column 1: a product feeds + or -: write fma(a, b, c), or rounded(a * b) "
                       "where the rounding is meant" },
        { "x - a * b", "expression \"x - a * b\", column 5: a product feeds" },
        { "x + -(a * b)", "column 5: a product feeds" },
        { "exp(x + (a * b))", "column 9: a product feeds" },
        { "a / b", "column 3: there is no '/': write div(a, b)" },
        { "pow(x, a)", "column 1: there is no such function" },
        { "fma(x, a)", "column 9: a comma and one more argument are missing" },
        { "exp(x, a)", "column 6: one argument too many" },
        { "(x + a", "column 7: ')' is missing" },
        { "x + ", "column 5: it ends where a value is expected" },
        { "", "column 1: it ends where a value is expected" },
        { "x a", "column 3: this belongs to nothing" },
        { "1e99 * x", "column 1: the number is too large for a float" },
        { "3x", "column 1: this is not a number" },
        { "x + %", "column 5: a value is expected here" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scl_err err = { 0 };
        scl_expr *e;
        CHECK(scl_expr_parse(&e, &arena, cases[i].text, &err) == SCL_FAILED, "'%s' was accepted", cases[i].text);
        CHECK(strstr(err.message, cases[i].message), "'%s' gave: %s", cases[i].text, err.message);
        scl_err_clear(&err);
    }
    char deep[1001];
    memset(deep, '(', 1000);
    deep[1000] = 0;
    scl_err err = { 0 };
    scl_expr *e;
    CHECK(scl_expr_parse(&e, &arena, deep, &err) == SCL_FAILED && strstr(err.message, "nested too deeply"),
          "deep nesting");
    scl_err_clear(&err);
}

static const char *const expressions[] = {
    "x", "-x", "fma(x - a, a, b)", "elu(fma(x, a, b))", "elu_grad(x) * b", "elu_grad2(x) * a", "div(x, a)", "div(a, fma(x, x, a))",
    "rcp(a)", "sqrt(fma(x, x, a))", "exp(x * b)", "log(fma(x, x, a))", "log1p(sigmoid(x))", "sigmoid(x) * a", "softplus(x - b)",
    "abs(x) + b", "min(x, b) * a", "max(x, b) * x", "relu(x) * relu(b)", "clamp01(x) * a", "positive(b, x * a, exp(x))",
    "expm1_neg(-abs(x))", "rounded(x * a) + b", "flush(x * a) - 0.1", "b * fma(a, fma(x, 0x1.8p+0, b), x)", "x - a - b",
    "a - (x - b)", "-x * -a * b", "fma(-x, a, exp(b))", "rounded(a * b) - rounded(x * x)", "x * x * x", "rcp(fma(x, x, 1)) * a",
};
enum { N_EXPRESSIONS = sizeof expressions / sizeof *expressions };

/* The tree walked value by value, the block code, and the tree read back from its text: the same bits. */
static void test_same_bits(const scl_expr *e)
{
    const char *text = scl_expr_text(e, &arena);
    const scl_expr *again = parse(text);
    float value[N_NAMES][N_POINTS], out[N_POINTS], v[N_NAMES];
    for (int i = 0; i < N_POINTS; i++) {
        point(i, v);
        for (int k = 0; k < N_NAMES; k++)
            value[k][i] = v[k];
    }
    scl_expr_run(scl_expr_compile(e, names, N_NAMES, &arena),
                 (const float *[]){ value[0], value[1], value[2] }, out, N_POINTS);
    for (int i = 0; i < N_POINTS; i++) {
        point(i, v);
        const float one = scl_expr_eval(e, names, v, N_NAMES), two = scl_expr_eval(again, names, v, N_NAMES);
        CHECK(!memcmp(&one, &out[i], sizeof one), "%s: block %a, tree %a", text, (double)out[i], (double)one);
        CHECK(!memcmp(&one, &two, sizeof one), "%s: text %a, tree %a", text, (double)two, (double)one);
        const double exact = scl_expr_eval_f64(e, names, (double[]){ v[0], v[1], v[2] }, N_NAMES);
        CHECK(fabs(exact - (double)one) <= 1e-5 * (1.0 + fabs(exact)), "%s: %g, exactly %g", text, (double)one, exact);
    }
}

static double at(const scl_expr *e, const double *v) { return scl_expr_eval_f64(e, names, v, N_NAMES); }

/* d of e against central differences, away from the kinks at 0, 1, a = x and b = x. */
static void check_derivative(const scl_expr *e, const scl_expr *d, int k)
{
    const double h = 1e-6;
    for (int i = 0; i < N_POINTS; i++) {
        float v[N_NAMES];
        point(i, v);
        if (fabsf(v[0]) < 1e-3f || fabsf(v[0] - 1) < 1e-3f || fabsf(v[0] - v[2]) < 1e-3f || fabsf(v[2]) < 1e-3f)
            continue;
        double low[N_NAMES] = { v[0], v[1], v[2] }, high[N_NAMES] = { v[0], v[1], v[2] };
        const double got = d ? at(d, low) : 0;
        low[k] -= h;
        high[k] += h;
        const double want = (at(e, high) - at(e, low)) / (2 * h);
        CHECK(fabs(got - want) <= 1e-5 * (1 + fabs(want)),
              "d(%s)/d%s = %s: %g, differences %g at x=%g a=%g b=%g", scl_expr_text(e, &arena), names[k],
              d ? scl_expr_text(d, &arena) : "0", got, want, (double)v[0], (double)v[1], (double)v[2]);
    }
}

static const scl_expr *derivative(const scl_expr *e, const char *name)
{
    scl_err err = { 0 };
    const scl_expr *d = NULL;
    CHECK(scl_expr_derivative(&d, e, name, &arena, &err) == SCL_OK, "%s", err.message);
    return d;
}

static void test_derivatives(const scl_expr *e)
{
    for (int k = 0; k < N_NAMES; k++) {
        const scl_expr *d = derivative(e, names[k]);
        CHECK(!d || scl_expr_uses(e, names[k]), "a derivative by a name that is not there");
        check_derivative(e, d, k);
        if (!d)
            continue;
        test_same_bits(d);                        /* its text is accepted: it obeys the rule on products */
        for (int l = 0; l < N_NAMES; l++)
            check_derivative(d, derivative(d, names[l]), l);
    }
}

static void test_texts(void)
{
    static const struct { const char *text, *name, *derivative; } cases[] = {
        { "fma(x - a, a, b)", "b", "0x1p+0" }, { "fma(x - a, a, b)", "x", "a" }, { "fma(z, i, s) * w", "z", "(i * w)" },
        { "elu(x)", "x", "elu_grad(x)" }, { "x * a", "y", "0" }, { "x * x", "x", "(x + x)" },
        { "fma(x, x, b) * a", "x", "((x + x) * a)" }, { "a - fma(x, b, x)", "x", "(-(b + 0x1p+0))" },
        { "(x * a) * (x * b)", "x", "fma(a, (x * b), ((x * a) * b))" }, { "x - a", "a", "(-0x1p+0)" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const scl_expr *d = derivative(parse(cases[i].text), cases[i].name);
        const char *text = d ? scl_expr_text(d, &arena) : "0";
        CHECK(!strcmp(text, cases[i].derivative), "d(%s)/d%s = %s", cases[i].text, cases[i].name, text);
    }
    CHECK(!strcmp(scl_expr_opencl(parse("fma(-x, 0.5, elu(a))"), false, &arena),
                  "fma((-x), 0x1p-1f, scl_elu(a))"),
          "scalar text");
    CHECK(!strcmp(scl_expr_opencl(parse("fma(-x, 0.5, elu(a))"), true, &arena),
                  "fma((-x), ((floatV)(0x1p-1f)), scl_elu_v(a))"),
          "vector text");
}

static void test_rewriting(void)
{
    const scl_expr *outer = parse("fma(y, y, b) * a"), *inner = parse("elu(x * a)");
    const scl_expr *fused = scl_expr_substitute(outer, "y", inner, &arena);
    CHECK(!strcmp(scl_expr_text(fused, &arena), "(fma(flush(elu((x * a))), flush(elu((x * a))), b) * a)"),
          "substitution");
    CHECK(scl_expr_uses(fused, "x") && !scl_expr_uses(fused, "y"), "names after a substitution");
    CHECK(scl_expr_size(parse("fma(x, a, -b)")) == 5, "size");
    CHECK(!strcmp(scl_expr_text(scl_expr_rename(inner, "x", "z", &arena), &arena), "elu((z * a))"), "rename");
    for (int i = 0; i < N_POINTS; i++) {
        float v[N_NAMES];
        point(i, v);
        const float y = scl_flush(scl_expr_eval(inner, names, v, N_NAMES));
        const float two_steps = scl_expr_eval(outer, (const char *[]){ "y", "a", "b" }, (float[]){ y, v[1], v[2] }, 3);
        const float one_step = scl_expr_eval(fused, names, v, N_NAMES);
        CHECK(!memcmp(&two_steps, &one_step, sizeof one_step), "fusion changed %a to %a", (double)two_steps,
              (double)one_step);
    }
    const float tiny[] = { 0x1p-40f, 0x1p-30f, 0 };       /* the flush inside shows */
    CHECK(scl_expr_eval(parse("flush(x * a) * 0x1p+60"), names, tiny, 3) == 0.0f, "an inner flush is kept");
    CHECK(scl_expr_eval(parse("x * a * 0x1p+60"), names, tiny, 3) == 0x1p-10f, "nothing else is flushed");
    const float fused_bits = scl_expr_eval(parse("fma(x, a, b)"), names,
                                           (float[]){ 0x1.001p+0f, 0x1.001p+0f, -1.0f }, 3);
    CHECK(fused_bits == 0x1.0008p-11f, "fma rounds once: %a", (double)fused_bits);
    const float rounded_bits = scl_expr_eval(parse("rounded(x * a) + b"), names,
                                             (float[]){ 0x1.001p+0f, 0x1.001p+0f, -1.0f }, 3);
    CHECK(rounded_bits == 0x1p-11f, "rounded rounds twice: %a", (double)rounded_bits);
}

int main(void)
{
    test_refused();
    for (int i = 0; i < N_EXPRESSIONS; i++) {
        const scl_expr *e = parse(expressions[i]);
        test_same_bits(e);
        test_derivatives(e);
    }
    test_texts();
    test_rewriting();
    scl_arena_free(&arena);
    if (!failures)
        printf("expressions: all checks passed\n");
    return failures != 0;
}
