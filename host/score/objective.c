#include "score/objective.h"

#include <math.h>
#include <string.h>

#include "graph/arith.h"
#include "graph/autodiff.h"

/* One loss in the making. */
typedef struct maker {
    scl_graph *g;
    const scl_objective_spec *spec;
    const scl_net_config *net;
    scl_objective *o;
    scl_value *sigma, *weight;                   /* of each sample; NULL: not used */
    scl_err *err;
} maker;

static const char *or_else(const char *text, const char *otherwise) { return text ? text : otherwise; }
static bool is(const maker *k, const char *loss) { return !strcmp(or_else(k->spec->loss, "dsm"), loss); }
static int dimension(const scl_net_config *net) { return net->height * net->width * net->channels; }
static int projections(const scl_objective_spec *spec) { return spec->projections > 0 ? spec->projections : 1; }

scl_status scl_objective_check(const scl_objective_spec *spec, const scl_net_config *net, scl_err *err)
{
    const char *loss = or_else(spec->loss, "dsm");
    const int D = dimension(net);
    const bool classifies = !strcmp(net->net, "classifier");
    if (classifies != !strcmp(loss, "cross_entropy"))
        return scl_fail(err, SCL_BAD_CONFIG, classifies ? "objective.loss: a classifier is trained by cross_entropy, not by %s"
                                                        : "objective.loss: %s trains a classifier (model.net)", loss);
    if (classifies && spec->energy)
        return scl_fail(err, SCL_BAD_CONFIG, "model.output: a classifier gives logits, not an energy");
    if (classifies && strcmp(or_else(spec->predict, "score"), "score") != 0)
        return scl_fail(err, SCL_BAD_CONFIG, "model.predict: a classifier gives logits, not %s", spec->predict);
    if (!strcmp(loss, "ism") && D > SCL_ISM_MOST)
        return scl_fail(err, SCL_BAD_CONFIG, "objective.loss: ism takes the exact trace, a forward-mode pass for each of the %d "
                        "dimensions: a step would cost about %d times a dsm step; at most %d dimensions: ssm_vr estimates the same", D, D + 1,
                        SCL_ISM_MOST);
    if (!strcmp(loss, "dsm") && spec->clean)
        return scl_fail(err, SCL_BAD_CONFIG, "objective.loss: dsm needs noise, noise.schedule is none");
    if (strcmp(or_else(spec->predict, "score"), "score") != 0 && spec->clean)
        return scl_fail(err, SCL_BAD_CONFIG, "model.predict: %s needs a noise level, noise.schedule is none", spec->predict);
    if (spec->energy && strcmp(or_else(spec->predict, "score"), "score") != 0)
        return scl_fail(err, SCL_BAD_CONFIG, "model.predict: %s is no gradient of an energy (model.output: energy)", spec->predict);
    if (!strcmp(loss, "esm") && spec->components < 1)
        return scl_fail(err, SCL_BAD_CONFIG, "objective.loss: esm needs the true score; it is known of data.format: points with "
                        "distribution: mixture alone");
    return SCL_OK;
}

static bool scales(const scl_objective_spec *spec) { return spec->sde.process != SCL_PROCESS_VE; }

scl_status scl_energy_build(scl_graph *g, const scl_net_config *net, const char *prefix, scl_value *x, const scl_level *level,
                            scl_value **energy, scl_err *err)
{
    scl_value *f, *off, *square;
    SCL_TRY(scl_net_build(g, net, prefix, x, level, &f, err));
    if (net->outputs == 1) {
        *energy = f;
        return SCL_OK;
    }
    SCL_TRY(SCL_POINTWISE(g, &off, err, "x - f", SCL_IN("x", x), SCL_IN("f", f)));
    SCL_TRY(SCL_APPLY(g, &square, err, "flat_sumsq", SCL_IN("x", off)));
    return SCL_POINTWISE(g, energy, err, "0.5 * t", SCL_IN("t", square));
}

scl_status scl_score_build(scl_graph *g, const scl_net_config *net, const scl_objective_spec *spec, const char *prefix,
                           scl_value *x, const scl_level *level, scl_value **score, scl_err *err)
{
    const char *predict = or_else(spec->predict, "score");
    scl_value *f, *inv, *alpha;
    if (spec->energy) {
        SCL_TRY(scl_energy_build(g, net, prefix, x, level, &f, err));
        SCL_TRY(SCL_POINTWISE(g, &inv, err, "-1", SCL_IN("shape", f)));
        return scl_vjp(g, f, inv, &x, 1, score, err);
    }
    if (!strcmp(predict, "score"))
        return scl_net_build(g, net, prefix, x, level, score, err);
    SCL_TRY(scl_level_get(g, &inv, level, net->levels, SCL_INV_SIGMA, err));
    SCL_TRY(scl_net_build(g, net, prefix, x, level, &f, err));
    if (!strcmp(predict, "epsilon"))
        return SCL_POINTWISE(g, score, err, "-(f * inv_sigma)", SCL_IN("f", f), SCL_IN("inv_sigma", inv));
    if (scales(spec)) {
        SCL_TRY(scl_level_get(g, &alpha, level, net->levels, SCL_ALPHA, err));
        SCL_TRY(SCL_POINTWISE(g, &f, err, "alpha * f", SCL_IN("f", f), SCL_IN("alpha", alpha)));
    }
    return SCL_POINTWISE(g, score, err, "(f - x) * inv_sigma * inv_sigma", SCL_IN("f", f), SCL_IN("x", x),
                         SCL_IN("inv_sigma", inv));
}

static scl_status of_level(maker *k, scl_value **out, scl_quantity what)
{
    return scl_level_get(k->g, out, &k->o->level, k->net->levels, what, k->err);
}

static scl_status perturb(maker *k, const char *prefix)
{
    scl_objective *o = k->o;
    scl_value *alpha;
    o->point = o->x;
    if (!k->spec->clean) {
        SCL_TRY(of_level(k, &k->sigma, SCL_SIGMA));
        SCL_TRY(of_level(k, &k->weight, SCL_WEIGHT));
    }
    if (!k->spec->clean && scales(k->spec)) {
        SCL_TRY(of_level(k, &alpha, SCL_ALPHA));
        SCL_TRY(SCL_POINTWISE(k->g, &o->point, k->err, "fma(sigma, z, rounded(alpha * x))", SCL_IN("x", o->x),
                              SCL_IN("z", o->z),
                              SCL_IN("sigma", k->sigma), SCL_IN("alpha", alpha)));
    } else if (!k->spec->clean) {
        SCL_TRY(SCL_APPLY(k->g, &o->point, k->err, "perturb", SCL_IN("x", o->x), SCL_IN("z", o->z), SCL_IN("sigma", k->sigma)));
    }
    return scl_score_build(k->g, k->net, k->spec, prefix, o->point, &o->level, &o->score, k->err);
}

/* ---- projections ---- */

static scl_status draw(maker *k, int j, scl_value **v)
{
    const scl_net_config *c = k->net;
    const char *kind = or_else(k->spec->projection, "gaussian");
    const int stream = k->o->held_out ? SCL_STREAM_VALIDATION : SCL_STREAM_PROJECTION;
    /* Held-out noise, levels and projections share a stream: numbers 0, 1 and from 2 on of it. */
    const int sub = k->o->held_out ? j + 2 : j;
    scl_value *z, *square;
    SCL_TRY(SCL_APPLY(k->g, &z, k->err, "random_normal", SCL_IN("counters", scl_counters(k->g)),
                      SCL_INT("N", k->o->x->dim[0]), SCL_INT("H", c->height), SCL_INT("W", c->width), SCL_INT("C", c->channels),
                      SCL_INT("stream", stream), SCL_INT("sub", sub)));
    if (!strcmp(kind, "gaussian")) {
        *v = z;
        return SCL_OK;
    }
    if (!strcmp(kind, "rademacher"))
        return SCL_POINTWISE(k->g, v, k->err, "positive(z, 1, -1)", SCL_IN("z", z));
    SCL_TRY(SCL_APPLY(k->g, &square, k->err, "flat_sumsq", SCL_IN("x", z)));
    const char *radius = scl_arena_printf(k->g->arena, "div(z * %a, sqrt(square))", (double)(float)sqrt((double)dimension(c)));
    return SCL_POINTWISE(k->g, v, k->err, radius, SCL_IN("z", z), SCL_IN("square", square));
}

/* v.b of each sample. */
static scl_status inner(maker *k, scl_value *v, scl_value *b, scl_value **out)
{
    scl_value *product;
    SCL_TRY(SCL_POINTWISE(k->g, &product, k->err, "v * b", SCL_IN("v", v), SCL_IN("b", b)));
    return SCL_APPLY(k->g, out, k->err, "flat_sum", SCL_IN("x", product));
}

static scl_status add(maker *k, scl_value **sum, scl_value *term)
{
    if (*sum)
        return SCL_POINTWISE(k->g, sum, k->err, "a + b", SCL_IN("a", *sum), SCL_IN("b", term));
    *sum = term;
    return SCL_OK;
}

/* Adds v.J v to *trace: the derivative of the score along v. */
static scl_status add_curvature(maker *k, scl_value *v, scl_value **trace)
{
    scl_value *along;
    SCL_TRY(scl_jvp(k->g, k->o->score, &k->o->point, &v, 1, &k->o->tangent, k->err));
    if (!k->o->tangent)
        return scl_fail(k->err, SCL_FAILED, "the score does not depend on its point");
    SCL_TRY(inner(k, v, k->o->tangent, &along));
    return add(k, trace, along);
}

/* loss = weight * factor * first + weight * share * second, both f32[N]. */
static scl_status combine(maker *k, scl_value *first, double factor, scl_value *second, double share)
{
    scl_objective *o = k->o;
    const char *const of = k->weight ? "weight * %a * t" : "%a * t";
    scl_value *from[2] = { first, second };
    const double scale[2] = { factor, share };
    for (int i = 0; i < 2; i++) {
        const scl_arg args[] = { SCL_TEXT("expr", scl_arena_printf(k->g->arena, of, (double)(float)scale[i])), SCL_IN("t", from[i]),
                                 SCL_IN("weight", k->weight) };
        SCL_TRY(scl_apply(k->g, &o->term[i], k->err, "pointwise", args, k->weight ? 3 : 2));
    }
    return SCL_POINTWISE(k->g, &o->loss, k->err, "a + b", SCL_IN("a", o->term[0]), SCL_IN("b", o->term[1]));
}

/* ---- the losses ---- */

static scl_status sliced(maker *k)
{
    const bool known = is(k, "ssm_vr");
    const int M = k->o->v ? 1 : projections(k->spec);
    scl_value *first = NULL, *trace = NULL, *v = k->o->v, *along, *square;
    if (known)
        SCL_TRY(SCL_APPLY(k->g, &first, k->err, "flat_sumsq", SCL_IN("x", k->o->score)));
    for (int j = 0; j < M; j++) {
        if (!k->o->v)
            SCL_TRY(draw(k, j, &v));
        SCL_TRY(add_curvature(k, v, &trace));
        if (known)
            continue;
        SCL_TRY(inner(k, v, k->o->score, &along));
        SCL_TRY(SCL_POINTWISE(k->g, &square, k->err, "t * t", SCL_IN("t", along)));
        SCL_TRY(add(k, &first, square));
    }
    return combine(k, first, known ? 0.5 : 0.5 / M, trace, 1.0 / M);
}

static scl_status exact(maker *k)
{
    const scl_net_config *c = k->net;
    scl_value *first, *trace = NULL, *v;
    SCL_TRY(SCL_APPLY(k->g, &first, k->err, "flat_sumsq", SCL_IN("x", k->o->score)));
    for (int d = 0; d < dimension(c); d++) {
        SCL_TRY(SCL_APPLY(k->g, &v, k->err, "basis_vector", SCL_INT("N", k->o->x->dim[0]), SCL_INT("H", c->height),
                          SCL_INT("W", c->width), SCL_INT("C", c->channels), SCL_INT("element", d)));
        SCL_TRY(add_curvature(k, v, &trace));
    }
    return combine(k, first, 0.5, trace, 1.0);
}

static scl_status explicit_score(maker *k)
{
    scl_value *sigma = k->sigma, *inv_alpha = NULL, *table, *truth, *off, *square;
    if (!sigma) {
        SCL_TRY(scl_value_get(k->g, &table, SCL_CONST, "truth.sigma", SCL_F32, SCL_DIMS(k->net->levels), k->err));
        SCL_TRY(SCL_APPLY(k->g, &sigma, k->err, "lookup", SCL_IN("table", table),
                          SCL_IN("label", k->o->level.label)));
    }
    if (k->sigma && scales(k->spec))
        SCL_TRY(of_level(k, &inv_alpha, SCL_INV_ALPHA));
    SCL_TRY(scl_mixture_score_build(k->g, k->spec->components, k->o->point, sigma, inv_alpha, &truth, k->err));
    SCL_TRY(SCL_POINTWISE(k->g, &off, k->err, "s - t", SCL_IN("s", k->o->score), SCL_IN("t", truth)));
    SCL_TRY(SCL_APPLY(k->g, &square, k->err, "flat_sumsq", SCL_IN("x", off)));
    if (!k->weight)
        return SCL_POINTWISE(k->g, &k->o->loss, k->err, "0.5 * t", SCL_IN("t", square));
    return SCL_POINTWISE(k->g, &k->o->loss, k->err, "weight * 0.5 * t", SCL_IN("t", square), SCL_IN("weight", k->weight));
}

scl_status scl_objective_build(scl_graph *g, const scl_objective_spec *spec, const scl_net_config *net, const char *prefix,
                               scl_objective *o, scl_err *err)
{
    maker k = { .g = g, .spec = spec, .net = net, .o = o, .err = err };
    SCL_TRY(scl_objective_check(spec, net, err));
    SCL_TRY(perturb(&k, prefix));
    if (is(&k, "dsm")) {
        scl_value *inv_sigma;
        SCL_TRY(of_level(&k, &inv_sigma, SCL_INV_SIGMA));
        return SCL_APPLY(g, &o->loss, err, "dsm_loss", SCL_IN("s", o->score), SCL_IN("z", o->z),
                         SCL_IN("inv_sigma", inv_sigma),
                         SCL_IN("weight", k.weight));
    }
    if (is(&k, "cross_entropy"))
        return SCL_APPLY(g, &o->loss, err, "cross_entropy", SCL_IN("z", o->score), SCL_IN("label", o->class));
    if (is(&k, "ism"))
        return exact(&k);
    return is(&k, "esm") ? explicit_score(&k) : sliced(&k);
}
