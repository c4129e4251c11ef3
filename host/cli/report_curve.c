/* metrics.jsonl as curves that a page can hold. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"

typedef struct column {
    const char *name;
    size_t count, room;
    long bad;
    double *step, *value;
} column;

typedef struct table {
    scl_arena arena;
    column *item;
    int n, room;
    long rows;
    bool full;                  /* memory ended: what was read until then is shown */
} table;

static column *column_of(table *t, const char *name)
{
    for (int i = 0; i < t->n; i++)
        if (!strcmp(t->item[i].name, name))
            return &t->item[i];
    if (t->n == t->room) {
        column *more = realloc(t->item, sizeof *more * (size_t)(t->room + 16));
        if (!more)
            return NULL;
        t->item = more;
        t->room += 16;
    }
    t->item[t->n] = (column){ .name = scl_arena_strdup(&t->arena, name) };
    return &t->item[t->n++];
}

static bool add(column *c, double step, double value)
{
    if (c->count == c->room) {
        const size_t room = c->room ? 2 * c->room : 256;
        double *s = realloc(c->step, sizeof *s * room);
        c->step = s ? s : c->step;
        double *v = s ? realloc(c->value, sizeof *v * room) : NULL;
        c->value = v ? v : c->value;
        if (!v)
            return false;
        c->room = room;
    }
    c->step[c->count] = step;
    c->value[c->count++] = value;
    return true;
}

static void add_row(table *t, const json_t *row)
{
    const json_t *at = json_object_get(row, "step"), *value;
    const char *name;
    if (!json_is_number(at))
        return;
    t->rows++;
    json_object_foreach((json_t *)row, name, value)
    {
        if (!strcmp(name, "step") || !(json_is_number(value) || json_is_null(value)))
            continue;
        column *c = column_of(t, name);
        if (c && json_is_null(value))
            c->bad++;
        t->full |= !c || (json_is_number(value) && !add(c, json_number_value(at), json_number_value(value)));
    }
}

static void put(json_t *to[2], double step, double value)
{
    json_array_append_new(to[0], step == floor(step) ? json_integer((json_int_t)step) : json_real(step));
    json_array_append_new(to[1], json_real(value));
}

/* Rows first ... end - 1 as one bucket. */
static void bucket(const column *c, size_t first, size_t end, json_t *points[2], json_t *means[2])
{
    size_t low = first, high = first;
    double sum = 0, steps = 0;
    for (size_t i = first; i < end; i++) {
        low = c->value[i] < c->value[low] ? i : low;
        high = c->value[i] > c->value[high] ? i : high;
        sum += c->value[i];
        steps += c->step[i];
    }
    const size_t one = low < high ? low : high, other = low < high ? high : low;
    put(points, c->step[one], c->value[one]);
    if (other != one)
        put(points, c->step[other], c->value[other]);
    if (means)
        put(means, steps / (double)(end - first), sum / (double)(end - first));
}

static json_t *curve(const column *c, int buckets)
{
    json_t *points[2] = { json_array(), json_array() }, *means[2] = { json_array(), json_array() };
    const size_t most = (size_t)buckets;
    const bool all = c->count <= 2 * most;
    for (size_t i = 0; i < c->count && all; i++)
        put(points, c->step[i], c->value[i]);
    for (size_t b = 0; b < most && !all; b++)
        bucket(c, c->count * b / most, c->count * (b + 1) / most, points, means);
    json_t *o = json_pack("{s:I, s:I, s:[o,o]}", "count", (json_int_t)c->count, "bad", (json_int_t)c->bad, "points", points[0],
                          points[1]);
    if (all) {
        json_decref(means[0]);
        json_decref(means[1]);
    } else {
        json_object_set_new(o, "means", json_pack("[o,o]", means[0], means[1]));
    }
    return o;
}

json_t *report_curves(const char *path, int buckets)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return NULL;
    table t = { 0 };
    char *line = NULL;
    size_t room = 0;
    /* The last line of a run that is under way may be a half. */
    for (ssize_t n; !t.full && (n = getline(&line, &room, f)) > 0;) {
        json_t *row = line[n - 1] == '\n' ? json_loadb(line, (size_t)n, 0, NULL) : NULL;
        add_row(&t, row);
        json_decref(row);
    }
    fclose(f);
    free(line);
    json_t *columns = json_object();
    for (int i = 0; i < t.n; i++) {
        json_object_set_new(columns, t.item[i].name, curve(&t.item[i], buckets));
        free(t.item[i].step);
        free(t.item[i].value);
    }
    json_t *out = json_pack("{s:I, s:o}", "rows", (json_int_t)t.rows, "columns", columns);
    free(t.item);
    scl_arena_free(&t.arena);
    return out;
}
