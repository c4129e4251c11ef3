/* What an implementation's launch function talks to: it records launches and resolves their buffers. */
#include "graph/launcher.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "graph/build.h"
#include "graph/signature.h"

const scl_tune *scl_launcher_tune(const scl_launcher *q) { return &q->choice->tune; }
const scl_device_info *scl_launcher_device(const scl_launcher *q) { return q->device; }
scl_arena *scl_launcher_arena(scl_launcher *q) { return q->arena; }

scl_grid scl_groups(size_t wg, size_t gx, size_t gy, size_t gz)
{
    return (scl_grid){ .global = { wg * gx, gy ? gy : 1, gz ? gz : 1 }, .local = { wg, 1, 1 } };
}

static scl_launch *next_launch(scl_launcher *q)
{
    if (q->n_launch == q->cap_launch) {
        q->cap_launch = q->cap_launch ? 2 * q->cap_launch : 64;
        scl_launch *bigger = SCL_NEW_ARRAY(q->arena, scl_launch, q->cap_launch);
        if (q->n_launch)
            memcpy(bigger, q->launch, sizeof *bigger * (size_t)q->n_launch);
        q->launch = bigger;
    }
    return &q->launch[q->n_launch++];
}

/* The value that an operator's signature (or, for expressions, the node) calls name; *found false: no such name. */
static const scl_value *named_value(const scl_node *n, const char *name, bool *found)
{
    *found = true;
    for (int i = 0; i < n->n_in; i++)
        if (n->in_name[i] && !strcmp(n->in_name[i], name))
            return n->in[i];
    for (int o = 0; o < scl_op_outputs(n->op); o++)
        if (!strcmp(scl_sig_parse(n->op->out[o]).name, name))
            return n->out[o];
    if (scl_is_pointwise(n) && !strcmp(name, "out"))
        return n->out[0];
    if (!strcmp(name, "along"))     /* what a plan computes along with the operator, if anything */
        return n->n_out > scl_op_outputs(n->op) ? n->out[n->n_out - 1] : NULL;
    *found = false;
    return NULL;
}

scl_place scl_value_place(const scl_launcher *q, const scl_value *v)
{
    if (!v)
        return (scl_place){ .in = SCL_PLACE_NONE };
    const scl_value *home = v->storage ? v->storage : v;
    if (home->role != SCL_INTERMEDIATE)
        return (scl_place){ .in = SCL_PLACE_STORE, .bytes = scl_value_bytes(home), .value = home };
    return (scl_place){ .in = SCL_PLACE_SLAB, .offset = q->offset_of[home->id], .bytes = scl_value_bytes(home) };
}

static scl_status place_of(scl_launcher *q, const scl_node *n, const scl_launch_arg *a, scl_place *out, scl_err *err)
{
    *out = (scl_place){ .in = SCL_PLACE_NONE };
    if (a->kind == SCL_ARG_PREPARED) {
        if (a->offset + a->bytes > q->prepared_bytes)
            return scl_fail(err, SCL_FAILED, "%s: '%s' ends at byte %zu of %zu prepared ones", n->op->name, a->name,
                            a->offset + a->bytes, q->prepared_bytes);
        *out = (scl_place){ .in = SCL_PLACE_SLAB, .offset = q->prepared_offset + a->offset, .bytes = a->bytes };
    } else if (a->kind == SCL_ARG_WORK) {
        if (a->offset + a->bytes > q->work_bytes)
            return scl_fail(err, SCL_FAILED, "%s: workspace '%s' ends at byte %zu of %zu", n->op->name, a->name,
                            a->offset + a->bytes, q->work_bytes);
        *out = (scl_place){ .in = SCL_PLACE_SLAB, .offset = q->work_offset + a->offset, .bytes = a->bytes };
    } else if (a->kind == SCL_ARG_VALUE) {
        bool found;
        const scl_value *v = named_value(n, a->value, &found);
        if (!found)
            return scl_fail(err, SCL_FAILED, "%s: launch names an unknown value '%s'", n->op->name, a->value);
        *out = scl_value_place(q, v);
    }
    return SCL_OK;
}

static scl_status add(scl_launcher *q, const scl_node *n, scl_err *err, const char *source,
                      const char *kernel, scl_grid grid, const scl_launch_arg *args, int n_args)
{
    scl_launch *l = next_launch(q);
    *l = (scl_launch){ .node = n, .family = scl_is_pointwise(n) ? scl_op_pointwise()->family : n->op->family,
                       .source = source, .kernel = kernel, .grid = grid };
    for (int d = 0; d < 3; d++)
        if (!grid.global[d] || !grid.local[d] || grid.global[d] % grid.local[d])
            return scl_fail(err, SCL_FAILED, "%s: kernel %s has an empty or uneven grid", n->op->name, kernel);
    char options[512];
    size_t used = 0;
    const scl_tune *t = &q->choice->tune;
    for (int i = 0; i < t->n; i++)
        used += (size_t)snprintf(options + used, sizeof options - used, "%s-D%s=%d", used ? " " : "",
                                 t->name[i], t->value[i]);
    for (int i = 0; i < n_args; i++) {
        const scl_launch_arg *a = &args[i];
        if (a->kind == SCL_ARG_NONE)
            continue;
        if (a->kind == SCL_ARG_DEFINE && a->text)
            used += (size_t)snprintf(options + used, sizeof options - used, " -D%s=%s", a->name, a->text);
        else if (a->kind == SCL_ARG_DEFINE)
            used += (size_t)snprintf(options + used, sizeof options - used, " -D%s=%d", a->name, a->i);
        if (used >= sizeof options)
            return scl_fail(err, SCL_FAILED, "%s: build options of %s are too long", n->op->name, kernel);
        if (a->kind == SCL_ARG_DEFINE)
            continue;
        if (l->n_arg == SCL_MAX_LAUNCH_ARGS)
            return scl_fail(err, SCL_FAILED, "%s: kernel %s has more than %d arguments", n->op->name, kernel,
                            SCL_MAX_LAUNCH_ARGS);
        SCL_TRY(place_of(q, n, a, &l->place[l->n_arg], err));
        l->arg[l->n_arg++] = *a;
    }
    l->options = scl_arena_strdup(q->arena, used ? options : "");
    return SCL_OK;
}

void scl_launch_prepares(scl_launcher *q) { q->launch[q->n_launch - 1].prepares = true; }

scl_status scl_launch_add(scl_launcher *q, const scl_node *n, scl_err *err, const char *kernel, scl_grid grid,
                          const scl_launch_arg *args, int n_args)
{
    return add(q, n, err, NULL, kernel, grid, args, n_args);
}

scl_status scl_launch_add_source(scl_launcher *q, const scl_node *n, scl_err *err, const char *source,
                                 const char *kernel, scl_grid grid, const scl_launch_arg *args, int n_args)
{
    return add(q, n, err, source, kernel, grid, args, n_args);
}

scl_status scl_launch_gemm(scl_launcher *q, const scl_node *n, scl_err *err, const scl_gemm *gemm)
{
    scl_launch *l = next_launch(q);
    scl_gemm *copy = SCL_NEW(q->arena, scl_gemm);
    *copy = *gemm;
    *l = (scl_launch){ .node = n, .family = n->op->family, .gemm = copy, .n_arg = 3, .options = "" };
    const scl_launch_arg *operands[3] = { &gemm->a, &gemm->b, &gemm->c };
    for (int i = 0; i < 3; i++) {
        l->arg[i] = *operands[i];
        SCL_TRY(place_of(q, n, operands[i], &l->place[i], err));
    }
    return SCL_OK;
}
