/* What must fit together in stages that measure log-densities. */
#include "config/check.h"

/* Does the network's score depend on the level?  By an input, by a division by its sigma, or by what it predicts. */
static bool knows_the_level(const scl_model_config *m)
{
    if (m->net >= SCL_NET_NCSNV2 && m->net <= SCL_NET_NCSNV2_DEEPEST)
        return true;
    if (m->predict != SCL_PREDICT_SCORE || m->condition == SCL_CONDITION_LEVEL || m->condition == SCL_CONDITION_TIME)
        return true;
    return m->condition == SCL_CONDITION_AUTO && (m->net == SCL_NET_NCSN || m->net == SCL_NET_ANALYTIC);
}

static void check_score(const scl_checker *c)
{
    const scl_stage_config *s = c->stage;
    const scl_model_config *m = &s->model;
    if (m->net == SCL_NET_CLASSIFIER) {
        scl_check_shared_fault(c, "model.net", "a classifier gives classes, no score whose flow has a density");
        return;
    }
    if (m->net == SCL_NET_ANALYTIC && !scl_check_is_mixture(&s->data))
        scl_check_shared_fault(c, "model.net", "the true score is known of data.points.distribution: mixture alone");
    else if (m->net != SCL_NET_ANALYTIC)
        scl_check_network(c, NULL);
    if (s->noise.schedule != SCL_NOISE_NONE && !knows_the_level(m))
        scl_check_shared_fault(c, "model.condition",
                               "the flow needs the score at every noise level, and %s without the level has one for all; "
                               "level or time, or predict: epsilon", scl_config_choice("model.net", (int)m->net));
}

static void check_levels(const scl_checker *c)
{
    const scl_noise_config *n = &c->stage->noise;
    const bool exploding = n->process == SCL_PROCESS_VE;
    const char *one = "the flow goes from the smallest noise level to the largest, and there is one";
    if (n->schedule == SCL_NOISE_NONE)
        scl_check_shared_fault(c, "noise.schedule", "none has no noise for the flow to go through");
    else if (n->levels == 1)
        scl_check_shared_fault(c, "noise.levels", "%s", one);
    else if (exploding && n->sigma_begin > 0 && n->sigma_begin <= n->sigma_end)
        scl_check_shared_fault(c, "noise.sigma_begin", "%s", one);
    if (!exploding && scl_check_has_labels(&c->stage->model))
        scl_check_shared_fault(c, "noise.process",
                               "the flow asks for every time, and %s has weights of its own for each level; ve goes "
                               "between them, or another network",
                               scl_config_choice("model.net", (int)c->stage->model.net));
}

static void check_trace(const scl_checker *c)
{
    const scl_likelihood_config *l = &c->stage->likelihood;
    const long side = scl_data_size(&c->stage->data), D = side * side * scl_data_channels(&c->stage->data);
    const char *none = "an exact trace takes no random vectors; hutchinson does";
    if (l->trace != SCL_TRACE_EXACT)
        return;
    if (D > SCL_ISM_MOST)
        scl_check_fault(c, "likelihood.trace",
                        "exact takes a forward-mode pass for each of the %ld values of a sample; at most %d: hutchinson "
                        "estimates the same", D, SCL_ISM_MOST);
    if (l->probes > 1)
        scl_check_fault(c, "likelihood.probes", "%s", none);
    if (l->probe != SCL_PROBE_RADEMACHER)
        scl_check_fault(c, "likelihood.probe", "%s", none);
}

void scl_check_likelihood(const scl_checker *c)
{
    const scl_data_config *d = &c->stage->data;
    const bool bytes = d->format == SCL_DATA_IDX || d->format == SCL_DATA_IMAGES || d->format == SCL_DATA_CIFAR10;
    check_score(c);
    check_levels(c);
    check_trace(c);
    if (bytes && d->transform.dequantize != SCL_DEQUANTIZE_UNIFORM)
        scl_check_shared_fault(c, "data.transform.dequantize",
                               "bytes have a density with uniform noise between them alone; uniform");
    if (!d->path && scl_data_in_files(d))
        scl_check_shared_fault(c, "data.path", "missing; the likelihood is that of data");
    if (d->format == SCL_DATA_IMAGES && d->transform.size == 0)
        scl_check_shared_fault(c, "data.transform.size", "must be given for a folder of images");
}
