/* perturb - a batch at its noise levels:  y[n,...] = fma(sigma[n], z[n,...], x[n,...]).
 *
 * x: data; z: unit noise; sigma: noise level of each sample.  Source: Song & Ermon 2019, section 4.2.  An expression: kernel and
 * definition are those of the family pointwise.  Oracle and cases: tests/ops/perturb.c. */
#include "graph/op.h"

static const scl_op op_perturb = {
    .name = "perturb", .family = "perturb", .brief = "adds noise of each sample's level",
    .formula = "y = fma(sigma, z, x)",
    .in = { "x f32[N,H,W,C]", "z f32[N,H,W,C]", "sigma f32[N] > 0" },
    .out = { "y f32[N,H,W,C]" },
    .expr = "fma(sigma, z, x)",
    .flops = "2*N*H*W*C", .bytes = "12*N*H*W*C",
};

scl_family scl_family_perturb = { &op_perturb, NULL };
