// The tree over samples as a stack (docs/design/arithmetic.md 3, "Samples"), VEC columns of it.  After lib/vec.cl and lib/math.cl.
// A run pushes leaves at positions of the global batch; before leaf i the stack holds popcount(i) nodes, and after it as
// many merges as i has trailing ones.  Leaf 0 finds it empty, so nothing has to be cleared.
#ifndef LIB_TREE_CL
#define LIB_TREE_CL

#include "lib/counters.h"

// Nodes on the stack before leaf i.
static int tree_slots(uint i)
{
    i -= i >> 1 & 0x55555555u;
    i = (i & 0x33333333u) + (i >> 2 & 0x33333333u);
    return (int)(((i + (i >> 4)) & 0x0f0f0f0fu) * 0x01010101u >> 24);
}

// Merges that follow leaf i: its trailing ones.
static int tree_merges(uint i)
{
    int n = 0;
    for (; i & 1u; i >>= 1)
        n++;
    return n;
}

// Pushes leaf i.  slot: of these values, the oldest; step: to the next.
static void tree_push(global float *slot, const size_t step, const uint i, floatV node)
{
    int top = tree_slots(i);
    node = scl_flush_v(node);
    for (uint p = i; p & 1u; p >>= 1) {
        top--;
        node = scl_flush_v(vloadV(slot + (size_t)top * step) + node);
    }
    vstoreV(node, slot + (size_t)top * step);
}

// The root of a finished batch of so many leaves, from the newest node down.
static floatV tree_root(global const float *slot, const size_t step, const uint leaves)
{
    int top = tree_slots(leaves) - 1;
    floatV node = scl_flush_v(vloadV(slot + (size_t)top * step));
    while (top > 0) {
        top--;
        node = scl_flush_v(vloadV(slot + (size_t)top * step) + node);
    }
    return node;
}

#endif
