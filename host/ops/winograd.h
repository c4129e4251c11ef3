/* Winograd convolution F(m x m, 3 x 3), m = 4 or 2: what its passes share (docs/design/arithmetic.md 3 and 5).
 *
 *   y = A' [ sum over c of (G g G') . (B' d B) ] A          Lavin & Gray 2016; per tile d of (m+2) x (m+2) pixels
 *
 * A dilation of d cuts the image into d*d phases, sub-images of every d-th pixel; tiles are numbered in raster order inside a
 * phase, phases (y mod d, x mod d) in raster order inside a sample.  Transforms: cl/lib/winograd_body.h, compiled as C too. */
#ifndef SCL_OPS_WINOGRAD_H
#define SCL_OPS_WINOGRAD_H

#include "ops/conv_shape.h"
#include "ops/winograd_gpu.h"

enum {
    SCL_WINOGRAD_MAX = 6,
    SCL_WINOGRAD_FREQUENCIES = SCL_WINOGRAD_MAX * SCL_WINOGRAD_MAX,
    /* Of the weight gradient: tiles of the longest chain, samples that stay transformed (docs/design/arithmetic.md 3). */
    SCL_WINOGRAD_SEGMENT = 128,
    SCL_WINOGRAD_GROUP = 32,
};

typedef struct scl_winograd {
    int m, t;          /* outputs and inputs of a tile's side: t = m + 2 */
    int frequencies;   /* t * t */
    int down, across;  /* tiles of a phase, whose sides are those of the largest phase */
    int tiles;         /* of a sample: d * d * down * across */
} scl_winograd;

/* m of an algorithm's name: 4, 2, or 0 for one that is not Winograd's. */
int scl_winograd_m(const char *algorithm);
scl_winograd scl_winograd_of(const scl_conv_shape *s, int m);

/* Tile `tile` of a sample: the image row and column of its first output; the next is `dilation` further. */
typedef struct scl_winograd_place {
    int y, x;
} scl_winograd_place;
scl_winograd_place scl_winograd_tile(const scl_winograd *w, const scl_conv_shape *s, int tile);

/* One tile of one channel, B' d B: v[t*t] from the image in (pixel (y, x) at in[(y * W + x) * C]), zero outside. */
void scl_winograd_input(const scl_winograd *w, const scl_conv_shape *s, const float *in, int tile, float *v);

/* ---- one kernel, scratch in local memory (winograd.c) ---- */
bool scl_winograd_fused_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
size_t scl_winograd_fused_prepared(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
scl_status scl_winograd_fused_launch(scl_launcher *q, const scl_node *n, scl_err *err);
#define SCL_WINOGRAD_IMPLS                                                                                                     \
    { .name = "winograd_fused", .tune = "WG=1 VEC=16|8|4 TILES=8|16|12|24|6|4 NR=64|32|16|8|4 MR=4|6|8|12",\
      .fits = scl_winograd_fused_fits, .prepared = scl_winograd_fused_prepared, .prepared_from = SCL_CONV_WEIGHTS,             \
      .fuses = SCL_FUSE_INPUT | SCL_FUSE_OUTPUT, .launch = scl_winograd_fused_launch },                                        \
    SCL_WINOGRAD_GPU_IMPL

/* ---- weight gradient (winograd_dw.c, winograd_dw_ref.c) ---- */

/* How its tiles fall into leaves, as for pixels, and where the transformed tree of a group of samples lives. */
typedef struct scl_winograd_dw {
    scl_winograd w;
    int Q, G;          /* samples a leaf, or segments a leaf of one sample */
    int slots;         /* of the tree */
    size_t level;      /* floats from slot to slot */
    int rows;          /* the whole of it, in slots of the tree over groups, [R,S,C,K] */
} scl_winograd_dw;
/* samples: the most that one tree will hold (more than a group means a group). */
scl_winograd_dw scl_winograd_dw_of(const scl_conv_shape *s, int m, int samples);

bool scl_winograd_dw_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
bool scl_winograd_dw_gpu_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
size_t scl_winograd_dw_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
scl_status scl_winograd_dw_launch(scl_launcher *q, const scl_node *n, scl_err *err);
bool scl_winograd_rows_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
size_t scl_winograd_rows_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
scl_status scl_winograd_rows_launch(scl_launcher *q, const scl_node *n, scl_err *err);
#define SCL_WINOGRAD_DW_IMPL                                                                                                   \
    { .name = "winograd_rows", .tune = "WG=1 VEC=16|8|4 NR=64|32|16|8|4 MR=4|8", .fits = scl_winograd_rows_fits,               \
      .workspace = scl_winograd_rows_workspace, .launch = scl_winograd_rows_launch },                                          \
    { .name = "winograd", .tune = "WG=1 VEC=16|8|4 NR=64|32|16|8|4 MR=4|8", .fits = scl_winograd_dw_fits,                      \
      .workspace = scl_winograd_dw_workspace, .launch = scl_winograd_dw_launch },                                              \
    { .name = "winograd_gpu", .tune = SCL_GPU_TILE_TUNE, .fits = scl_winograd_dw_gpu_fits,                                     \
      .workspace = scl_winograd_dw_workspace, .launch = scl_winograd_dw_launch, .for_gpus = true }

/* ---- definitions ---- */
void scl_winograd_dw_ref(const scl_node *n, const float *x, const float *dy, const unsigned *counters, float *stack);
void scl_winograd_ref(const scl_conv_shape *s, int m, const float *x, const float *weights, const float *bias,
                      float *y);

#endif
