/* pointwise - an expression of each element's values, in the language of graph/expr.h.
 *
 *   y[n,...,c] = flush( expr( x[n,...,c], s[n], t[n, offset + c], u[offset + c], k[offset] ) )
 *
 * Each input is read by the index kind of the node (graph/graph.h, scl_index).  The operators that give an expression in their
 * table (.expr) and the nodes that fusion makes are defined and launched here too.  Derivatives are expressions times the
 * cotangent, built by scl_expr_derivative.  Kernel: cl/ops/pointwise.cl, whose macros are written from the expression; inputs are
 * renamed x0, x1 ... so that equal expressions give equal sources.  Cases: tests/ops/pointwise.c. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/arith.h"
#include "graph/expr.h"
#include "graph/op.h"
#include "ops/pointwise.h"

/* The rows of a node: samples, or one row of everything where no input differs from sample to sample. */
typedef struct rows { int n, channels; size_t d; } rows;

static bool by_channel(const scl_node *n, int i)
{
    const bool kind = n->in_index[i] == SCL_INDEX_SAMPLE_CHANNEL || n->in_index[i] == SCL_INDEX_CHANNEL;
    return kind && n->out[0]->dim[n->out[0]->rank - 1] > 1;
}

static bool by_sample(const scl_node *n, int i)
{
    return n->in_index[i] == SCL_INDEX_SAMPLE || n->in_index[i] == SCL_INDEX_SAMPLE_CHANNEL;
}

static bool used(const scl_node *n, int i) { return n->in[i] && scl_expr_uses(n->expr, n->in_name[i]); }

static rows rows_of(const scl_node *n)
{
    const scl_value *y = n->out[0];
    bool samples = false;
    for (int i = 0; i < n->n_in; i++)
        samples |= used(n, i) && by_sample(n, i);
    const int count = samples ? y->dim[0] : 1;
    return (rows){ .n = count, .channels = y->dim[y->rank - 1], .d = scl_value_count(y) / (size_t)count };
}

/* ---- the definition ---- */

/* Values of input i for `count` elements from element e of sample s; buffer has room for them. */
static const float *gather(const scl_node *n, int i, const rows *r, const float *in, size_t s, size_t e,
                           int count, float *buffer)
{
    const size_t last = (size_t)n->in[i]->dim[n->in[i]->rank - 1], offset = (size_t)n->in_offset[i];
    const size_t channels = (size_t)r->channels;
    switch (n->in_index[i]) {
    case SCL_INDEX_FULL: return in + e;
    case SCL_INDEX_SAMPLE: in += s; break;
    case SCL_INDEX_SCALAR: in += offset; break;
    case SCL_INDEX_SAMPLE_CHANNEL: in += s * last + offset; break;
    case SCL_INDEX_CHANNEL: in += offset; break;
    }
    const bool spread = n->in_index[i] == SCL_INDEX_SAMPLE_CHANNEL || n->in_index[i] == SCL_INDEX_CHANNEL;
    size_t c = spread ? e % channels : 0;
    for (int k = 0; k < count; k++) {
        buffer[k] = in[c];
        if (spread && ++c == channels)
            c = 0;
    }
    return buffer;
}

void scl_pointwise_ref(const scl_node *n, const scl_host_values *v)
{
    const rows r = rows_of(n);
    scl_arena arena = { 0 };
    const char *name[SCL_MAX_IN];
    const float *value[SCL_MAX_IN];
    float *buffer[SCL_MAX_IN], result[SCL_EXPR_BLOCK];
    for (int i = 0; i < n->n_in; i++) {
        name[i] = n->in_name[i];
        buffer[i] = SCL_NEW_ARRAY(&arena, float, SCL_EXPR_BLOCK);
        value[i] = buffer[i];
    }
    scl_expr_code *code = scl_expr_compile(n->expr, name, n->n_in, &arena);
    float *out = v->out[0];
    for (size_t s = 0; s < (size_t)r.n; s++)
        for (size_t d = 0; d < r.d; d += SCL_EXPR_BLOCK) {
            const int count = (int)(r.d - d < SCL_EXPR_BLOCK ? r.d - d : SCL_EXPR_BLOCK);
            const size_t e = s * r.d + d;
            for (int i = 0; i < n->n_in; i++)
                if (used(n, i))
                    value[i] = gather(n, i, &r, v->in[i], s, e, count, buffer[i]);
            scl_expr_run(code, value, result, count);
            for (int k = 0; k < count; k++)
                out[e + (size_t)k] = scl_flush(result[k]);
        }
    scl_arena_free(&arena);
}

/* ---- the kernel ---- */

/* GPUs: groups of 64 and narrow vectors.  CPU devices that take vectors apart (width 1): none, as llvmpipe compiles softplus
 * for 1 s without, 13 s with four and minutes with sixteen lanes.  Neighbours in a channel-wise input must be neighbours in the result. */
static bool fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    const int wg = scl_tune_get(tune, "WG"), vec = scl_tune_get(tune, "VEC");
    if (device->klass == SCL_CLASS_GPU ? wg == 1 || vec > 4 : scl_device_scalar(device) && vec > 1)
        return false;
    if ((size_t)wg > device->max_work_group)
        return false;
    const int channels = n->out[0]->dim[n->out[0]->rank - 1];
    for (int i = 0; i < n->n_in; i++)
        if (used(n, i) && by_channel(n, i) && channels % vec != 0)
            return false;
    return true;
}

/* "in2 + where" of a channel-wise input, or of one that is the same for a whole sample. */
static void print_place(FILE *f, const scl_node *n, int i, int k)
{
    const int last = n->in[i]->dim[n->in[i]->rank - 1];
    fprintf(f, "in%d", k);
    if (n->in_index[i] == SCL_INDEX_SAMPLE)
        fprintf(f, " + n");
    if (n->in_index[i] == SCL_INDEX_SAMPLE_CHANNEL)
        fprintf(f, " + n * %d", last);
    if (n->in_index[i] != SCL_INDEX_SAMPLE && n->in_offset[i])
        fprintf(f, " + %d", n->in_offset[i]);
    if (by_channel(n, i))
        fprintf(f, " + c");
}

static void print_loads(FILE *f, const scl_node *n, const int *from, int count, bool vector)
{
    fprintf(f, vector ? "#define LOAD_V" : "#define LOAD_1");
    for (int k = 0; k < count; k++) {
        const int i = from[k];
        fprintf(f, " const float%s x%d = ", vector ? "V" : "", k);
        if (n->in_index[i] == SCL_INDEX_FULL) {
            fprintf(f, vector ? "vloadV(in%d + e);" : "in%d[e];", k);
        } else if (by_channel(n, i)) {
            fprintf(f, vector ? "vloadV(" : "*(");
            print_place(f, n, i, k);
            fprintf(f, ");");
        } else {
            fprintf(f, vector ? "(floatV)(h%d);" : "h%d;", k);
        }
    }
    fprintf(f, "\n");
}

static void print_source(FILE *f, const scl_node *n, const int *from, int count, const rows *r, int vec,
                         scl_arena *arena)
{
    /* The result may lie where an input of full size lies (graph/slab.c), or where any does that it updates: nothing may be
     * promised about those.  The same text whether it does or not, so that both are one compiled kernel. */
    const bool updates = n->out[0]->storage != NULL;
    const scl_expr *e = n->expr;
    for (int k = 0; k < count; k++)     /* two steps: an input may already be called x1 */
        e = scl_expr_rename(e, n->in_name[from[k]], scl_arena_printf(arena, "x%d ", k), arena);
    for (int k = 0; k < count; k++)
        e = scl_expr_rename(e, scl_arena_printf(arena, "x%d ", k), scl_arena_printf(arena, "x%d", k), arena);
    fprintf(f, "#define INPUTS");
    for (int k = 0; k < count; k++)
        fprintf(f, " global const float *%sin%d,",
                updates || n->in_index[from[k]] == SCL_INDEX_FULL ? "" : "restrict ", k);
    fprintf(f, "\n#define OUT global float *out\n#define CHANNELS %d\n#define TAIL %d\n#define HOISTED", r->channels,
            r->d % (size_t)vec != 0);
    for (int k = 0; k < count; k++) {
        if (n->in_index[from[k]] == SCL_INDEX_FULL || by_channel(n, from[k]))
            continue;
        fprintf(f, " const float h%d = *(", k);
        print_place(f, n, from[k], k);
        fprintf(f, ");");
    }
    fprintf(f, "\n");
    print_loads(f, n, from, count, true);
    print_loads(f, n, from, count, false);
    fprintf(f, "#define EXPR_V %s\n", scl_expr_opencl(e, vec > 1, arena));
    fprintf(f, "#define EXPR_1 %s\n", scl_expr_opencl(e, false, arena));
    fprintf(f, "#include \"ops/pointwise.cl\"\n");
}

/* No more groups than this: starting one costs about as much as 1000 elements. */
enum { MOST_GROUPS = 8192 };

scl_status scl_pointwise_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const rows r = rows_of(n);
    const scl_tune *tune = scl_launcher_tune(q);
    const int wg = scl_tune_get(tune, "WG"), vec = scl_tune_get(tune, "VEC");
    scl_arena *arena = scl_launcher_arena(q);
    int from[SCL_MAX_IN], count = 0;
    for (int i = 0; i < n->n_in; i++)
        if (used(n, i))
            from[count++] = i;
    if (r.d > INT_MAX / 2)
        return scl_fail(err, SCL_FAILED, "pointwise: %zu elements in a row are too many", r.d);
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return scl_fail(err, SCL_FAILED, "pointwise: no memory for a kernel's source");
    print_source(f, n, from, count, &r, vec, arena);
    fclose(f);
    const char *source = scl_arena_strdup(arena, text);
    free(text);

    const size_t vectors = (r.d + (size_t)vec - 1) / (size_t)vec;
    const size_t least = (vectors * (size_t)r.n + (size_t)(MOST_GROUPS * wg) - 1) / (size_t)(MOST_GROUPS * wg);
    size_t per = (size_t)scl_tune_get(tune, "CHUNK");
    per = per < least ? least : per;
    scl_launch_arg arg[SCL_MAX_IN + 3];
    for (int k = 0; k < count; k++)
        arg[k] = (scl_launch_arg){ .kind = SCL_ARG_VALUE, .name = scl_arena_printf(arena, "in%d", k),
                                   .value = n->in_name[from[k]] };
    arg[count] = SCL_BUF(out);
    arg[count + 1] = SCL_I32(D, r.d);
    arg[count + 2] = SCL_I32(per, per);
    return scl_launch_add_source(
        q, n, err, source, "pointwise",
        scl_groups((size_t)wg, (vectors + per * (size_t)wg - 1) / (per * (size_t)wg), (size_t)r.n, 1), arg,
        count + 3);
}

static const scl_op pointwise = {
    .name = "pointwise",
    .family = "pointwise",
    .brief = "an expression of each element's values",
    .formula = "y = expr(inputs); inputs of full size, [N], [N,S], [S] or one number",
    .out = { "out f32[N,D*]" },
    .attr = { "expr text" },
    .vjp = scl_pointwise_vjp,
    .jvp = scl_pointwise_jvp,
    .ref = scl_pointwise_ref,
    .impl = { { .name = "rows", .tune = "WG=1|64 VEC=16|8|4|2|1 CHUNK=64|16", .cpu = "WG=1 VEC=16 CHUNK=64",
                .gpu = "WG=64 VEC=4 CHUNK=4", .fits = fits, .launch = scl_pointwise_launch } },
};

static const scl_op flatten = {
    .name = "flatten",
    .family = "pointwise",
    .brief = "the values of a sample as one row",
    .formula = "y[n,d] = x[n,d]",
    .in = { "x f32[N,D*]" },
    .out = { "y f32[N,D]" },
    .expr = "x",
    .bytes = "8*N*D",
    .flops = "0*N",
};

scl_family scl_family_pointwise = { &pointwise, &flatten, NULL };
