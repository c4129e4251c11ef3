/* Oracles and cases of the tree over samples. */
#include "op_harness.h"

static void oracle_sum(const t_case *t)
{
    const int N = t_dim(t, 'N'), D = t_dim(t, 'D');
    const double *v = t_f64(t, "v");
    double *root = t_f64(t, "root");
    for (int d = 0; d < D; d++) {
        root[d] = 0;
        for (int n = 0; n < N; n++)
            root[d] += v[n * D + d];
    }
}

/* The stack of a finished batch: as many live slots as its number of leaves has ones. */
static void oracle_root(const t_case *t)
{
    const int D = t_dim(t, 'D');
    const unsigned Q = (unsigned)t_attr_int(t, "Q"), leaves = (t_u32(t, "counters")[SCL_CNT_BATCH] + Q - 1) / Q;
    const double *stack = t_f64(t, "stack");
    double *root = t_f64(t, "root");
    int live = 0;
    for (unsigned k = leaves; k; k >>= 1)
        live += (int)(k & 1u);
    for (int d = 0; d < D; d++) {
        root[d] = 0;
        for (int k = 0; k < live; k++)
            root[d] += stack[k * D + d];
    }
}

static const t_case cases_sum[] = {
    { "one_value", "N=1 D=1 T=1", .root = "Q=1" },
    { "power_of_two", "N=16 D=3 T=5", .root = "Q=1", .split = 4 },
    { "one_more", "N=17 D=5 T=5", .root = "Q=1", .split = 4 },
    { "one_less", "N=15 D=16 T=4", .root = "Q=1", .split = 7 },                  /* four nodes left: the order of draining */
    { "runs_of_one", "N=23 D=2 T=5", .root = "Q=1", .split = 1 },
    { "image", "N=6 D=3x2x4 T=3", .root = "Q=1", .split = 5 },
    { "cancelling", "N=29 D=8 T=5", .root = "Q=1", .split = 8, .range = { { "v", -1000, 1000 } } },
    { "mnist", "N=128 D=64 T=8", .root = "Q=1", .bench = true },
};

static const t_case cases_root[] = {
    { "one_leaf", "T=1 D=1", .counters = "batch=1" },
    { "one_node", "T=4 D=3", .counters = "batch=8" },                            /* slots above the live ones are not read */
    { "four_nodes", "T=4 D=5", .counters = "batch=15" },
    { "short_last_leaf", "T=3 D=16", "Q=4", .counters = "batch=21" },            /* 6 leaves */
    { "many_blocks", "T=2 D=40001", .counters = "batch=3" },                     /* several blocks an item */
    { "weights", "T=8 D=294912", .counters = "batch=127", .bench = true },
};

static const t_op ops[] = { T_OP(batch_sum, oracle_sum, cases_sum), T_OP(batch_root, oracle_root, cases_root) };
OP_TESTS(batch_tree, ops)
