#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static scl_status fill(scl_err *err, scl_status code, const char *file, int line, int col, const char *format,
                       va_list args)
{
    if (!err || err->code != SCL_OK)
        return err ? err->code : code;
    err->code = code;
    snprintf(err->file, sizeof err->file, "%s", file);
    err->line = line;
    err->col = col;
    vsnprintf(err->message, sizeof err->message, format, args);
    return code;
}

scl_status scl_fail(scl_err *err, scl_status code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const scl_status status = fill(err, code, "", 0, 0, format, args);
    va_end(args);
    return status;
}

scl_status scl_fail_at(scl_err *err, scl_status code, const char *file, int line, int col, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const scl_status status = fill(err, code, file, line, col, format, args);
    va_end(args);
    return status;
}

void scl_err_log(scl_err *err, const char *log)
{
    if (!err || !log || err->log)
        return;
    err->log = strdup(log);
}

void scl_err_context(scl_err *err, const char *format, ...)
{
    if (!err)
        return;
    char inner[sizeof err->context], outer[sizeof err->context];
    va_list args;
    va_start(args, format);
    vsnprintf(outer, sizeof outer, format, args);
    va_end(args);
    snprintf(inner, sizeof inner, "%s", err->context);
    const size_t used = (size_t)snprintf(err->context, sizeof err->context, "%s", outer);
    if (inner[0] && used + 2 < sizeof err->context)
        snprintf(err->context + used, sizeof err->context - used, ": %.*s",
                 (int)(sizeof err->context - used - 3), inner);
}

void scl_err_text(const scl_err *err, char *text, unsigned long size)
{
    char place[320] = "";
    if (err->file[0] && err->line > 0)
        snprintf(place, sizeof place, "%s:%d:%d: ", err->file, err->line, err->col);
    else if (err->file[0])
        snprintf(place, sizeof place, "%s: ", err->file);
    snprintf(text, size, "%s%s%s%s%s%s", place, err->context, err->context[0] ? ": " : "", err->message,
             err->log ? "\n" : "", err->log ? err->log : "");
}

void scl_err_clear(scl_err *err)
{
    free(err->log);
    memset(err, 0, sizeof *err);
}
