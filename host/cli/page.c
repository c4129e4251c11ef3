#include "cli/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

extern const struct { const char *name, *text; } cli_page_table[];

static const char *embedded(const char *name, size_t length)
{
    for (int i = 0; cli_page_table[i].name; i++)
        if (strlen(cli_page_table[i].name) == length && !memcmp(cli_page_table[i].name, name, length))
            return cli_page_table[i].text;
    return NULL;
}

static scl_status no_memory(scl_err *err) { return scl_fail(err, SCL_FAILED, "not enough host memory for the page"); }

/* In JSON a '<' stands in texts alone, where an escape means the same; without it no "</script>" and no "<!--" is possible. */
scl_status cli_page_json(const json_t *data, char **text, size_t *size, scl_err *err)
{
    char *plain = json_dumps(data, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9));
    *text = NULL;
    FILE *f = plain ? open_memstream(text, size) : NULL;
    if (!f) {
        free(plain);
        return no_memory(err);
    }
    for (const char *p = plain; *p;) {
        const size_t n = strcspn(p, "<");
        fwrite(p, 1, n, f);
        p += n;
        if (*p) {
            fputs("\\u003c", f);
            p++;
        }
    }
    free(plain);
    return fclose(f) || !*text ? no_memory(err) : SCL_OK;
}

/* Writes page.html, where a line "@NAME@" stands for an embedded file, "@script@" for the page's own and "@data@" for the data. */
static void fill(FILE *f, const char *script, const char *data)
{
    for (const char *line = embedded("page.html", strlen("page.html")); *line;) {
        const size_t n = strcspn(line, "\n");
        const bool mark = n > 2 && line[0] == '@' && line[n - 1] == '@';
        const bool own = mark && !strncmp(line, "@script@", n);
        const char *file = own ? embedded(script, strlen(script)) : mark ? embedded(line + 1, n - 2) : NULL;
        if (mark && !strncmp(line, "@data@", n))
            fputs(data, f);
        else if (file)
            fputs(file, f);
        else
            fwrite(line, 1, n, f);
        line += n;
        if (*line) {
            fputc('\n', f);
            line++;
        }
    }
}

scl_status cli_page_text(const char *script, const json_t *data, char **text, size_t *size, scl_err *err)
{
    char *json;
    size_t length;
    *text = NULL;
    SCL_TRY(cli_page_json(data, &json, &length, err));
    FILE *f = open_memstream(text, size);
    if (f)
        fill(f, script, json);
    free(json);
    return !f || fclose(f) || !*text ? no_memory(err) : SCL_OK;
}

scl_status cli_page_write(const char *file, const char *script, const json_t *data, scl_err *err)
{
    char *text;
    size_t size;
    SCL_TRY(cli_page_text(script, data, &text, &size, err));
    const scl_status status = scl_file_write(file, text, size, NULL, err);
    free(text);
    return status;
}

json_t *cli_page_png(const void *bytes, size_t count)
{
    static const char head[] = "data:image/png;base64,";
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *in = bytes;
    char *text = malloc(sizeof head + (count + 2) / 3 * 4), *out = text;
    if (!text)
        return NULL;
    out += sprintf(out, "%s", head);
    for (size_t i = 0; i < count; i += 3) {
        const unsigned long v = (unsigned long)in[i] << 16 | (i + 1 < count ? (unsigned long)in[i + 1] << 8 : 0) |
                                (i + 2 < count ? in[i + 2] : 0);
        *out++ = digit[v >> 18];
        *out++ = digit[v >> 12 & 63];
        *out++ = i + 1 < count ? digit[v >> 6 & 63] : '=';
        *out++ = i + 2 < count ? digit[v & 63] : '=';
    }
    json_t *json = json_stringn(text, (size_t)(out - text));
    free(text);
    return json;
}
