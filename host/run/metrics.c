#include "run/metrics.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"

struct scl_metrics {
    scl_arena arena;
    FILE *json, *csv;
    const char *json_path, *csv_path;
    const char *const *column;
    int n;
};

/* Nine digits tell every float from its neighbours. */
static void number(char *text, size_t size, double value) { snprintf(text, size, "%.9g", value); }

static char *csv_row(const scl_metrics *m, long step, const double *values, scl_arena *arena)
{
    char *row = scl_arena_alloc(arena, (size_t)(m->n + 2) * 32);
    size_t used = (size_t)sprintf(row, "%ld", step);
    for (int i = 0; i < m->n; i++) {
        row[used++] = ',';
        if (isfinite(values[i]))
            number(row + used, 31, values[i]);
        used += strlen(row + used);
    }
    row[used] = '\n';
    return row;
}

static char *csv_head(const scl_metrics *m, scl_arena *arena)
{
    char *head = scl_arena_strdup(arena, "step");
    for (int i = 0; i < m->n; i++)
        head = scl_arena_printf(arena, "%s,%s", head, m->column[i]);
    return scl_arena_printf(arena, "%s\n", head);
}

/* The step of a line of metrics.jsonl and its values; -1 for a line that is not whole. */
static long parse_line(const scl_metrics *m, const char *line, size_t length, double *values)
{
    json_t *row = json_loadb(line, length, 0, NULL);
    const json_t *step = json_object_get(row, "step");
    const long at = json_is_integer(step) ? (long)json_integer_value(step) : -1;
    for (int i = 0; i < m->n; i++) {
        const json_t *v = json_object_get(row, m->column[i]);
        values[i] = json_is_number(v) ? json_number_value(v) : (double)NAN;
    }
    json_decref(row);
    return at;
}

/* Keeps the lines up to a step, of both files: the csv is made anew from the jsonl. */
static scl_status cut(scl_metrics *m, long upto, scl_err *err)
{
    char *text;
    size_t size;
    SCL_TRY(scl_file_read(m->json_path, &text, &size, err));
    scl_arena arena = { 0 };
    double *values = SCL_NEW_ARRAY(&arena, double, m->n + 1);
    scl_file_writer json = { .fd = -1 }, csv = { .fd = -1 };
    scl_status status = scl_file_create(&json, m->json_path, NULL, err);
    if (status == SCL_OK)
        status = scl_file_create(&csv, m->csv_path, NULL, err);
    const char *head = csv_head(m, &arena);
    if (status == SCL_OK)
        status = scl_file_append(&csv, head, strlen(head), err);
    for (const char *line = text, *end;
         status == SCL_OK && (end = memchr(line, '\n', (size_t)(text + size - line))); line = end + 1) {
        const long step = parse_line(m, line, (size_t)(end - line), values);
        if (step < 0 || step > upto)
            continue;
        const char *row = csv_row(m, step, values, &arena);
        status = scl_file_append(&json, line, (size_t)(end + 1 - line), err);
        if (status == SCL_OK)
            status = scl_file_append(&csv, row, strlen(row), err);
    }
    if (status == SCL_OK)
        status = scl_file_commit(&json, err);
    if (status == SCL_OK)
        status = scl_file_commit(&csv, err);
    scl_file_abandon(&json);
    scl_file_abandon(&csv);
    scl_arena_free(&arena);
    free(text);
    return status;
}

static scl_status put(FILE *file, const char *path, const char *text, scl_err *err)
{
    if (fputs(text, file) == EOF || fflush(file))
        return scl_fail(err, SCL_FAILED, "cannot write '%s': %s", path, strerror(errno));
    return SCL_OK;
}

static scl_status open_both(scl_metrics *m, long upto, scl_err *err)
{
    const bool more = upto >= 0 && scl_file_exists(m->json_path);
    if (more)
        SCL_TRY(cut(m, upto, err));
    m->json = fopen(m->json_path, more ? "ae" : "we");
    m->csv = fopen(m->csv_path, more ? "ae" : "we");
    if (!m->json || !m->csv)
        return scl_fail(err, SCL_FAILED, "cannot write '%s': %s", m->json ? m->csv_path : m->json_path,
                        strerror(errno));
    return more ? SCL_OK : put(m->csv, m->csv_path, csv_head(m, &m->arena), err);
}

scl_status scl_metrics_open(scl_metrics **out, const char *folder, const char *const *columns, int n,
                            long upto, scl_err *err)
{
    scl_arena arena = { 0 };
    scl_metrics *m = SCL_NEW(&arena, scl_metrics);
    m->json_path = scl_arena_printf(&arena, "%s/metrics.jsonl", folder);
    m->csv_path = scl_arena_printf(&arena, "%s/metrics.csv", folder);
    m->column = columns;
    m->n = n;
    m->arena = arena;
    *out = NULL;
    const scl_status status = open_both(m, upto, err);
    if (status == SCL_OK)
        *out = m;
    else
        scl_metrics_close(m);
    return status;
}

scl_status scl_metrics_row(scl_metrics *m, long step, const double *values, scl_err *err)
{
    scl_arena arena = { 0 };
    char text[32], *row = scl_arena_printf(&arena, "{\"step\": %ld", step);
    for (int i = 0; i < m->n; i++) {
        if (isnan(values[i]))
            continue;
        number(text, sizeof text, values[i]);
        row = scl_arena_printf(&arena, "%s, \"%s\": %s", row, m->column[i],
                               isfinite(values[i]) ? text : "null");
    }
    scl_status status = put(m->json, m->json_path, scl_arena_printf(&arena, "%s}\n", row), err);
    if (status == SCL_OK)
        status = put(m->csv, m->csv_path, csv_row(m, step, values, &arena), err);
    scl_arena_free(&arena);
    return status;
}

void scl_metrics_close(scl_metrics *m)
{
    if (!m)
        return;
    if (m->json)
        fclose(m->json);
    if (m->csv)
        fclose(m->csv);
    scl_arena arena = m->arena;
    scl_arena_free(&arena);
}
