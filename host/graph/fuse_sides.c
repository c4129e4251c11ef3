/* Fusion across the borders of operators that take it (scl_impl.fuses: convolutions, statistics).
 *
 *   input side    the pointwise node that makes the operator's first input (normalisation's scale and shift, activation) is
 *                 computed where the input is read, if all readers of its result take it: the result is never stored
 *   output side   the one pointwise node that reads the result (residual add, activation's derivative) is computed where it is
 *                 written
 *   along         a pointwise node that reads the operator's input, element by element, and its results (a normalisation is
 *                 applied) is computed by the same kernel, as a further output
 *
 * Every inner result keeps its flush, so the bits are those of the unfused plan.  Which of them pay is the plan's choice. */
#include <string.h>

#include "graph/build.h"
#include "graph/expr.h"
#include "graph/passes.h"
#include "graph/signature.h"

enum { MOST_EXTRA = 6 };

typedef struct fusion {
    scl_program *p;
    const scl_device_info *device;
    const scl_plan_options *options;
    bool *gone;             /* position: node was taken in */
} fusion;

static bool takes(const fusion *f, const scl_node *n, unsigned side)
{
    scl_choice c;
    scl_err ignored = { 0 };
    if (scl_is_pointwise(n) || n->n_in == 0)
        return false;
    const bool chosen = scl_choose(&c, n, f->device, f->options, &ignored) == SCL_OK;
    scl_err_clear(&ignored);
    return chosen && c.impl->fuses & side;
}

static bool reads(const scl_node *n, const scl_value *v)
{
    for (int i = 0; i < n->n_in; i++)
        if (n->in[i] == v)
            return true;
    return false;
}

/* Is any input of n updated in place between two positions?  Then n may not move there. */
static bool updated_between(const fusion *f, const scl_node *n, int from, int to)
{
    for (int j = from; j <= to; j++)
        for (int o = 0; !f->gone[j] && o < f->p->node[j]->n_out; o++) {
            const scl_value *v = f->p->node[j]->out[o];
            if (v->storage && (reads(n, v->storage) || reads(n, v)))
                return true;
        }
    return false;
}

/* Appends the inputs of a pointwise node but `inner` to n under names of their own; the expression in those names. */
static const scl_expr *adopt(fusion *f, scl_node *n, const scl_node *pointwise, const scl_value *inner,
                             const char *prefix, const char *inner_name)
{
    scl_arena *arena = f->p->arena;
    const scl_expr *e = pointwise->expr;
    int fresh = 0;
    for (int i = 0; i < pointwise->n_in; i++) {         /* two steps: a new name may be an old one */
        const char *name = pointwise->in[i] == inner ? inner_name : scl_arena_printf(arena, "%s%d", prefix, fresh++);
        e = scl_expr_rename(e, pointwise->in_name[i], scl_arena_printf(arena, "%s ", name), arena);
        if (pointwise->in[i] == inner)
            continue;
        n->in[n->n_in] = pointwise->in[i];
        n->in_name[n->n_in] = name;
        n->in_index[n->n_in] = pointwise->in_index[i];
        n->in_offset[n->n_in++] = pointwise->in_offset[i];
    }
    e = scl_expr_rename(e, scl_arena_printf(arena, "%s ", inner_name), inner_name, arena);
    for (int k = 0; k < fresh; k++) {
        const char *name = scl_arena_printf(arena, "%s%d", prefix, k);
        e = scl_expr_rename(e, scl_arena_printf(arena, "%s ", name), name, arena);
    }
    return e;
}

/* How often a pointwise node reads v at the element it writes; -1: in another way. */
static int full_reads(const scl_node *n, const scl_value *v)
{
    int count = 0;
    for (int i = 0; i < n->n_in; i++) {
        if (n->in[i] == v && n->in_index[i] != SCL_INDEX_FULL)
            return -1;
        count += n->in[i] == v;
    }
    return count;
}

static bool same_shape(const scl_value *a, const scl_value *b)
{
    return a->rank == b->rank && !memcmp(a->dim, b->dim, sizeof *a->dim * (size_t)a->rank);
}

/* The only reader of v after position i; -1: none or several, or a value that must be stored. */
static int only_reader(const fusion *f, const scl_value *v, int i)
{
    int found = -1;
    if (v->output || v->storage)
        return -1;
    for (int j = i + 1; j < f->p->n_node; j++) {
        if (f->gone[j] || !reads(f->p->node[j], v))
            continue;
        if (found >= 0)
            return -1;
        found = j;
    }
    return found;
}

static scl_node *copy_of(const fusion *f, const scl_node *n)
{
    scl_node *copy = SCL_NEW(f->p->arena, scl_node);
    *copy = *n;
    return copy;
}

static void drop_gone(fusion *f)
{
    int kept = 0;
    for (int i = 0; i < f->p->n_node; i++)
        if (!f->gone[i])
            f->p->node[kept++] = f->p->node[i];
    f->p->n_node = kept;
}

static void fuse_output(fusion *f, int i)
{
    const scl_node *n = f->p->node[i];
    const int j = only_reader(f, n->out[0], i);
    if (j < 0)
        return;
    const scl_node *reader = f->p->node[j];
    if (!scl_is_pointwise(reader) || reader->out[0]->storage || full_reads(reader, n->out[0]) < 1 ||
        !same_shape(reader->out[0], n->out[0]) || reader->n_in - 1 > MOST_EXTRA ||
        n->n_in + reader->n_in - 1 > SCL_MAX_IN || updated_between(f, n, i + 1, j))
        return;
    scl_node *fused = copy_of(f, n);
    fused->post = adopt(f, fused, reader, n->out[0], "post", "y");
    fused->out[0] = reader->out[0];
    f->gone[i] = true;
    f->p->node[j] = fused;
}

/* May the pointwise node at i be computed by every reader of its result instead? */
static bool can_enter(const fusion *f, int i)
{
    const scl_node *n = f->p->node[i];
    const scl_value *v = n->out[0];
    int full = 0, readers = 0, last = i;
    if (!scl_is_pointwise(n) || v->output || v->storage || v->rank != 4)
        return false;
    for (int k = 0; k < n->n_in; k++)
        full += n->in_index[k] == SCL_INDEX_FULL;
    if (full != 1 || n->n_in - 1 > MOST_EXTRA)
        return false;
    for (int j = i + 1; j < f->p->n_node; j++) {
        const scl_node *r = f->p->node[j];
        if (f->gone[j] || !reads(r, v))
            continue;
        if (r->in[0] != v || r->pre || r->n_in + n->n_in - 1 > SCL_MAX_IN || !takes(f, r, SCL_FUSE_INPUT))
            return false;
        for (int k = 1; k < r->n_in; k++)
            if (r->in[k] == v)
                return false;
        readers++;
        last = j;
    }
    return readers > 0 && !updated_between(f, n, i + 1, last);
}

static void fuse_input(fusion *f, int i)
{
    const scl_node *n = f->p->node[i];
    scl_value *full = NULL;
    for (int k = 0; k < n->n_in; k++)
        if (n->in_index[k] == SCL_INDEX_FULL)
            full = n->in[k];
    for (int j = i + 1; j < f->p->n_node; j++) {
        if (f->gone[j] || !reads(f->p->node[j], n->out[0]))
            continue;
        scl_node *fused = copy_of(f, f->p->node[j]);
        fused->pre = adopt(f, fused, n, full, "pre", "x");
        fused->in[0] = full;
        f->p->node[j] = fused;
    }
    f->gone[i] = true;
}

/* ---- along ---- */

/* "v_mean" of the operator's result called mean; NULL: not a result of n. */
static const char *own_result(const fusion *f, const scl_node *n, const scl_value *v)
{
    for (int o = 0; o < n->n_out; o++)
        if (n->out[o] == v)
            return scl_arena_printf(f->p->arena, "v_%s", scl_sig_parse(n->op->out[o]).name);
    return NULL;
}

/* Does the pointwise node read nothing but in[0] of n at its element, results of n, and what persists? */
static bool goes_along(const fusion *f, const scl_node *n, const scl_node *pointwise)
{
    bool results = false;
    if (!scl_is_pointwise(pointwise) || pointwise->out[0]->storage || !same_shape(pointwise->out[0], n->in[0]) ||
        full_reads(pointwise, n->in[0]) < 1 || n->n_in + pointwise->n_in > SCL_MAX_IN)
        return false;
    for (int i = 0; i < pointwise->n_in; i++) {
        const scl_value *v = pointwise->in[i];
        const bool own = own_result(f, n, v) != NULL;
        if (v != n->in[0] && !(own && pointwise->in_index[i] == SCL_INDEX_SAMPLE_CHANNEL) &&
            (v->role == SCL_INTERMEDIATE || pointwise->in_index[i] == SCL_INDEX_FULL))
            return false;
        results |= own;
    }
    return results;
}

static void fuse_along(fusion *f, int i)
{
    for (int j = i + 1; j < f->p->n_node; j++) {
        const scl_node *n = f->p->node[i], *pointwise = f->p->node[j];
        if (f->gone[j] || !goes_along(f, n, pointwise) || updated_between(f, pointwise, i, j))
            continue;
        scl_node *fused = copy_of(f, n);
        const scl_expr *e = adopt(f, fused, pointwise, n->in[0], "post", "y");
        int kept = n->n_in;
        for (int k = n->n_in; k < fused->n_in; k++) {      /* its own results are at hand */
            const char *own = own_result(f, n, fused->in[k]);
            if (own) {
                e = scl_expr_rename(e, fused->in_name[k], own, f->p->arena);
                continue;
            }
            fused->in[kept] = fused->in[k];
            fused->in_name[kept] = fused->in_name[k];
            fused->in_index[kept] = fused->in_index[k];
            fused->in_offset[kept++] = fused->in_offset[k];
        }
        fused->n_in = kept;
        fused->post = e;
        fused->out[fused->n_out++] = pointwise->out[0];
        f->p->node[i] = fused;
        f->gone[j] = true;
        return;
    }
}

void scl_pass_fuse_along(scl_program *p, const scl_device_info *device, const scl_plan_options *options)
{
    scl_arena scratch = { 0 };
    fusion f = { .p = p, .device = device, .options = options };
    f.gone = SCL_NEW_ARRAY(&scratch, bool, p->n_node);
    scl_node **node = SCL_NEW_ARRAY(p->arena, scl_node *, p->n_node);
    memcpy(node, p->node, sizeof *node * (size_t)p->n_node);
    p->node = node;
    for (int i = 0; i < p->n_node; i++)
        if (!f.gone[i] && takes(&f, p->node[i], SCL_FUSE_ALONG))
            fuse_along(&f, i);
    drop_gone(&f);
    scl_arena_free(&scratch);
}

void scl_pass_fuse_sides(scl_program *p, const scl_device_info *device, const scl_plan_options *options)
{
    scl_arena scratch = { 0 };
    fusion f = { .p = p, .device = device, .options = options };
    f.gone = SCL_NEW_ARRAY(&scratch, bool, p->n_node);
    for (int i = 0; i < p->n_node && !(options->no_fuse_output); i++)
        if (!f.gone[i] && !p->node[i]->post && takes(&f, p->node[i], SCL_FUSE_OUTPUT))   /* one that took in its reader comes again */
            fuse_output(&f, i);
    for (int i = 0; i < p->n_node && options->fuse_input; i++)
        if (!f.gone[i] && can_enter(&f, i))
            fuse_input(&f, i);
    drop_gone(&f);
    scl_arena_free(&scratch);
}
