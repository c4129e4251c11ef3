/* What must fit together in stages that evaluate and that plot. */
#include <string.h>

#include "config/schema.h"

typedef struct checker {
    const scl_config *config;
    const scl_stage_config *stage;
    scl_faults *faults;
} checker;

static void fault(const checker *c, const char *key, const char *message)
{
    const char *path = scl_arena_printf(c->faults->arena, "stages.%s.%s", c->stage->name, key);
    scl_fault(c->faults, scl_place_of(c->config, path), path, "%s", message);
}

/* How many of its needs, of any kind if it is below 0, there are; *last is one of them. */
static int needs_of(const checker *c, int kind, const scl_stage_config **last)
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

/* A train stage among the needs, directly or through others, or the path of a file. */
static bool has_network(const scl_config *config, const scl_stage_config *stage)
{
    if (strchr(stage->sample.checkpoint, '/') || strstr(stage->sample.checkpoint, ".safetensors"))
        return true;
    for (int i = 0; i < stage->n_needs; i++) {
        const scl_stage_config *need = scl_config_stage(config, stage->needs[i]);
        if (need->kind == SCL_STAGE_TRAIN || has_network(config, need))
            return true;
    }
    return false;
}

static bool is_mixture(const scl_data_config *d)
{
    return d->format == SCL_DATA_POINTS && d->points.distribution == SCL_POINTS_MIXTURE;
}

static void check_network_and_truth(const checker *c, const char *key, const char *what, int level)
{
    scl_arena *arena = c->faults->arena;
    if (!has_network(c->config, c->stage))
        fault(c, "needs", scl_arena_printf(arena, "names no train stage; %s needs one, or the path of a file as checkpoint", what));
    if (!is_mixture(&c->stage->data))
        fault(c, key, scl_arena_printf(arena, "%s needs a density that is known: data.points.distribution: mixture", what));
    if (level > c->stage->noise.levels)
        fault(c, key, scl_arena_printf(arena, "level %d of %d noise levels", level, c->stage->noise.levels));
}

/* The objective itself: check.c. */
static void check_loss(const checker *c)
{
    const scl_stage_config *s = c->stage;
    if (s->model.net != SCL_NET_ANALYTIC && !has_network(c->config, s))
        fault(c, "needs", "names no train stage; loss needs one, or the path of a file as checkpoint, or the analytic network");
    if (s->model.net == SCL_NET_CLASSIFIER)
        fault(c, "metrics", "loss is that of a score network; a classifier's is eval_loss of its train stage");
    if (s->data.transform.logit)
        fault(c, "metrics", "loss compares pixels from 0 to 1, and data.transform.logit is on");
}

void scl_check_evaluate(const scl_config *config, const scl_stage_config *stage, scl_faults *faults)
{
    const checker c = { config, stage, faults };
    const scl_evaluate_config *e = &stage->evaluate;
    const bool drawn = !strcmp(e->samples, "needs"), of_samples = e->metrics & ~(unsigned)SCL_METRICS_OF_NETWORK;
    const scl_stage_config *from = NULL;
    if (!e->metrics)
        fault(&c, "metrics", "names none; nothing would be evaluated");
    if (!drawn && strcmp(e->samples, "data") && !strchr(e->samples, '/') && !strstr(e->samples, ".npy"))
        fault(&c, "samples", scl_arena_printf(faults->arena, "must be needs, data or the path of an .npy file, not '%s'", e->samples));
    if (of_samples && drawn && needs_of(&c, SCL_STAGE_SAMPLE, &from) != 1)
        fault(&c, "needs", "must name one sample stage, whose samples are evaluated (or say which: samples)");
    else if (of_samples && drawn && !(from->sample.save & SCL_SAVE_NPY))
        fault(&c, "needs", scl_arena_printf(faults->arena, "stage '%s' keeps no samples: its save lacks npy", from->name));
    if (e->metrics & SCL_METRIC_MODES && !is_mixture(&stage->data))
        fault(&c, "metrics", "modes are those of a mixture: data.points.distribution: mixture");
    if (e->metrics & SCL_METRIC_FISHER)
        check_network_and_truth(&c, e->fisher.level ? "fisher.level" : "metrics", "fisher", e->fisher.level);
    if (e->metrics & SCL_METRIC_LOSS)
        check_loss(&c);
    if (e->metrics & SCL_METRIC_NEIGHBOURS && stage->data.format == SCL_DATA_POINTS)
        fault(&c, "metrics", "neighbours are shown as pictures; points are none");
    if (!stage->data.path && scl_data_in_files(&stage->data))
        fault(&c, "metrics", "samples are compared with data, and there is no data.path");
}

static void all_needs(const checker *c, scl_stage_kind kind, const char *what)
{
    const scl_stage_config *last;
    if (!c->stage->n_needs || needs_of(c, (int)kind, &last) != c->stage->n_needs)
        fault(c, "needs", scl_arena_printf(c->faults->arena, "must name %s stages, and no others: a %s is drawn of them",
                                           scl_config_choice("stage.kind", (int)kind), what));
}

static void check_curve(const checker *c)
{
    const scl_plot_config *p = &c->stage->plot;
    all_needs(c, SCL_STAGE_EVALUATE, "curve");
    if (!p->value)
        fault(c, "plot.value", "missing; a curve is drawn of a value of evaluation.json, such as modes.0");
    const bool numbered = p->value && *p->value && p->value[strlen(p->value) - 1] == '*';
    if (!numbered && (p->x.cols != 1 || p->x.rows != c->stage->n_needs))
        fault(c, "plot.x", scl_arena_printf(c->faults->arena, "must be one number for each of the %d stages of needs",
                                            c->stage->n_needs));
    /* It becomes part of a program of the plotting program: arithmetic alone. */
    const char *known = "0123456789.eE+-*/() x";
    if (p->formula && p->formula[strspn(p->formula, known)])
        fault(c, "plot.formula", "must be made of numbers, x, + - * / ** and brackets");
}

void scl_check_plot(const scl_config *config, const scl_stage_config *stage, scl_faults *faults)
{
    const checker c = { config, stage, faults };
    switch (stage->plot.type) {
    case SCL_PLOT_SCATTER: all_needs(&c, SCL_STAGE_SAMPLE, "scatter"); break;
    case SCL_PLOT_LOSS: all_needs(&c, SCL_STAGE_TRAIN, "loss"); break;
    case SCL_PLOT_CURVE: check_curve(&c); break;
    case SCL_PLOT_FIELD:
        check_network_and_truth(&c, "plot.type", "field", stage->plot.level);
        if (is_mixture(&stage->data) && stage->data.points.means.cols != 2)
            fault(&c, "plot.type", "a field is drawn of data of two dimensions");
        break;
    }
}
