#include "run/profile_diff.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "run/profile_diff_parts.h"

/* A kernel has to take this share of its step for its own change to count against the limit: below, launches
 * are as long as the clock. */
static const double LEAST_SHARE = 0.001;

typedef struct time_of {
    bool there;
    double n, median, spread;
} time_of;

typedef struct row {
    const char *key, *kernel[2], *scope, *op;
    const json_t *at[2]; /* the profile's row; of several kernels the longest */
    time_of time[2];
    double change, uncertainty; /* seconds a step */
    const char *verdict;
    bool changed, slower_than_limit;
} row;

typedef struct rows {
    row *at;
    int n, cap;
    scl_arena *arena;
} rows;

scl_status scl_profile_read(const char *file, json_t **out, scl_err *err)
{
    char *text;
    size_t n;
    json_error_t fault;
    SCL_TRY(scl_file_read(file, &text, &n, err));
    *out = json_loadb(text, n, 0, &fault);
    free(text);
    if (!*out)
        return scl_fail_at(err, SCL_FAILED, file, fault.line > 0 ? fault.line : 0,
                           fault.column > 0 ? fault.column : 0, "%s", fault.text);
    const char *schema = json_string_value(json_object_get(*out, "schema"));
    const json_int_t version = json_integer_value(json_object_get(*out, "schema_version"));
    if (schema && !strcmp(schema, "scorecl-profile") && version == 1)
        return SCL_OK;
    json_decref(*out);
    *out = NULL;
    if (schema && !strcmp(schema, "scorecl-profile"))
        return scl_fail_at(err, SCL_FAILED, file, 0, 0,
                           "a profile of version %d; this program knows version 1", (int)version);
    return scl_fail_at(err, SCL_FAILED, file, 0, 0, "no profile.json of `scorecl profile`");
}

const char *scl_diff_text(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "";
}

static double number_of(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

static time_of time_from(const json_t *spread)
{
    const time_of t = {.there = json_is_object(spread),
                       .n = number_of(spread, "n"),
                       .median = number_of(spread, "median"),
                       .spread = number_of(spread, "q3") - number_of(spread, "q1")};
    return t.there && isfinite(t.median) && isfinite(t.spread) ? t : (time_of){0};
}

/* Change, uncertainty and verdict of a row whose times are there.  common: by what factor everything became slower; it counts
 * against the limit once, in the step. */
static void judge(row *r, double step, double limit, double common, bool same_clock)
{
    const time_of *a = &r->time[0], *b = &r->time[1];
    r->change = (b->there ? b->median : 0) - (a->there ? a->median : 0);
    r->uncertainty = hypot(a->spread, b->spread);
    const bool both = a->there && b->there;
    const bool enough =
        (!a->there || a->n >= SCL_DIFF_LEAST_STEPS) && (!b->there || b->n >= SCL_DIFF_LEAST_STEPS);
    r->changed = enough && (same_clock || !both) && fabs(r->change) > r->uncertainty;
    r->verdict = !a->there && !b->there ? "not measured"
                 : !a->there            ? "new"
                 : !b->there            ? "vanished"
                 : !same_clock          ? "other clocks"
                 : !enough              ? "too few steps"
                 : !r->changed          ? "within the noise"
                 : r->change > 0        ? "slower"
                                        : "faster";
    const bool weighs = fmax(a->median, b->median) >= LEAST_SHARE * step;
    const double own = b->median / common - a->median;
    r->slower_than_limit = limit >= 0 && both && r->changed && weighs && own - r->uncertainty > 0.01 * limit * a->median;
}

static row *add_row(rows *list)
{
    if (list->n == list->cap) {
        row *larger = SCL_NEW_ARRAY(list->arena, row, 2 * list->cap + 64);
        if (list->n)
            memcpy(larger, list->at, sizeof *larger * (size_t)list->n);
        list->at = larger;
        list->cap = 2 * list->cap + 64;
    }
    list->at[list->n] = (row){0};
    return &list->at[list->n++];
}

/* "PLAN/SCOPE/OPERATOR.K" of "PLAN/SCOPE/OPERATOR.K/KERNEL". */
static const char *node_of(const char *key, scl_arena *arena)
{
    const char *end = strrchr(key, '/');
    return scl_arena_printf(arena, "%.*s", (int)(end ? end - key : (long)strlen(key)), key);
}

static void put_side(row *r, int side, const json_t *kernel, scl_arena *arena)
{
    const time_of t = time_from(json_object_get(kernel, "step_s"));
    const char *name = scl_diff_text(kernel, "kernel");
    time_of *sum = &r->time[side];
    r->scope = scl_diff_text(kernel, "scope");
    r->op = scl_diff_text(kernel, "operator");
    if (!sum->there) {
        *sum = t;
        r->at[side] = kernel;
        r->kernel[side] = name;
        return;
    }
    /* Kernels of a node that stand for others together: what disturbs one may disturb all. */
    sum->median += t.median;
    sum->spread += t.spread;
    sum->n = fmin(sum->n, t.n);
    r->kernel[side] = scl_arena_printf(arena, "%s + %s", r->kernel[side], name);
}

/* key -> row number of the kernels of b that are still without a partner. */
static json_t *index_of(const json_t *kernels)
{
    json_t *index = json_object();
    size_t i;
    const json_t *kernel;
    json_array_foreach(kernels, i, kernel)
        json_object_set_new(index, scl_diff_text(kernel, "key"), json_integer((json_int_t)i));
    return index;
}

static void match(rows *list, const json_t *const kernels[2])
{
    json_t *index = index_of(kernels[1]), *left = json_object();
    size_t i;
    json_t *kernel;
    json_array_foreach(kernels[0], i, kernel)
    {
        const char *key = scl_diff_text(kernel, "key"), *node = node_of(key, list->arena);
        const json_t *other = json_object_get(index, key), *open = json_object_get(left, node);
        if (other) {
            row *r = add_row(list);
            r->key = key;
            put_side(r, 0, kernel, list->arena);
            put_side(r, 1, json_array_get(kernels[1], (size_t)json_integer_value(other)), list->arena);
            json_object_del(index, key);
            continue;
        }
        row *r = open ? &list->at[json_integer_value(open)] : add_row(list);
        r->key = open ? node : key;
        put_side(r, 0, kernel, list->arena);
        if (!open)
            json_object_set_new(left, node, json_integer(list->n - 1));
    }
    json_array_foreach(kernels[1], i, kernel)
    {
        const char *key = scl_diff_text(kernel, "key"), *node = node_of(key, list->arena);
        const json_t *open = json_object_get(left, node);
        if (!json_object_get(index, key))
            continue;
        row *r = open ? &list->at[json_integer_value(open)] : add_row(list);
        r->key = open ? node : key;
        put_side(r, 1, kernel, list->arena);
        if (!open)
            json_object_set_new(left, node, json_integer(list->n - 1));
    }
    json_decref(index);
    json_decref(left);
}

static int by_change(const void *x, const void *y)
{
    const row *a = x, *b = y;
    if (a->changed != b->changed)
        return a->changed ? -1 : 1;
    if (fabs(a->change) != fabs(b->change))
        return fabs(a->change) > fabs(b->change) ? -1 : 1;
    return strcmp(a->key, b->key);
}

static json_t *real(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *time_json(const time_of *t)
{
    if (!t->there)
        return json_null();
    return json_pack("{s:I, s:o, s:o}", "n", (json_int_t)t->n, "median", real(t->median), "iqr",
                     real(t->spread));
}

static json_t *implementation(const json_t *kernel)
{
    const char *name = scl_diff_text(kernel, "implementation"), *param;
    if (!kernel || !name[0])
        return json_null();
    scl_arena scratch = {0};
    const char *text = name;
    json_t *value;
    json_object_foreach(json_object_get(kernel, "tuning"), param, value) text =
        scl_arena_printf(&scratch, "%s %s=%" JSON_INTEGER_FORMAT, text, param, json_integer_value(value));
    json_t *out = json_string(text);
    scl_arena_free(&scratch);
    return out;
}

static json_t *row_json(const row *r)
{
    const double before = r->time[0].there ? r->time[0].median : (double)NAN;
    json_t *o = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "key", r->key, "verdict", r->verdict, "a",
                          time_json(&r->time[0]), "b", time_json(&r->time[1]), "change_s", real(r->change),
                          "uncertainty_s", real(r->uncertainty), "change",
                          r->time[1].there && before > 0 ? real(r->change / before) : json_null());
    if (!r->op)
        return o;
    json_object_set_new(o, "scope", json_string(r->scope));
    json_object_set_new(o, "operator", json_string(r->op));
    json_object_set_new(o, "kernel", json_pack("[s?, s?]", r->kernel[0], r->kernel[1]));
    json_object_set_new(o, "implementation",
                        json_pack("[o, o]", implementation(r->at[0]), implementation(r->at[1])));
    return o;
}

/* Weights of equal steps: the same bits, or not. */
static json_t *weights_json(const json_t *a, const json_t *b)
{
    const json_t *w[2] = {json_object_get(a, "weights"), json_object_get(b, "weights")};
    const json_int_t step[2] = {json_integer_value(json_object_get(w[0], "step")),
                                json_integer_value(json_object_get(w[1], "step"))};
    const char *sum[2] = {scl_diff_text(w[0], "sha256"), scl_diff_text(w[1], "sha256")};
    if (!sum[0][0] || !sum[1][0])
        return json_pack("{s:s, s:s}", "verdict", "unknown", "reason",
                         "a profile of this stage has no weights");
    if (step[0] != step[1])
        return json_pack("{s:s, s:s, s:[I,I]}", "verdict", "unknown", "reason",
                         "other numbers of steps: --steps makes them equal", "step", step[0], step[1]);
    return json_pack("{s:s, s:[I,I], s:[s,s]}", "verdict", strcmp(sum[0], sum[1]) ? "different" : "same",
                     "step", step[0], step[1], "sha256", sum[0], sum[1]);
}

static void note_failure(json_t *failed, const char *stage, const row *r)
{
    json_array_append_new(failed, json_pack("{s:s, s:s, s:o}", "stage", stage, "key", r->key, "change",
                                            real(r->change / r->time[0].median)));
}

/* Launches that the host timed one by one are longer than what a device's clock says of them. */
static const char *clock_of(const json_t *stage)
{
    return scl_diff_text(json_object_get(stage, "clock"), "source");
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The median of B / A over the kernels that weigh: what another clock rate, or another program on the machine, did to
 * all of them.  1 where they are too few to tell that from changes of their own. */
static double common_of(const rows *list, double step)
{
    enum { LEAST_KERNELS = 5 };
    double *ratio = SCL_NEW_ARRAY(list->arena, double, list->n + 1);
    int n = 0;
    for (int i = 0; i < list->n; i++) {
        const time_of *a = &list->at[i].time[0], *b = &list->at[i].time[1];
        if (a->there && b->there && a->median > 0 && a->median >= LEAST_SHARE * step)
            ratio[n++] = b->median / a->median;
    }
    qsort(ratio, (size_t)n, sizeof *ratio, by_value);
    return n < LEAST_KERNELS ? 1 : 0.5 * (ratio[(n - 1) / 2] + ratio[n / 2]);
}

static json_t *stage_json(const json_t *a, const json_t *b, double limit, json_t *failed, scl_arena *arena)
{
    const char *name = scl_diff_text(a, "name");
    const json_t *const kernels[2] = {json_object_get(a, "kernels"), json_object_get(b, "kernels")};
    rows list = {.arena = arena};
    row step = {.key = "step"};
    for (int i = 0; i < 2; i++)
        step.time[i] = time_from(json_object_get(json_object_get(i ? b : a, "wall"), "unprofiled_s"));
    judge(&step, 0, limit, 1, true);
    if (step.slower_than_limit)
        note_failure(failed, name, &step);
    match(&list, kernels);
    double sum[2] = {0, 0};
    for (int i = 0; i < list.n; i++)
        for (int k = 0; k < 2; k++)
            sum[k] += list.at[i].time[k].median;
    const bool same_clock = !strcmp(clock_of(a), clock_of(b));
    const double least = fmin(sum[0], sum[1]), common = common_of(&list, least);
    for (int i = 0; i < list.n; i++)
        judge(&list.at[i], least, limit, fmax(1, common), same_clock);
    qsort(list.at, (size_t)list.n, sizeof *list.at, by_change);
    json_t *out = json_array(), *counts = json_object();
    for (int i = 0; i < list.n; i++) {
        const row *r = &list.at[i];
        json_array_append_new(out, row_json(r));
        json_object_set_new(counts, r->verdict,
                            json_integer(json_integer_value(json_object_get(counts, r->verdict)) + 1));
        if (r->slower_than_limit)
            note_failure(failed, name, r);
    }
    return json_pack("{s:s, s:s, s:s, s:o, s:[o,o], s:o, s:o, s:o, s:o}", "name", name, "kind",
                     scl_diff_text(a, "kind"), "unit", scl_diff_text(a, "unit"), "step", row_json(&step),
                     "kernels_s", real(sum[0]), real(sum[1]), "common", real(common), "weights", weights_json(a, b), "counts", counts,
                     "kernels", out);
}

static const json_t *stage_named(const json_t *profile, const char *name)
{
    size_t i;
    const json_t *stage;
    json_array_foreach(json_object_get(profile, "stages"), i,
                       stage) if (!strcmp(scl_diff_text(stage, "name"), name)) return stage;
    return NULL;
}

static json_t *side_json(const json_t *p)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "version", scl_diff_text(p, "version"), "created",
                     scl_diff_text(p, "created"), "config",
                     scl_diff_text(json_object_get(p, "config"), "name"), "device",
                     scl_diff_text(json_object_get(p, "device"), "name"));
}

scl_status scl_profile_diff(const json_t *a, const json_t *b, double fail_over, json_t **out, scl_err *err)
{
    scl_arena arena = {0};
    json_t *stages = json_array(), *failed = json_array(), *left[2] = {json_array(), json_array()};
    size_t i;
    const json_t *stage;
    json_array_foreach(json_object_get(a, "stages"), i, stage)
    {
        const json_t *other = stage_named(b, scl_diff_text(stage, "name"));
        if (other)
            json_array_append_new(stages, stage_json(stage, other, fail_over, failed, &arena));
        else
            json_array_append_new(left[0], json_string(scl_diff_text(stage, "name")));
    }
    json_array_foreach(json_object_get(b, "stages"), i,
                       stage) if (!stage_named(a, scl_diff_text(stage, "name")))
        json_array_append_new(left[1], json_string(scl_diff_text(stage, "name")));
    const size_t compared = json_array_size(stages);
    *out = json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:[o,o], s:o, s:o}", "schema", "scorecl-profile-diff",
                     "schema_version", 1, "a", side_json(a), "b", side_json(b), "environment",
                     scl_diff_environment(a, b, &arena), "stages", stages, "left_out", left[0], left[1],
                     "fail_over", fail_over >= 0 ? real(fail_over) : json_null(), "failed", failed);
    scl_arena_free(&arena);
    if (*out && compared)
        return SCL_OK;
    const bool memory = !*out;
    json_decref(*out);
    *out = NULL;
    return memory ? scl_fail(err, SCL_FAILED, "not enough host memory for a comparison")
                  : scl_fail(err, SCL_FAILED, "the two profiles have no stage of the same name");
}
