/* What the config alone tells of a sampler, of its network and of what is known of its samples. */
#include "config/check.h"

#include <stdlib.h>
#include <string.h>

static void check_task(const scl_checker *c)
{
    const scl_sample_config *s = &c->stage->sample;
    const scl_condition_task task = s->condition.task;
    const bool flow = s->sampler.method == SCL_SAMPLER_PROBABILITY_FLOW;
    const bool known = task == SCL_CONDITION_INPAINT || task == SCL_CONDITION_COLORIZE;
    if (task == SCL_CONDITION_INTERPOLATE && flow)
        scl_check_fault(c, "condition.task",
                        "interpolate turns one sample's noise into another's, and probability_flow has none");
    if (known && flow && s->sampler.solver == SCL_SOLVER_RK45)
        scl_check_fault(c, "condition.task",
                        "the solver rk45 cannot keep pixels as they are known; take solver: euler or another method");
    if (task == SCL_CONDITION_INPAINT && !s->condition.mask)
        scl_check_fault(c, "condition.mask", "missing; inpaint needs a picture that says what is known");
    if (task == SCL_CONDITION_COLORIZE && scl_data_channels(&c->stage->data) == 1)
        scl_check_fault(c, "condition.task", "colorize needs pictures with colours; these have one channel");
    if (scl_sample_reads_data(s) && !c->stage->data.path)
        scl_check_fault(c, "condition.images",
                        "missing, and there is no data.path either; name the known pictures");
}

static void check_sampler(const scl_checker *c)
{
    const scl_sample_config *s = &c->stage->sample;
    const scl_reals *range = &s->sampler.range;
    if (s->sampler.method == SCL_SAMPLER_LANGEVIN && s->sampler.step_lr <= 0)
        scl_check_fault(c, "sampler.step_lr", "auto goes by several noise levels; langevin stays at one");
    check_task(c);
    scl_check_guidance(c);
    if (range->rows != 2 || range->cols != 1 || !(range->at[0] < range->at[1]))
        scl_check_fault(c, "sampler.range", "must be two numbers, the smaller one first");
}

/* latest, best or step-N of a train stage, or a file. */
static void check_checkpoint(const scl_checker *c)
{
    const char *which = c->stage->sample.checkpoint;
    char *end = NULL;
    const bool step = !strncmp(which, "step-", 5) && strtol(which + 5, &end, 10) > 0 && *end == 0;
    if (!scl_checkpoint_is_file(which) && strcmp(which, "latest") && strcmp(which, "best") && !step)
        scl_check_fault(c, "checkpoint", "must be latest, best, step-N or the path of a file, not '%s'", which);
    else
        scl_check_network(c, NULL);
}

void scl_check_sample(const scl_checker *c)
{
    check_sampler(c);
    scl_check_sampler_of_process(c);
    if (c->stage->model.net == SCL_NET_ANALYTIC)
        return;                  /* it has no weights that a checkpoint could hold */
    if (c->stage->model.net == SCL_NET_CLASSIFIER)
        scl_check_shared_fault(c, "model.net", "a classifier gives classes, no score to draw samples by");
    if (c->stage->noise.schedule == SCL_NOISE_NONE && c->stage->sample.sampler.denoise)
        scl_check_fault(c, "sampler.denoise", "x + sigma^2 s needs a noise level, and noise.schedule is none");
    check_checkpoint(c);
}
