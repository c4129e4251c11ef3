/* What the noise asks of network, objective and sampler: process, time, levels. */
#include <string.h>

#include "config/schema.h"

bool scl_check_is_set(const scl_config *config, const char *path)
{
    for (int i = 0; i < config->places->n; i++)
        if (!strcmp(config->places->at[i].path, path))
            return true;
    return false;
}

const char *scl_check_key(const scl_config *config, const scl_stage_config *stage, const char *key, scl_faults *faults)
{
    const char *own = scl_arena_printf(faults->arena, "stages.%s.%s", stage->name, key);
    return scl_check_is_set(config, own) ? own : key;
}

void scl_check_fault(const scl_config *config, const char *path, const char *message, scl_faults *faults)
{
    const scl_place place = scl_place_of(config, path);
    const char *line = scl_arena_printf(faults->arena, "%s:%d:%d: %s: %s", place.file, place.line, place.col, path, message);
    for (int i = 0; i < faults->errors->n; i++)
        if (!strcmp(faults->errors->line[i], line))
            return;
    scl_fault(faults, place, path, "%s", message);
}

typedef struct checker {
    const scl_config *config;
    const scl_stage_config *stage;
    scl_faults *faults;
} checker;

/* A key of one of the sections that stages share. */
static void fault(const checker *c, const char *key, const char *message)
{
    scl_check_fault(c->config, scl_check_key(c->config, c->stage, key, c->faults), message, c->faults);
}

/* Does the network have weights of its own for each level? */
static bool has_labels(const scl_model_config *m)
{
    const bool always = m->net == SCL_NET_NCSN || m->net == SCL_NET_CLASSIFIER;
    return m->net != SCL_NET_ANALYTIC && (m->condition == SCL_CONDITION_LEVEL || (m->condition == SCL_CONDITION_AUTO && always));
}

static void check_exploding(const checker *c)
{
    const scl_noise_config *n = &c->stage->noise;
    if (n->sigma_begin <= 0 && !c->stage->data.path && scl_data_in_files(&c->stage->data))
        fault(c, "noise.sigma_begin", "auto goes by the training images, and there is no data.path");
    if (n->levels != 1 && n->sigma_begin > 0 && n->sigma_begin < n->sigma_end)
        fault(c, "noise.sigma_begin", scl_arena_printf(c->faults->arena, "%g is smaller than sigma_end, %g; levels go from the largest to "
                                                       "the smallest", n->sigma_begin, n->sigma_end));
    if (n->time == SCL_TIME_CONTINUOUS && n->sigma_begin > 0 && n->sigma_begin <= n->sigma_end)
        fault(c, "noise.time", "continuous goes from sigma_end to sigma_begin, which must be the larger one");
}

static void check_preserving(const checker *c, const char *process)
{
    const scl_noise_config *n = &c->stage->noise;
    scl_arena *arena = c->faults->arena;
    if (n->beta_begin > n->beta_end)
        fault(c, "noise.beta_begin", scl_arena_printf(arena, "%g is larger than beta_end, %g; the rate rises", n->beta_begin, n->beta_end));
    if (n->levels <= 0)
        fault(c, "noise.levels", scl_arena_printf(arena, "auto is a rule for noise.process ve, not for %s", process));
    else if (n->time == SCL_TIME_TABLE && n->beta_end >= n->levels)
        fault(c, "noise.levels", scl_arena_printf(arena, "beta_end / levels is the largest beta of the table and must be below 1: more than %g "
                                                  "levels, or time: continuous", n->beta_end));
    if (n->sigma_begin <= 0)
        fault(c, "noise.sigma_begin", scl_arena_printf(arena, "auto is a rule for noise.process ve, not for %s", process));
}

void scl_check_noise(const scl_config *config, const scl_stage_config *stage, scl_faults *faults)
{
    const checker c = { config, stage, faults };
    const scl_noise_config *n = &stage->noise;
    const char *net = scl_config_choice("model.net", (int)stage->model.net), *process = scl_config_choice("noise.process", (int)n->process);
    const bool none = n->schedule == SCL_NOISE_NONE, continuous = n->time == SCL_TIME_CONTINUOUS;
    if (none && n->process != SCL_PROCESS_VE)
        fault(&c, "noise.process", scl_arena_printf(faults->arena, "%s adds noise, and noise.schedule is none", process));
    if (none && continuous)
        fault(&c, "noise.time", "continuous is a time of the noise, and noise.schedule is none");
    if (stage->model.condition == SCL_CONDITION_TIME && stage->model.net != SCL_NET_MLP)
        fault(&c, "model.condition", scl_arena_printf(faults->arena, "the network %s does not take the time as an input; mlp does", net));
    if (continuous && has_labels(&stage->model))
        fault(&c, "noise.time", scl_arena_printf(faults->arena, "%s has weights of its own for each of %d levels, and there is no level between "
                                                 "them; ncsnv2, resscore, mlp with condition: time or none take any time, or time: table",
                                                 net, n->levels));
    if (n->process == SCL_PROCESS_VE)
        check_exploding(&c);
    else
        check_preserving(&c, process);
    if (stage->kind == SCL_STAGE_TRAIN && stage->train.objective.weighting == SCL_WEIGHTING_LIKELIHOOD &&
        (none || (n->process == SCL_PROCESS_VE && n->levels == 1 && !continuous)))
        scl_check_fault(config, scl_arena_printf(faults->arena, "stages.%s.objective.weighting", stage->name),
                        "likelihood weighs by g(t)^2, and noise at one level, or none, has no g", faults);
}

void scl_check_process_sampler(const scl_config *config, const scl_stage_config *stage, scl_faults *faults)
{
    const char *method = scl_config_choice("sampler.method", (int)stage->sample.sampler.method);
    const char *process = scl_config_choice("noise.process", (int)stage->noise.process);
    const scl_sampler_kind m = stage->sample.sampler.method;
    if (stage->noise.process == SCL_PROCESS_VE)
        return;
    if (m == SCL_SAMPLER_ANNEALED_LANGEVIN || m == SCL_SAMPLER_CONSISTENT)
        scl_check_fault(config, scl_arena_printf(faults->arena, "stages.%s.sampler.method", stage->name),
                        scl_arena_printf(faults->arena, "%s goes along levels that differ in noise alone; under %s they differ in the scale of "
                                         "the data too: ancestral, reverse_diffusion, predictor_corrector", method, process), faults);
    if (m == SCL_SAMPLER_PROBABILITY_FLOW && stage->sample.sampler.solver == SCL_SOLVER_RK45 && has_labels(&stage->model))
        scl_check_fault(config, scl_arena_printf(faults->arena, "stages.%s.sampler.solver", stage->name),
                        scl_arena_printf(faults->arena, "rk45 asks for every time, and %s has weights of its own for each level; solver: euler",
                                         scl_config_choice("model.net", (int)stage->model.net)), faults);
}
