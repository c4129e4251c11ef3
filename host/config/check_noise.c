/* What process, time and levels of the noise ask of their own keys, of the network and of a sampler. */
#include "config/check.h"

static const char *process_of(const scl_checker *c)
{
    return scl_config_choice("noise.process", (int)c->stage->noise.process);
}

static const char *net_of(const scl_checker *c) { return scl_config_choice("model.net", (int)c->stage->model.net); }

bool scl_check_has_labels(const scl_model_config *m)
{
    const bool always = m->net == SCL_NET_NCSN || m->net == SCL_NET_CLASSIFIER;
    if (m->net == SCL_NET_ANALYTIC)
        return false;
    return m->condition == SCL_CONDITION_LEVEL || (m->condition == SCL_CONDITION_AUTO && always);
}

static void check_exploding(const scl_checker *c)
{
    const scl_noise_config *n = &c->stage->noise;
    const scl_data_config *data = &c->stage->data;
    /* auto is measured on the data */
    if (n->sigma_begin <= 0 && !data->path && scl_data_in_files(data))
        scl_check_shared_fault(c, "noise.sigma_begin", "auto goes by the training images, and there is no data.path");
    if (n->levels != 1 && n->sigma_begin > 0 && n->sigma_begin < n->sigma_end)
        scl_check_shared_fault(c, "noise.sigma_begin",
                               "%g is smaller than sigma_end, %g; levels go from the largest to the smallest",
                               n->sigma_begin, n->sigma_end);
    else if (n->time == SCL_TIME_CONTINUOUS && n->sigma_begin > 0 && n->sigma_begin <= n->sigma_end)
        scl_check_shared_fault(c, "noise.time",
                               "continuous goes from sigma_end to sigma_begin, which must be the larger one");
}

static void check_preserving(const scl_checker *c)
{
    const scl_noise_config *n = &c->stage->noise;
    if (n->beta_begin > n->beta_end)
        scl_check_shared_fault(c, "noise.beta_begin", "%g is larger than beta_end, %g; the rate rises", n->beta_begin,
                               n->beta_end);
    if (n->levels <= 0)
        scl_check_shared_fault(c, "noise.levels", "auto is a rule for noise.process ve, not for %s", process_of(c));
    else if (n->time == SCL_TIME_TABLE && n->beta_end >= n->levels)
        scl_check_shared_fault(c, "noise.levels",
                               "beta_end / levels is the largest beta of the table and must be below 1: more than %g "
                               "levels, or time: continuous", n->beta_end);
    if (n->sigma_begin <= 0)
        scl_check_shared_fault(c, "noise.sigma_begin", "auto is a rule for noise.process ve, not for %s",
                               process_of(c));
}

void scl_check_noise(const scl_checker *c)
{
    const scl_noise_config *n = &c->stage->noise;
    const bool none = n->schedule == SCL_NOISE_NONE, continuous = n->time == SCL_TIME_CONTINUOUS;
    const bool exploding = n->process == SCL_PROCESS_VE;
    if (none && !exploding)
        scl_check_shared_fault(c, "noise.process", "%s adds noise, and noise.schedule is none", process_of(c));
    if (none && continuous)
        scl_check_shared_fault(c, "noise.time", "continuous is a time of the noise, and noise.schedule is none");
    if (continuous && scl_check_has_labels(&c->stage->model))
        scl_check_shared_fault(c, "noise.time",
                               "%s has weights of its own for each of %d levels, and there is no level between them; "
                               "ncsnv2, resscore, mlp with condition: time or none take any time, or time: table",
                               net_of(c), n->levels);
    if (exploding)
        check_exploding(c);
    else
        check_preserving(c);
    if (c->stage->kind == SCL_STAGE_TRAIN && c->stage->train.objective.weighting == SCL_WEIGHTING_LIKELIHOOD &&
        (none || (exploding && n->levels == 1 && !continuous)))
        scl_check_fault(c, "objective.weighting",
                        "likelihood weighs by g(t)^2, and noise at one level, or none, has no g");
}

void scl_check_sampler_of_process(const scl_checker *c)
{
    const scl_sample_config *s = &c->stage->sample;
    const scl_sampler_kind method = s->sampler.method;
    if (c->stage->noise.process == SCL_PROCESS_VE)
        return;
    if (method == SCL_SAMPLER_ANNEALED_LANGEVIN || method == SCL_SAMPLER_CONSISTENT)
        scl_check_fault(c, "sampler.method",
                        "%s goes along levels that differ in noise alone; under %s they differ in the scale of the "
                        "data too: ancestral, reverse_diffusion, predictor_corrector",
                        scl_config_choice("sampler.method", (int)method), process_of(c));
    const bool adapts = method == SCL_SAMPLER_PROBABILITY_FLOW && s->sampler.solver == SCL_SOLVER_RK45;
    if (adapts && scl_check_has_labels(&c->stage->model))
        scl_check_fault(c, "sampler.solver",
                        "rk45 asks for every time, and %s has weights of its own for each level; solver: euler",
                        net_of(c));
}
