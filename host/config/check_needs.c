/* The graph of stages: needs that exist, what a stage inherits from them, cycles, the order of execution. */
#include "config/check.h"

#include <string.h>

/* -1: no stage is called so. */
static int number_of(const scl_config *config, const char *name)
{
    for (int i = 0; i < config->n_stage; i++)
        if (!strcmp(config->stage[i].name, name))
            return i;
    return -1;
}

void scl_check_needs(const scl_checker *c)
{
    const scl_config *config = c->config;
    const char **names = SCL_NEW_ARRAY(c->faults->arena, const char *, config->n_stage + 1);
    for (int i = 0; i < config->n_stage; i++)
        names[i] = config->stage[i].name;
    for (int i = 0; i < c->stage->n_needs; i++) {
        const char *need = c->stage->needs[i];
        if (number_of(config, need) >= 0)
            continue;
        const char *near = scl_nearest(need, names, config->n_stage);
        scl_check_fault(c, "needs", "no stage is called '%s'%s%s%s", need, near ? "; did you mean '" : "",
                        near ? near : "", near ? "'?" : "");
    }
}

/* The train stages of scores (classifiers are named where they are used) among the needs of a stage, directly or
 * through others: each counts once. */
static int trainers(const scl_config *config, const scl_stage_config *stage, bool *seen, const scl_stage_config **last)
{
    int n = 0;
    for (int i = 0; i < stage->n_needs; i++) {
        const int at = number_of(config, stage->needs[i]);
        if (at < 0 || seen[at])    /* unknown, or a cycle: faults of their own */
            continue;
        seen[at] = true;
        const bool trains = config->stage[at].kind == SCL_STAGE_TRAIN;
        if (trains && config->stage[at].model.net == SCL_NET_CLASSIFIER)
            continue;
        if (trains)
            *last = &config->stage[at];
        n += trains ? 1 : trainers(config, &config->stage[at], seen, last);
    }
    return n;
}

static int trainers_of(const scl_checker *c, const scl_stage_config **last)
{
    return trainers(c->config, c->stage, SCL_NEW_ARRAY(c->faults->arena, bool, c->config->n_stage + 1), last);
}

/* Samples are of what was trained. */
void scl_check_inherit(const scl_checker *c)
{
    scl_stage_config *stage = c->stage;
    const scl_stage_config *train = NULL;
    if (trainers_of(c, &train) != 1)
        return;
    if (!stage->own_data)
        stage->data = train->data;
    if (!stage->own_model)
        stage->model = train->model;
    if (!stage->own_noise)
        stage->noise = train->noise;
}

void scl_check_network(const scl_checker *c, const char *what)
{
    const scl_stage_config *train = NULL;
    const int n = scl_checkpoint_is_file(c->stage->sample.checkpoint) ? 1 : trainers_of(c, &train);
    if (n == 0 && what)
        scl_check_fault(c, "needs", "names no train stage; %s needs one, or the path of a file as checkpoint", what);
    else if (n == 0)
        scl_check_fault(c, "needs", "names no train stage; give one, or the path of a file as checkpoint");
    else if (n > 1)
        scl_check_fault(c, "needs", "leads to %d train stages; the path of a file as checkpoint says whose network", n);
}

/* The last stage of the path needs path[first]. */
static void cycle_fault(scl_config *config, scl_faults *faults, const int *path, int first, int depth)
{
    const char *names = "";
    for (int d = first; d <= depth; d++)
        names = scl_arena_printf(faults->arena, "%s%s -> ", names, config->stage[path[d]].name);
    scl_check_fault(&(scl_checker){ config, &config->stage[path[depth]], faults }, "needs",
                    "the stages need each other in a cycle: %s%s", names, config->stage[path[first]].name);
}

/* Depth first; mark: 1 on the path, 2 done. */
static bool find_cycle(scl_config *config, scl_faults *faults, int i, int *mark, int *path, int depth)
{
    const scl_stage_config *stage = &config->stage[i];
    mark[i] = 1;
    path[depth] = i;
    for (int k = 0; k < stage->n_needs; k++) {
        const int need = number_of(config, stage->needs[k]);
        if (need < 0 || mark[need] == 2)
            continue;
        if (mark[need] == 0) {
            if (find_cycle(config, faults, need, mark, path, depth + 1))
                return true;
            continue;
        }
        int first = depth;
        while (path[first] != need)
            first--;
        cycle_fault(config, faults, path, first, depth);
        return true;
    }
    mark[i] = 2;
    return false;
}

bool scl_check_cycle(scl_config *config, scl_faults *faults)
{
    const int n = config->n_stage;
    int *mark = SCL_NEW_ARRAY(faults->arena, int, n + 1), *path = SCL_NEW_ARRAY(faults->arena, int, n + 1);
    for (int i = 0; i < n; i++)
        if (mark[i] == 0 && find_cycle(config, faults, i, mark, path, 0))
            return true;
    return false;
}

void scl_check_order(scl_config *config)
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
