/* Values of keys: from a tree into a field, from a field to YAML. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/schema.h"

static void wrong(const scl_key *key, const scl_tree *node, const char *path, scl_faults *faults)
{
    scl_fault(faults, node->place, path, "must be %s, not %s", scl_key_expects(key, faults->arena),
              scl_tree_describe(node, faults->arena));
}

/* A choice by its name, or -1 and a fault. */
static int read_choice(const scl_key *key, const scl_tree *node, const char *path, scl_faults *faults)
{
    const char *name[16], *choice;
    bool available;
    int n = 0;
    if (node->kind != SCL_TREE_SCALAR || scl_tree_is_null(node)) {
        wrong(key, node, path, faults);
        return -1;
    }
    for (int i = 0; (choice = scl_key_choice(key, i, &available, faults->arena)); i++) {
        if (!strcmp(choice, node->text)) {
            if (available)
                return i;
            scl_fault(faults, node->place, path, "'%s' is not available in this version; available: %s", choice,
                      scl_key_available(key, faults->arena));
            return -1;
        }
        if (available && n < 16)
            name[n++] = choice;
    }
    const char *near = scl_nearest(node->text, name, n);
    scl_fault(faults, node->place, path, "must be %s, not %s%s%s%s", scl_key_expects(key, faults->arena),
              scl_tree_describe(node, faults->arena), near ? "; did you mean '" : "", near ? near : "",
              near ? "'?" : "");
    return -1;
}

static bool read_bool(const scl_tree *node, bool *value)
{
    const bool yes = !strcmp(node->text, "true") || !strcmp(node->text, "True") || !strcmp(node->text, "TRUE");
    const bool no = !strcmp(node->text, "false") || !strcmp(node->text, "False") || !strcmp(node->text, "FALSE");
    *value = yes;
    return yes || no;
}

static bool read_number(const scl_key *key, const scl_tree *node, double *real, long long *integer)
{
    const char *text = node->text;
    char *end;
    errno = 0;
    *real = strtod(text, &end);
    if (end == text || *end || !isfinite(*real) || strpbrk(text, "xXpPnN ") || (errno == ERANGE && fabs(*real) > 1))
        return false;
    errno = 0;
    *integer = strtoll(text, &end, 10);
    if (key->type != SCL_KEY_REAL && key->type != SCL_KEY_REALS && (*end || errno == ERANGE))
        return false;
    return true;
}

static void read_numeric(const scl_key *key, const scl_tree *node, const char *path, void *field, scl_faults *faults)
{
    const scl_range r = scl_key_range(key);
    double real = 0;
    long long integer = 0;
    const bool word = r.word[0] && !strcmp(node->text, r.word);
    /* the word stands for 0, and 0 for itself where the printed form of it is expected */
    const bool zero = r.word[0] && !strcmp(node->text, "0");
    if (!word && !zero) {
        if (node->quoted || !read_number(key, node, &real, &integer)) {
            wrong(key, node, path, faults);
            return;
        }
        const double x = key->type == SCL_KEY_REAL ? real : (double)integer;
        if (x < r.low || x > r.high || (r.open_low && x == r.low) || (r.open_high && x == r.high)) {
            wrong(key, node, path, faults);
            return;
        }
    }
    if (key->type == SCL_KEY_REAL)
        *(double *)field = real;
    else if (key->type == SCL_KEY_INT64)
        *(uint64_t *)field = (uint64_t)integer;
    else
        *(int *)field = (int)integer;
}

static void read_ints(const scl_key *key, const scl_tree *node, const char *path, scl_ints *field, scl_faults *faults)
{
    const scl_range r = scl_key_range(key);
    const bool list = node->kind == SCL_TREE_LIST,
               word = r.word[0] && node->kind == SCL_TREE_SCALAR && !strcmp(node->text, r.word);
    const int n = list ? node->n : word ? 0 : 1;
    int *at = SCL_NEW_ARRAY(faults->arena, int, n + 1);
    for (int i = 0; i < n; i++) {
        const scl_tree *one = list ? node->child[i] : node;
        double real;
        long long integer;
        if (one->kind != SCL_TREE_SCALAR || one->quoted || !read_number(key, one, &real, &integer) ||
            real < r.low || real > r.high) {
            wrong(key, one, path, faults);
            return;
        }
        at[i] = (int)integer;
    }
    *field = (scl_ints){ n, at };
}

/* Numbers of one row from a scalar or a list; false: a fault was told. */
static bool read_row(const scl_key *key, const scl_tree *node, const char *path, double *to, int cols,
                     scl_faults *faults)
{
    const scl_range r = scl_key_range(key);
    for (int i = 0; i < cols; i++) {
        const scl_tree *one = node->kind == SCL_TREE_LIST ? node->child[i] : node;
        long long ignored;
        if (one->kind != SCL_TREE_SCALAR || one->quoted || !read_number(key, one, &to[i], &ignored) || to[i] < r.low ||
            to[i] > r.high || (r.open_low && to[i] == r.low) || (r.open_high && to[i] == r.high)) {
            wrong(key, one, path, faults);
            return false;
        }
    }
    return true;
}

static int width_of(const scl_tree *row) { return row->kind == SCL_TREE_LIST ? row->n : 1; }

static void read_reals(const scl_key *key, const scl_tree *node, const char *path, scl_reals *field, scl_faults *faults)
{
    const bool list = node->kind == SCL_TREE_LIST;
    const int rows = list ? node->n : 1, cols = rows ? width_of(list ? node->child[0] : node) : 0;
    if (node->kind == SCL_TREE_MAP || !cols) {
        wrong(key, node, path, faults);
        return;
    }
    double *at = SCL_NEW_ARRAY(faults->arena, double, (size_t)rows * (size_t)cols);
    for (int i = 0; i < rows; i++) {
        const scl_tree *row = list ? node->child[i] : node;
        if (width_of(row) != cols) {
            scl_fault(faults, row->place, path, "its lists must be of one length, not %d and %d", cols, width_of(row));
            return;
        }
        if (!read_row(key, row, path, at + (size_t)i * (size_t)cols, cols, faults))
            return;
    }
    *field = (scl_reals){ rows, cols, at };
}

/* folder/path without "." and "..", so that a config printed elsewhere still finds its files. */
static const char *join(const char *folder, const char *path, scl_arena *arena)
{
    char *whole = path[0] == '/' || !folder ? scl_arena_strdup(arena, path)
                                            : scl_arena_printf(arena, "%s/%s", folder, path);
    if (whole[0] != '/')
        return whole;
    char *out = scl_arena_alloc(arena, strlen(whole) + 2), *end = out, *save = NULL;
    for (char *part = strtok_r(whole, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
        if (!strcmp(part, "."))
            continue;
        if (!strcmp(part, "..")) {
            while (end > out && *--end != '/')
                ;
            *end = 0;
            continue;
        }
        *end++ = '/';
        end = stpcpy(end, part);
    }
    return end == out ? "/" : out;
}

static void read_text(const scl_key *key, const scl_tree *node, const char *path, const char **field,
                      scl_faults *faults)
{
    if (scl_tree_is_null(node) || !node->text[0]) {
        wrong(key, node, path, faults);
        return;
    }
    if (key->type == SCL_KEY_PATH)
        *field = key->range[0] && !node->quoted && !strcmp(node->text, key->range)
                     ? NULL
                     : join(faults->folder, node->text, faults->arena);
    else if (key->flags & (SCL_KEY_SAMPLE | SCL_KEY_EVALUATE) && strchr(node->text, '/'))
        *field = join(faults->folder, node->text, faults->arena);      /* checkpoint, samples: the path of a file */
    else
        *field = node->text;
}

static void read_set(const scl_key *key, const scl_tree *node, const char *path, unsigned *field, scl_faults *faults)
{
    unsigned set = 0;
    if (node->kind == SCL_TREE_MAP) {
        wrong(key, node, path, faults);
        return;
    }
    for (int i = 0; i < (node->kind == SCL_TREE_LIST ? node->n : 1); i++) {
        const int choice = read_choice(key, node->kind == SCL_TREE_LIST ? node->child[i] : node, path, faults);
        if (choice < 0)
            return;
        set |= 1u << choice;
    }
    *field = set;
}

static void read_names(const scl_key *key, const scl_tree *node, const char *path, scl_stage_config *stage,
                       scl_faults *faults)
{
    const bool list = node->kind == SCL_TREE_LIST;
    const int n = list ? node->n : 1;
    const char **names = SCL_NEW_ARRAY(faults->arena, const char *, n + 1);
    for (int i = 0; i < n; i++) {
        const scl_tree *one = list ? node->child[i] : node;
        if (one->kind != SCL_TREE_SCALAR || scl_tree_is_null(one)) {
            wrong(key, one, path, faults);
            return;
        }
        names[i] = one->text;
    }
    stage->needs = names;
    stage->n_needs = n;
}

void scl_key_read(const scl_key *key, const scl_tree *node, const char *path, void *base, scl_faults *faults)
{
    void *field = (char *)base + key->offset;
    if (key->type == SCL_KEY_SET) {
        read_set(key, node, path, field, faults);
        return;
    }
    if (key->type == SCL_KEY_NAMES) {
        read_names(key, node, path, base, faults);
        return;
    }
    if (key->type == SCL_KEY_INTS) {
        read_ints(key, node, path, field, faults);
        return;
    }
    if (key->type == SCL_KEY_REALS) {
        read_reals(key, node, path, field, faults);
        return;
    }
    if (node->kind != SCL_TREE_SCALAR) {
        wrong(key, node, path, faults);
        return;
    }
    if (key->type == SCL_KEY_CHOICE) {
        const int choice = read_choice(key, node, path, faults);
        if (choice >= 0)
            *(int *)field = choice;
    } else if (key->type == SCL_KEY_BOOL) {
        bool value;
        if (node->quoted || !read_bool(node, &value))
            wrong(key, node, path, faults);
        else
            *(bool *)field = value;
    } else if (key->type == SCL_KEY_TEXT || key->type == SCL_KEY_PATH) {
        read_text(key, node, path, field, faults);
    } else {
        read_numeric(key, node, path, field, faults);
    }
}

void scl_key_default(const scl_key *key, void *base, scl_faults *faults)
{
    if (!key->fallback || key->type == SCL_KEY_SECTION || key->type == SCL_KEY_STAGES || key->type == SCL_KEY_TUNE)
        return;
    const scl_tree *node = scl_tree_parse_value(key->fallback, "schema.def", 0, key->name, faults);
    if (node)
        scl_key_read(key, node, key->name, base, faults);
}

const char *scl_yaml_text(const char *text, scl_arena *arena)
{
    static const char *const words[] = { "null", "~", "true", "false", "none" };
    bool plain = text[0] && !strpbrk(text, ":#'\"\\{}[],&*!|>%@`\n\t$") && text[0] != '-' && text[0] != '?' &&
                 text[0] != ' ' && text[0] != '<' && text[0] != '=' && text[strlen(text) - 1] != ' ';
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        plain = plain && strcmp(text, words[i]);
    if (plain)
        return text;
    char *out = scl_arena_alloc(arena, 7 * strlen(text) + 3), *p = out;
    *p++ = '"';
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '$' && text[1] == '{')      /* not a variable again when it is read back */
            p = stpcpy(p, "${SCL_NONE:-$}");
        else if (c == '"' || c == '\\')
            p += sprintf(p, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            p += sprintf(p, "\\x%02x", c);
        else
            *p++ = (char)c;
    }
    *p++ = '"';
    *p = 0;
    return out;
}

/* The shortest decimal that reads back as the same double. */
static const char *real_text(double x, scl_arena *arena)
{
    char text[40];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            break;
    }
    return scl_arena_strdup(arena, text);
}

static const char *set_text(const scl_key *key, unsigned set, scl_arena *arena)
{
    const char *list = "", *choice;
    bool available;
    for (int i = 0; (choice = scl_key_choice(key, i, &available, arena)); i++)
        if (set >> i & 1u)
            list = scl_arena_printf(arena, "%s%s%s", list, list[0] ? ", " : "", choice);
    return scl_arena_printf(arena, "[%s]", list);
}

static const char *names_text(const scl_stage_config *stage, scl_arena *arena)
{
    const char *list = "";
    for (int i = 0; i < stage->n_needs; i++)
        list = scl_arena_printf(arena, "%s%s%s", list, i ? ", " : "", scl_yaml_text(stage->needs[i], arena));
    return scl_arena_printf(arena, "[%s]", list);
}

static const char *ints_text(const scl_ints *ints, scl_arena *arena)
{
    const char *list = "";
    for (int i = 0; i < ints->n; i++)
        list = scl_arena_printf(arena, "%s%s%d", list, i ? ", " : "", ints->at[i]);
    return scl_arena_printf(arena, "[%s]", list);
}

static const char *reals_text(const scl_reals *r, scl_arena *arena)
{
    const char *list = "";
    for (int i = 0; i < r->rows; i++) {
        list = scl_arena_printf(arena, "%s%s%s", list, i ? ", " : "", r->cols > 1 ? "[" : "");
        for (int k = 0; k < r->cols; k++)
            list = scl_arena_printf(arena, "%s%s%s", list, k ? ", " : "", real_text(r->at[i * r->cols + k], arena));
        list = scl_arena_printf(arena, "%s%s", list, r->cols > 1 ? "]" : "");
    }
    return scl_arena_printf(arena, "[%s]", list);
}

const char *scl_key_print(const scl_key *key, const void *base, scl_arena *arena)
{
    const void *field = (const char *)base + key->offset;
    bool available;
    switch (key->type) {
    case SCL_KEY_BOOL: return *(const bool *)field ? "true" : "false";
    case SCL_KEY_INT:
        if (*(const int *)field == 0 && strchr(key->range, '|'))
            return scl_arena_printf(arena, "%s", scl_key_range(key).word);
        return scl_arena_printf(arena, "%d", *(const int *)field);
    case SCL_KEY_INT64: return scl_arena_printf(arena, "%llu", (unsigned long long)*(const uint64_t *)field);
    case SCL_KEY_REAL:
        if (!(*(const double *)field > 0) && scl_key_range(key).word[0])
            return scl_arena_printf(arena, "%s", scl_key_range(key).word);
        return real_text(*(const double *)field, arena);
    case SCL_KEY_TEXT:
    case SCL_KEY_PATH: {
        const char *text = *(const char *const *)field;
        return text ? scl_yaml_text(text, arena) : key->range;
    }
    case SCL_KEY_CHOICE: return scl_key_choice(key, *(const int *)field, &available, arena);
    case SCL_KEY_SET: return set_text(key, *(const unsigned *)field, arena);
    case SCL_KEY_NAMES: return names_text(base, arena);
    case SCL_KEY_INTS:
        if (!((const scl_ints *)field)->n && scl_key_range(key).word[0])
            return scl_arena_printf(arena, "%s", scl_key_range(key).word);
        return ints_text(field, arena);
    case SCL_KEY_REALS: return reals_text(field, arena);
    case SCL_KEY_SECTION:
    case SCL_KEY_STAGES:
    case SCL_KEY_TUNE: break;
    }
    return "";
}
