/* group - the mean over the channels of a group, for group normalisation (Wu & He 2018).
 *
 *   group_mean   y[n,c] = 1/S * chain of + over the S = C/G channels k of c's group, in their order, of x[n,k]
 * Every channel of a group gets the same value.  The map is its own transpose.  Group normalisation is built of it, pixel_sum and
 * pointwise expressions (model/blocks.c), and so has derivatives of every order.
 * Kernel: cl/ops/group.cl.  Oracle and cases: tests/ops/group.c. */
#include "graph/arith.h"
#include "ops/items.h"

static int size_of(const scl_node *n) { return scl_dim(n, 'C') / (int)scl_attr_int(n, "groups"); }

static scl_status whole_groups(scl_node *n, scl_err *err)
{
    if (scl_dim(n, 'C') % scl_attr_int(n, "groups"))
        return scl_fail(err, SCL_FAILED, "%s: %d channels cannot be dealt into %ld groups", n->op->name,
                        scl_dim(n, 'C'), scl_attr_int(n, "groups"));
    return SCL_OK;
}

static scl_status mean(scl_graph *g, const scl_node *n, scl_value *x, scl_value **y, scl_err *err)
{
    return SCL_APPLY(g, y, err, "group_mean", SCL_IN("x", x), SCL_INT("groups", scl_attr_int(n, "groups")));
}

static scl_status vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    return mean(g, n, dy[0], &dx[0], err);
}

static scl_status jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    return mean(g, n, dx[0], &dy[0], err);
}

static void ref(const scl_node *n, const scl_host_values *v)
{
    const int size = size_of(n), groups = scl_dim(n, 'N') * (int)scl_attr_int(n, "groups");
    const float *x = v->in[0], inv = (float)(1.0 / size);
    float *y = v->out[0];
    for (int i = 0; i < groups; i++, x += size, y += size) {
        float sum = 0.0f;
        for (int k = 0; k < size; k++)
            sum += x[k];
        for (int k = 0; k < size; k++)
            y[k] = scl_flush(sum * inv);
    }
}

/* One item: a group of a sample. */
static scl_status launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int size = size_of(n), items = scl_dim(n, 'N') * (int)scl_attr_int(n, "groups");
    return SCL_LAUNCH(q, n, err, "group_mean", scl_items_grid(q, items), SCL_BUF(x), SCL_BUF(y), SCL_I32(size, size),
                      SCL_F32_ARG(inv, (float)(1.0 / size)), SCL_I32(items, items));
}

static const scl_op group_mean = {
    .name = "group_mean", .family = "group",
    .brief = "mean over the channels of each channel's group", .formula = "y[n,c] = G/C sum of x[n,k] over the group of c",
    .in = { "x f32[N,C]" }, .out = { "y f32[N,C]" }, .attr = { "groups int 1.." },
    .shape = whole_groups, .vjp = vjp, .jvp = jvp, .ref = ref,
    .impl = { { .name = "groups", .tune = "WG=1|64", .gpu = "WG=64", .fits = scl_group_fits, .launch = launch } },
    .flops = "N*C", .bytes = "8*N*C",
};

scl_family scl_family_group = { &group_mean, NULL };
