#include "score/step.h"

#include <stdio.h>
#include <string.h>

#include "graph/arith.h"
#include "graph/autodiff.h"
#include "graph/optim.h"
#include "score/time.h"

/* One graph in the making. */
typedef struct step {
    scl_graph *g;
    const scl_step_spec *spec;
    scl_err *err;
    scl_objective o;                      /* batch, levels, unit noise; loss of each sample */
} step;

static scl_status get(step *s, scl_value **out, scl_role role, const char *name, int count)
{
    return scl_value_get(s->g, out, role, name, SCL_F32, SCL_DIMS(count), s->err);
}

#define IMAGE(s) SCL_INT("N", (s)->spec->n), SCL_INT("H", (s)->spec->net.height), SCL_INT("W", (s)->spec->net.width), \
        SCL_INT("C", (s)->spec->net.channels)

static bool classifies(const step *s) { return s->spec->objective.loss && !strcmp(s->spec->objective.loss, "cross_entropy"); }

static scl_status given(step *s)
{
    const scl_net_config *c = &s->spec->net;
    const int n = s->spec->n;
    SCL_TRY(scl_value_get(s->g, &s->o.x, SCL_INPUT, "given.x", SCL_F32, SCL_DIMS(n, c->height, c->width, c->channels), s->err));
    SCL_TRY(scl_value_get(s->g, &s->o.z, SCL_INPUT, "given.z", SCL_F32, SCL_DIMS(n, c->height, c->width, c->channels), s->err));
    if (s->spec->given_v)
        SCL_TRY(scl_value_get(s->g, &s->o.v, SCL_INPUT, "given.v", SCL_F32, SCL_DIMS(n, c->height, c->width, c->channels), s->err));
    if (classifies(s))
        SCL_TRY(scl_value_get(s->g, &s->o.class, SCL_INPUT, "given.class", SCL_I32, SCL_DIMS(n), s->err));
    return scl_value_get(s->g, &s->o.level.label, SCL_INPUT, "given.label", SCL_I32, SCL_DIMS(n), s->err);
}

/* The batch from the data set on the device, a level and noise for each sample.  Held-out noise has a stream of its own. */
static scl_status drawn(step *s, bool held_out)
{
    const scl_net_config *c = &s->spec->net;
    const scl_step_spec *p = s->spec;
    const int rows = p->staged ? p->staged : p->data_count;
    s->o.held_out = held_out;
    scl_value *data, *order, *counters = scl_counters(s->g);
    SCL_TRY(scl_value_get(s->g, &data, SCL_CONST, held_out ? "eval.data" : "data", p->data_float ? SCL_F32 : SCL_U8,
                          SCL_DIMS(rows, c->height, c->width, c->channels), s->err));
    SCL_TRY(scl_value_get(s->g, &order, SCL_INPUT, held_out ? "eval.order" : "order", SCL_I32, SCL_DIMS(rows), s->err));
    if (p->data_float)
        SCL_TRY(SCL_APPLY(s->g, &s->o.x, s->err, "gather_batch_f32", SCL_IN("data", data), SCL_IN("order", order),
                          SCL_IN("counters", counters), SCL_INT("N", p->n), SCL_INT("flip", p->flip && !held_out)));
    else
        SCL_TRY(SCL_APPLY(s->g, &s->o.x, s->err, "gather_batch", SCL_IN("data", data), SCL_IN("order", order),
                          SCL_IN("counters", counters), SCL_INT("N", p->n), SCL_INT("dequantize", p->dequantize),
                          SCL_INT("flip", p->flip && !held_out), SCL_INT("logit", c->logit)));
    if (classifies(s)) {
        scl_value *class;
        SCL_TRY(scl_value_get(s->g, &class, SCL_CONST, held_out ? "eval.class" : "class", SCL_I32, SCL_DIMS(rows), s->err));
        SCL_TRY(SCL_APPLY(s->g, &s->o.class, s->err, "gather_class", SCL_IN("class", class), SCL_IN("order", order),
                          SCL_IN("counters", counters), SCL_INT("N", p->n)));
    }
    const int label_stream = held_out ? SCL_STREAM_VALIDATION : SCL_STREAM_LEVEL;
    const int noise_stream = held_out ? SCL_STREAM_VALIDATION : SCL_STREAM_PERTURB;
    if (p->objective.continuous)
        SCL_TRY(scl_time_draw(s->g, &s->o.level, &p->objective, p->n, held_out, s->err));
    else
        SCL_TRY(SCL_APPLY(s->g, &s->o.level.label, s->err, "random_integer", SCL_IN("counters", counters),
                          SCL_INT("N", p->n),
                          SCL_INT("below", c->levels), SCL_INT("stream", label_stream), SCL_INT("sub", held_out)));
    return SCL_APPLY(s->g, &s->o.z, s->err, "random_normal", SCL_IN("counters", counters), IMAGE(s), SCL_INT("stream", noise_stream));
}

static scl_status forward(step *s, const char *prefix)
{
    SCL_TRY(scl_objective_build(s->g, &s->spec->objective, &s->spec->net, prefix, &s->o, s->err));
    if (!s->spec->given)
        return SCL_OK;
    if (!s->o.point->role)
        scl_output(s->o.point, "perturbed");
    scl_output(s->o.score, "score");
    if (s->o.tangent && s->o.tangent->role == SCL_INTERMEDIATE)
        scl_output(s->o.tangent, "jvp");
    return SCL_OK;
}

/* mean over the global batch: root * (1/N). */
static scl_status mean(step *s, scl_value **out, scl_value *v)
{
    scl_value *sum, *inv;
    SCL_TRY(get(s, &inv, SCL_INPUT, "inv_batch", 1));
    SCL_TRY(scl_sum_over_batch(s->g, &sum, v, s->err));
    return SCL_POINTWISE(s->g, out, s->err, "sum * inv_batch", SCL_IN("sum", sum), SCL_SCALAR("inv_batch", inv, 0));
}

/* For verification: the mean of each of the loss's terms. */
static scl_status terms(step *s)
{
    static const char *const names[2] = { "loss.first", "loss.second" };
    scl_value *m;
    for (int i = 0; i < 2 && s->spec->given && s->o.term[i]; i++) {
        SCL_TRY(mean(s, &m, s->o.term[i]));
        scl_output(m, names[i]);
    }
    return SCL_OK;
}

static scl_status gradients(step *s, const scl_param_list *params, scl_value **grad)
{
    scl_value *inv, *seed, **wrt = SCL_NEW_ARRAY(s->g->arena, scl_value *, params->n);
    SCL_TRY(get(s, &inv, SCL_INPUT, "inv_batch", 1));
    /* Every sample's cotangent is 1/N; the loss is named for its shape only. */
    SCL_TRY(SCL_POINTWISE(s->g, &seed, s->err, "inv_batch", SCL_IN("loss", s->o.loss), SCL_SCALAR("inv_batch", inv, 0)));
    for (int i = 0; i < params->n; i++)
        wrt[i] = params->item[i].value;
    SCL_TRY(scl_vjp(s->g, s->o.loss, seed, wrt, params->n, grad, s->err));
    for (int i = 0; i < params->n; i++)
        if (!grad[i] && s->spec->objective.energy)       /* what only shifts an energy does not show in its gradient */
            SCL_TRY(SCL_POINTWISE(s->g, &grad[i], s->err, "p * 0", SCL_IN("p", wrt[i])));
        else if (!grad[i])
            return scl_fail(s->err, SCL_FAILED, "the loss does not depend on '%s'", params->item[i].name);
    return SCL_OK;
}

static scl_status state(step *s, scl_value **out, const char *stem, const scl_param *p)
{
    return scl_value_get(s->g, out, SCL_STATE, scl_arena_printf(s->g->arena, "%s.%s", stem, p->name), SCL_F32, p->value->rank,
                         p->value->dim, s->err);
}

/* Updates one parameter, then its moving average. */
static scl_status update(step *s, const scl_param *p, scl_value *grad, scl_value *scale, scl_value *coef, scl_value *flag)
{
    const char *method = s->spec->optimizer;
    scl_value *out[3], *m = NULL, *v = NULL, *e;
    s->g->scope = p->name;
    if (!strcmp(method, "adam")) {
        SCL_TRY(state(s, &m, "adam.m", p));
        SCL_TRY(state(s, &v, "adam.v", p));
        SCL_TRY(SCL_APPLY(s->g, out, s->err, "adam", SCL_IN("theta", p->value), SCL_IN("m", m), SCL_IN("v", v), SCL_IN("g", grad),
                          SCL_IN("scale", scale), SCL_IN("coef", coef), SCL_IN("flag", flag)));
    } else if (!strcmp(method, "rmsprop")) {
        SCL_TRY(state(s, &v, "rmsprop.v", p));
        SCL_TRY(SCL_APPLY(s->g, out, s->err, "rmsprop", SCL_IN("theta", p->value), SCL_IN("v", v), SCL_IN("g", grad),
                          SCL_IN("scale", scale), SCL_IN("coef", coef), SCL_IN("flag", flag)));
    } else {
        SCL_TRY(state(s, &m, "sgd.u", p));
        SCL_TRY(SCL_APPLY(s->g, out, s->err, "sgd", SCL_IN("theta", p->value), SCL_IN("u", m), SCL_IN("g", grad),
                          SCL_IN("scale", scale), SCL_IN("coef", coef), SCL_IN("flag", flag)));
    }
    if (!s->spec->ema)
        return SCL_OK;
    SCL_TRY(state(s, &e, "ema", p));
    return SCL_APPLY(s->g, &out[1], s->err, "ema", SCL_IN("e", e), SCL_IN("theta", out[0]), SCL_IN("coef", coef),
                     SCL_IN("flag", flag));
}

/* Gradient norm, clip, the flag of the first step that is not finite, the ring of losses, the updates. */
static scl_status optimise(step *s, const scl_param_list *params, scl_value *const *grad, scl_value *loss)
{
    scl_value *coef, *flag, *ring, *sumsq = NULL, *guard[3], *recorded;
    SCL_TRY(get(s, &coef, SCL_INPUT, "coef", SCL_COEFS));
    SCL_TRY(scl_value_get(s->g, &flag, SCL_STATE, "flag", SCL_U32, SCL_DIMS(1), s->err));
    SCL_TRY(scl_value_get(s->g, &ring, SCL_STATE, "ring", SCL_F32, SCL_DIMS(SCL_RING_ROWS, SCL_RING_COLUMNS), s->err));
    for (int i = 0; i < params->n; i++)
        SCL_TRY(SCL_APPLY(s->g, &sumsq, s->err, "sumsq_chain", SCL_IN("g", grad[i]), SCL_IN("before", sumsq)));
    SCL_TRY(SCL_APPLY(s->g, guard, s->err, "grad_guard", SCL_IN("sumsq", sumsq), SCL_IN("loss", loss),
                      SCL_IN("counters", scl_counters(s->g)), SCL_IN("coef", coef), SCL_IN("flag", flag)));
    SCL_TRY(SCL_APPLY(s->g, &recorded, s->err, "record", SCL_IN("ring", ring), SCL_IN("loss", loss), SCL_IN("norm", guard[1]),
                      SCL_IN("scale", guard[0]), SCL_IN("counters", scl_counters(s->g))));
    for (int i = 0; i < params->n; i++)
        SCL_TRY(update(s, &params->item[i], grad[i], guard[0], coef, guard[2]));
    return SCL_OK;
}

static step begin(scl_arena *arena, const scl_step_spec *spec, const char *name, scl_err *err)
{
    step s = { .g = scl_graph_new(arena, name), .spec = spec, .err = err };
    s.g->global_batch = spec->global_batch;
    s.g->accumulate = spec->accumulate;
    s.g->micro_batch = spec->micro_batch;
    return s;
}

scl_status scl_step_train(scl_graph **out, scl_arena *arena, const scl_step_spec *spec, scl_err *err)
{
    step s = begin(arena, spec, "train", err);
    SCL_TRY(spec->given ? given(&s) : drawn(&s, false));
    SCL_TRY(forward(&s, ""));
    const scl_param_list params = scl_net_params(s.g, "", arena);
    scl_value *loss, **grad = SCL_NEW_ARRAY(arena, scl_value *, params.n);
    SCL_TRY(mean(&s, &loss, s.o.loss));
    scl_output(loss, "loss");
    SCL_TRY(terms(&s));
    SCL_TRY(gradients(&s, &params, grad));
    s.g->scope = "";
    for (int i = 0; i < params.n && !spec->optimizer; i++)
        scl_output(grad[i], scl_arena_printf(arena, "grad.%s", params.item[i].name));
    if (spec->optimizer)
        SCL_TRY(optimise(&s, &params, grad, loss));
    s.g->scope = "";
    *out = s.g;
    return SCL_OK;
}

scl_status scl_step_eval(scl_graph **out, scl_arena *arena, const scl_step_spec *spec, const char *prefix, scl_err *err)
{
    scl_step_spec whole = *spec;
    whole.global_batch = spec->data_count;
    whole.accumulate = true;
    step s = begin(arena, &whole, "eval", err);
    SCL_TRY(drawn(&s, true));
    SCL_TRY(forward(&s, prefix));
    scl_value *loss;
    SCL_TRY(mean(&s, &loss, s.o.loss));
    scl_output(loss, "eval.loss");
    if (classifies(&s)) {
        scl_value *right, *accuracy;
        SCL_TRY(SCL_APPLY(s.g, &right, err, "top1", SCL_IN("z", s.o.score), SCL_IN("label", s.o.class)));
        SCL_TRY(mean(&s, &accuracy, right));
        scl_output(accuracy, "eval.accuracy");
    }
    *out = s.g;
    return SCL_OK;
}

scl_status scl_step_losses(scl_graph **out, scl_arena *arena, const scl_step_spec *spec, const char *prefix, scl_err *err)
{
    step s = begin(arena, spec, "losses", err);
    s.o.held_out = true;                     /* projections are not those of training */
    SCL_TRY(given(&s));
    SCL_TRY(scl_objective_build(s.g, &spec->objective, &spec->net, prefix, &s.o, err));
    scl_output(s.o.loss, "loss");
    *out = s.g;
    return SCL_OK;
}
