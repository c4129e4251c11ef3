/* langevin - one update of a sampler, in place.
 *
 *   langevin_step   x = fma(noise, z, fma(step, s, x))
 *   diffusion_step  x = fma(noise, z, fma(step, s, scale * x))      a process that scales the data (Song et al. 2021, appendix E)
 *
 * s: score at x; z: unit noise; scale, step and noise are elements of a buffer that the host writes (host/score/sampler.h); Langevin
 * dynamics: a and sqrt(2a) (official rule; the paper's: a/2 and sqrt(a)).  Source: Song & Ermon 2019, algorithm 1.  Expressions:
 * kernel and definition are those of the family pointwise.  Oracles and cases: tests/ops/langevin.c. */
#include "graph/op.h"

static const scl_op op_langevin_step = {
    .name = "langevin_step", .family = "langevin", .brief = "one update of Langevin dynamics",
    .formula = "x = fma(noise, z, fma(step, s, x))",
    .in = { "x f32[N,H,W,C]", "s f32[N,H,W,C]", "z f32[N,H,W,C]", "step f32[A]", "noise f32[B]" },
    .out = { "y f32[N,H,W,C] @x" },
    .expr = "fma(noise, z, fma(step, s, x))",
    .flops = "4*N*H*W*C", .bytes = "16*N*H*W*C",
};

static const scl_op op_diffusion_step = {
    .name = "diffusion_step", .family = "langevin", .brief = "one update of a process that scales the data",
    .formula = "x = fma(noise, z, fma(step, s, scale * x))",
    .in = { "x f32[N,H,W,C]", "s f32[N,H,W,C]", "z f32[N,H,W,C]", "step f32[A]", "noise f32[B]", "scale f32[E]" },
    .out = { "y f32[N,H,W,C] @x" },
    .expr = "fma(noise, z, fma(step, s, rounded(scale * x)))",
    .flops = "5*N*H*W*C", .bytes = "16*N*H*W*C",
};

scl_family scl_family_langevin = { &op_langevin_step, &op_diffusion_step, NULL };
