#include "score/sampling.h"

#include "graph/arith.h"
#include "graph/autodiff.h"

/* One graph in the making. */
typedef struct update {
    scl_graph *g;
    const scl_step_spec *spec;
    scl_sampling how;
    scl_err *err;
    scl_value *state, *x, *coef;           /* sample.x; what the update starts from */
    scl_level level;
    scl_value *score, *z;
    scl_value *step, *noise;               /* one number each, at these places of the value */
    int step_at, noise_at;
    scl_value *known, *mask, *known_z, *grey;
} update;

static scl_status get(update *u, scl_value **out, scl_role role, const char *name)
{
    const scl_net_config *c = &u->spec->net;
    return scl_value_get(u->g, out, role, name, SCL_F32, SCL_DIMS(u->spec->n, c->height, c->width, c->channels), u->err);
}

static scl_status normal(update *u, scl_value **out, scl_value *counters, int stream, int sub, int repeat)
{
    const scl_net_config *c = &u->spec->net;
    return SCL_APPLY(u->g, out, u->err, "random_normal", SCL_IN("counters", counters), SCL_INT("N", u->spec->n),
                     SCL_INT("H", c->height), SCL_INT("W", c->width), SCL_INT("C", c->channels), SCL_INT("stream", stream),
                     SCL_INT("sub", sub), SCL_INT("repeat", repeat));
}

/* Between two samples lie those whose noise turns from one's to the other's; its variance stays 1. */
static scl_status interpolated(update *u)
{
    scl_value *a, *b, *cosine, *sine, *counters = scl_counters(u->g);
    SCL_TRY(normal(u, &a, counters, SCL_STREAM_LANGEVIN, 0, u->how.columns));
    SCL_TRY(normal(u, &b, counters, SCL_STREAM_LANGEVIN, 1, u->how.columns));
    SCL_TRY(scl_value_get(u->g, &cosine, SCL_INPUT, "sample.cos", SCL_F32, SCL_DIMS(u->spec->n), u->err));
    SCL_TRY(scl_value_get(u->g, &sine, SCL_INPUT, "sample.sin", SCL_F32, SCL_DIMS(u->spec->n), u->err));
    return SCL_POINTWISE(u->g, &u->z, u->err, "fma(sine, b, rounded(cosine * a))", SCL_IN("a", a), SCL_IN("b", b),
                         SCL_IN("cosine", cosine), SCL_IN("sine", sine));
}

static bool scales(const update *u) { return u->spec->objective.sde.process != SCL_PROCESS_VE; }

static scl_status noise(update *u)
{
    if (u->spec->given)
        return get(u, &u->z, SCL_INPUT, "given.z");
    return u->how.columns > 0 ? interpolated(u) : normal(u, &u->z, scl_counters(u->g), SCL_STREAM_LANGEVIN, 0, 1);
}

static scl_status known_values(update *u)
{
    const int C = u->spec->net.channels;
    scl_value *counters;
    SCL_TRY(get(u, &u->known, SCL_INPUT, "sample.known"));
    SCL_TRY(get(u, &u->mask, SCL_INPUT, "sample.mask"));
    if (u->how.grey)
        SCL_TRY(scl_value_get(u->g, &u->grey, SCL_INPUT, "sample.grey", SCL_F32, SCL_DIMS(1, 1, C, C), u->err));
    if (u->spec->given)
        return get(u, &u->known_z, SCL_INPUT, "given.known_z");
    SCL_TRY(scl_value_get(u->g, &counters, SCL_INPUT, "sample.known_counters", SCL_U32, SCL_DIMS(SCL_COUNTERS), u->err));
    return normal(u, &u->known_z, counters, SCL_STREAM_KNOWN, 0, 1);
}

/* What x has to be where the mask is set: the known picture with noise of a level.  Of a grey one only the mean colour is known:
 * x + P (noisy - x), P the mean over a pixel's channels; the part of x across (1, ..., 1) stays (Song et al. 2021, appendix I.2:
 * the first axis of an orthonormal basis of colours). */
static scl_status target(update *u, scl_value **out, scl_value *x, int level, int alpha)
{
    scl_value *noisy, *off, *mean, *known = u->known;
    if (scales(u))
        SCL_TRY(SCL_POINTWISE(u->g, &known, u->err, "alpha * x", SCL_IN("x", known),
                              SCL_SCALAR("alpha", u->coef, alpha)));
    SCL_TRY(SCL_POINTWISE(u->g, &noisy, u->err, "fma(level, z, known)", SCL_IN("known", known),
                          SCL_IN("z", u->known_z),
                          SCL_SCALAR("level", u->coef, level)));
    *out = noisy;
    if (!u->how.grey)
        return SCL_OK;
    SCL_TRY(SCL_POINTWISE(u->g, &off, u->err, "noisy - x", SCL_IN("noisy", noisy), SCL_IN("x", x)));
    SCL_TRY(SCL_APPLY(u->g, &mean, u->err, "conv2d", SCL_IN("x", off), SCL_IN("w", u->grey), SCL_TEXT("algorithm", "direct")));
    return SCL_POINTWISE(u->g, out, u->err, "x + mean", SCL_IN("x", x), SCL_IN("mean", mean));
}

/* x where the update starts. */
static scl_status impose_before(update *u)
{
    scl_value *t;
    SCL_TRY(target(u, &t, u->state, SCL_SAMPLE_BEFORE, SCL_SAMPLE_ALPHA_BEFORE));
    return SCL_POINTWISE(u->g, &u->x, u->err, "positive(mask, known, x)", SCL_IN("mask", u->mask), SCL_IN("known", t),
                         SCL_IN("x", u->state));
}

/* The update, imposed once more if it is to be, into the state. */
static scl_status move_known(update *u, scl_value **after)
{
    scl_value *moved, *t, *mask, *x = u->x;
    if (scales(u))
        SCL_TRY(SCL_POINTWISE(u->g, &x, u->err, "scale * x", SCL_IN("x", x),
                              SCL_SCALAR("scale", u->coef, SCL_SAMPLE_SCALE)));
    SCL_TRY(SCL_POINTWISE(u->g, &moved, u->err, "fma(noise, z, fma(step, s, x))", SCL_IN("x", x),
                          SCL_IN("s", u->score),
                          SCL_IN("z", u->z), SCL_SCALAR("step", u->step, u->step_at), SCL_SCALAR("noise", u->noise, u->noise_at)));
    SCL_TRY(target(u, &t, moved, SCL_SAMPLE_AFTER, SCL_SAMPLE_ALPHA_AFTER));
    SCL_TRY(SCL_POINTWISE(u->g, &mask, u->err, "mask * again", SCL_IN("mask", u->mask), SCL_SCALAR("again", u->coef, SCL_SAMPLE_AGAIN)));
    return SCL_APPLY(u->g, after, u->err, "impose", SCL_IN("x", u->state), SCL_IN("moved", moved), SCL_IN("known", t),
                     SCL_IN("mask", mask));
}

static scl_status move(update *u, scl_value **after)
{
    const scl_arg args[] = { SCL_IN("x", u->x), SCL_IN("s", u->score), SCL_IN("z", u->z),
                             SCL_SCALAR("step", u->step, u->step_at),
                             SCL_SCALAR("noise", u->noise, u->noise_at), SCL_SCALAR("scale", u->coef, SCL_SAMPLE_SCALE) };
    return scl_apply(u->g, after, u->err, scales(u) ? "diffusion_step" : "langevin_step", args, scales(u) ? 6 : 5);
}

static scl_status norm_sum(update *u, scl_value **out, scl_value *v)
{
    scl_value *squares, *norm;
    SCL_TRY(SCL_APPLY(u->g, &squares, u->err, "flat_sumsq", SCL_IN("x", v)));
    SCL_TRY(SCL_POINTWISE(u->g, &norm, u->err, "sqrt(q)", SCL_IN("q", squares)));
    return scl_sum_over_batch(u->g, out, norm, u->err);
}

/* Step and noise: those of the update, or of a corrector, eps = 2 (snr mean|z| / mean|s|)^2 and sqrt(2 eps); the means are over
 * the samples of the run (Song et al. 2021, algorithm 4). */
static scl_status coefficients(update *u)
{
    scl_value *s, *z, *eps;
    u->step = u->noise = u->coef;
    u->step_at = SCL_SAMPLE_STEP;
    u->noise_at = SCL_SAMPLE_NOISE;
    if (!u->how.corrector)
        return SCL_OK;
    SCL_TRY(norm_sum(u, &s, u->score));
    SCL_TRY(norm_sum(u, &z, u->z));
    SCL_TRY(SCL_POINTWISE(u->g, &eps, u->err, "2 * (snr * div(z, s)) * (snr * div(z, s))", SCL_IN("s", s), SCL_IN("z", z),
                          SCL_SCALAR("snr", u->coef, SCL_SAMPLE_SNR)));
    SCL_TRY(SCL_POINTWISE(u->g, &u->step, u->err, "positive(snr, eps, step)", SCL_IN("eps", eps),
                          SCL_SCALAR("snr", u->coef, SCL_SAMPLE_SNR), SCL_SCALAR("step", u->coef, SCL_SAMPLE_STEP)));
    SCL_TRY(SCL_POINTWISE(u->g, &u->noise, u->err, "positive(snr, sqrt(2 * eps), noise)", SCL_IN("eps", eps),
                          SCL_SCALAR("snr", u->coef, SCL_SAMPLE_SNR), SCL_SCALAR("noise", u->coef, SCL_SAMPLE_NOISE)));
    u->step_at = u->noise_at = 0;
    return SCL_OK;
}

/* s + scale * grad_x log p(class | x): the gradient of -cross_entropy, every sample's cotangent being -scale. */
static scl_status guide(update *u)
{
    scl_value *logits, *class, *scale, *loss, *seed, *slope;
    SCL_TRY(scl_net_build(u->g, u->spec->guide, SCL_GUIDE_PREFIX, u->x, &u->level, &logits, u->err));
    SCL_TRY(scl_value_get(u->g, &class, SCL_INPUT, "sample.class", SCL_I32, SCL_DIMS(u->spec->n), u->err));
    SCL_TRY(scl_value_get(u->g, &scale, SCL_INPUT, "sample.scale", SCL_F32, SCL_DIMS(1), u->err));
    SCL_TRY(SCL_APPLY(u->g, &loss, u->err, "cross_entropy", SCL_IN("z", logits), SCL_IN("label", class)));
    SCL_TRY(SCL_POINTWISE(u->g, &seed, u->err, "-scale", SCL_IN("shape", loss), SCL_SCALAR("scale", scale, 0)));
    SCL_TRY(scl_vjp(u->g, loss, seed, &u->x, 1, &slope, u->err));
    return SCL_POINTWISE(u->g, &u->score, u->err, "s + slope", SCL_IN("s", u->score), SCL_IN("slope", slope));
}

/* The score that the update follows. */
static scl_status score(update *u, const char *prefix)
{
    SCL_TRY(scl_score_build(u->g, &u->spec->net, &u->spec->objective, prefix, u->x, &u->level, &u->score, u->err));
    return u->spec->guide ? guide(u) : SCL_OK;
}

static update begin(scl_arena *arena, const scl_step_spec *spec, const char *name, scl_err *err)
{
    update u = { .g = scl_graph_new(arena, name), .spec = spec, .err = err };
    u.g->global_batch = spec->n;
    return u;
}

scl_status scl_step_sample(scl_graph **out, scl_arena *arena, const scl_step_spec *spec, const scl_sampling *sampling,
                           const char *prefix, scl_err *err)
{
    update u = begin(arena, spec, "sample", err);
    scl_value *after, *sumsq;
    if (sampling)
        u.how = *sampling;
    SCL_TRY(get(&u, &u.state, SCL_STATE, "sample.x"));
    SCL_TRY(scl_value_get(u.g, &u.level.label, SCL_INPUT, "sample.label", SCL_I32, SCL_DIMS(spec->n), err));
    SCL_TRY(scl_value_get(u.g, &u.coef, SCL_INPUT, "sample.coef", SCL_F32, SCL_DIMS(SCL_SAMPLE_COEFS), err));
    u.x = u.state;
    if (u.how.known) {
        SCL_TRY(known_values(&u));
        SCL_TRY(impose_before(&u));
    }
    SCL_TRY(score(&u, prefix));
    SCL_TRY(noise(&u));
    SCL_TRY(coefficients(&u));
    SCL_TRY(u.how.known ? move_known(&u, &after) : move(&u, &after));
    SCL_TRY(SCL_APPLY(u.g, &sumsq, err, "flat_sumsq", SCL_IN("x", after)));
    scl_output(sumsq, "sample.sumsq");
    *out = u.g;
    return SCL_OK;
}

/* A graph of sample.x and sample.label as inputs. */
static scl_status begin_at(update *u, scl_arena *arena, const scl_step_spec *spec, const char *name, scl_err *err)
{
    *u = begin(arena, spec, name, err);
    SCL_TRY(get(u, &u->x, SCL_INPUT, "sample.x"));
    return scl_value_get(u->g, &u->level.label, SCL_INPUT, "sample.label", SCL_I32, SCL_DIMS(spec->n), err);
}

scl_status scl_step_score(scl_graph **out, scl_arena *arena, const scl_step_spec *spec, const char *prefix, scl_err *err)
{
    update u;
    SCL_TRY(begin_at(&u, arena, spec, "score", err));
    SCL_TRY(score(&u, prefix));
    scl_output(u.score, "sample.score");
    *out = u.g;
    return SCL_OK;
}

scl_status scl_step_energy(scl_graph **out, scl_arena *arena, const scl_step_spec *spec, const char *prefix, scl_err *err)
{
    update u;
    scl_value *energy;
    SCL_TRY(begin_at(&u, arena, spec, "energy", err));
    SCL_TRY(scl_energy_build(u.g, &spec->net, prefix, u.x, &u.level, &energy, err));
    scl_output(energy, "sample.energy");
    *out = u.g;
    return SCL_OK;
}
