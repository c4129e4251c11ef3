/* What must fit together in stages that evaluate and that plot. */
#include "config/check.h"

#include <string.h>

/* How many of its needs, of any kind if it is below 0, there are; *last is one of them. */
static int needs_of(const scl_checker *c, int kind, const scl_stage_config **last)
{
    int n = 0;
    for (int i = 0; i < c->stage->n_needs; i++) {
        const scl_stage_config *need = scl_config_stage(c->config, c->stage->needs[i]);
        if (kind >= 0 && (int)need->kind != kind)
            continue;
        *last = need;
        n++;
    }
    return n;
}

static void check_network_and_truth(const scl_checker *c, const char *key, const char *what, int level)
{
    scl_check_network(c, what);
    if (!scl_check_is_mixture(&c->stage->data))
        scl_check_fault(c, key, "%s needs a density that is known: data.points.distribution: mixture", what);
    if (!level && scl_check_has_point_mass(&c->stage->data))
        scl_check_fault(c, key, "%s needs a noise level: data.points.sigma is 0, which is no density", what);
    if (level > c->stage->noise.levels)
        scl_check_fault(c, key, "level %d of %d noise levels", level, c->stage->noise.levels);
}

/* The objective itself: check_train.c. */
static void check_loss(const scl_checker *c)
{
    const scl_stage_config *s = c->stage;
    scl_check_objective(c);
    if (s->model.net != SCL_NET_ANALYTIC)
        scl_check_network(c, "loss");
    if (s->model.net == SCL_NET_CLASSIFIER)
        scl_check_fault(c, "metrics", "loss is that of a score network; a classifier's is eval_loss of its train stage");
    if (s->data.transform.logit)
        scl_check_fault(c, "metrics", "loss compares pixels from 0 to 1, and data.transform.logit is on");
}

/* exp(-E) of an energy network in the plane. */
static void check_density(const scl_checker *c, const char *key, int level)
{
    check_network_and_truth(c, key, "density", level);
    if (scl_check_is_mixture(&c->stage->data) && c->stage->data.points.means.cols != 2)
        scl_check_fault(c, key, "a density is compared on a grid of the plane: data of two dimensions");
    if (c->stage->model.output != SCL_OUTPUT_ENERGY)
        scl_check_fault(c, key, "density is exp(-E) of a network that gives an energy: model.output: energy");
}

void scl_check_evaluate(const scl_checker *c)
{
    const scl_stage_config *stage = c->stage;
    const scl_evaluate_config *e = &stage->evaluate;
    const bool drawn = !strcmp(e->samples, "needs"), of_samples = e->metrics & ~(unsigned)SCL_METRICS_OF_NETWORK;
    const scl_stage_config *from = NULL;
    if (!e->metrics)
        scl_check_fault(c, "metrics", "names none; nothing would be evaluated");
    if (!drawn && strcmp(e->samples, "data") && !strchr(e->samples, '/') && !strstr(e->samples, ".npy"))
        scl_check_fault(c, "samples", "must be needs, data or the path of an .npy file, not '%s'", e->samples);
    if (of_samples && drawn && needs_of(c, SCL_STAGE_SAMPLE, &from) != 1)
        scl_check_fault(c, "needs", "must name one sample stage, whose samples are evaluated (or say which: samples)");
    else if (of_samples && drawn && !(from->sample.save & SCL_SAVE_NPY))
        scl_check_fault(c, "needs", "stage '%s' keeps no samples: its save lacks npy", from->name);
    if (e->metrics & SCL_METRIC_MODES && !scl_check_is_mixture(&stage->data))
        scl_check_fault(c, "metrics", "modes are those of a mixture: data.points.distribution: mixture");
    if (e->metrics & SCL_METRIC_FISHER)
        check_network_and_truth(c, e->fisher.level ? "fisher.level" : "metrics", "fisher", e->fisher.level);
    if (e->metrics & SCL_METRIC_LOSS)
        check_loss(c);
    if (e->metrics & SCL_METRIC_DENSITY)
        check_density(c, e->fisher.level ? "fisher.level" : "metrics", e->fisher.level);
    if (e->metrics & SCL_METRIC_NEIGHBOURS && stage->data.format == SCL_DATA_POINTS)
        scl_check_fault(c, "metrics", "neighbours are shown as pictures; points are none");
    scl_check_features(c);
    if (!stage->data.path && scl_data_in_files(&stage->data))
        scl_check_fault(c, "metrics", "samples are compared with data, and there is no data.path");
}

static void all_needs(const scl_checker *c, scl_stage_kind kind, const char *what)
{
    const scl_stage_config *last;
    if (!c->stage->n_needs || needs_of(c, (int)kind, &last) != c->stage->n_needs)
        scl_check_fault(c, "needs", "must name %s stages, and no others: a %s is drawn of them",
                        scl_config_choice("stage.kind", (int)kind), what);
}

/* It becomes part of a program of the plotting program: arithmetic alone. */
static void check_formula(const scl_checker *c)
{
    const char *known = "0123456789.eE+-*/() x", *formula = c->stage->plot.formula;
    if (formula && formula[strspn(formula, known)])
        scl_check_fault(c, "plot.formula", "must be made of numbers, x, + - * / ** and brackets");
}

static void check_curve(const scl_checker *c)
{
    const scl_plot_config *p = &c->stage->plot;
    const scl_stage_config *last;
    if (!c->stage->n_needs ||
        needs_of(c, SCL_STAGE_EVALUATE, &last) + needs_of(c, SCL_STAGE_LIKELIHOOD, &last) != c->stage->n_needs)
        scl_check_fault(c, "needs", "must name evaluate or likelihood stages, and no others: a curve is drawn of their values");
    if (!p->value)
        scl_check_fault(c, "plot.value", "missing; a curve is drawn of a value of evaluation.json, such as modes.0");
    const bool numbered = p->value && *p->value && p->value[strlen(p->value) - 1] == '*';
    if (!numbered && (p->x.cols != 1 || p->x.rows != c->stage->n_needs))
        scl_check_fault(c, "plot.x", "must be one number for each of the %d stages of needs", c->stage->n_needs);
}

/* Samples of annealed Langevin dynamics with their trajectories, as arrays: at the end of a level they are at its noise. */
static void check_trajectories(const scl_checker *c)
{
    const unsigned kept = SCL_SAVE_NPY | SCL_SAVE_TRAJECTORY;
    all_needs(c, SCL_STAGE_SAMPLE, "plot of levels");
    for (int i = 0; i < c->stage->n_needs; i++) {
        const scl_stage_config *from = scl_config_stage(c->config, c->stage->needs[i]);
        if (from->kind != SCL_STAGE_SAMPLE)
            continue;
        if (from->sample.sampler.method != SCL_SAMPLER_ANNEALED_LANGEVIN)
            scl_check_fault(c, "needs", "stage '%s' is no annealed Langevin dynamics, whose levels are drawn", from->name);
        if ((from->sample.save & kept) != kept)
            scl_check_fault(c, "needs", "stage '%s' keeps no trajectory as an array: its save lacks npy or trajectory", from->name);
    }
}

void scl_check_plot(const scl_checker *c)
{
    const scl_stage_config *stage = c->stage;
    check_formula(c);
    switch (stage->plot.type) {
    case SCL_PLOT_SCATTER: all_needs(c, SCL_STAGE_SAMPLE, "scatter"); break;
    case SCL_PLOT_LOSS: all_needs(c, SCL_STAGE_TRAIN, "loss"); break;
    case SCL_PLOT_CURVE: check_curve(c); break;
    case SCL_PLOT_LEVELS: check_trajectories(c); break;
    case SCL_PLOT_DENSITY: check_density(c, "plot.type", stage->plot.level); break;
    case SCL_PLOT_FIELD:
        check_network_and_truth(c, "plot.type", "field", stage->plot.level);
        if (scl_check_is_mixture(&stage->data) && stage->data.points.means.cols != 2)
            scl_check_fault(c, "plot.type", "a field is drawn of data of two dimensions");
        break;
    }
}
