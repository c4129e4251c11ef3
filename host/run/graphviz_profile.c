/* The nodes that a profile measured, with their times. */
#include <string.h>

#include "run/graphviz.h"
#include "run/profile_diff_parts.h"

typedef struct node {
    const json_t *row;
    double time;
} node;

static const json_t *find_stage(const json_t *profile, const char *name)
{
    size_t i;
    const json_t *stage;
    json_array_foreach(json_object_get(profile, "stages"), i, stage)
        if (!name || !strcmp(scl_diff_text(stage, "name"), name))
            return stage;
    return NULL;
}

static double median_of(const json_t *row)
{
    const json_t *m = json_object_get(json_object_get(row, "step_s"), "median");
    return json_is_number(m) ? json_number_value(m) : 0;
}

/* "PLAN/NODE", under which a node's kernels come together. */
static const char *name_of(const json_t *row, scl_arena *arena)
{
    return scl_arena_printf(arena, "%s/%d", scl_diff_text(row, "plan"),
                            (int)json_integer_value(json_object_get(row, "node")));
}

/* A node's kernels together; producer: "PLAN/VALUE" -> node. */
static int collect(const json_t *stage, node *list, json_t *producer, scl_arena *arena)
{
    json_t *index = json_object();
    int n = 0;
    size_t i, k;
    const json_t *row, *value;
    json_array_foreach(json_object_get(stage, "kernels"), i, row) {
        const char *name = name_of(row, arena);
        const json_t *at = json_object_get(index, name);
        const int to = at ? (int)json_integer_value(at) : n++;
        list[to].time = (at ? list[to].time : 0) + median_of(row);
        list[to].row = at ? list[to].row : row;
        if (!at)
            json_object_set_new(index, name, json_integer(to));
        json_array_foreach(json_object_get(row, "outputs"), k, value)
            json_object_set_new(producer,
                                scl_arena_printf(arena, "%s/%s", scl_diff_text(row, "plan"),
                                                 scl_diff_text(value, "name")),
                                json_integer(to));
    }
    json_decref(index);
    return n;
}

/* Reads of what another node of the plan wrote. */
static void connect(scl_drawn *g, const node *list, const json_t *producer, scl_arena *arena)
{
    size_t k;
    const json_t *value;
    for (int i = 0; i < g->n; i++)
        json_array_foreach(json_object_get(list[i].row, "inputs"), k, value) {
            const json_t *from = json_object_get(producer, scl_arena_printf(arena, "%s/%s", g->node[i].plan,
                                                                            scl_diff_text(value, "name")));
            if (!from)
                continue;
            g->edge[g->n_edge][0] = (int)json_integer_value(from);
            g->edge[g->n_edge++][1] = i;
        }
}

scl_status scl_profile_dot(const json_t *profile, const char *name, const char *block, const char **dot, scl_arena *arena,
                           scl_err *err)
{
    const json_t *stage = find_stage(profile, name), *row;
    if (!stage)
        return scl_fail(err, SCL_BAD_CONFIG, "the profile has no stage '%s'", name ? name : "");
    scl_arena scratch = { 0 };
    const json_t *kernels = json_object_get(stage, "kernels");
    node *list = SCL_NEW_ARRAY(&scratch, node, json_array_size(kernels) + 1);
    json_t *producer = json_object();
    size_t k, most = 0;
    json_array_foreach(kernels, k, row)
        most += json_array_size(json_object_get(row, "inputs"));
    scl_drawn g = { .n = collect(stage, list, producer, &scratch),
                    .edge = scl_arena_alloc(&scratch, sizeof *g.edge * (most + 1)), .timed = true };
    g.node = SCL_NEW_ARRAY(&scratch, scl_drawn_node, g.n + 1);
    for (int i = 0; i < g.n; i++) {
        row = list[i].row;
        g.node[i] = (scl_drawn_node){ scl_diff_text(row, "plan"), scl_diff_text(row, "scope"), scl_diff_text(row, "operator"),
                                      scl_diff_text(row, "key"), list[i].time };
    }
    connect(&g, list, producer, &scratch);
    const scl_status status = scl_blocks_dot(&g, block, dot, arena, err);
    json_decref(producer);
    scl_arena_free(&scratch);
    return status;
}
