/* What conv and linear share: the shape of a convolution, its definitions in C, and what emits its launches.
 * A linear layer is a convolution by 1x1 over images of one pixel. */
#ifndef SCL_OPS_CONV_SHAPE_H
#define SCL_OPS_CONV_SHAPE_H

#include "graph/op.h"
#include "ops/fused.h"
#include "ops/gpu_tile.h"

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

/* The pass that a node of conv or linear is, over the node's values. */
scl_conv_shape scl_conv_shape_of(const scl_node *n);
/* The hook `shape`: SCL_BAD_CONFIG unless the kernel is odd and the algorithm known.  Puts what `auto` means for the shape of the
 * forward pass, and `direct` for `winograd*` of other kernels than 3 x 3, into the node's attribute. */
scl_status scl_conv_check(scl_node *n, scl_err *err);
/* Is the node's algorithm this one? */
bool scl_conv_is(const scl_node *n, const char *algorithm);

/* ---- derivatives and definitions of the operators (conv_rules.c) ---- */
scl_status scl_conv_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err);
scl_status scl_conv_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err);
scl_status scl_conv_dx_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err);
scl_status scl_conv_dx_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err);
void scl_conv_pass_ref(const scl_node *n, const scl_host_values *v);
void scl_conv_dw_pass_ref(const scl_node *n, const scl_host_values *v);

/* ---- definitions (conv_ref.c) ---- */
void scl_conv_ref(const scl_conv_shape *s, const float *x, const float *w, const float *bias, float *y);
void scl_conv_dw_ref(const scl_conv_shape *s, const float *x, const float *dy, const unsigned *counters,
                     float *stack);

enum { SCL_CONV_WEIGHTS = 1u << 1 | 1u << 2 }; /* scl_impl.prepared_from: w and bias */

/* ---- direct kernels of CPUs (conv_direct.c) and of GPUs (conv_gpu.c) ----
 * Candidates in order of preference: the first that fits is the default. */
bool scl_conv_direct_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
size_t scl_conv_direct_prepared(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
scl_status scl_conv_direct_launch(scl_launcher *q, const scl_node *n, scl_err *err);
bool scl_conv_gpu_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
scl_status scl_conv_gpu_launch(scl_launcher *q, const scl_node *n, scl_err *err);
#define SCL_CONV_DIRECT_IMPL                                                                                                   \
    { .name = "direct", .tune = "WG=1|64 VEC=16|8|4 NR=64|32|16|8|4 MR=4|6|8|12", .fits = scl_conv_direct_fits,                \
      .prepared = scl_conv_direct_prepared, .prepared_from = SCL_CONV_WEIGHTS, .fuses = SCL_FUSE_OUTPUT,                       \
      .launch = scl_conv_direct_launch },                                                                                      \
    { .name = "direct_gpu", .tune = SCL_GPU_TILE_TUNE, .fits = scl_conv_gpu_fits, .fuses = SCL_FUSE_OUTPUT,                    \
      .launch = scl_conv_gpu_launch, .for_gpus = true }

bool scl_conv_dw_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
size_t scl_conv_dw_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
scl_status scl_conv_dw_launch(scl_launcher *q, const scl_node *n, scl_err *err);
bool scl_conv_dw_gpu_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
size_t scl_conv_dw_gpu_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
scl_status scl_conv_dw_gpu_launch(scl_launcher *q, const scl_node *n, scl_err *err);
#define SCL_CONV_DW_DIRECT_IMPL                                                                                                \
    { .name = "direct", .tune = "WG=1|64 VEC=16|8|4 NR=64|32|16|8|4 MR=4|6|8|12|1", .fits = scl_conv_dw_fits,                  \
      .workspace = scl_conv_dw_workspace, .launch = scl_conv_dw_launch },                                                      \
    { .name = "direct_gpu", .tune = SCL_GPU_TILE_TUNE, .fits = scl_conv_dw_gpu_fits, .workspace = scl_conv_dw_gpu_workspace,   \
      .launch = scl_conv_dw_gpu_launch, .for_gpus = true }

/* ---- matrix units (conv_matrix.c), where the device may use them: before all others ---- */
bool scl_conv_matrix_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
size_t scl_conv_matrix_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
size_t scl_conv_matrix_prepared(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
scl_status scl_conv_matrix_launch(scl_launcher *q, const scl_node *n, scl_err *err);
size_t scl_conv_dw_matrix_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
scl_status scl_conv_dw_matrix_launch(scl_launcher *q, const scl_node *n, scl_err *err);
#define SCL_MATRIX_TUNE "BM=128|64|32 BN=64|32"
#define SCL_CONV_MATRIX_IMPL                                                                                                   \
    { .name = "matrix", .tune = SCL_MATRIX_TUNE, .cpu = "BM=32 BN=32", .fits = scl_conv_matrix_fits,                           \
      .workspace = scl_conv_matrix_workspace, .prepared = scl_conv_matrix_prepared, .prepared_from = SCL_CONV_WEIGHTS,         \
      .launch = scl_conv_matrix_launch, .fuses = SCL_FUSE_OUTPUT, .matrix = true }
#define SCL_CONV_DW_MATRIX_IMPL                                                                                                \
    { .name = "matrix", .tune = SCL_MATRIX_TUNE, .cpu = "BM=32 BN=32", .fits = scl_conv_matrix_fits,                           \
      .workspace = scl_conv_dw_matrix_workspace, .launch = scl_conv_dw_matrix_launch, .matrix = true }

/* ---- CLBlast (conv_gemm.c): bits are its own ---- */
bool scl_conv_gemm_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
size_t scl_conv_gemm_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
scl_status scl_conv_gemm_launch(scl_launcher *q, const scl_node *n, scl_err *err);
size_t scl_conv_dw_gemm_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
scl_status scl_conv_dw_gemm_launch(scl_launcher *q, const scl_node *n, scl_err *err);
#define SCL_CONV_GEMM_IMPL                                                                                                     \
    { .name = "clblast", .tune = "WG=1|64", .gpu = "WG=64", .fits = scl_conv_gemm_fits,                                        \
      .workspace = scl_conv_gemm_workspace, .launch = scl_conv_gemm_launch, .tolerance = 2e-5 }
#define SCL_CONV_DW_GEMM_IMPL                                                                                                  \
    { .name = "clblast", .tune = "WG=1|64", .gpu = "WG=64", .fits = scl_conv_gemm_fits,                                        \
      .workspace = scl_conv_dw_gemm_workspace, .launch = scl_conv_dw_gemm_launch, .tolerance = 2e-5 }

#endif
