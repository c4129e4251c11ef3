/* What the table cannot say: keys that must fit together, and the graph of stages. */
#include <stdlib.h>
#include <string.h>

#include "config/schema.h"

typedef struct checker {
    scl_config *config;
    scl_faults *faults;
} checker;

static scl_place at(const checker *c, const char *path)
{
    return scl_place_of(c->config, path);
}

static const char *set_in(const checker *c, const scl_stage_config *stage, const char *key)
{
    return scl_check_key(c->config, stage, key, c->faults);
}

static void fault(checker *c, const char *path, const char *message) { scl_check_fault(c->config, path, message, c->faults); }

/* Pixels of a side that become one inside the network. */
static int shrinks(scl_net_kind net)
{
    switch (net) {
    case SCL_NET_NCSN:
    case SCL_NET_NCSNV2: return 2;
    case SCL_NET_NCSNV2_DEEPER:
    case SCL_NET_RESSCORE:
    case SCL_NET_CLASSIFIER: return 4;
    case SCL_NET_NCSNV2_DEEPEST: return 8;
    case SCL_NET_MLP: case SCL_NET_ANALYTIC: break;
    }
    return 1;
}

/* Without noise there is one level. */
static void check_levels(checker *c, scl_stage_config *stage)
{
    const char *key = set_in(c, stage, "noise.levels");
    if (stage->noise.schedule != SCL_NOISE_NONE)
        return;
    if (stage->noise.levels != 1 && scl_check_is_set(c->config, key))
        fault(c, key, "noise.schedule is none, which is one level");
    stage->noise.levels = 1;
}

/* The number of values of a list is what the components need. */
static void check_points(checker *c, const scl_stage_config *stage)
{
    scl_arena *arena = c->faults->arena;
    const scl_points_config *p = &stage->data.points;
    const int components = p->means.rows;
    if (stage->data.format != SCL_DATA_POINTS || p->distribution != SCL_POINTS_MIXTURE)
        return;
    if (components > SCL_MOST_COMPONENTS)
        fault(c, set_in(c, stage, "data.points.means"),
              scl_arena_printf(arena, "%d components; at most %d", components, SCL_MOST_COMPONENTS));
    if (p->weights.cols != 1 || p->weights.rows != components)
        fault(c, set_in(c, stage, "data.points.weights"),
              scl_arena_printf(arena, "must be one number for each of the %d means", components));
    if (p->sigma.cols != 1 || (p->sigma.rows != 1 && p->sigma.rows != components))
        fault(c, set_in(c, stage, "data.points.sigma"),
              scl_arena_printf(arena, "must be one number, or one for each of the %d means", components));
}

static void check_network(checker *c, const scl_stage_config *stage)
{
    scl_arena *arena = c->faults->arena;
    const int size = stage->data.transform.size;
    const int shrink = shrinks(stage->model.net);
    const char *net = scl_config_choice("model.net", (int)stage->model.net);
    if (size % shrink)
        fault(c, set_in(c, stage, "data.transform.size"),
              shrink == 2 ? scl_arena_printf(arena, "%d is odd; the network %s halves its images and needs an even size of at least 8",
                                             size, net)
                          : scl_arena_printf(arena, "%d is no multiple of %d, by which the network %s shrinks its images", size,
                                             shrink, net));
    const bool divides = stage->model.net >= SCL_NET_NCSNV2 && stage->model.net <= SCL_NET_NCSNV2_DEEPEST;
    if (stage->model.condition == SCL_CONDITION_LEVEL && (divides || stage->model.net == SCL_NET_RESSCORE))
        fault(c, set_in(c, stage, "model.condition"),
              scl_arena_printf(arena, "the network %s takes no level%s", net, divides ? "; it divides its result by the level's sigma" : ""));
}

static void check_widths(checker *c, const scl_stage_config *stage)
{
    enum { MOST = 16 };       /* SCL_MAX_WIDTHS of model/net.h, which is above this room */
    const int n = stage->model.widths.n;
    if (n < 1 || n > MOST)
        fault(c, set_in(c, stage, "model.widths"),
              scl_arena_printf(c->faults->arena, "an mlp has 1 to %d hidden layers, not %d", MOST, n));
}

/* Values of a sample as far as the config tells; 0: only the data do. */
static long values_of(const scl_data_config *d)
{
    const bool cifar = d->format == SCL_DATA_CIFAR10, idx = d->format == SCL_DATA_IDX;
    const long side = d->transform.size ? d->transform.size : cifar ? 32 : idx ? 28 : 0;
    return side * side * (d->transform.channels ? d->transform.channels : cifar ? 3 : idx ? 1 : 0);
}

/* What a loss asks of noise, dimension and its own keys. */
static void check_objective(checker *c, const scl_stage_config *stage)
{
    enum { ISM_MOST = 64 };   /* SCL_ISM_MOST of score/objective.h, which is above this room */
    scl_arena *arena = c->faults->arena;
    const scl_train_config *t = &stage->train;
    const bool sliced = t->objective.loss == SCL_LOSS_SSM || t->objective.loss == SCL_LOSS_SSM_VR;
    const char *loss = scl_config_choice("objective.loss", (int)t->objective.loss);
    const char *key = scl_arena_printf(arena, "stages.%s.objective", stage->name);
    const long D = values_of(&stage->data);
    const bool classifies = stage->model.net == SCL_NET_CLASSIFIER;
    if (classifies && stage->model.output != SCL_OUTPUT_SCORE)
        fault(c, set_in(c, stage, "model.output"), "a classifier gives logits, not an energy");
    if (classifies != (t->objective.loss == SCL_LOSS_CROSS_ENTROPY))
        fault(c, scl_arena_printf(arena, "%s.loss", key),
              classifies ? scl_arena_printf(arena, "a classifier is trained by cross_entropy, not by %s", loss)
                         : "cross_entropy trains a classifier (model.net)");
    if (stage->noise.schedule == SCL_NOISE_NONE && t->objective.loss == SCL_LOSS_DSM)
        fault(c, scl_arena_printf(arena, "%s.loss", key), "dsm compares the score with the noise, and noise.schedule is none");
    if (t->objective.loss == SCL_LOSS_ISM && D > ISM_MOST)
        fault(c, scl_arena_printf(arena, "%s.loss", key),
              scl_arena_printf(arena, "ism takes the exact trace, a forward-mode pass for each of the %ld values of a sample: a step "
                               "would cost about %ld times a dsm step; at most %d: ssm_vr estimates the same", D, D + 1, ISM_MOST));
    const bool curved = sliced || t->objective.loss == SCL_LOSS_ISM;
    if (curved && stage->model.output == SCL_OUTPUT_ENERGY && stage->model.net != SCL_NET_MLP)
        fault(c, scl_arena_printf(arena, "%s.loss", key),
              scl_arena_printf(arena, "%s of an energy needs third derivatives, which %s's normalisations do not have; mlp, or dsm", loss,
                               scl_config_choice("model.net", (int)stage->model.net)));
    if (t->objective.loss == SCL_LOSS_ESM &&
        (stage->data.format != SCL_DATA_POINTS || stage->data.points.distribution != SCL_POINTS_MIXTURE))
        fault(c, scl_arena_printf(arena, "%s.loss", key), "esm needs the true score, known of data.points.distribution: mixture alone");
    const char *none = scl_arena_printf(arena, "%s takes no projections; ssm and ssm_vr do", loss);
    if (!sliced && t->objective.projections > 1)
        fault(c, scl_arena_printf(arena, "%s.projections", key), none);
    if (!sliced && t->objective.projection != SCL_PROJECTION_GAUSSIAN)
        fault(c, scl_arena_printf(arena, "%s.projection", key), none);
}

static void check_predict(checker *c, const scl_stage_config *stage)
{
    if (stage->model.output == SCL_OUTPUT_ENERGY && stage->model.predict != SCL_PREDICT_SCORE)
        fault(c, set_in(c, stage, "model.predict"),
              scl_arena_printf(c->faults->arena, "%s is no gradient of an energy, and model.output is energy",
                               scl_config_choice("model.predict", (int)stage->model.predict)));
    if (stage->noise.schedule == SCL_NOISE_NONE && stage->model.predict != SCL_PREDICT_SCORE)
        fault(c, set_in(c, stage, "model.predict"),
              scl_arena_printf(c->faults->arena, "%s is told from the noise level, and noise.schedule is none",
                               scl_config_choice("model.predict", (int)stage->model.predict)));
}

static void check_train(checker *c, const scl_stage_config *stage)
{
    scl_arena *arena = c->faults->arena;
    const scl_train_config *t = &stage->train;
    if (!stage->data.path && scl_data_in_files(&stage->data))
        fault(c, set_in(c, stage, "data.path"), "missing; a train stage needs images");
    if (stage->data.format == SCL_DATA_IMAGES && stage->data.transform.size == 0)
        fault(c, set_in(c, stage, "data.transform.size"), "must be given for a folder of images");
    if (stage->data.transform.logit && stage->data.transform.dequantize == SCL_DEQUANTIZE_NONE)
        fault(c, set_in(c, stage, "data.transform.logit"), "needs dequantize: uniform; the logit of 0 and 1 is infinite");
    check_objective(c, stage);
    if (stage->model.net == SCL_NET_ANALYTIC)
        fault(c, set_in(c, stage, "model.net"), "the analytic score has no weights to train");
    if (t->accumulate > t->batch)
        fault(c, scl_arena_printf(arena, "stages.%s.accumulate", stage->name),
              scl_arena_printf(arena, "%d micro-batches of a batch of %d", t->accumulate, t->batch));
}

static int number_of(const scl_config *config, const char *name)
{
    for (int i = 0; i < config->n_stage; i++)
        if (!strcmp(config->stage[i].name, name))
            return i;
    return -1;
}

/* The train stages among the needs of a stage, directly or through others: each counts once. */
static int trainers(const scl_config *config, const scl_stage_config *stage, bool *seen, const scl_stage_config **last)
{
    int n = 0;
    for (int i = 0; i < stage->n_needs; i++) {
        const int at = number_of(config, stage->needs[i]);
        if (at < 0 || seen[at])    /* unknown, or a cycle: faults of their own */
            continue;
        seen[at] = true;
        const bool trains = config->stage[at].kind == SCL_STAGE_TRAIN;
        if (trains)
            *last = &config->stage[at];
        n += trains ? 1 : trainers(config, &config->stage[at], seen, last);
    }
    return n;
}

/* Samples are of what was trained: where a sample stage says nothing of its own, the one train stage that it needs does. */
static void inherit(scl_config *config, scl_stage_config *stage)
{
    const scl_stage_config *train = NULL;
    bool *seen = SCL_NEW_ARRAY(&config->arena, bool, config->n_stage + 1);
    if (trainers(config, stage, seen, &train) != 1)
        return;
    if (!stage->own_data)
        stage->data = train->data;
    if (!stage->own_model)
        stage->model = train->model;
    if (!stage->own_noise)
        stage->noise = train->noise;
}

static void check_needs(checker *c, const scl_stage_config *stage)
{
    const scl_config *config = c->config;
    const char *path = scl_arena_printf(c->faults->arena, "stages.%s.needs", stage->name);
    const char **names = SCL_NEW_ARRAY(c->faults->arena, const char *, config->n_stage + 1);
    for (int i = 0; i < config->n_stage; i++)
        names[i] = config->stage[i].name;
    for (int i = 0; i < stage->n_needs; i++) {
        if (number_of(config, stage->needs[i]) >= 0)
            continue;
        const char *near = scl_nearest(stage->needs[i], names, config->n_stage);
        scl_fault(c->faults, at(c, path), path, "no stage is called '%s'%s%s%s", stage->needs[i],
                  near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
}

/* Depth first; mark: 1 on the path, 2 done. */
static bool find_cycle(checker *c, int i, int *mark, int *path, int depth)
{
    const scl_config *config = c->config;
    const scl_stage_config *stage = &config->stage[i];
    mark[i] = 1;
    path[depth] = i;
    for (int k = 0; k < stage->n_needs; k++) {
        const int need = number_of(config, stage->needs[k]);
        if (need < 0 || mark[need] == 2)
            continue;
        if (mark[need] == 0) {
            if (find_cycle(c, need, mark, path, depth + 1))
                return true;
            continue;
        }
        int first = depth;
        while (path[first] != need)
            first--;
        const char *names = "";
        for (int d = first; d <= depth; d++)
            names = scl_arena_printf(c->faults->arena, "%s%s -> ", names, config->stage[path[d]].name);
        const char *key = scl_arena_printf(c->faults->arena, "stages.%s.needs", stage->name);
        scl_fault(c->faults, at(c, key), key, "the stages need each other in a cycle: %s%s", names, config->stage[need].name);
        return true;
    }
    mark[i] = 2;
    return false;
}

static bool has_cycle(checker *c)
{
    const int n = c->config->n_stage;
    int *mark = SCL_NEW_ARRAY(c->faults->arena, int, n + 1), *path = SCL_NEW_ARRAY(c->faults->arena, int, n + 1);
    for (int i = 0; i < n; i++)
        if (mark[i] == 0 && find_cycle(c, i, mark, path, 0))
            return true;
    return false;
}

/* Needs first, else the order of the file. */
static void set_order(scl_config *config)
{
    bool *done = SCL_NEW_ARRAY(&config->arena, bool, config->n_stage + 1);
    config->order = SCL_NEW_ARRAY(&config->arena, int, config->n_stage + 1);
    for (int n = 0; n < config->n_stage;) {
        for (int i = 0; i < config->n_stage; i++) {
            bool ready = !done[i];
            for (int k = 0; ready && k < config->stage[i].n_needs; k++)
                ready = done[number_of(config, config->stage[i].needs[k])];
            if (!ready)
                continue;
            done[i] = true;
            config->order[n++] = i;
            break;
        }
    }
}

static bool needs_training(const scl_config *config, const scl_stage_config *stage)
{
    for (int i = 0; i < stage->n_needs; i++) {
        const scl_stage_config *need = &config->stage[number_of(config, stage->needs[i])];
        if (need->kind == SCL_STAGE_TRAIN || needs_training(config, need))
            return true;
    }
    return false;
}

/* What the config alone tells of a sampler and of what is known of its samples. */
static void check_sampler(checker *c, const scl_stage_config *stage)
{
    scl_arena *arena = c->faults->arena;
    const scl_sample_config *s = &stage->sample;
    const scl_sampler_kind method = s->sampler.method;
    const int channels = stage->data.transform.channels;
    const char *task = scl_arena_printf(arena, "stages.%s.condition.task", stage->name);
    const bool flow = method == SCL_SAMPLER_PROBABILITY_FLOW, known = s->condition.task == SCL_CONDITION_INPAINT ||
                                                                      s->condition.task == SCL_CONDITION_COLORIZE;
    if (method == SCL_SAMPLER_LANGEVIN && s->sampler.step_lr <= 0)
        fault(c, scl_arena_printf(arena, "stages.%s.sampler.step_lr", stage->name), "auto goes by several noise levels; langevin stays at one");
    if (s->condition.task == SCL_CONDITION_INTERPOLATE && flow)
        fault(c, task, "interpolate turns one sample's noise into another's, and probability_flow has none");
    if (known && flow && s->sampler.solver == SCL_SOLVER_RK45)
        fault(c, task, "the solver rk45 cannot keep pixels as they are known; take solver: euler or another method");
    if (s->condition.task == SCL_CONDITION_INPAINT && !s->condition.mask)
        fault(c, scl_arena_printf(arena, "stages.%s.condition.mask", stage->name), "missing; inpaint needs a picture that says what is known");
    if (s->condition.task == SCL_CONDITION_COLORIZE && (channels == 1 || (!channels && stage->data.format == SCL_DATA_IDX)))
        fault(c, task, "colorize needs pictures with colours; these have one channel");
    if (scl_sample_reads_data(s) && !stage->data.path)
        fault(c, scl_arena_printf(arena, "stages.%s.condition.images", stage->name), "missing, and there is no data.path either; name the known pictures");
}

static void check_sample(checker *c, const scl_stage_config *stage)
{
    check_sampler(c, stage);
    if (stage->sample.sampler.range.rows != 2 || stage->sample.sampler.range.cols != 1 ||
        !(stage->sample.sampler.range.at[0] < stage->sample.sampler.range.at[1]))
        fault(c, scl_arena_printf(c->faults->arena, "stages.%s.sampler.range", stage->name), "must be two numbers, the smaller one first");
    if (stage->model.net == SCL_NET_ANALYTIC)
        return;                  /* it has no weights that a checkpoint could hold */
    const char *which = stage->sample.checkpoint;
    const char *path = scl_arena_printf(c->faults->arena, "stages.%s.checkpoint", stage->name);
    char *end = NULL;
    const bool step = !strncmp(which, "step-", 5) && strtol(which + 5, &end, 10) > 0 && *end == 0;
    if (stage->model.net == SCL_NET_CLASSIFIER)
        fault(c, set_in(c, stage, "model.net"), "a classifier gives classes, no score to draw samples by");
    if (stage->noise.schedule == SCL_NOISE_NONE && stage->sample.sampler.denoise)
        fault(c, scl_arena_printf(c->faults->arena, "stages.%s.sampler.denoise", stage->name),
              "x + sigma^2 s needs a noise level, and noise.schedule is none");
    if (strchr(which, '/') || strstr(which, ".safetensors"))
        return;
    if (strcmp(which, "latest") && strcmp(which, "best") && !step)
        fault(c, path, scl_arena_printf(c->faults->arena, "must be latest, best, step-N or the path of a file, not '%s'", which));
    else if (!needs_training(c->config, stage))
        fault(c, scl_arena_printf(c->faults->arena, "stages.%s.needs", stage->name),
              "names no train stage; give one, or the path of a file as checkpoint");
}

void scl_config_check(scl_config *config, scl_faults *faults)
{
    checker c = { config, faults };
    const int before = faults->errors->n;
    if (config->noise.schedule == SCL_NOISE_NONE)
        config->noise.levels = 1;
    for (int i = 0; i < config->n_stage; i++) {
        scl_stage_config *stage = &config->stage[i];
        if (stage->kind == SCL_STAGE_LIKELIHOOD || !stage->kind_is_known)
            continue;            /* its kind was a fault */
        check_needs(&c, stage);
        if (stage->kind != SCL_STAGE_TRAIN)
            inherit(config, stage);
        check_levels(&c, stage);
        check_points(&c, stage);
        if (stage->kind == SCL_STAGE_TRAIN || stage->kind == SCL_STAGE_SAMPLE) {
            check_network(&c, stage);
            check_predict(&c, stage);
            check_widths(&c, stage);
            scl_check_noise(config, stage, faults);
        }
        if (stage->kind == SCL_STAGE_TRAIN)
            check_train(&c, stage);
    }
    if (has_cycle(&c) || before != faults->errors->n)
        return;
    set_order(config);
    for (int i = 0; i < config->n_stage; i++) {
        const scl_stage_config *stage = &config->stage[i];
        if (stage->kind == SCL_STAGE_SAMPLE)
            check_sample(&c, stage), scl_check_process_sampler(config, stage, faults);
        else if (stage->kind == SCL_STAGE_EVALUATE) {
            if (stage->evaluate.metrics & SCL_METRIC_LOSS)
                check_objective(&c, stage);
            scl_check_evaluate(config, stage, faults);
        }
        else if (stage->kind == SCL_STAGE_PLOT)
            scl_check_plot(config, stage, faults);
    }
}
