// batch_tree - see host/ops/batch_tree.c.  VEC: neighbours of a work-item; WG: work-items of a group.
#pragma OPENCL FP_CONTRACT OFF
#ifndef WG
#define WG 64
#endif
#ifndef VEC
#define VEC 1
#endif
#include "lib/vec.cl"
#include "lib/math.cl"
#include "lib/tree.cl"

__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void batch_sum(global const float *restrict v, global const uint *restrict counters, global float *restrict stack,
                      const int N, const int D, const int items)
{
    const int item = (int)get_global_id(0), d = item * VEC;
    if (item >= items)
        return;
    const uint first = counters[CNT_POSITION];
    for (int n = 0; n < N; n++)
        tree_push(stack + d, (size_t)D, first + (uint)n, vloadV(v + (size_t)n * D + d));
}

// PER_ITEM blocks an item, so that the weights of a large network stay a few thousand work-groups.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void batch_root(global const float *restrict stack, global const uint *restrict counters, global float *restrict root,
                       const int D, const int samples_per_leaf, const int blocks, const int per_item)
{
    const int first = (int)get_global_id(0) * per_item;
    const uint leaves = (counters[CNT_BATCH] + (uint)samples_per_leaf - 1u) / (uint)samples_per_leaf;
    for (int b = first; b < min(blocks, first + per_item); b++) {
        const size_t d = (size_t)b * VEC;
        vstoreV(tree_root(stack + d, (size_t)D, leaves), root + d);
    }
}
