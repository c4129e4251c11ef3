/* embedding - one row of a table per sample, and the gradient of the table.
 *
 *   embedding      rows[n,:] = table[label[n],:]
 *   embedding_dw   root over n of (label[n] == r ? g[n,:] : +0), as the open stack of the tree over samples (batch_tree.c)
 *
 * The tree of a row is the one over all samples: an absent label is a leaf of +0, which a node passes over (left + 0 = left,
 * since nodes are flushed), so samples without the label cost no arithmetic.
 * Kernels: cl/ops/embedding.cl.  Oracles and cases: tests/ops/embedding.c. */
#include "graph/arith.h"
#include "ops/items.h"

static scl_status embedding_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err)
{
    const int L = scl_dim(n, 'L'), D = scl_dim(n, 'D'), T = scl_tree_slots(g, scl_dim(n, 'N'), 1, 1);
    const int dims[] = { T, L, D };
    scl_value *stack;
    SCL_TRY(SCL_APPLY(g, &stack, err, "embedding_dw", SCL_IN("g", dy[0]), SCL_IN("label", n->in[1]),
                      SCL_IN("counters", scl_counters(g)), SCL_IN("acc", scl_accumulator(g, 3, dims)), SCL_INT("T", T),
                      SCL_INT("L", L)));
    return SCL_APPLY(g, &dx[0], err, "batch_root", SCL_IN("stack", stack), SCL_IN("counters", scl_counters(g)));
}

static scl_status embedding_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err)
{
    return SCL_APPLY(g, &dy[0], err, "embedding", SCL_IN("table", dx[0]), SCL_IN("label", n->in[1]));
}

static void embedding_ref(const scl_node *n, const scl_host_values *v)
{
    const int N = scl_dim(n, 'N'), D = scl_dim(n, 'D');
    const float *table = v->in[0];
    const int *label = v->in[1];
    float *rows = v->out[0];
    for (int i = 0; i < N; i++)
        for (int d = 0; d < D; d++)
            rows[(size_t)i * D + d] = scl_flush(table[(size_t)label[i] * D + d]);
}

static scl_status embedding_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int items = scl_items(q, scl_dim(n, 'N'), scl_dim(n, 'D'));
    return SCL_LAUNCH(q, n, err, "embedding", scl_items_grid(q, items), SCL_BUF(table), SCL_BUF(label), SCL_BUF(rows),
                      SCL_I32(D, scl_dim(n, 'D')), SCL_I32(items, items));
}

static const scl_op embedding = {
    .name = "embedding", .family = "embedding",
    .brief = "the row of a table that each sample's label names", .formula = "rows[n,d] = table[label[n],d]",
    .in = { "table f32[L,D]", "label i32[N] < L" }, .out = { "rows f32[N,D]" },
    .vjp = embedding_vjp, .jvp = embedding_jvp, .ref = embedding_ref,
    .impl = { { .name = "rows", .tune = SCL_ITEMS_TUNE, .gpu = SCL_ITEMS_GPU, .fits = scl_items_fit_d,
                .launch = embedding_launch } },
    .flops = "0*N", .bytes = "8*N*D",
};

/* The stack of row r at column d, as the tree's slots. */
static void push_sample(float *slot, size_t step, unsigned position, float leaf)
{
    int top = scl_popcount(position);
    float node = scl_flush(leaf);
    for (int k = scl_trailing_ones(position); k > 0; k--)
        node = scl_flush(slot[(size_t)--top * step] + node);
    slot[(size_t)top * step] = node;
}

static void embedding_dw_ref(const scl_node *n, const scl_host_values *v)
{
    const int N = scl_dim(n, 'N'), L = scl_dim(n, 'L'), D = scl_dim(n, 'D');
    const float *g = v->in[0];
    const int *label = v->in[1];
    const unsigned *counters = v->in[2], first = counters[SCL_CNT_POSITION];
    float *stack = v->out[0];
    for (int i = 0; i < N; i++)
        for (int r = 0; r < L; r++)
            for (int d = 0; d < D; d++)
                push_sample(stack + (size_t)r * D + d, (size_t)L * D, first + (unsigned)i,
                            label[i] == r ? g[(size_t)i * D + d] : 0.0f);
}

static scl_status embedding_dw_launch(scl_launcher *q, const scl_node *n, scl_err *err)
{
    const int L = scl_dim(n, 'L'), items = scl_items(q, L, scl_dim(n, 'D'));
    return SCL_LAUNCH(q, n, err, "embedding_dw", scl_items_grid(q, items), SCL_BUF(g), SCL_BUF(label),
                      SCL_BUF(counters), SCL_BUF(stack), SCL_I32(N, scl_dim(n, 'N')), SCL_I32(L, L),
                      SCL_I32(D, scl_dim(n, 'D')), SCL_I32(items, items));
}

static const scl_op embedding_dw = {
    .name = "embedding_dw", .family = "embedding",
    .brief = "gradient of an embedding's table, as the open stack of its tree over samples",
    .formula = "root[r,d] = tree over n of (label[n] == r ? g[n,d] : 0)",
    .in = { "g f32[N,D]", "label i32[N] < L", "counters u32[16]", "acc f32[T,L,D]?" }, .out = { "stack f32[T,L,D] @acc" },
    .attr = { "T int 1..", "L int 1.." },
    .ref = embedding_dw_ref,
    .impl = { { .name = "table_rows", .tune = SCL_ITEMS_TUNE, .gpu = SCL_ITEMS_GPU, .fits = scl_items_fit_d,
                .launch = embedding_dw_launch } },
    .flops = "N*D", .bytes = "4*N*D+4*L*D",
};

scl_family scl_family_embedding = { &embedding, &embedding_dw, NULL };
