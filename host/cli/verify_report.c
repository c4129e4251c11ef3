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

static void property(FILE *f, const char *name, const char *value)
{
    fputs("    <property name=\"", f);
    escaped(f, name);
    fputs("\" value=\"", f);
    escaped(f, value);
    fputs("\"/>\n", f);
}

/* Versions and devices, as far as they are texts. */
static void properties(FILE *f, const json_t *report)
{
    const char *key;
    json_t *value, *device;
    size_t i;
    char name[80];
    fputs("  <properties>\n", f);
    json_object_foreach(json_object_get(report, "versions"), key, value)
        if (json_is_string(value))
            property(f, key, json_string_value(value));
    json_array_foreach(json_object_get(report, "devices"), i, device)
        json_object_foreach(device, key, value) {
            snprintf(name, sizeof name, "device.%zu.%s", i, key);
            if (json_is_string(value))
                property(f, name, json_string_value(value));
        }
    fputs("  </properties>\n", f);
}

scl_status verify_write_junit(const json_t *report, const char *path, scl_err *err)
{
    const json_t *rows = json_object_get(report, "cases"), *row;
    char *text = NULL;
    size_t size = 0, i;
    int failed = 0, skipped = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return scl_fail(err, SCL_FAILED, "no memory for the report");
    json_array_foreach(rows, i, row) {
        const bool skip = json_is_true(json_object_get(row, "skipped"));
        skipped += skip;
        failed += !skip && !json_is_true(json_object_get(row, "passed"));
    }
    fprintf(f,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"scorecl verify\" tests=\"%zu\" "
            "failures=\"%d\" "
            "skipped=\"%d\">\n",
            json_array_size(rows), failed, skipped);
    properties(f, report);
    json_array_foreach(rows, i, row) {
        fputs("  <testcase classname=\"", f);
        escaped(f, text_of(row, "op"));
        fputs("\" name=\"", f);
        escaped(f, text_of(row, "case"));
        fprintf(f, "\" time=\"%.3f\">", json_number_value(json_object_get(row, "seconds")));
        const bool skip = json_is_true(json_object_get(row, "skipped"));
        if (skip || !json_is_true(json_object_get(row, "passed"))) {
            fputs(skip ? "<skipped message=\"" : "<failure message=\"", f);
            escaped(f, text_of(row, "message"));
            fputs("\"/>", f);
        }
        fputs("</testcase>\n", f);
    }
    fputs("</testsuite>\n", f);
    fclose(f);
    const scl_status status = scl_file_write(path, text, size, NULL, err);
    free(text);
    return status;
}
