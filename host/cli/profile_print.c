/* The tables of scorecl profile, from what profile.json holds. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/profile.h"

static double number(const json_t *o, const char *key)
{
    return json_number_value(json_object_get(o, key));
}
static const char *word(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "";
}
static bool known(const json_t *o, const char *key)
{
    return json_is_number(json_object_get(o, key));
}

/* A time in the unit that suits it. */
static const char *duration(double s, char *out, size_t size)
{
    if (s >= 1)
        snprintf(out, size, "%.3f s", s);
    else if (s >= 1e-3)
        snprintf(out, size, "%.2f ms", 1e3 * s);
    else
        snprintf(out, size, "%.1f us", 1e6 * s);
    return out;
}

static void print_or_dash(const json_t *o, const char *key, double factor, const char *format, int width)
{
    char text[32] = "-";
    if (known(o, key))
        snprintf(text, sizeof text, format, factor * number(o, key));
    printf(" %*s", width, text);
}

static void print_head(const char *first)
{
    printf("\n  %-24s %8s %9s %6s %9s %9s %9s %9s %8s %6s\n", first, "calls", "ms/step", "share", "min ms",
           "median", "max", "GFLOP/s", "GB/s", "roofline");
}

static void print_row(const char *name, const json_t *row, const char *tail)
{
    const json_t *step = json_object_get(row, "step_s"), *roof = json_object_get(row, "roofline");
    printf("  %-24.24s %8.5g %9.3f %5.1f%% %9.3f %9.3f %9.3f", name, number(row, "calls_per_step"),
           1e3 * number(step, "mean"), 100 * number(row, "share"), 1e3 * number(step, "min"),
           1e3 * number(step, "median"), 1e3 * number(step, "max"));
    print_or_dash(row, "gflop_s", 1, "%.1f", 9);
    print_or_dash(row, "gb_s", 1, "%.1f", 8);
    print_or_dash(roof, "share", 100, "%.0f%%", 5);
    printf(" %-7s", word(roof, "bound"));
    printf("%s%s\n", tail[0] ? "  " : "", tail);
}

static int most(const json_t *list, int rows)
{
    const int n = (int)json_array_size(list);
    return rows && rows < n ? rows : n;
}

static void print_rest(const json_t *list, int shown)
{
    double share = 0;
    const int n = (int)json_array_size(list);
    for (int i = shown; i < n; i++)
        share += number(json_array_get(list, (size_t)i), "share");
    if (n > shown)
        printf("  ... %d more, %.1f%% of the kernels' time\n", n - shown, 100 * share);
}

static void print_list(const json_t *stage, const char *list_name, const char *key, const char *head,
                       int rows)
{
    const json_t *list = json_object_get(stage, list_name);
    const int n = most(list, rows);
    print_head(head);
    for (int i = 0; i < n; i++) {
        const json_t *row = json_array_get(list, (size_t)i);
        print_row(word(row, key), row, "");
    }
    print_rest(list, n);
}

static void print_blocks(const json_t *stage, int rows)
{
    const json_t *list = json_object_get(stage, "blocks"), *row;
    size_t i;
    int n = 0, left = 0;
    double share = 0;
    print_head("block");
    json_array_foreach(list, i, row)
    {
        if (number(row, "depth") > 0)
            continue;
        if (rows && n >= rows) {
            left++;
            share += number(row, "share");
            continue;
        }
        n++;
        print_row(word(row, "block")[0] ? word(row, "block") : "(outside the network)", row, "");
    }
    if (left)
        printf("  ... %d more, %.1f%% of the kernels' time\n", left, 100 * share);
}

/* "32,28,28,16 > 32,28,28,16  winograd_fused WG=1 ..." */
static void choice_of(const json_t *row, char *out, size_t size)
{
    size_t used = 0;
    const json_t *ends[2] = {json_array_get(json_object_get(row, "inputs"), 0),
                             json_array_get(json_object_get(row, "outputs"), 0)};
    const char *name;
    const json_t *value;
    out[0] = 0;
    for (int e = 0; e < 2; e++) {
        const json_t *shape = json_object_get(ends[e], "shape");
        for (size_t d = 0; d < json_array_size(shape) && used < size; d++)
            used += (size_t)snprintf(out + used, size - used, "%s%lld",
                                     d   ? ","
                                     : e ? " > "
                                         : "",
                                     json_integer_value(json_array_get(shape, d)));
    }
    if (used < size)
        used += (size_t)snprintf(out + used, size - used, "  %s", word(row, "implementation"));
    json_object_foreach(json_object_get(row, "tuning"), name, value) if (used < size) used +=
        (size_t)snprintf(out + used, size - used, " %s=%lld", name, json_integer_value(value));
}

static void print_kernels(const json_t *stage, int rows)
{
    const json_t *list = json_object_get(stage, "kernels");
    const int n = most(list, rows);
    print_head("kernel, and its node");
    for (int i = 0; i < n; i++) {
        const json_t *row = json_array_get(list, (size_t)i);
        char tail[512], choice[256];
        choice_of(row, choice, sizeof choice);
        snprintf(tail, sizeof tail, "%s%s%s  %s", word(row, "scope"), word(row, "scope")[0] ? " " : "",
                 word(row, "operator"), choice);
        print_row(word(row, "kernel"), row, tail);
    }
    print_rest(list, n);
}

static void print_cost(const json_t *o, const char *unit, const char *what, const char *note)
{
    char a[32], b[32];
    const json_t *plain = json_object_get(o, "unprofiled_s"), *noted = json_object_get(o, "profiled_s"),
                 *spread = json_object_get(o, "cost_spread");
    printf(
        "  %s time per %s: %s unprofiled%s, %s profiled: looking costs %.2f%% (quartiles %.2f to %.2f%%)\n",
        what, unit, duration(number(plain, "median"), a, sizeof a), note,
        duration(number(noted, "median"), b, sizeof b), 100 * number(o, "cost"), 100 * number(spread, "q1"),
        100 * number(spread, "q3"));
}

static void print_wall(const json_t *stage)
{
    const json_t *wall = json_object_get(stage, "wall"), *steps = json_object_get(stage, "steps");
    const char *unit = word(stage, "unit");
    printf("\nstage %s (%s): %d samples per %s, %.1f images/s; %d %ss profiled and %d not, in %d turns, "
           "after %d to warm up\n",
           word(stage, "name"), word(stage, "kind"), (int)number(stage, "batch"), unit,
           number(wall, "images_per_s"), (int)number(steps, "profiled"), unit,
           (int)number(steps, "unprofiled"), (int)number(steps, "rounds"), (int)number(steps, "warm_up"));
    print_cost(wall, unit, "wall", json_is_true(json_object_get(wall, "recorded")) ? " (recorded)" : "");
    print_cost(json_object_get(stage, "processor"), unit, "processor", "");
}

static void print_clock(const json_t *stage)
{
    const json_t *clock = json_object_get(stage, "clock");
    const long checked = (long)number(clock, "checked"), rejected = (long)number(clock, "rejected");
    if (!strcmp(word(clock, "source"), "host"))
        printf("  clock: the host's, every launch waited for, as %s\n", word(clock, "reason"));
    else
        printf("  clock: the device's, on the host's by %s to %.1f us, drift %.1f ppm\n",
               strcmp(word(clock, "alignment"), "timer") ? "calibration launches" : "clGetDeviceAndHostTimer",
               1e6 * number(clock, "uncertainty_s"), number(clock, "drift_ppm"));
    if (rejected)
        printf("  %ld of %ld commands had stamps that cannot be true and are in no figure\n", rejected,
               checked);
}

static void print_balance(const json_t *stage)
{
    const json_t *d = json_object_get(stage, "device"), *h = json_object_get(stage, "host"),
                 *q = json_object_get(stage, "queue");
    const double ms = 1e3, us = 1e6;
    printf("  device: busy %.3f ms (kernels %.3f, transfers %.3f), gaps %.3f, edges %.3f; busy and gaps are "
           "%.2f%% of the wall time\n",
           ms * number(d, "busy_s"), ms * number(d, "kernel_s"), ms * number(d, "transfer_s"),
           ms * number(d, "gap_s"), ms * number(d, "edge_s"), 100 * number(d, "agreement"));
    printf("  host: busy %.3f ms, waiting %.3f, at the same time as the device %.3f; %.5g launches per %s\n",
           ms * number(h, "busy_s"), ms * number(h, "wait_s"), ms * number(h, "overlap_s"),
           number(stage, "launches_per_step"), word(stage, "unit"));
    if (number(json_object_get(q, "queued_s"), "n") > 0)
        printf("  a launch: queued %.1f us, submitted %.1f us, runs %.1f us (medians)\n",
               us * number(json_object_get(q, "queued_s"), "median"),
               us * number(json_object_get(q, "submit_s"), "median"),
               us * number(json_object_get(q, "run_s"), "median"));
}

static void print_phases(const json_t *stage)
{
    static const char *const whens[3] = {"before", "steps", "after"};
    const json_t *list = json_object_get(json_object_get(stage, "host"), "phases"), *row;
    const double steps = number(json_object_get(stage, "steps"), "profiled");
    size_t i;
    for (int w = 0; w < 3; w++) {
        printf("  host %s:", w == 0   ? "before the blocks [ms]"
                             : w == 1 ? "per profiled step [ms]"
                                      : "behind them [ms]");
        const char *comma = "";
        json_array_foreach(list, i, row)
        {
            if (strcmp(word(row, "when"), whens[w]) != 0)
                continue;
            printf("%s %s %.3f", comma, word(row, "phase"),
                   1e3 * number(row, "self_s") / (w == 1 && steps > 0 ? steps : 1));
            comma = ",";
        }
        printf("\n");
    }
}

static void print_memory(const json_t *stage)
{
    const json_t *m = json_object_get(stage, "memory"), *list = json_object_get(stage, "transfers"), *row;
    const double mib = 1.0 / (1 << 20), steps = number(json_object_get(stage, "steps"), "profiled");
    size_t i;
    printf("  device memory: %.1f MiB allocated at most; planned: slab %.1f, persistent %.1f\n",
           mib * number(m, "peak_bytes"), mib * number(m, "slab_bytes"), mib * number(m, "persistent_bytes"));
    json_array_foreach(list, i, row)
        printf("  transfers: %.4g %ss a step, %.1f KiB, %.1f us\n", number(row, "calls") / steps,
               word(row, "kind"), number(row, "bytes") / steps / 1024, 1e6 * number(row, "total_s") / steps);
}

void cli_profile_print(const json_t *profile, const char *folder, int rows)
{
    const json_t *roof = json_object_get(profile, "roofline"), *stage;
    size_t i;
    printf("%s\n", word(json_object_get(profile, "device"), "name"));
    if (json_is_object(roof))
        printf("  ceilings, measured %s: %.0f GFLOP/s of float fma, read %.1f GB/s, copy %.1f GB/s, launch "
               "%.1f us, %.0f us waited for\n",
               word(roof, "measured"), number(roof, "fma_gflop_s"), number(roof, "read_gb_s"),
               number(roof, "copy_gb_s"), 1e6 * number(roof, "launch_s"),
               1e6 * number(roof, "launch_wait_s"));
    json_array_foreach(json_object_get(profile, "stages"), i, stage)
    {
        print_wall(stage);
        print_clock(stage);
        print_balance(stage);
        print_phases(stage);
        print_memory(stage);
        print_list(stage, "operators", "operator", "operator", rows);
        print_list(stage, "functions", "kernel", "kernel", rows);
        print_blocks(stage, rows);
        print_kernels(stage, rows);
    }
    printf("\n%s/profile.html, profile.json, trace.json (opens in ui.perfetto.dev)\n", folder);
}
