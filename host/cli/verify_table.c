/* Operator x device, behind the cases of several devices. */
#include <string.h>

#include "cli/verify.h"

typedef enum outcome { NO_CASE, EQUAL, BY_TOLERANCE, NOT_RUN, LOST, OTHER_BITS } outcome;
static const char *const signs[] = { "", "=", "~", "-", "lost", "FAIL" };

static bool is(const json_t *row, const char *key) { return json_is_true(json_object_get(row, key)); }

static outcome outcome_of(const json_t *row)
{
    if (is(row, "passed"))
        return is(row, "bits") ? EQUAL : BY_TOLERANCE;
    return is(row, "lost") ? LOST : is(row, "not_run") ? NOT_RUN : OTHER_BITS;
}

/* The worst outcome of an operator (NULL: of any) on a device; adds up its seconds. */
static outcome look(const json_t *rows, const char *op, json_int_t index, double *error, double *seconds)
{
    const json_t *row;
    size_t i;
    outcome worst = NO_CASE;
    json_array_foreach(rows, i, row) {
        if (is(row, "skipped") || json_integer_value(json_object_get(row, "index")) != index)
            continue;
        if (op && strcmp(json_string_value(json_object_get(row, "op")), op) != 0)
            continue;
        const outcome this = outcome_of(row);
        const double e = json_number_value(json_object_get(row, "error"));
        worst = this > worst ? this : worst;
        *error = e > *error ? e : *error;
        *seconds += json_number_value(json_object_get(row, "seconds"));
    }
    return worst;
}

static json_int_t index_of(const json_t *devices, size_t i)
{
    return json_integer_value(json_object_get(json_array_get(devices, i), "index"));
}

static void print_operator(const verify_options *o, const char *op, const json_t *devices, const json_t *rows)
{
    outcome worst = NO_CASE, cell[64] = { 0 };
    double error = 0, seconds = 0;
    const size_t n = json_array_size(devices);
    for (size_t i = 0; i < n && i < 64; i++) {
        cell[i] = look(rows, op, index_of(devices, i), &error, &seconds);
        worst = cell[i] > worst ? cell[i] : worst;
    }
    if (worst == NO_CASE)
        return;
    verify_say(o, "%-18s", op);
    for (size_t i = 0; i < n && i < 64; i++)
        verify_say(o, " %7s", signs[cell[i]]);
    verify_say(o, " %11.1e %8.2f\n", error, seconds);
}

void verify_table(const verify_options *o, const json_t *devices, const json_t *rows)
{
    const json_t *device;
    size_t i;
    verify_say(o, "\noperator x device: = same bits, ~ within tolerance, as it is meant, FAIL differs, lost the device was "
               "lost in it, - not run\n");
    json_array_foreach(devices, i, device)
        verify_say(o, "%3d  %s: %s\n", (int)index_of(devices, i), json_string_value(json_object_get(device, "platform")),
                   json_string_value(json_object_get(device, "name")));
    verify_say(o, "%-18s", "operator");
    json_array_foreach(devices, i, device)
        verify_say(o, " %7d", (int)index_of(devices, i));
    verify_say(o, " %11s %8s\n", "worst error", "time [s]");
    const t_family *f;
    for (int k = 0; (f = t_family_at(k)); k++)
        for (int m = 0; m < f->n_ops; m++)
            print_operator(o, f->ops[m].name, devices, rows);
    verify_say(o, "%-18s", "time [s]");
    json_array_foreach(devices, i, device) {
        double error = 0, seconds = 0;
        look(rows, NULL, index_of(devices, i), &error, &seconds);
        verify_say(o, " %7.2f", seconds);
    }
    verify_say(o, "\n");
}
