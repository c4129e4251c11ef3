/* The functions of t of score/sde.h as pointwise expressions.  Numbers of the process are rounded once; -expm1(-B) keeps the
 * variance of small times to full precision.  Errors, in units of 2^-24 of the quantity: ve, ln(sigma_begin / sigma_end) + 2; vp and
 * subvp, B(t) / 2 + 4. */
#include "score/time.h"

#include "graph/arith.h"
#include "score/hostmath.h"

typedef struct maker {
    scl_graph *g;
    const scl_objective_spec *spec;
    scl_value *t;
    scl_level *level;
    scl_err *err;
} maker;

#define NUMBER(x) ((double)(float)(x))

static const char *text(const maker *k, const char *format, double a, double b)
{
    return scl_arena_printf(k->g->arena, format, NUMBER(a), NUMBER(b));
}

/* The expression of one value, called x, or of two. */
static scl_status make(maker *k, scl_quantity what, const char *expression, scl_value *x)
{
    return SCL_POINTWISE(k->g, &k->level->given[what], k->err, expression, SCL_IN("x", x));
}

static scl_status exploding(maker *k)
{
    const scl_sde *sde = &k->spec->sde;
    const double last = scl_host_log(sde->sigma_end), ratio = scl_host_log(sde->sigma_begin) - last;
    scl_value **to = k->level->given;
    SCL_TRY(make(k, SCL_LOG_RATIO, text(k, "fma(%a, x, %a)", ratio, last), k->t));
    SCL_TRY(make(k, SCL_SIGMA, "exp(x)", to[SCL_LOG_RATIO]));
    SCL_TRY(make(k, SCL_INV_SIGMA, "rcp(x)", to[SCL_SIGMA]));
    if (k->spec->likelihood)
        return make(k, SCL_WEIGHT, text(k, "%a * x * x", 2 * ratio, 0), to[SCL_SIGMA]);
    return SCL_OK;
}

static scl_status preserving(maker *k)
{
    const scl_sde *sde = &k->spec->sde;
    const double rise = sde->beta_end - sde->beta_begin;
    const bool vp = sde->process == SCL_PROCESS_VP;
    scl_value **to = k->level->given, *B, *beta;
    SCL_TRY(SCL_POINTWISE(k->g, &B, k->err, text(k, "x * fma(%a, x, %a)", 0.5 * rise, sde->beta_begin), SCL_IN("x", k->t)));
    SCL_TRY(make(k, SCL_ALPHA, "exp(-0.5 * x)", B));
    SCL_TRY(make(k, SCL_INV_ALPHA, "exp(0.5 * x)", B));
    SCL_TRY(make(k, SCL_SIGMA, vp ? "sqrt(-expm1_neg(-x))" : "-expm1_neg(-x)", B));
    SCL_TRY(make(k, SCL_INV_SIGMA, "rcp(x)", to[SCL_SIGMA]));
    SCL_TRY(make(k, SCL_LOG_RATIO, vp ? "fma(0.5, x, log(sqrt(-expm1_neg(-x))))" : "fma(0.5, x, log(-expm1_neg(-x)))", B));
    if (!k->spec->likelihood)
        return SCL_OK;
    SCL_TRY(SCL_POINTWISE(k->g, &beta, k->err, text(k, "fma(%a, x, %a)", rise, sde->beta_begin), SCL_IN("x", k->t)));
    return SCL_POINTWISE(k->g, &to[SCL_WEIGHT], k->err, vp ? "beta" : "beta * -expm1_neg(-2 * B)", SCL_IN("beta", beta), SCL_IN("B", B));
}

/* sigma^p */
static scl_status power(maker *k)
{
    const double p = k->spec->anneal_power;
    scl_value *sigma = k->level->given[SCL_SIGMA];
    if (p == 2)
        return make(k, SCL_WEIGHT, "x * x", sigma);
    return make(k, SCL_WEIGHT, text(k, "exp(%a * log(x))", p, 0), sigma);
}

scl_status scl_time_level(scl_graph *g, scl_level *out, const scl_objective_spec *spec, scl_value *time, scl_err *err)
{
    maker k = { .g = g, .spec = spec, .t = time, .level = out, .err = err };
    *out = (scl_level){ 0 };
    SCL_TRY(spec->sde.process == SCL_PROCESS_VE ? exploding(&k) : preserving(&k));
    return spec->likelihood ? SCL_OK : power(&k);
}

scl_status scl_time_draw(scl_graph *g, scl_level *out, const scl_objective_spec *spec, int n, bool held_out, scl_err *err)
{
    const double first = scl_sde_first_time(&spec->sde);
    scl_value *u, *t;
    SCL_TRY(SCL_APPLY(g, &u, err, "random_uniform", SCL_IN("counters", scl_counters(g)), SCL_INT("N", n), SCL_INT("H", 1), SCL_INT("W", 1),
                      SCL_INT("C", 1), SCL_INT("stream", held_out ? SCL_STREAM_VALIDATION : SCL_STREAM_LEVEL), SCL_INT("sub", held_out)));
    SCL_TRY(SCL_APPLY(g, &t, err, "flat_sum", SCL_IN("x", u)));
    SCL_TRY(SCL_POINTWISE(g, &t, err, scl_arena_printf(g->arena, "fma(%a, u, %a)", NUMBER(1 - first), NUMBER(first)), SCL_IN("u", t)));
    return scl_time_level(g, out, spec, t, err);
}
