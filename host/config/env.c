#include "config/env.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

static size_t name_length(const char *text)
{
    size_t n = 0;
    while (isalnum((unsigned char)text[n]) || text[n] == '_')
        n++;
    return n;
}

const char *scl_env_expand(const char *text, scl_place place, scl_faults *faults)
{
    const char *open = strstr(text, "${");
    if (!open)
        return scl_arena_strdup(faults->arena, text);
    const char *name = open + 2, *close = strchr(name, '}');
    const size_t n = name_length(name);
    if (!close || n == 0 || (name[n] != '}' && strncmp(name + n, ":-", 2))) {
        scl_fault(faults, place, faults->hint, "'%s': write ${NAME} or ${NAME:-default}", text);
        return text[0] ? scl_arena_strdup(faults->arena, text) : "";
    }
    char *key = scl_arena_printf(faults->arena, "%.*s", (int)n, name);
    const char *value = getenv(key);
    if (name[n] == ':' && (!value || !value[0]))
        value = scl_arena_printf(faults->arena, "%.*s", (int)(close - name - (long)n - 2), name + n + 2);
    if (!value) {
        scl_fault(faults, place, faults->hint,
                  "environment variable %s is not set (${%s:-default} gives a default)", key, key);
        value = "";
    }
    /* what a variable holds is not expanded again */
    const char *rest = scl_env_expand(close + 1, place, faults);
    return scl_arena_printf(faults->arena, "%.*s%s%s", (int)(open - text), text, value, rest);
}

/* Each has a character of the private use area, three bytes from U+F7A0 on; quotes and backslashes keep their
 * meaning. */
static const char structure[] = "{}[],:#&*!|>%@`?";

char *scl_env_veil(const char *text, size_t length, size_t *veiled, scl_arena *arena)
{
    char *out = scl_arena_alloc(arena, 3 * length + 1), *to = out;
    bool inside = false;
    for (size_t i = 0; i < length; i++) {
        const size_t line = strcspn(text + i, "}\n");
        if (!inside && i > 0 && text[i] == '{' && text[i - 1] == '$')
            inside = i + line < length && text[i + line] == '}';
        const char *found = inside && text[i] ? strchr(structure, text[i]) : NULL;
        if (found)
            to = stpcpy(to, (char[]){ '\xef', '\x9e', (char)(0xa0 + (found - structure)), 0 });
        else
            *to++ = text[i];
        inside = inside && text[i] != '}';
    }
    *veiled = (size_t)(to - out);
    return out;
}

void scl_env_unveil(char *text)
{
    char *to = text;
    for (const char *p = text; *p;) {
        const size_t which = (size_t)((unsigned char)p[2 * (p[1] != 0)] - 0xa0);
        if (p[0] == '\xef' && p[1] == '\x9e' && which < sizeof structure - 1) {
            *to++ = structure[which];
            p += 3;
        } else {
            *to++ = *p++;
        }
    }
    *to = 0;
}

int scl_utf8_fault(const char *text, size_t length, int *line, int *col)
{
    const unsigned char *p = (const unsigned char *)text;
    for (size_t i = 0; i < length;) {
        const size_t n = scl_utf8_sequence(p + i, length - i);
        if (n == 0)
            return p[i];
        if (p[i] == '\n') {
            ++*line;
            *col = 1;
        } else {
            ++*col;
        }
        i += n;
    }
    return -1;
}
