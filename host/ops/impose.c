/* impose - the end of an update of pictures of which something is known, in place:  x = mask > 0 ? known : moved.
 *
 * moved: the pictures after the update; known: what they have to be, with noise of a level; mask: 1 where that is known, 0
 * elsewhere.  x is not read.  Source: Song & Ermon 2019, algorithm 2.  An expression: kernel and definition are those of the family
 * pointwise.  Oracle and cases: tests/ops/impose.c. */
#include "graph/op.h"

static const scl_op op_impose = {
    .name = "impose", .family = "impose", .brief = "what is known of pictures, in place of what an update made of it",
    .formula = "x = mask > 0 ? known : moved",
    .in = { "x f32[N,H,W,C]", "moved f32[N,H,W,C]", "known f32[N,H,W,C]", "mask f32[N,H,W,C]" },
    .out = { "y f32[N,H,W,C] @x" },
    .expr = "positive(mask, known, moved)",
    .flops = "N*H*W*C", .bytes = "16*N*H*W*C",
};

scl_family scl_family_impose = { &op_impose, NULL };
