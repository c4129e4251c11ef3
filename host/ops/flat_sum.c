/* flat_sum - sums of all values of a sample, and the chain of a gradient's squared norm.
 *
 *   flat_sum     s[n]  = sum_d x[n,d]
 *   flat_sumsq   s[n]  = sum_d x[n,d]^2
 *   sumsq_chain  after = before + sum_d g[d]^2            (before absent: +0)
 *
 * Order: flat row (docs/design/arithmetic.md 3).  The gradient norm is the chain over all tensors in byte order of their names.
 * A row of sumsq_chain beyond 64 blocks is summed by many groups, a value per block, then sum64 of the values: the same order.
 * Kernels: cl/ops/flat_sum.cl.  Oracles and cases: tests/ops/flat_sum.c. */
#include "graph/arith.h"
#include "graph/op.h"
#include "ops/chunks.h"

static void ref_flat_sum(const scl_node *n, const scl_host_values *v)
{
    const size_t D = (size_t)scl_dim(n, 'D');
    for (int i = 0; i < scl_dim(n, 'N'); i++)
        ((float *)v->out[0])[i] = scl_flush(scl_flat_sum((const float *)v->in[0] + (size_t)i * D, D));
}

static void ref_flat_sumsq(const scl_node *n, const scl_host_values *v)
{
    const size_t D = (size_t)scl_dim(n, 'D');
    for (int i = 0; i < scl_dim(n, 'N'); i++)
        ((float *)v->out[0])[i] = scl_flush(scl_flat_sumsq((const float *)v->in[0] + (size_t)i * D, D));
}

static void ref_chain(const scl_node *n, const scl_host_values *v)
{
    const float own = scl_flat_sumsq(v->in[0], (size_t)scl_dim(n, 'D'));
    const float base = v->in[1] ? *(const float *)v->in[1] : 0.0f;
    *(float *)v->out[0] = scl_flush(base + own);
}

static scl_status vjp_flat_sum(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    return SCL_POINTWISE(g, &dx[0], err, "dy", SCL_IN("x", n->in[0]), SCL_IN("dy", dy[0]));
}

static scl_status vjp_flat_sumsq(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    return SCL_POINTWISE(g, &dx[0], err, "2 * x * dy", SCL_IN("x", n->in[0]), SCL_IN("dy", dy[0]));
}

static scl_status jvp_flat_sum(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    (void)n;
    return SCL_APPLY(g, dy, err, "flat_sum", SCL_IN("x", dx[0]));
}

static scl_status jvp_flat_sumsq(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    scl_value *t;
    SCL_TRY(SCL_POINTWISE(g, &t, err, "2 * x * dx", SCL_IN("x", n->in[0]), SCL_IN("dx", dx[0])));
    return SCL_APPLY(g, dy, err, "flat_sum", SCL_IN("x", t));
}

static size_t wg(const scl_launcher *q) { return (size_t)scl_tune_get(scl_launcher_tune(q), "WG"); }

static scl_status launch_flat_sum(scl_launcher *q, const scl_node *n, scl_err *err)
{
    return SCL_LAUNCH(q, n, err, "rows", scl_groups(wg(q), (size_t)scl_dim(n, 'N'), 1, 1), SCL_BUF(x), SCL_BUF(s),
                      SCL_I32(D, scl_dim(n, 'D')));
}

static scl_status launch_flat_sumsq(scl_launcher *q, const scl_node *n, scl_err *err)
{
    return SCL_LAUNCH(q, n, err, "rows", scl_groups(wg(q), (size_t)scl_dim(n, 'N'), 1, 1), SCL_BUF(x), SCL_BUF(s),
                      SCL_I32(D, scl_dim(n, 'D')), SCL_DEFINE(SQUARE, 1));
}

/* Blocks of a short row: one group sums it. */
enum { SHORT_ROW = 64 };

static int blocks_of(const scl_node *n) { return (scl_dim(n, 'D') + SUM_BLOCK - 1) / SUM_BLOCK; }

static size_t chain_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    (void)device, (void)tune;
    return blocks_of(n) > SHORT_ROW ? sizeof(float) * (size_t)blocks_of(n) : 0;
}

static scl_status launch_chain(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int D = scl_dim(n, 'D'), blocks = blocks_of(n);
    const size_t bytes = sizeof(float) * (size_t)blocks;
    if (blocks <= SHORT_ROW)
        return SCL_LAUNCH(q, n, err, "chain_short", scl_groups(wg(q), 1, 1, 1), SCL_BUF_AS(x, "g"), SCL_BUF(before),
                          SCL_BUF(after), SCL_I32(D, D), SCL_DEFINE(SQUARE, 1));
    SCL_TRY(SCL_LAUNCH(q, n, err, "blocks", scl_groups(wg(q), (size_t)blocks, 1, 1), SCL_BUF_AS(x, "g"),
                       SCL_WORK(value, 0, bytes), SCL_I32(D, D), SCL_DEFINE(SQUARE, 1)));
    return SCL_LAUNCH(q, n, err, "chain", scl_groups(1, 1, 1, 1), SCL_WORK(value, 0, bytes), SCL_BUF(before),
                      SCL_BUF(after), SCL_I32(count, blocks), SCL_DEFINE(SQUARE, 1));
}

#define TUNE .tune = "WG=1|16|64|256 VEC=16|8|4|2|1", .cpu = "WG=1 VEC=16", .gpu = "WG=64 VEC=4", .fits = scl_chunks_fit

static const scl_op op_flat_sum = {
    .name = "flat_sum", .family = "flat_sum", .brief = "sum of all values of each sample", .formula = "s[n] = sum_d x[n,d]",
    .in = { "x f32[N,D*]" }, .out = { "s f32[N]" }, .vjp = vjp_flat_sum, .jvp = jvp_flat_sum, .ref = ref_flat_sum,
    .impl = { { .name = "group_per_row", TUNE, .launch = launch_flat_sum } }, .flops = "N*D", .bytes = "4*N*D",
};

static const scl_op op_flat_sumsq = {
    .name = "flat_sumsq", .family = "flat_sum", .brief = "sum of the squares of each sample", .formula = "s[n] = sum_d x[n,d]^2",
    .in = { "x f32[N,D*]" }, .out = { "s f32[N]" }, .vjp = vjp_flat_sumsq, .jvp = jvp_flat_sumsq, .ref = ref_flat_sumsq,
    .impl = { { .name = "group_per_row", TUNE, .launch = launch_flat_sumsq } }, .flops = "2*N*D", .bytes = "4*N*D",
};

static const scl_op op_sumsq_chain = {
    .name = "sumsq_chain", .family = "flat_sum", .brief = "adds a tensor's squares to a running sum",
    .formula = "after = before + sum_d g[d]^2",
    .in = { "g f32[D*]", "before f32[1]?" }, .out = { "after f32[1]" }, .ref = ref_chain,
    .impl = { { .name = "blocks", TUNE, .workspace = chain_workspace, .launch = launch_chain } }, .flops = "2*D", .bytes = "4*D",
};

scl_family scl_family_flat_sum = { &op_flat_sum, &op_flat_sumsq, &op_sumsq_chain, NULL };
