/* What conv and linear share: the shape of a convolution, its definitions in C, and what emits its launches.
 * A linear layer is a convolution by 1x1 over images of one pixel. */
#ifndef SCL_OPS_CONV_SHAPE_H
#define SCL_OPS_CONV_SHAPE_H

#include "graph/op.h"

enum {
    SCL_CONV_CHAIN = 128,
    SCL_CONV_SEGMENT = 1024,
    SCL_CONV_LEAF = 32
}; /* canonical: docs/design/arithmetic.md 3 */

/* A pass from C to K channels, both tensors [N,H,W,.], weights [R,S,C,K]; flipped: the weights are [R,S,K,C]
 * and are read as w'[ky][kx][c][k] = w[R-1-ky][S-1-kx][k][c] (the data gradient).  Names: of the values in
 * the operator's signature. */
typedef struct scl_conv_shape {
    int N, H, W, C, K, R, S, dilation;
    bool flipped, has_bias; /* the bias is called bias */
    const char *in, *weights, *out;
} scl_conv_shape;

/* How the weight gradient's pixels fall into leaves: Q samples a leaf, or G > 1 segments a leaf of one
 * sample. */
typedef struct scl_conv_leaves {
    int Q, G;
} scl_conv_leaves;
scl_conv_leaves scl_conv_leaves_of(int pixels);

/* Appends conv2d_dw or linear_dw (op) and batch_root: *out is the gradient [R,S,C,K] or [C,K] of the weights,
 * summed over the global batch.  kernel: {R, S} or NULL for linear. */
scl_status scl_conv_weight_gradient(scl_graph *g, scl_value **out, const char *op, scl_value *x,
                                    scl_value *dy, const int *kernel, long dilation, const char *algorithm,
                                    scl_err *err);

/* SCL_BAD_CONFIG unless the kernel is odd and the algorithm known. */
scl_status scl_conv_check(const scl_node *n, int R, int S, scl_err *err);
bool scl_conv_is_clblast(const scl_node *n);

/* ---- definitions (conv_ref.c) ---- */
void scl_conv_ref(const scl_conv_shape *s, const float *x, const float *w, const float *bias, float *y);
void scl_conv_dw_ref(const scl_conv_shape *s, const float *x, const float *dy, const unsigned *counters,
                     float *stack);

/* ---- direct kernels (conv_direct.c) ----
 * Candidates in order of preference: the first that fits is the default. */
#define SCL_CONV_TUNE "WG=1|64 VEC=16|8|4 NR=64|32|16|8|4 MR=4|6|8|12"
#define SCL_CONV_DW_TUNE "WG=1|64 VEC=16|8|4 NR=64|32|16|8|4 MR=4|6|8|12|1"
#define SCL_CONV_GPU "WG=64 VEC=4 NR=4 MR=4"
bool scl_conv_direct_fits(const scl_conv_shape *s, const scl_device_info *device, const scl_tune *tune);
size_t scl_conv_direct_workspace(const scl_conv_shape *s, const scl_tune *tune);
scl_status scl_conv_direct_launch(scl_launcher *q, const scl_node *n, const scl_conv_shape *s, scl_err *err);

bool scl_conv_dw_fits(const scl_conv_shape *s, const scl_device_info *device, const scl_tune *tune);
size_t scl_conv_dw_workspace(const scl_conv_shape *s, const scl_tune *tune);
/* in: x, weights: dy, out: stack. */
scl_status scl_conv_dw_launch(scl_launcher *q, const scl_node *n, const scl_conv_shape *s, scl_err *err);

/* ---- CLBlast (conv_gemm.c): bits are its own ---- */
#define SCL_CONV_GEMM_TUNE "WG=1|64"
#define SCL_CONV_GEMM_TOLERANCE 2e-5
size_t scl_conv_gemm_workspace(const scl_conv_shape *s);
scl_status scl_conv_gemm_launch(scl_launcher *q, const scl_node *n, const scl_conv_shape *s, scl_err *err);
size_t scl_conv_dw_gemm_workspace(const scl_conv_shape *s);
scl_status scl_conv_dw_gemm_launch(scl_launcher *q, const scl_node *n, const scl_conv_shape *s, int T,
                                   scl_err *err);

#endif
