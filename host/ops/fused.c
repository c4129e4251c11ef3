/* The macros of cl/lib/fused.cl from the expressions that a plan has fused into an operator. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/expr.h"
#include "ops/fused.h"

static bool on_side(const scl_node *n, int i, const char *side)
{
    return n->in[i] && n->in_name[i] && !strncmp(n->in_name[i], side, strlen(side));
}

/* What element-wise inputs read, and what is the same for a vector of channels of a sample. */
static void print_load(FILE *f, const scl_node *n, int i)
{
    const char *name = n->in_name[i];
    const int last = n->in[i]->dim[n->in[i]->rank - 1], offset = n->in_offset[i];
    switch (n->in_index[i]) {
    case SCL_INDEX_FULL: fprintf(f, " const floatV v_%s = LOAD_CUT(%s + (e), (count));", name, name); break;
    case SCL_INDEX_SAMPLE: fprintf(f, " const floatV v_%s = (floatV)(%s[n]);", name, name); break;
    case SCL_INDEX_SAMPLE_CHANNEL:
        fprintf(f, " const floatV v_%s = LOAD_CUT(%s + (size_t)(n) * %d + %d + (c), (count));", name, name,
                last, offset);
        break;
    case SCL_INDEX_CHANNEL:
        fprintf(f, " const floatV v_%s = LOAD_CUT(%s + %d + (c), (count));", name, name, offset);
        break;
    case SCL_INDEX_SCALAR: fprintf(f, " const floatV v_%s = (floatV)(%s[%d]);", name, name, offset); break;
    }
}

static void print_loads(FILE *f, const scl_node *n, const char *side, bool full)
{
    for (int i = 0; i < n->n_in; i++)
        if (on_side(n, i, side) && (n->in_index[i] == SCL_INDEX_FULL) == full)
            print_load(f, n, i);
}

/* The expression over v (what was read, or the result) and v_pre0 ... */
static const char *expression(const scl_node *n, const scl_expr *e, const char *side, const char *inner,
                              scl_arena *arena)
{
    for (int i = 0; i < n->n_in; i++)
        if (on_side(n, i, side))
            e = scl_expr_rename(e, n->in_name[i], scl_arena_printf(arena, "v_%s", n->in_name[i]), arena);
    return scl_expr_opencl(scl_expr_rename(e, inner, "v", arena), true, arena);
}

static void print_side(FILE *f, const scl_node *n, const char *side, const char *SIDE)
{
    fprintf(f, "#define %s_ARGS", SIDE);
    for (int i = 0; i < n->n_in; i++)
        if (on_side(n, i, side))
            fprintf(f, " global const float *restrict %s,", n->in_name[i]);
    fprintf(f, "\n#define %s_PASS", SIDE);
    for (int i = 0; i < n->n_in; i++)
        if (on_side(n, i, side))
            fprintf(f, " %s,", n->in_name[i]);
    fprintf(f, "\n#define %s_HOIST(n, c, count)", SIDE);
    print_loads(f, n, side, false);
    fprintf(f, "\n");
}

static char *source_of(const scl_node *n, scl_arena *arena)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return NULL;
    if (n->pre) {
        print_side(f, n, "pre", "PRE");
        fprintf(f, "#define PRE(v) scl_flush_v(%s)\n", expression(n, n->pre, "pre", "x", arena));
    }
    if (n->post) {
        print_side(f, n, "post", "POST");
        fprintf(f, "#define POST_LOAD(e, count)");
        print_loads(f, n, "post", true);
        fprintf(f, "\n#define POST(v) scl_flush_v(%s)\n", expression(n, n->post, "post", "y", arena));
    }
    fprintf(f, "#include \"ops/%s.cl\"\n", n->op->family);
    fclose(f);
    char *kept = scl_arena_strdup(arena, text);
    free(text);
    return kept;
}

scl_status scl_fused_launch_add(scl_launcher *q, const scl_node *n, scl_err *err, const char *kernel, scl_grid grid,
                               const scl_launch_arg *args, int n_args)
{
    scl_launch_arg all[SCL_MAX_LAUNCH_ARGS + SCL_MAX_DEFINES];
    if (!n->pre && !n->post)
        return scl_launch_add(q, n, err, kernel, grid, args, n_args);
    memcpy(all, args, sizeof *args * (size_t)n_args);
    for (int i = 0; i < n->n_in; i++)
        if (on_side(n, i, "pre") || on_side(n, i, "post"))
            all[n_args++] = (scl_launch_arg){ .kind = SCL_ARG_VALUE, .name = n->in_name[i], .value = n->in_name[i] };
    const char *source = source_of(n, scl_launcher_arena(q));
    if (!source)
        return scl_fail(err, SCL_FAILED, "%s: no memory for a kernel's source", n->op->name);
    return scl_launch_add_source(q, n, err, source, kernel, grid, all, n_args);
}
