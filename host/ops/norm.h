/* What the two halves of the normalisation family share: the canonical walks over pixels and channels, and launches. */
#ifndef SCL_OPS_NORM_H
#define SCL_OPS_NORM_H

#include "graph/arith.h"
#include "ops/items.h"

/* One channel of one sample: pixel (y, x) is data[(y * W + x) * C]. */
typedef struct scl_plane { const float *data; int H, W, C; } scl_plane;

/* A 4x4 leaf's corner and size; scl_leaf_at(p, i) is the i-th in raster order, scl_leaves(p) how many there are. */
typedef struct scl_leaf { int y, x, h, w; } scl_leaf;
int scl_leaves(const scl_plane *p);
scl_leaf scl_leaf_at(const scl_plane *p, int i);
static inline size_t scl_leaf_pixel(const scl_plane *p, const scl_leaf *leaf, int k)
{
    return ((size_t)(leaf->y + k / leaf->w) * (size_t)p->W + (size_t)(leaf->x + k % leaf->w)) * (size_t)p->C;
}

/* Flat row over C channels: of a[c] * (mean[c] - m), or of (mean[c] - m)^2 where a is NULL; not flushed. */
float scl_flat_distances(const float *a, const float *mean, float m, int C);

/* 1 / count, as docs/design/arithmetic.md 2 has it. */
static inline float scl_inverse(double count) { return (float)(1.0 / count); }

/* Elements from one sample's row of gamma, alpha, beta to the next: 0 where all samples share one. */
int scl_row_step(const scl_node *n);
/* C: a sample's statistics need two channels. */
scl_status scl_check_channels(scl_node *n, scl_err *err);
/* rows is [N,3C] or [1,3C]: what the signature cannot say.  Input `rows` by its place in the table. */
scl_status scl_check_rows(const scl_node *n, int rows, scl_err *err);

/* ---- definitions that two operators share; all arrays [N,C] or [N], rows as above ---- */
typedef struct scl_norm_values {
    const float *mean, *variance, *m, *v, *rows;
    float *a, *b;
} scl_norm_values;
void scl_norm_pixel_stats(const float *x, int N, int H, int W, int C, float *mean, float *variance);
void scl_norm_channel_stats(const float *mean, int N, int C, float *m, float *v);
void scl_norm_coefs(const scl_norm_values *v, int N, int C, int row_step, float eps);

/* Kernels with a group of one work-item per sample: a CPU's vectors, and samples for every thread. */
#define SCL_SAMPLE_TUNE "WG=1 VEC=16|8|4|2|1"
bool scl_sample_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune);

/* gamma, alpha or beta (part 0, 1, 2) of `rows` (input number rows of n) as an input of a pointwise
 * expression. */
scl_arg scl_norm_row(const scl_node *n, int rows, const char *name, int part);

/* The cotangent of `rows` (input number rows) from those of its use in every sample, [N,3C]: summed over the batch where all
 * samples share one row. */
scl_status scl_norm_rows_cotangent(scl_graph *g, scl_value **out, const scl_node *n, int rows, scl_value *drows, scl_err *err);

/* For rules: *sum + term, where NULL is zero; a cotangent t of the means of x to every pixel of x. */
scl_status scl_norm_add(scl_graph *g, scl_value **sum, scl_value *term, scl_err *err);
scl_status scl_norm_spread_mean(scl_graph *g, scl_value **out, scl_value *x, scl_value *t, scl_err *err);

/* ---- rules of norm_grad, channel_grad, norm_rows_grad and norm_tangent_rows (norm_rules.c) ---- */
scl_status scl_norm_grad_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err);
scl_status scl_norm_grad_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err);
scl_status scl_channel_grad_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err);
scl_status scl_channel_grad_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err);
scl_status scl_norm_rows_grad_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err);
scl_status scl_norm_rows_grad_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err);
scl_status scl_norm_tangent_rows_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx,
                                     scl_err *err);
/* ---- rules of norm_second and channel_second (norm_third.c) ---- */
scl_status scl_norm_second_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx,
                               scl_err *err);
scl_status scl_channel_second_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx,
                                  scl_err *err);

extern const scl_op scl_op_norm_stats, scl_op_norm_rows;
extern const scl_op scl_op_norm_tangent_coef, scl_op_norm_tangent, scl_op_norm_tangent_rows;
extern const scl_op scl_op_norm_grad, scl_op_channel_grad, scl_op_norm_rows_grad;

#endif
