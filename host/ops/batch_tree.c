/* batch_tree - sums over the samples of a global batch: a binary tree, run as a stack.
 *
 *   batch_sum    pushes one leaf per sample, v[n], at positions POSITION ... POSITION+N-1 of the global batch
 *   batch_root   the root, when the whole batch has been pushed: r = newest node, then r = next older + r
 *
 * Before leaf i the stack holds popcount(i) nodes, the oldest in slot 0; leaf i joins and merges as often as i has trailing ones:
 * node = older + newer, flushed.  So nothing has to be cleared between batches, slots above the live ones hold what was
 * left there, and a batch pushed in several runs (the stack then lives in `acc`) gives the same bits.
 * Q: samples a leaf of the stack's writer; a sample cut into G segments (Q = 1) has drained them into its leaf before.
 * Canonical order: docs/design/arithmetic.md 3, "Samples".  Kernels: cl/ops/batch_tree.cl, shared part cl/lib/tree.cl.
 * Oracles and cases: tests/ops/batch_tree.c. */
#include <assert.h>

#include "graph/arith.h"
#include "ops/items.h"

static scl_status batch_sum_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    if (n->in[2])
        return scl_fail(err, SCL_FAILED, "operator 'batch_sum' has no jvp rule over micro-batches");
    return SCL_APPLY(g, &dy[0], err, "batch_sum", SCL_IN("v", dx[0]), SCL_IN("counters", n->in[1]),
                     SCL_INT("T", scl_dim(n, 'T')));
}

static void batch_sum_ref(const scl_node *n, const scl_host_values *v)
{
    const int N = scl_dim(n, 'N'), D = scl_dim(n, 'D');
    const float *leaf = v->in[0];
    const unsigned *counters = v->in[1];
    float *stack = v->out[0];
    for (int i = 0; i < N; i++) {
        const unsigned position = counters[SCL_CNT_POSITION] + (unsigned)i;
        for (int d = 0; d < D; d++) {
            int top = scl_popcount(position);
            float node = scl_flush(leaf[(size_t)i * D + d]);
            for (int k = scl_trailing_ones(position); k > 0; k--)
                node = scl_flush(stack[(size_t)--top * D + d] + node);
            stack[(size_t)top * D + d] = node;
        }
    }
}

static scl_status batch_sum_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int D = scl_dim(n, 'D'), items = scl_items(q, 1, D);
    return SCL_LAUNCH(q, n, err, "batch_sum", scl_items_grid(q, items), SCL_BUF(v), SCL_BUF(counters), SCL_BUF(stack),
                      SCL_I32(N, scl_dim(n, 'N')), SCL_I32(D, D), SCL_I32(items, items));
}

static const scl_op batch_sum = {
    .name = "batch_sum", .family = "batch_tree",
    .brief = "pushes each sample's value as a leaf of the tree over the global batch",
    .formula = "stack = tree over n of v[n], open",
    .in = { "v f32[N,D*]", "counters u32[16]", "acc f32[T,D*]?" }, .out = { "stack f32[T,D*] @acc" }, .attr = { "T int 1.." },
    .jvp = batch_sum_jvp, .ref = batch_sum_ref,
    .impl = { { .name = "columns", .tune = SCL_ITEMS_TUNE, .gpu = SCL_ITEMS_GPU, .fits = scl_items_fit_d,
                .launch = batch_sum_launch } },
    .flops = "N*D", .bytes = "12*N*D",
};

static scl_status batch_root_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    return SCL_APPLY(g, &dy[0], err, "batch_root", SCL_IN("stack", dx[0]), SCL_IN("counters", n->in[1]),
                     SCL_INT("Q", scl_attr_int(n, "Q")), SCL_INT("G", scl_attr_int(n, "G")));
}

static void batch_root_ref(const scl_node *n, const scl_host_values *v)
{
    const int D = scl_dim(n, 'D');
    const unsigned Q = (unsigned)scl_attr_int(n, "Q"), *counters = v->in[1];
    const int slots = scl_popcount((counters[SCL_CNT_BATCH] + Q - 1) / Q);
    const float *stack = v->in[0];
    float *root = v->out[0];
    assert(slots >= 1 && slots <= scl_dim(n, 'T'));
    for (int d = 0; d < D; d++) {
        float node = scl_flush(stack[(size_t)(slots - 1) * D + d]);
        for (int k = slots - 2; k >= 0; k--)
            node = scl_flush(stack[(size_t)k * D + d] + node);
        root[d] = node;
    }
}

static scl_status batch_root_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    enum { MOST_ITEMS = 2048 };
    const int D = scl_dim(n, 'D'), blocks = scl_items(q, 1, D);
    const int wg = scl_tune_get(scl_launcher_tune(q), "WG"), most = MOST_ITEMS * wg;
    const int per_item = (blocks + most - 1) / most;
    return SCL_LAUNCH(q, n, err, "batch_root", scl_items_grid(q, (blocks + per_item - 1) / per_item), SCL_BUF(stack),
                      SCL_BUF(counters), SCL_BUF(root), SCL_I32(D, D), SCL_I32(samples_per_leaf, scl_attr_int(n, "Q")),
                      SCL_I32(blocks, blocks), SCL_I32(per_item, per_item));
}

static const scl_op batch_root = {
    .name = "batch_root", .family = "batch_tree",
    .brief = "root of the tree over a whole global batch of BATCH samples, Q a leaf",
    .formula = "r = newest; r = next older + r, until none is left",
    .in = { "stack f32[T,D*]", "counters u32[16]" }, .out = { "root f32[D*]" },
    .attr = { "Q int 1..32 = 1", "G int 1.. = 1" },
    .jvp = batch_root_jvp, .ref = batch_root_ref,
    .impl = { { .name = "columns", .tune = SCL_ITEMS_TUNE, .gpu = SCL_ITEMS_GPU, .fits = scl_items_fit_d,
                .launch = batch_root_launch } },
    .flops = "D", .bytes = "8*D",
};

scl_family scl_family_batch_tree = { &batch_sum, &batch_root, NULL };
