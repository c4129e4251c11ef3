/* Winograd convolution in three kernels, transformed values in global memory (winograd_gpu.c). */
#ifndef SCL_OPS_WINOGRAD_GPU_H
#define SCL_OPS_WINOGRAD_GPU_H

#include "ops/conv_shape.h"

bool scl_winograd_gpu_fits(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
size_t scl_winograd_gpu_workspace(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
size_t scl_winograd_gpu_prepared(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
scl_status scl_winograd_gpu_launch(scl_launcher *q, const scl_node *n, scl_err *err);
#define SCL_WINOGRAD_GPU_IMPL                                                                                                  \
    { .name = "winograd_gpu", .tune = SCL_GPU_TILE_TUNE, .fits = scl_winograd_gpu_fits,                                        \
      .workspace = scl_winograd_gpu_workspace, .prepared = scl_winograd_gpu_prepared, .prepared_from = SCL_CONV_WEIGHTS,       \
      .fuses = SCL_FUSE_INPUT | SCL_FUSE_OUTPUT, .launch = scl_winograd_gpu_launch, .for_gpus = true }

#endif
