/* The nodes that a profile measured, coloured by their times. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
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

scl_status scl_profile_dot(const json_t *profile, const char *name, const char **dot, scl_arena *arena,
                           scl_err *err)
{
    const json_t *stage = find_stage(profile, name), *value;
    if (!stage)
        return scl_fail(err, SCL_BAD_CONFIG, "the profile has no stage '%s'", name ? name : "");
    node *list =
        SCL_NEW_ARRAY(arena, node, json_array_size(json_object_get(stage, "kernels")) + 1);
    json_t *producer = json_object();
    const int n = collect(stage, list, producer, arena);
    double longest = 0, sum = 0;
    for (int i = 0; i < n; i++) {
        longest = fmax(longest, list[i].time);
        sum += list[i].time;
    }
    char *text = NULL;
    size_t size, k;
    FILE *f = open_memstream(&text, &size);
    if (!f) {
        json_decref(producer);
        return scl_fail(err, SCL_FAILED, "not enough host memory for a picture");
    }
    fputs("digraph profile {\n  node [shape=box, style=filled, fontname=\"sans-serif\"];\n", f);
    for (int i = 0; i < n; i++) {
        const double share = longest > 0 ? list[i].time / longest : 0;
        const char *scope = scl_diff_text(list[i].row, "scope"), *plan = scl_diff_text(list[i].row, "plan");
        fprintf(f, "  n%d [label=\"%s\\n%s\\n%.3f ms, %.1f %%\", fillcolor=\"%.3f %.3f 1.000\", tooltip=\"%s\"];\n", i,
                scope, scl_diff_text(list[i].row, "operator"), 1e3 * list[i].time,
                sum > 0 ? 100 * list[i].time / sum : 0, 0.14 * (1 - share), 0.05 + 0.75 * share,
                scl_diff_text(list[i].row, "key"));
        json_array_foreach(json_object_get(list[i].row, "inputs"), k, value) {
            const json_t *from =
                json_object_get(producer, scl_arena_printf(arena, "%s/%s", plan, scl_diff_text(value, "name")));
            if (from && json_integer_value(from) != i)
                fprintf(f, "  n%d -> n%d;\n", (int)json_integer_value(from), i);
        }
    }
    fputs("}\n", f);
    json_decref(producer);
    fclose(f);
    *dot = scl_arena_strdup(arena, text);
    free(text);
    return SCL_OK;
}
