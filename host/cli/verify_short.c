/* The config of scorecl verify --config, made short. */
#include <string.h>

#include "cli/verify.h"
#include "run/run.h"

/* What is checked is bits, not samples: few steps at each of the noise levels pass through every kernel that many do. */
enum { SAMPLES = 4, STEPS_PER_LEVEL = 2, LANGEVIN_STEPS = 20, POINTS = 64 };
static const double tolerance = 1e-2;

typedef struct shortening {
    scl_arena *arena;
    cli_overrides *overrides;
    int steps;
} shortening;

static void shorten(shortening *c, const char *stage, const char *key, const char *value)
{
    const char *path = scl_arena_printf(c->arena, "stages.%s.%s", stage, key);
    for (int i = 0; i < c->overrides->n; i++)
        if (!strcmp(c->overrides->at[i].key, path))
            return;      /* asked for in another way */
    if (c->overrides->n < CLI_MOST)
        c->overrides->at[c->overrides->n++] = (scl_override){ path, value };
}

static void shorten_samples(shortening *c, const scl_stage_config *s)
{
    const scl_sample_config *m = &s->sample;
    const bool free_count = m->condition.task == SCL_CONDITION_NOTHING && !scl_stage_classifier(s);
    shorten(c, s->name, "save", "[npy]");
    if (free_count && m->count > SAMPLES)
        shorten(c, s->name, "count", scl_arena_printf(c->arena, "%d", SAMPLES));
    if (m->sampler.method == SCL_SAMPLER_ANNEALED_LANGEVIN && m->sampler.steps_per_level > STEPS_PER_LEVEL)
        shorten(c, s->name, "sampler.steps_per_level", scl_arena_printf(c->arena, "%d", STEPS_PER_LEVEL));
    if (m->sampler.method == SCL_SAMPLER_LANGEVIN && m->sampler.steps > LANGEVIN_STEPS)
        shorten(c, s->name, "sampler.steps", scl_arena_printf(c->arena, "%d", LANGEVIN_STEPS));
}

static void shorten_training(shortening *c, const scl_stage_config *s)
{
    shorten(c, s->name, "steps", scl_arena_printf(c->arena, "%d", c->steps));
    shorten(c, s->name, "eval.every", "never");
    shorten(c, s->name, "checkpoint.every", "end");
}

static void shorten_likelihood(shortening *c, const scl_stage_config *s)
{
    const scl_likelihood_config *l = &s->likelihood;
    if (!l->count || l->count > SAMPLES)
        shorten(c, s->name, "likelihood.count", scl_arena_printf(c->arena, "%d", SAMPLES));
    if (l->rtol < tolerance)
        shorten(c, s->name, "likelihood.rtol", scl_arena_printf(c->arena, "%g", tolerance));
    if (l->atol < tolerance)
        shorten(c, s->name, "likelihood.atol", scl_arena_printf(c->arena, "%g", tolerance));
}

/* The metrics that are computed by kernels; the others need more samples than are left. */
static void shorten_evaluation(shortening *c, const scl_stage_config *s)
{
    const scl_evaluate_config *e = &s->evaluate;
    const unsigned what = e->metrics;
    const char *list = scl_arena_printf(c->arena, "%s%s%s%s", what & SCL_METRIC_FISHER ? ", fisher" : "",
                                        what & SCL_METRIC_LOSS ? ", loss" : "", what & SCL_METRIC_DENSITY ? ", density" : "",
                                        scl_evaluate_classifies(e) ? ", classes" : "");
    shorten(c, s->name, "metrics", scl_arena_printf(c->arena, "[%s]", list + 2));
    if (!e->images || e->images > POINTS)
        shorten(c, s->name, "images", scl_arena_printf(c->arena, "%d", POINTS));
    if (what & SCL_METRIC_FISHER && e->fisher.points > POINTS)
        shorten(c, s->name, "fisher.points", scl_arena_printf(c->arena, "%d", POINTS));
}

static void shorten_stage(shortening *c, const scl_stage_config *s)
{
    switch (s->kind) {
    case SCL_STAGE_TRAIN: shorten_training(c, s); break;
    case SCL_STAGE_SAMPLE: shorten_samples(c, s); break;
    case SCL_STAGE_LIKELIHOOD: shorten_likelihood(c, s); break;
    case SCL_STAGE_EVALUATE: shorten_evaluation(c, s); break;
    case SCL_STAGE_PLOT: break;
    }
}

/* Reads it twice: the names of its stages have to be known first. */
scl_status verify_short_config(const verify_options *o, cli_overrides *overrides, scl_arena *arena, json_t *left,
                               scl_config **out, scl_err *err)
{
    shortening c = { .arena = arena, .overrides = overrides, .steps = o->steps };
    scl_config *whole;
    bool compares = false;
    SCL_TRY(cli_read_config(o->config, overrides, &whole, err));
    for (int i = 0; i < whole->n_stage; i++) {
        const scl_stage_config *s = &whole->stage[i];
        const bool compared = scl_stage_uses_device(s);
        compares |= compared;
        if (compared)
            shorten_stage(&c, s);
        else
            json_array_append_new(left, json_pack("{s:s, s:s}", "stage", s->name, "kind",
                                                  scl_config_choice("stage.kind", (int)s->kind)));
    }
    const bool clblast = whole->conv == SCL_CONV_CLBLAST;
    scl_config_free(whole);
    if (clblast)
        return scl_fail(err, SCL_BAD_CONFIG, "conv: clblast promises no bits; -o conv=auto compares the rest of this config");
    if (!compares)
        return scl_fail(err, SCL_BAD_CONFIG, "%s has no stage that launches kernels", o->config);
    SCL_TRY(cli_read_config(o->config, overrides, out, err));
    (*out)->log.samples_every = 0;
    return SCL_OK;
}
