// embedding - see host/ops/embedding.c.  VEC: neighbours of a work-item; WG: work-items of a group.
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
kernel void embedding(global const float *restrict table, global const int *restrict label, global float *restrict rows,
                      const int D, const int items)
{
    const int item = (int)get_global_id(0), blocks = D / VEC, n = item / blocks, d = item % blocks * VEC;
    if (item >= items)
        return;
    vstoreV(scl_flush_v(vloadV(table + (size_t)label[n] * D + d)), rows + (size_t)n * D + d);
}

// An item is a block of one row of the table.  `full` has a bit for each slot that may hold a node with the row's label below it;
// the others hold +0 and are neither read nor added.
__attribute__((reqd_work_group_size(WG, 1, 1)))
kernel void embedding_dw(global const float *restrict g, global const int *restrict label, global const uint *restrict counters,
                         global float *restrict stack, const int N, const int L, const int D, const int items)
{
    const int item = (int)get_global_id(0), blocks = D / VEC, row = item / blocks, d = item % blocks * VEC;
    if (item >= items)
        return;
    global float *slot = stack + (size_t)row * D + d;
    const size_t step = (size_t)L * D;
    const uint first = counters[CNT_POSITION];
    uint full = (1u << tree_slots(first)) - 1u;
    for (int n = 0; n < N; n++) {
        const uint position = first + (uint)n;
        int top = tree_slots(position);
        bool some = label[n] == row;
        floatV node = (floatV)(0.0f);
        if (some)
            node = scl_flush_v(vloadV(g + (size_t)n * D + d));
        for (uint p = position; p & 1u; p >>= 1) {
            top--;
            if (!(full >> top & 1u))
                continue;
            const floatV older = vloadV(slot + (size_t)top * step);
            if (some)
                node = scl_flush_v(older + node);
            else
                node = older;
            some = true;
        }
        vstoreV(node, slot + (size_t)top * step);
        full = some ? full | 1u << top : full & ~(1u << top);
    }
}
