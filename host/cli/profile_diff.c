/* scorecl profile diff: two profiles side by side (docs/profile.md). */
#include "run/profile_diff.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/profile.h"

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "";
}

static double value_of(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

static void print_times(const json_t *row)
{
    const double times[] = {value_of(json_object_get(row, "a"), "median"),
                            value_of(json_object_get(row, "b"), "median")};
    const double change = value_of(row, "change");
    for (int i = 0; i < 2; i++)
        isfinite(times[i]) ? printf(" %10.4f", 1e3 * times[i]) : printf(" %10s", "-");
    printf(" %+10.4f %9.4f", 1e3 * value_of(row, "change_s"), 1e3 * value_of(row, "uncertainty_s"));
    isfinite(change) ? printf(" %+8.1f%%", 100 * change) : printf(" %9s", "-");
    printf("  %-16s", text_of(row, "verdict"));
}

/* "a", or "a -> b" where they differ. */
static void print_pair(const json_t *pair)
{
    const char *a = json_string_value(json_array_get(pair, 0)),
               *b = json_string_value(json_array_get(pair, 1));
    if (a && b && strcmp(a, b) != 0)
        printf("  %s -> %s", a, b);
    else if (a || b)
        printf("  %s", a ? a : b);
}

static double of_pair(const json_t *stage, size_t side)
{
    return json_number_value(json_array_get(json_object_get(stage, "kernels_s"), side));
}

static void print_weights(const json_t *stage)
{
    const json_t *weights = json_object_get(stage, "weights");
    const char *verdict = text_of(weights, "verdict");
    const json_int_t step = json_integer_value(json_array_get(json_object_get(weights, "step"), 0));
    if (!strcmp(verdict, "unknown"))
        printf("  bits of the weights: not compared (%s)\n", text_of(weights, "reason"));
    else
        printf("  weights after %" JSON_INTEGER_FORMAT " steps: %s\n", step,
               !strcmp(verdict, "same") ? "the same bits" : "OTHER BITS");
}

static void print_stage(const json_t *stage, int rows)
{
    const json_t *kernels = json_object_get(stage, "kernels"), *row;
    const char *verdict;
    json_t *count;
    size_t i;
    printf("\n%s\n  %10s %10s %10s %9s %9s\n ", text_of(stage, "name"), "A ms", "B ms", "change ms", "+-",
           "%");
    print_times(json_object_get(stage, "step"));
    printf("  a %s, wall time\n", text_of(stage, "unit"));
    print_weights(stage);
    printf("  kernels: all together %.4f -> %.4f ms; B / A is %.3f for the median kernel\n ", 1e3 * of_pair(stage, 0),
           1e3 * of_pair(stage, 1), value_of(stage, "common"));
    json_object_foreach(json_object_get(stage, "counts"), verdict, count) printf(
        " %" JSON_INTEGER_FORMAT " %s%s", json_integer_value(count), verdict,
        json_object_iter_next(json_object_get(stage, "counts"), json_object_key_to_iter(verdict)) ? ","
                                                                                                  : "\n");
    json_array_foreach(kernels, i, row)
    {
        if (rows && i >= (size_t)rows) {
            printf("  ... %zu more\n", json_array_size(kernels) - i);
            return;
        }
        printf(" ");
        print_times(row);
        print_pair(json_object_get(row, "kernel"));
        printf("  %s %s", text_of(row, "scope"), text_of(row, "operator"));
        print_pair(json_object_get(row, "implementation"));
        printf("\n");
    }
}

static void print(const json_t *diff, int rows)
{
    size_t i;
    const json_t *item;
    for (int side = 0; side < 2; side++) {
        const json_t *o = json_object_get(diff, side ? "b" : "a");
        printf("%s: %s on %s, version %s, %s\n", side ? "B" : "A", text_of(o, "config"), text_of(o, "device"),
               text_of(o, "version"), text_of(o, "created"));
    }
    json_array_foreach(json_object_get(diff, "environment"), i, item)
    {
        const char *a = json_string_value(json_object_get(item, "a")),
                   *b = json_string_value(json_object_get(item, "b"));
        printf("  %-32s %s -> %s\n", text_of(item, "key"), a ? a : "(none)", b ? b : "(none)");
    }
    for (int side = 0; side < 2; side++)
        json_array_foreach(json_array_get(json_object_get(diff, "left_out"), (size_t)side), i, item)
            printf("  stage %s is in %s alone\n", json_string_value(item), side ? "B" : "A");
    json_array_foreach(json_object_get(diff, "stages"), i, item) print_stage(item, rows);
}

static scl_status write_page(const json_t *diff, const char *file, scl_err *err)
{
    scl_arena arena = {0};
    char *html;
    scl_status status = scl_profile_diff_html(diff, &html, &arena, err);
    if (status == SCL_OK)
        status = scl_file_write(file, html, strlen(html), NULL, err);
    scl_arena_free(&arena);
    return status;
}

/* SCL_DIFFERENT when a row is beyond the limit; the longest change comes first. */
static scl_status judge(const json_t *diff, scl_err *err)
{
    const json_t *failed = json_object_get(diff, "failed"), *first = json_array_get(failed, 0);
    if (!first)
        return SCL_OK;
    return scl_fail(err, SCL_DIFFERENT, "%zu slower by more than %g %%: %s of stage %s by %.1f %%%s",
                    json_array_size(failed), value_of(diff, "fail_over"), text_of(first, "key"),
                    text_of(first, "stage"), 100 * value_of(first, "change"),
                    json_array_size(failed) > 1 ? ", and others" : "");
}

static scl_status read_percent(const char *text, double *percent, scl_err *err)
{
    char *end;
    *percent = -1;
    if (!text)
        return SCL_OK;
    *percent = strtod(text, &end);
    if (end != text && !*end && *percent >= 0 && isfinite(*percent))
        return SCL_OK;
    return scl_fail(err, SCL_BAD_CONFIG, "--fail-over takes a number of percent from 0 on, not '%s'", text);
}

scl_status cli_profile_diff(int argc, char **argv, scl_err *err)
{
    const char *json_file = NULL, *page = NULL, *limit = NULL;
    int rows = 20, n;
    bool done;
    const cli_flag flags[] = {
        {"fail-over", 0, CLI_TEXT, &limit, "PERCENT",
         "exit code 4 when a step, or a kernel of 0.1 % of it, became slower by more, beyond the "
         "uncertainty"},
        {"rows", 0, CLI_NUMBER, &rows, "N", "kernels shown (default 20; 0: all)"},
        {"json", 0, CLI_TEXT, &json_file, "FILE", "the comparison for machines (-: standard output)"},
        {"html", 0, CLI_TEXT, &page, "FILE", "the comparison as a page, with every kernel"},
        {0},
    };
    const cli_command command = {"A.json B.json",
                                 "What changed from one profile to another: kernels matched by their place "
                                 "in the graph, largest change first.",
                                 flags, 2, 2};
    static char name[] = "profile diff";
    double percent;
    json_t *profile[2] = {NULL, NULL}, *diff = NULL;
    argv[0] = name;
    SCL_TRY(cli_parse(&command, argc, argv, &n, &done, err));
    if (done)
        return SCL_OK;
    SCL_TRY(read_percent(limit, &percent, err));
    scl_status status = scl_profile_read(argv[1], &profile[0], err);
    if (status == SCL_OK)
        status = scl_profile_read(argv[2], &profile[1], err);
    if (status == SCL_OK)
        status = scl_profile_diff(profile[0], profile[1], percent, &diff, err);
    if (status == SCL_OK && cli_shows_text(json_file))
        print(diff, rows);
    if (status == SCL_OK && json_file)
        status = cli_write_json(json_file, json_incref(diff), err);
    if (status == SCL_OK && page)
        status = write_page(diff, page, err);
    if (status == SCL_OK)
        status = judge(diff, err);
    json_decref(profile[0]);
    json_decref(profile[1]);
    json_decref(diff);
    return status;
}
