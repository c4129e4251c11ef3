/* langevin - one update of Langevin dynamics, in place:  x = fma(noise, z, fma(step, s, x)).
 *
 * s: score at x; z: unit noise; step = a and noise = sqrt(2a) (official rule; the paper's: a/2 and sqrt(a)) are elements of a
 * buffer that the host writes (host/score/noise.h).  Source: Song & Ermon 2019, algorithm 1.  An expression: kernel and
 * definition are those of the family pointwise.  Oracle and cases: tests/ops/langevin.c. */
#include "graph/op.h"

static const scl_op op_langevin_step = {
    .name = "langevin_step", .family = "langevin", .brief = "one update of Langevin dynamics",
    .formula = "x = fma(noise, z, fma(step, s, x))",
    .in = { "x f32[N,H,W,C]", "s f32[N,H,W,C]", "z f32[N,H,W,C]", "step f32[A]", "noise f32[B]" },
    .out = { "y f32[N,H,W,C] @x" },
    .expr = "fma(noise, z, fma(step, s, x))",
    .flops = "4*N*H*W*C", .bytes = "16*N*H*W*C",
};

scl_family scl_family_langevin = { &op_langevin_step, NULL };
