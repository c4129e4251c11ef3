/* linear - a matrix product over the last dimension: a convolution by 1x1 over images of one pixel.
 *
 *   y[n,k]  = bias[k] + sum over c of x[n,c] * w[c,k]
 *   dx[n,c] = sum over k of dy[n,k] * w[c,k]
 *   dw[c,k] = sum over n of x[n,c] * dy[n,k]
 *
 * Order of the sums: docs/design/arithmetic.md 3.  Chains of 128 channels added in order, then the bias; the weight gradient in
 * leaves of 32 samples and the tree over them, left open by linear_dw for further runs, drained by batch_root.  Algorithms: direct
 * (which auto means) and clblast, as in host/ops/conv.c.  Rules and definitions: conv_rules.c, conv_ref.c.
 * Kernels: cl/ops/linear.cl.  Oracles and cases: tests/ops/linear.c. */
#include "ops/conv_shape.h"

static const scl_op linear = {
    .name = "linear",
    .family = "linear",
    .brief = "matrix product over the last dimension",
    .formula = "y[n,k] = bias[k] + sum x[n,c] w[c,k]",
    .in = { "x f32[N,C]", "w f32[C,K]", "bias f32[K]?" },
    .out = { "y f32[N,K]" },
    .attr = { "algorithm text = direct" },
    .shape = scl_conv_check,
    .vjp = scl_conv_vjp,
    .jvp = scl_conv_jvp,
    .ref = scl_conv_pass_ref,
    .impl = { SCL_CONV_MATRIX_IMPL, SCL_CONV_DIRECT_IMPL, SCL_CONV_GEMM_IMPL },
    .flops = "2*N*C*K",
    .bytes = "4*N*C+4*N*K+4*C*K",
};

static const scl_op linear_dx = {
    .name = "linear_dx",
    .family = "linear",
    .brief = "gradient of the input of a linear layer",
    .formula = "dx[n,c] = sum dy[n,k] w[c,k]",
    .in = { "dy f32[N,K]", "w f32[C,K]" },
    .out = { "dx f32[N,C]" },
    .attr = { "algorithm text = direct" },
    .shape = scl_conv_check,
    .vjp = scl_conv_dx_vjp,
    .jvp = scl_conv_dx_jvp,
    .ref = scl_conv_pass_ref,
    .impl = { SCL_CONV_MATRIX_IMPL, SCL_CONV_DIRECT_IMPL, SCL_CONV_GEMM_IMPL },
    .flops = "2*N*C*K",
    .bytes = "4*N*C+4*N*K+4*C*K",
};

static const scl_op linear_dw = {
    .name = "linear_dw",
    .family = "linear",
    .brief = "gradient of the weights of a linear layer: stack of the tree over the global batch, for batch_root",
    .formula = "dw[c,k] = sum over n of x[n,c] dy[n,k]",
    .in = { "x f32[N,C]", "dy f32[N,K]", "counters u32[16]", "acc f32[T,C,K]?" },
    .out = { "stack f32[T,C,K] @acc" },
    .attr = { "algorithm text = direct", "T int 1.." },
    .shape = scl_conv_check,
    .ref = scl_conv_dw_pass_ref,
    .impl = { SCL_CONV_DW_MATRIX_IMPL, SCL_CONV_DW_DIRECT_IMPL, SCL_CONV_DW_GEMM_IMPL },
    .flops = "2*N*C*K",
    .bytes = "4*N*C+4*N*K+4*C*K",
};

scl_family scl_family_linear = { &linear, &linear_dx, &linear_dw, NULL };
