/* The tile of a work-group on a GPU (cl/lib/tile_gpu.cl): which there are, and which suit a product of so many rows and
 * columns. */
#ifndef SCL_OPS_GPU_TILE_H
#define SCL_OPS_GPU_TILE_H

#include "graph/op.h"

/* Candidates; the first that fits is the default.  The last, 32 x 32, is the one that suits every device. */
#define SCL_GPU_TILE_TUNE "BN=4|16|128|64|32 BM=256|128|64|32"

typedef struct scl_gpu_tile {
    int BM, BN, TM, TN, BK; /* rows and columns of a group, of a work-item; inner dimension of a step */
    int items;              /* of a group */
} scl_gpu_tile;

/* The tile that a tuning choice means; false: there is no such tile. */
bool scl_gpu_tile_of(const scl_tune *tune, scl_gpu_tile *out);
/* Groups of a launch over products of rows x columns. */
long scl_gpu_tile_groups(const scl_gpu_tile *t, long rows, int columns);
/* May the device run it, and on a GPU: is it worth it?  products: of a launch, of rows x columns each. */
bool scl_gpu_tile_fits(const scl_gpu_tile *t, const scl_device_info *device, long rows, int columns, long products);

/* Parts of the device that one group fills: what shares a local memory.  Some drivers count vector engines as compute units. */
long scl_gpu_cores(const scl_device_info *device);

/* A driver that ends loops early and takes minutes over unrolled ones (llvmpipe's) gets loops. */
static inline scl_launch_arg scl_gpu_rolled_of(const scl_device_info *device)
{
    if (scl_device_scalar(device))
        return SCL_DEFINE(ROLLED, 1);
    return (scl_launch_arg){ .kind = SCL_ARG_NONE };
}

/* The fewer work-items run in lockstep, the more registers each has, where a kernel may choose (Intel's: 128 floats each in the
 * smallest sub-group); a compiler that chooses the widest puts the tile into memory. */
static inline scl_launch_arg scl_gpu_sub_group_of(const scl_device_info *device)
{
    if (device->klass == SCL_CLASS_GPU && device->least_sub_group)
        return SCL_DEFINE(SUB_GROUP, (int)device->least_sub_group);
    return (scl_launch_arg){ .kind = SCL_ARG_NONE };
}

/* What the kernels are built with besides BM and BN: VC and VK, vectors along input and output channels, C and K of them. */
#define SCL_GPU_TILE_DEFINES(t, device, C, K)                                                                                  \
    SCL_DEFINE(TM, (t).TM), SCL_DEFINE(TN, (t).TN), SCL_DEFINE(BK, (t).BK), SCL_DEFINE(VC, (C) % 4 ? 1 : 4),                   \
        SCL_DEFINE(VK, (K) % 4 ? 1 : 4), scl_gpu_rolled_of(device), scl_gpu_sub_group_of(device)

#endif
