/* Kernel sources: the table in the binary, includes, positions in build logs, parameter lists. */
#include <ctype.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cl/program.h"

enum { MAX_DEPTH = 8 };

extern const struct { const char *name, *text; } scl_kernel_table[];

static char *read_override(const char *name, scl_arena *arena)
{
    const char *folder = getenv("SCL_KERNEL_DIR");
    if (!folder || !*folder)
        return NULL;
    FILE *f = fopen(scl_arena_printf(arena, "%s/%s", folder, name), "rb");
    if (!f)
        return NULL;
    size_t used = 0, size = 1 << 16;
    char *text = scl_arena_alloc(arena, size);
    for (size_t got; (got = fread(text + used, 1, size - 1 - used, f)) > 0;) {
        used += got;
        if (used + 1 < size)
            continue;
        char *bigger = scl_arena_alloc(arena, 2 * size);
        memcpy(bigger, text, used);
        text = bigger;
        size *= 2;
    }
    fclose(f);
    return text;
}

const char *scl_source_find(const char *name, scl_arena *arena)
{
    const char *text = read_override(name, arena);
    for (int i = 0; !text && scl_kernel_table[i].name; i++)
        if (!strcmp(scl_kernel_table[i].name, name))
            text = scl_kernel_table[i].text;
    return text;
}

void scl_source_hash(char out[65])
{
    SHA2_CTX sha;
    SHA256Init(&sha);
    scl_arena arena = { 0 };
    for (int i = 0; scl_kernel_table[i].name; i++) {
        const char *text = scl_source_find(scl_kernel_table[i].name, &arena);
        SHA256Update(&sha, (const unsigned char *)text, strlen(text) + 1);
    }
    scl_arena_free(&arena);
    SHA256End(&sha, out);
}

/* A growing text on the heap. */
typedef struct buffer { char *text; size_t used, size; } buffer;

static scl_status append(buffer *b, const char *from, size_t bytes, scl_err *err)
{
    if (b->used + bytes + 1 > b->size) {
        const size_t size = 2 * (b->used + bytes + 1);
        char *bigger = realloc(b->text, size);
        if (!bigger)
            return scl_fail(err, SCL_FAILED, "out of memory for a kernel source");
        b->text = bigger;
        b->size = size;
    }
    memcpy(b->text + b->used, from, bytes);
    b->used += bytes;
    b->text[b->used] = 0;
    return SCL_OK;
}

static scl_status append_line(buffer *b, int line, const char *name, scl_err *err)
{
    char text[320];
    const int n = snprintf(text, sizeof text, "#line %d \"cl/%s\"\n", line, name);
    return append(b, text, n < (int)sizeof text ? (size_t)n : sizeof text - 1, err);
}

/* The file of an include line, "" when the line is none. */
static void included(const char *line, char *out, size_t size)
{
    out[0] = 0;
    while (*line == ' ' || *line == '\t')
        line++;
    if (*line++ != '#')
        return;
    while (*line == ' ' || *line == '\t')
        line++;
    if (strncmp(line, "include", 7) != 0)
        return;
    line += 7;
    while (*line == ' ' || *line == '\t')
        line++;
    const size_t length = *line == '"' ? strcspn(line + 1, "\"\n") : 0;
    if (length && length < size && line[1 + length] == '"') {
        memcpy(out, line + 1, length);
        out[length] = 0;
    }
}

static scl_status expand(buffer *b, const char *name, const char *text, int depth, scl_arena *arena, scl_err *err)
{
    SCL_TRY(append_line(b, 1, name, err));
    int number = 1;
    for (const char *line = text; *line; number++) {
        const size_t length = strcspn(line, "\n"), whole = length + (line[length] == '\n');
        char file[256];
        included(line, file, sizeof file);
        if (!file[0]) {
            SCL_TRY(append(b, line, whole, err));
        } else {
            const char *inner = scl_source_find(file, arena);
            char where[320];
            snprintf(where, sizeof where, "cl/%s", name);
            if (!inner)
                return scl_fail_at(err, SCL_FAILED, where, number, 0, "no kernel file is called '%s'", file);
            if (depth == MAX_DEPTH)
                return scl_fail_at(err, SCL_FAILED, where, number, 0,
                                   "includes are nested deeper than %d: a cycle?", MAX_DEPTH);
            SCL_TRY(expand(b, file, inner, depth + 1, arena, err));
            SCL_TRY(append(b, "\n", 1, err));
            SCL_TRY(append_line(b, number + 1, name, err));
        }
        line += whole;
    }
    return SCL_OK;
}

scl_status scl_source_resolve(char **out, scl_arena *arena, const char *name, const char *text, scl_err *err)
{
    buffer b = { 0 };
    const scl_status status = expand(&b, name, text, 0, arena, err);
    if (status == SCL_OK)
        *out = scl_arena_strdup(arena, b.text);
    free(b.text);
    return status;
}

/* "FILE:LINE:COL" or "FILE(LINE" at the beginning of a word of text; *after: behind it. */
static bool parse_position(const char *text, size_t length, char *file, size_t size, int *line, int *col,
                           const char **after)
{
    for (size_t i = 1; i + 1 < length; i++) {
        if ((text[i] != ':' && text[i] != '(') || !isdigit((unsigned char)text[i + 1]))
            continue;
        size_t from = i;
        while (from && !strchr(" \t\"'<", text[from - 1]))
            from--;
        char *end;
        *line = (int)strtol(text + i + 1, &end, 10);
        *col = *end == ':' && isdigit((unsigned char)end[1]) ? (int)strtol(end + 1, &end, 10) : 0;
        if (!strchr(":) ", *end) || i - from >= size || from == i)
            continue;
        memcpy(file, text + from, i - from);
        file[i - from] = 0;
        *after = end;
        return true;
    }
    return false;
}

/* clang writes "FILE:LINE:COL: error: message", some vendors "FILE(LINE): error: message", PoCL "error: FILE:LINE:COL: message". */
bool scl_log_position(const char *log, char *file, size_t size, int *line, int *col, const char **message)
{
    for (const char *p = log; *p;) {
        const size_t length = strcspn(p, "\n");
        const char *error = memmem(p, length, "error:", 6), *after;
        if (error && parse_position(p, (size_t)(error - p), file, size, line, col, &after)) {
            *message = error;
            return true;
        }
        if (error && parse_position(error + 6, (size_t)(p + length - error - 6), file, size, line, col, &after)) {
            const char *text = memmem(after, (size_t)(p + length - after), ": ", 2);
            *message = text ? text + 2 : error;
            return true;
        }
        p += length + (p[length] == '\n');
    }
    return false;
}

/* A line of a resolved source as it is walked through. */
typedef struct walk { const char *at; int here, origin, next; char file[256]; bool directive; } walk;

static bool step(walk *w)
{
    int number;
    w->at = w->here ? w->at + strcspn(w->at, "\n") : w->at;
    w->at += w->here && *w->at == '\n';
    if (!*w->at)
        return false;
    w->here++;
    w->origin = w->next++;
    w->directive = sscanf(w->at, "#line %d \"%255[^\"]\"", &number, w->file) == 2;
    w->next = w->directive ? number : w->next;
    return true;
}

bool scl_source_origin(const char *source, int line, char *file, size_t size, int *origin)
{
    walk w = { .at = source };
    while (w.here < line && step(&w))
        ;
    *origin = w.origin;
    if (w.file[0])
        snprintf(file, size, "%s", w.file);
    return w.file[0] && w.here == line;
}

bool scl_source_line(const char *source, const char *file, int line, char *out, size_t size)
{
    walk w = { .at = source };
    out[0] = 0;
    while (step(&w))
        if (!w.directive && w.origin == line && !strcmp(w.file, file)) {
            snprintf(out, size, "%.*s", (int)strcspn(w.at, "\n"), w.at);
            return true;
        }
    return false;
}

void scl_source_called(const char *name, const char *text, char *out, size_t size)
{
    walk w = { .at = text ? text : "" };
    if (step(&w) && w.directive)
        snprintf(out, size, "%s", w.file);
    else
        snprintf(out, size, "cl/%s", name);
}

static bool is_word(char c) { return isalnum((unsigned char)c) || c == '_'; }

/* The opening parenthesis of `kernel void function(`; NULL: not there. */
static const char *parameter_list(const char *source, const char *function)
{
    const size_t length = strlen(function);
    for (const char *p = source; (p = strstr(p, function)); p += length) {
        if (is_word(p[length]) || p == source || is_word(p[-1]))
            continue;
        const char *open = p + length, *back = p;
        while (isspace((unsigned char)*open))
            open++;
        while (back > source && isspace((unsigned char)back[-1]))
            back--;
        if (*open == '(' && back - source >= 4 && !strncmp(back - 4, "void", 4))
            return open;
    }
    return NULL;
}

/* One parameter: its last word is the name, its qualifiers say where it lives. */
static void parameter(const char *text, size_t length, char *name, size_t size, char *address)
{
    size_t end = length;
    while (end && !is_word(text[end - 1]))
        end--;
    size_t begin = end;
    while (begin && is_word(text[begin - 1]))
        begin--;
    const size_t n = end - begin < size ? end - begin : size - 1;
    memcpy(name, text + begin, n);
    name[n] = 0;
    *address = memmem(text, begin, "global", 6) || memmem(text, begin, "constant", 8) ? 'g'
             : memmem(text, begin, "local", 5) ? 'l' : 'p';
}

/* What stands behind `#define word` where it is first defined: a generated text's own definitions stand before the usual ones.
 * NULL: nowhere. */
static const char *definition(const char *source, const char *word, size_t n)
{
    for (const char *p = source; (p = strstr(p, "#define ")); p++) {
        const char *name = p + 8;
        if ((p == source || p[-1] == '\n') && !strncmp(name, word, n) && isspace((unsigned char)name[n]))
            return name + n;
    }
    return NULL;
}

/* Copies a parameter list up to its closing parenthesis with the macros of the source in it expanded. */
static void expand_macros(const char *source, const char *p, int level, scl_arena *arena, const char **out)
{
    for (int depth = 0; *p && depth >= 0;) {
        size_t n = 0;
        while (is_word(p[n]))
            n++;
        const char *body = n && level < 4 ? definition(source, p, n) : NULL;
        if (body) {
            size_t length = strcspn(body, "\n");
            while (length && body[length - 1] == '\\' && body[length])
                length += 1 + strcspn(body + length + 1, "\n");
            expand_macros(source, scl_arena_printf(arena, "%.*s", (int)length, body), level + 1, arena, out);
        } else {
            depth += (*p == '(') - (*p == ')');
            *out = scl_arena_printf(arena, "%s%.*s", *out, n ? (int)n : depth >= 0, p);
        }
        p += n ? n : 1;
    }
}

int scl_source_parameters(const char *source, const char *function, char (*names)[64], char *address)
{
    const char *list = parameter_list(source, function), *p = "";
    if (!list)
        return -1;
    scl_arena arena = { 0 };
    expand_macros(source, list + 1, 0, &arena, &p);
    int n = 0;
    for (int depth = 0; n < SCL_MAX_PARAMETERS;) {
        size_t length = 0;
        for (; p[length] && (depth || p[length] != ','); length++)
            depth += (p[length] == '(') - (p[length] == ')');
        if (strspn(p, " \n\t\\") < length && strncmp(p, "void", length)) {
            parameter(p, length, names[n], 64, &address[n]);
            n++;
        }
        if (!p[length])
            break;
        p += length + 1;
    }
    scl_arena_free(&arena);
    return n;
}
