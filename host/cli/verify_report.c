/* Reports of verify: JSON and JUnit. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cl/device.h"
#include "cli/cli.h"
#include "cli/verify.h"

json_t *verify_device_json(const scl_device_info *d)
{
    return json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s}", "index", d->index, "platform", d->platform,
                     "name", d->name, "vendor", d->vendor, "driver", d->driver, "version", d->version,
                     "class", scl_device_class_name(d->klass));
}

scl_status verify_write_json(const json_t *report, const char *path, scl_err *err)
{
    return cli_write_json(path, json_incref((json_t *)report), err);
}

void verify_say(const verify_options *o, const char *format, ...)
{
    va_list args;
    if (!o->show)
        return;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    fflush(stdout);
}

static void escaped(FILE *f, const char *text)
{
    for (; text && *text; text++)
        switch (*text) {
        case '<': fputs("&lt;", f); break;
        case '>': fputs("&gt;", f); break;
        case '&': fputs("&amp;", f); break;
        case '"': fputs("&quot;", f); break;
        default: fputc((unsigned char)*text < 32 ? ' ' : *text, f);
        }
}

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

static void property(FILE *f, const char *before, const char *name, const json_t *value)
{
    char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);
    fprintf(f, "      <property name=\"%s", before);
    escaped(f, name);
    fputs("\" value=\"", f);
    escaped(f, text ? text : json_string_value(value));
    fputs("\"/>\n", f);
    free(text);
}

/* What a testcase ends with. */
typedef enum verdict { PASSED, FAILURE, ERROR, SKIPPED } verdict;

static verdict verdict_of(const json_t *row)
{
    if (json_is_true(json_object_get(row, "passed")))
        return PASSED;
    if (json_is_true(json_object_get(row, "skipped")) || json_is_true(json_object_get(row, "not_run")))
        return SKIPPED;
    return json_is_true(json_object_get(row, "lost")) ? ERROR : FAILURE;
}

/* Rows without a device are of the only one. */
static json_int_t device_of(const json_t *report, const json_t *row)
{
    const json_t *own = json_object_get(row, "index");
    return json_integer_value(own ? own : json_object_get(json_array_get(json_object_get(report, "devices"), 0), "index"));
}

static const json_t *device_at(const json_t *report, json_int_t index)
{
    const json_t *device;
    size_t i;
    json_array_foreach(json_object_get(report, "devices"), i, device)
        if (json_integer_value(json_object_get(device, "index")) == index)
            return device;
    return NULL;
}

static void properties(FILE *f, const json_t *report, const json_t *device)
{
    const char *key;
    json_t *value;
    fputs("    <properties>\n", f);
    json_object_foreach(json_object_get(report, "versions"), key, value)
        property(f, "", key, value);
    json_object_foreach((json_t *)device, key, value)
        property(f, "device.", key, value);
    fputs("    </properties>\n", f);
}

static void testcase(FILE *f, const json_t *row)
{
    static const char *const names[] = { "", "failure", "error", "skipped" };
    const verdict v = verdict_of(row);
    fputs("    <testcase classname=\"", f);
    escaped(f, text_of(row, "op"));
    fputs("\" name=\"", f);
    escaped(f, text_of(row, "case"));
    if (text_of(row, "build_options")[0]) {
        fputs(" with ", f);
        escaped(f, text_of(row, "build_options"));
    }
    fprintf(f, "\" time=\"%.3f\">", json_number_value(json_object_get(row, "seconds")));
    if (v != PASSED) {
        fprintf(f, "<%s message=\"", names[v]);
        escaped(f, text_of(row, "message"));
        fputs("\"/>", f);
    }
    fputs("</testcase>\n", f);
}

static void suite(FILE *f, const json_t *report, json_int_t index, const char *name)
{
    const json_t *device = device_at(report, index), *row;
    size_t i;
    int count[4] = { 0 };
    json_array_foreach(json_object_get(report, "cases"), i, row)
        if (device_of(report, row) == index)
            count[verdict_of(row)]++;
    if (index < 0)
        fputs("  <testsuite name=\"", f);
    else
        fprintf(f, "  <testsuite name=\"%d: ", (int)index);
    if (device) {
        escaped(f, text_of(device, "platform"));
        fputs(": ", f);
    }
    escaped(f, device ? text_of(device, "name") : name);
    fprintf(f, "\" tests=\"%d\" failures=\"%d\" errors=\"%d\" skipped=\"%d\">\n",
            count[PASSED] + count[FAILURE] + count[ERROR] + count[SKIPPED], count[FAILURE], count[ERROR], count[SKIPPED]);
    properties(f, report, device);
    json_array_foreach(json_object_get(report, "cases"), i, row)
        if (device_of(report, row) == index)
            testcase(f, row);
    fputs("  </testsuite>\n", f);
}

/* A suite for each device, in the order of their first rows. */
scl_status verify_write_junit(const json_t *report, const char *path, scl_err *err)
{
    const json_t *rows = json_object_get(report, "cases"), *row;
    char *text = NULL;
    size_t size = 0, i;
    int count[4] = { 0 };
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return scl_fail(err, SCL_FAILED, "no memory for the report");
    json_array_foreach(rows, i, row)
        count[verdict_of(row)]++;
    fprintf(f, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
               "<testsuites name=\"scorecl verify\" tests=\"%zu\" failures=\"%d\" errors=\"%d\" skipped=\"%d\">\n",
            json_array_size(rows), count[FAILURE], count[ERROR], count[SKIPPED]);
    json_array_foreach(rows, i, row) {
        const json_int_t index = device_of(report, row);
        size_t k = 0;
        while (k < i && device_of(report, json_array_get(rows, k)) != index)
            k++;
        if (k == i)
            suite(f, report, index, text_of(row, "device"));
    }
    fputs("</testsuites>\n", f);
    fclose(f);
    const scl_status status = scl_file_write(path, text, size, NULL, err);
    free(text);
    return status;
}
