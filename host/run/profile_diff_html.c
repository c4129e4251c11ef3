/* The comparison of two profiles as a page. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/profile_diff_parts.h"

static const char style[] =
    "body{font:14px/1.5 system-ui,sans-serif;margin:2em auto;max-width:80em;padding:0 "
    "1em;color:#222;background:#fff}"
    "h1{font-size:1.5em}h2{font-size:1.2em;margin-top:2em}table{border-collapse:collapse;width:100%}"
    "th{text-align:left;border-bottom:2px solid #999;font-weight:600}th,td{padding:.2em "
    ".6em;vertical-align:top}"
    "tr:nth-child(even) "
    "td{background:#f6f6f6}.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}"
    ".slower,.new{color:#b2182b}.faster,.vanished{color:#1a6e2e}.quiet td{color:#888}.bar{width:9em}"
    ".bar i{display:block;height:.8em;margin-top:.35em}.bar .slower,.bar .new{background:#b2182b}"
    ".bar .faster,.bar .vanished{background:#1a6e2e}.fails{background:#fddbc7;padding:.6em "
    "1em;border-left:4px solid #b2182b}"
    "code{font-size:.92em}";

static void escaped(FILE *f, const char *text)
{
    for (const char *c = text ? text : ""; *c; c++) {
        const char *name = *c == '<'   ? "&lt;"
                           : *c == '>' ? "&gt;"
                           : *c == '&' ? "&amp;"
                           : *c == '"' ? "&quot;"
                                       : NULL;
        name ? fputs(name, f) : fputc(*c, f);
    }
}

static void cell(FILE *f, const char *text)
{
    fputs("<td>", f);
    escaped(f, text);
    fputs("</td>", f);
}

static double value_of(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

static void milliseconds(FILE *f, double seconds, bool sign)
{
    fputs("<td class=n>", f);
    if (isfinite(seconds))
        fprintf(f, sign ? "%+.4f" : "%.4f", 1e3 * seconds);
    fputs("</td>", f);
}

static void put_times(FILE *f, const json_t *row)
{
    const double change = value_of(row, "change");
    milliseconds(f, value_of(json_object_get(row, "a"), "median"), false);
    milliseconds(f, value_of(json_object_get(row, "b"), "median"), false);
    milliseconds(f, value_of(row, "change_s"), true);
    milliseconds(f, value_of(row, "uncertainty_s"), false);
    fputs("<td class=n>", f);
    if (isfinite(change))
        fprintf(f, "%+.1f&nbsp;%%", 100 * change);
    fputs("</td>", f);
}

/* "a", or "a → b" where they differ. */
static void put_pair(FILE *f, const json_t *pair)
{
    const char *a = json_string_value(json_array_get(pair, 0)),
               *b = json_string_value(json_array_get(pair, 1));
    escaped(f, a ? a : b);
    if (a && b && strcmp(a, b) != 0) {
        fputs(" &rarr; ", f);
        escaped(f, b);
    }
}

static void put_kernel(FILE *f, const json_t *row, double largest)
{
    const char *verdict = scl_diff_text(row, "verdict"), *scope = scl_diff_text(row, "scope");
    const bool quiet = strcmp(verdict, "slower") && strcmp(verdict, "faster") && strcmp(verdict, "new") &&
                       strcmp(verdict, "vanished");
    const double change = fabs(value_of(row, "change_s"));
    fprintf(f, "<tr%s title=\"", quiet ? " class=quiet" : "");
    escaped(f, scl_diff_text(row, "key"));
    fputs("\">", f);
    put_times(f, row);
    fprintf(f, "<td class=bar><i class=\"%s\" style=\"width:%.1f%%\"></i></td><td class=\"%s\">",
            quiet ? "" : verdict, !quiet && largest > 0 ? 100 * change / largest : 0.0, quiet ? "" : verdict);
    escaped(f, verdict);
    fputs("</td>", f);
    cell(f, scope[0] ? scope : "(outside of the network)");
    cell(f, scl_diff_text(row, "operator"));
    fputs("<td><code>", f);
    put_pair(f, json_object_get(row, "kernel"));
    fputs("</code></td><td>", f);
    put_pair(f, json_object_get(row, "implementation"));
    fputs("</td></tr>\n", f);
}

static void put_weights(FILE *f, const json_t *weights)
{
    const char *verdict = scl_diff_text(weights, "verdict");
    const json_int_t step = json_integer_value(json_array_get(json_object_get(weights, "step"), 0));
    if (!strcmp(verdict, "unknown")) {
        fputs("<p>Bits of the weights: not compared (", f);
        escaped(f, scl_diff_text(weights, "reason"));
        fputs(").</p>\n", f);
    } else {
        fprintf(f, "<p class=\"%s\">Weights after %" JSON_INTEGER_FORMAT " steps: %s.</p>\n",
                !strcmp(verdict, "same") ? "" : "fails", step,
                !strcmp(verdict, "same") ? "the same bits" : "<b>other bits</b>");
    }
}

static void put_stage(FILE *f, const json_t *stage)
{
    static const char head[] =
        "<tr><th class=n>A ms<th class=n>B ms<th class=n>change<th class=n>&plusmn;<th class=n>%";
    const json_t *kernels = json_object_get(stage, "kernels"), *row;
    double largest = 0;
    size_t i;
    fputs("<h2>", f);
    escaped(f, scl_diff_text(stage, "name"));
    fprintf(f, "</h2>\n<table>%s<th></tr>\n<tr>", head);
    put_times(f, json_object_get(stage, "step"));
    fputs("<td>a ", f);
    escaped(f, scl_diff_text(stage, "unit"));
    fputs(", wall time: ", f);
    escaped(f, scl_diff_text(json_object_get(stage, "step"), "verdict"));
    fputs("</td></tr></table>\n", f);
    put_weights(f, json_object_get(stage, "weights"));
    fprintf(f, "<table class=kernels>%s<th><th><th>place<th>operator<th>kernel<th>implementation</tr>\n",
            head);
    json_array_foreach(kernels, i, row) largest = fmax(largest, fabs(value_of(row, "change_s")));
    json_array_foreach(kernels, i, row) put_kernel(f, row, largest);
    fputs("</table>\n", f);
}

static void put_environment(FILE *f, const json_t *list)
{
    size_t i;
    const json_t *item;
    fputs("<h2>What else differs</h2>\n", f);
    if (!json_array_size(list))
        fputs("<p>Nothing: the same version, device and config.</p>\n", f);
    else
        fputs("<table class=environment><tr><th>key<th>A<th>B</tr>\n", f);
    json_array_foreach(list, i, item)
    {
        fputs("<tr>", f);
        cell(f, scl_diff_text(item, "key"));
        cell(f, scl_diff_text(item, "a"));
        cell(f, scl_diff_text(item, "b"));
        fputs("</tr>\n", f);
    }
    if (json_array_size(list))
        fputs("</table>\n", f);
}

static void put_head(FILE *f, const json_t *diff)
{
    const size_t failed = json_array_size(json_object_get(diff, "failed"));
    fprintf(f,
            "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8><title>Two "
            "profiles</title><style>%s</style></head><body>\n"
            "<h1>Two profiles</h1>\n<table><tr><th><th>config<th>device<th>version<th>measured</tr>\n",
            style);
    for (int i = 0; i < 2; i++) {
        const json_t *side = json_object_get(diff, i ? "b" : "a");
        fprintf(f, "<tr><td>%s</td>", i ? "B" : "A");
        cell(f, scl_diff_text(side, "config"));
        cell(f, scl_diff_text(side, "device"));
        cell(f, scl_diff_text(side, "version"));
        cell(f, scl_diff_text(side, "created"));
        fputs("</tr>\n", f);
    }
    fputs("</table>\n<p>Times are medians over the profiled steps, in ms of a step. A change counts as one "
          "where it is larger than &plusmn;, the "
          "root of the sum of the squares of both interquartile ranges.</p>\n",
          f);
    if (failed)
        fprintf(f, "<p class=fails>%zu beyond the limit of %g %%</p>\n", failed, value_of(diff, "fail_over"));
}

scl_status scl_profile_diff_html(const json_t *diff, char **html, scl_arena *arena, scl_err *err)
{
    char *text = NULL;
    size_t size, i;
    const json_t *stage;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return scl_fail(err, SCL_FAILED, "not enough host memory for a page");
    put_head(f, diff);
    put_environment(f, json_object_get(diff, "environment"));
    json_array_foreach(json_object_get(diff, "stages"), i, stage) put_stage(f, stage);
    fputs("</body></html>\n", f);
    const bool bad = ferror(f) != 0;
    if (fclose(f) || bad) {
        free(text);
        return scl_fail(err, SCL_FAILED, "not enough host memory for a page");
    }
    *html = scl_arena_strdup(arena, text);
    free(text);
    return SCL_OK;
}
