/* conv - convolution by an odd R x S kernel, stride 1, zero padding to the same size, dilation.
 *
 *   y[n,h,w,k]  = bias[k] + sum over ky, kx, c of x[n, h + (ky - R/2) d, w + (kx - S/2) d, c] * w[ky,kx,c,k]
 *   dx          = the same operator on dy with w'[ky][kx][k][c] = w[R-1-ky][S-1-kx][c][k]
 *   dw[ky,kx,c,k] = sum over n, h, w of x[n, h + (ky - R/2) d, w + (kx - S/2) d, c] * dy[n,h,w,k]
 *
 * Values NHWC, weights HWIO.  Order of the sums: docs/design/arithmetic.md 3.  Chains of 128 channels over (ky, kx, c), added
 * in order, then the bias.  The weight gradient is a chain over the pixels of a leaf of Q samples (or of segments of a sample)
 * and a tree over leaves; conv2d_dw leaves its stack open for further runs of the same global batch, batch_root drains it.
 * Winograd's tree stays transformed within a group of 32 samples, whose roots are the leaves of the stack; where a run may
 * begin or end inside a group, that tree is a part of the stack too, its last rows (`open`).
 *
 * Algorithms: direct (these bits); winograd4, winograd2 (3 x 3 only, bits of their own: winograd.h); clblast (its own order, by
 * tolerance); auto, which the shape of one sample decides and the graph then names.  Rules and definitions shared with linear:
 * conv_rules.c, conv_ref.c.  Kernels: cl/ops/conv.cl.  Oracles and cases: tests/ops/conv.c. */
#include "ops/winograd.h"

static const scl_op conv2d = {
    .name = "conv2d",
    .family = "conv",
    .brief = "convolution, stride 1, zero padding to the same size",
    .formula = "y[n,h,w,k] = bias[k] + sum x[n, h + (ky-R/2) d, w + (kx-S/2) d, c] w[ky,kx,c,k]",
    .in = { "x f32[N,H,W,C]", "w f32[R,S,C,K]", "bias f32[K]?" },
    .out = { "y f32[N,H,W,K]" },
    .attr = { "dilation int 1..64 = 1", "algorithm text = direct" },
    .shape = scl_conv_check,
    .vjp = scl_conv_vjp,
    .jvp = scl_conv_jvp,
    .ref = scl_conv_pass_ref,
    .impl = { SCL_CONV_MATRIX_IMPL, SCL_WINOGRAD_IMPLS, SCL_CONV_DIRECT_IMPL, SCL_CONV_GEMM_IMPL },
    .flops = "2*N*H*W*C*K*R*S",
    .bytes = "4*N*H*W*C+4*N*H*W*K+4*R*S*C*K",
};

static const scl_op conv2d_dx = {
    .name = "conv2d_dx",
    .family = "conv",
    .brief = "gradient of the input of a convolution",
    .formula = "dx = conv2d(dy, w'), w'[ky,kx,k,c] = w[R-1-ky,S-1-kx,c,k]",
    .in = { "dy f32[N,H,W,K]", "w f32[R,S,C,K]" },
    .out = { "dx f32[N,H,W,C]" },
    .attr = { "dilation int 1..64 = 1", "algorithm text = direct" },
    .shape = scl_conv_check,
    .vjp = scl_conv_dx_vjp,
    .jvp = scl_conv_dx_jvp,
    .ref = scl_conv_pass_ref,
    .impl = { SCL_CONV_MATRIX_IMPL, SCL_WINOGRAD_IMPLS, SCL_CONV_DIRECT_IMPL, SCL_CONV_GEMM_IMPL },
    .flops = "2*N*H*W*C*K*R*S",
    .bytes = "4*N*H*W*C+4*N*H*W*K+4*R*S*C*K",
};

static const scl_op conv2d_dw = {
    .name = "conv2d_dw",
    .family = "conv",
    .brief = "gradient of the weights of a convolution: stack of the tree over the global batch, for batch_root",
    .formula = "dw[ky,kx,c,k] = sum x[n, h + (ky-R/2) d, w + (kx-S/2) d, c] dy[n,h,w,k]",
    .in = { "x f32[N,H,W,C]", "dy f32[N,H,W,K]", "counters u32[16]", "acc f32[T,R,S,C,K]?" },
    .out = { "stack f32[T,R,S,C,K] @acc" },
    .attr = { "dilation int 1..64 = 1", "algorithm text = direct", "R int 1..", "S int 1..", "T int 1..", "open int 0..1 = 0" },
    .shape = scl_conv_check,
    .ref = scl_conv_dw_pass_ref,
    .impl = { SCL_CONV_DW_MATRIX_IMPL, SCL_WINOGRAD_DW_IMPL, SCL_CONV_DW_DIRECT_IMPL, SCL_CONV_DW_GEMM_IMPL },
    .flops = "2*N*H*W*C*K*R*S",
    .bytes = "4*N*H*W*C+4*N*H*W*K+4*R*S*C*K",
};

scl_family scl_family_conv = { &conv2d, &conv2d_dx, &conv2d_dw, NULL };
