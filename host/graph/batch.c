/* Sums over the samples of a global batch: their stacks and accumulators (docs/design/arithmetic.md 3, "Samples"). */
#include <stdio.h>

#include "graph/build.h"

scl_value *scl_accumulator(scl_graph *g, int rank, const int *dims)
{
    if (!g->accumulate)
        return NULL;
    scl_value *v = NULL;
    scl_err err = { 0 };
    /* Unique and the same in every build of the same graph: its own number. */
    const char *name = scl_arena_printf(g->arena, "%s.acc.%d", g->name, g->n_value);
    return scl_value_get(g, &v, SCL_ACCUM, name, SCL_F32, rank, dims, &err) == SCL_OK ? v : NULL;
}

bool scl_runs_aligned(const scl_graph *g, int samples)
{
    return !g->accumulate || (g->micro_batch > 0 && g->micro_batch % samples == 0);
}

static int log2_floor(int n)
{
    int k = 0;
    while (n >>= 1)
        k++;
    return k;
}

int scl_tree_slots(const scl_graph *g, int n_samples, int samples_per_leaf, int segments_per_leaf)
{
    const int samples = g->global_batch > n_samples ? g->global_batch : n_samples;
    const int leaves = (samples + samples_per_leaf - 1) / samples_per_leaf;
    return log2_floor(leaves) + 1 + (segments_per_leaf > 1 ? log2_floor(segments_per_leaf) + 1 : 0);
}

scl_status scl_sum_over_batch(scl_graph *g, scl_value **out, scl_value *v, scl_err *err)
{
    int dims[SCL_MAX_RANK] = { scl_tree_slots(g, v->dim[0], 1, 1) };
    for (int d = 1; d < v->rank; d++)
        dims[d] = v->dim[d];
    const int rank = v->rank > 1 ? v->rank : 2;
    if (v->rank == 1)
        dims[1] = 1;
    scl_value *acc = scl_accumulator(g, rank, dims), *stack;
    SCL_TRY(SCL_APPLY(g, &stack, err, "batch_sum", SCL_IN("v", v), SCL_IN("counters", scl_counters(g)),
                      SCL_IN("acc", acc), SCL_INT("T", dims[0])));
    return SCL_APPLY(g, out, err, "batch_root", SCL_IN("stack", stack), SCL_IN("counters", scl_counters(g)));
}
