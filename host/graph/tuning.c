#include "graph/tuning.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/hash.h"
#include "graph/build.h"
#include "graph/expr.h"
#include "graph/signature.h"

void scl_tuning_free(scl_tuning *t)
{
    scl_arena_free(&t->arena);
    *t = (scl_tuning){0};
}

/* ---- shapes ---- */

/* An expression of a node with its inputs renamed by position, and how each is read: what its generated
 * kernel depends on. */
static const char *expression_hash(const scl_node *n, const scl_expr *expr, scl_arena *arena)
{
    const scl_expr *e = expr;
    const char *how = "";
    int k = 0;
    for (int i = 0; i < n->n_in; i++) {
        if (!n->in[i] || !scl_expr_uses(expr, n->in_name[i]))
            continue;
        e = scl_expr_rename(e, n->in_name[i], scl_arena_printf(arena, "x%d ", k++), arena);
        how = scl_arena_printf(arena, "%s %d", how, (int)n->in_index[i]);
    }
    const char *text = scl_arena_printf(arena, "%s |%s", scl_expr_text(e, arena), how);
    char *hex = scl_arena_alloc(arena, 65);
    scl_sha256_of(text, strlen(text), hex);
    hex[16] = 0;
    return hex;
}

static const char *expression_shape(const scl_node *n, int *batch, scl_arena *arena)
{
    const scl_value *y = n->out[0];
    const char *text = scl_arena_printf(arena, "pointwise D=");
    *batch = y->rank > 1 ? y->dim[0] : 0;
    for (int d = *batch ? 1 : 0; d < y->rank; d++)
        text = scl_arena_printf(arena, "%s%d%s", text, y->dim[d], d + 1 < y->rank ? "x" : "");
    return scl_arena_printf(arena, "%s %s%s", text, expression_hash(n, n->expr, arena),
                            y->storage ? " in_place" : "");
}

const char *scl_tuning_shape(const scl_node *n, int *batch, scl_arena *arena)
{
    if (scl_is_pointwise(n))
        return expression_shape(n, batch, arena);
    const scl_op *op = n->op;
    const char *text = op->name;
    *batch = n->letter['N' - 'A'];
    for (int i = 0; i < 26; i++)
        if (n->letter[i] && i != 'N' - 'A')
            text = scl_arena_printf(arena, "%s %c=%d", text, 'A' + i, n->letter[i]);
    for (int a = 0; a < scl_op_attrs(op); a++) {
        const scl_attr_sig s = scl_attr_sig_parse(op->attr[a]);
        const scl_attr_value *v = &n->attr[a];
        if (isupper((unsigned char)s.name[0]) && !s.name[1])
            continue; /* a letter, which stands there already */
        text = s.kind == SCL_ATTR_TEXT   ? scl_arena_printf(arena, "%s %s=%s", text, s.name, v->text)
               : s.kind == SCL_ATTR_REAL ? scl_arena_printf(arena, "%s %s=%.9g", text, s.name, v->f)
                                         : scl_arena_printf(arena, "%s %s=%ld", text, s.name, v->i);
    }
    for (int i = 0; i < scl_op_inputs(op); i++)
        if (n->in[i] && scl_sig_parse(op->in[i]).optional)
            text = scl_arena_printf(arena, "%s +%s", text, n->in_name[i]);
    if (n->pre)
        text = scl_arena_printf(arena, "%s pre=%s", text, expression_hash(n, n->pre, arena));
    if (n->post)
        text = scl_arena_printf(arena, "%s %s=%s", text, n->n_out > scl_op_outputs(op) ? "along" : "post",
                                expression_hash(n, n->post, arena));
    return text;
}

/* ---- rows ---- */

const scl_tuning_row *scl_tuning_exact(const scl_tuning *t, const char *shape, int batch)
{
    for (int i = 0; t && i < t->n_row; i++)
        if (t->row[i].batch == batch && !strcmp(t->row[i].shape, shape))
            return &t->row[i];
    return NULL;
}

const scl_tuning_row *scl_tuning_find(const scl_tuning *t, const char *shape, int batch)
{
    const scl_tuning_row *best = NULL;
    double nearest = 0;
    for (int i = 0; t && i < t->n_row; i++) {
        const scl_tuning_row *r = &t->row[i];
        if (strcmp(r->shape, shape) != 0)
            continue;
        const double a = r->batch + 1.0, b = batch + 1.0, ratio = a > b ? a / b : b / a;
        if (!best || ratio < nearest) {
            best = r;
            nearest = ratio;
        }
    }
    return best;
}

void scl_tuning_put(scl_tuning *t, const scl_tuning_row *row)
{
    scl_tuning_row *at = (scl_tuning_row *)scl_tuning_exact(t, row->shape, row->batch);
    if (!at && t->n_row == t->cap_row) {
        t->cap_row = t->cap_row ? 2 * t->cap_row : 64;
        scl_tuning_row *bigger = SCL_NEW_ARRAY(&t->arena, scl_tuning_row, t->cap_row);
        if (t->n_row)
            memcpy(bigger, t->row, sizeof *bigger * (size_t)t->n_row);
        t->row = bigger;
    }
    if (!at)
        at = &t->row[t->n_row++];
    *at = *row;
    at->shape = scl_arena_strdup(&t->arena, row->shape);
    at->choice = scl_arena_strdup(&t->arena, row->choice);
}

/* ---- as text ---- */

char *scl_tuning_text(const scl_tuning *t, scl_arena *arena)
{
    scl_arena scratch = {0};
    const char **line = SCL_NEW_ARRAY(&scratch, const char *, t->n_row + 1);
    size_t size = 1;
    for (int i = 0; i <= t->n_row; i++) {
        const scl_tuning_row *r = i ? &t->row[i - 1] : NULL;
        line[i] = !r ? scl_arena_printf(&scratch, "tuning rows %d\n", t->n_row)
                     : scl_arena_printf(&scratch, "%d\t%lld\t%lld\t%s\t%s\n", r->batch, (long long)r->ns,
                                        (long long)r->default_ns, r->choice, r->shape);
        size += strlen(line[i]);
    }
    char *text = scl_arena_alloc(arena, size), *end = text;
    for (int i = 0; i <= t->n_row; i++)
        end = stpcpy(end, line[i]);
    scl_arena_free(&scratch);
    return text;
}

/* "32\t1200\t1500\tCHOICE\tSHAPE" of a writable line. */
static bool read_row(char *line, scl_tuning_row *out)
{
    char *end;
    const long batch = strtol(line, &end, 10);
    if (end == line || *end != '\t' || batch < 0 || batch > 1 << 30)
        return false;
    out->batch = (int)batch;
    int64_t *const times[2] = {&out->ns, &out->default_ns};
    for (int i = 0; i < 2; i++) {
        char *from = end + 1;
        *times[i] = strtoll(from, &end, 10);
        if (end == from || *end != '\t' || *times[i] < 0)
            return false;
    }
    char *choice = end + 1, *tab = strchr(choice, '\t');
    if (!tab || tab == choice || !tab[1] || strchr(tab + 1, '\t'))
        return false;
    *tab = 0;
    out->choice = choice;
    out->shape = tab + 1;
    return true;
}

bool scl_tuning_read(scl_tuning *t, const char *text)
{
    scl_arena scratch = {0};
    scl_tuning found = {0};
    char *copy = scl_arena_strdup(&scratch, text), *line, *rest = copy, *end;
    long n = 0;
    bool good = !strncmp(copy, "tuning rows ", 12);
    if (good) {
        n = strtol(copy + 12, &end, 10);
        good = *end == '\n' && n >= 0;
        rest = end + (*end == '\n');
    }
    for (long i = 0; i < n && good; i++) {
        scl_tuning_row row = {0};
        line = rest;
        end = strchr(line, '\n');
        good = end != NULL;
        if (good) {
            *end = 0;
            rest = end + 1;
            good = read_row(line, &row);
        }
        if (good)
            scl_tuning_put(&found, &row);
    }
    good = good && !*rest;
    for (int i = 0; i < found.n_row && good; i++)
        scl_tuning_put(t, &found.row[i]);
    scl_tuning_free(&found);
    scl_arena_free(&scratch);
    return good;
}

/* ---- shipped rows ---- */

const scl_shipped_row *scl_shipped_rows(int *n)
{
    static const scl_shipped_row rows[] = {
#define SHIPPED(class, vendor, device, shape, choice) {SCL_CLASS_##class, vendor, device, shape, choice},
#include "graph/tuning_rows.def"
#undef SHIPPED
        {0}};
    *n = (int)(sizeof rows / sizeof *rows) - 1;
    return rows;
}

/* Every word of `words` is a word of the shape, and the first is the operator. */
static bool words_fit(const char *words, const char *shape)
{
    for (const char *p = words; *p; p += strspn(p, " ")) {
        const size_t length = strcspn(p, " ");
        bool found = false;
        for (const char *q = shape; *q && !found; q += strspn(q, " ")) {
            const size_t n = strcspn(q, " ");
            found = n == length && !strncmp(p, q, n) && (p != words || q == shape);
            q += n;
        }
        if (!found)
            return false;
        p += length;
    }
    return true;
}

/* 2: names the device, 1: the vendor, 0: the class alone; -1: does not fit. */
static int special(const scl_shipped_row *r, const scl_device_info *device, const char *shape)
{
    if (r->klass != device->klass || !words_fit(r->shape, shape))
        return -1;
    if ((r->vendor[0] && !strcasestr(device->vendor, r->vendor)) ||
        (r->device[0] && !strcasestr(device->name, r->device)))
        return -1;
    return r->device[0] ? 2 : r->vendor[0] ? 1 : 0;
}

bool scl_tuning_ships(const scl_shipped_row *rows, int n_rows, const scl_device_info *device)
{
    for (int k = 0; k < n_rows; k++)
        if (rows[k].klass == device->klass)
            return true;
    return false;
}

const scl_shipped_row *scl_tuning_shipped(const scl_shipped_row *rows, int n_rows,
                                          const scl_device_info *device, const char *shape, int i)
{
    for (int level = 2; level >= 0; level--)
        for (int k = 0; k < n_rows; k++)
            if (special(&rows[k], device, shape) == level && i-- == 0)
                return &rows[k];
    return NULL;
}
