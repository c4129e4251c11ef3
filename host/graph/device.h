/* What a plan needs to know of a device: a description, not the device. */
#ifndef SCL_GRAPH_DEVICE_H
#define SCL_GRAPH_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

typedef enum scl_device_class { SCL_CLASS_REFERENCE, SCL_CLASS_CPU, SCL_CLASS_GPU, SCL_CLASS_OTHER } scl_device_class;

/* What an opened device adds to its description: does it take a launch, and what it refused. */
struct scl_launch;
typedef struct scl_builder {
    /* Builds the launch's program and looks at its kernel, unless that has been done.  SCL_OK, or why it cannot run here. */
    scl_status (*builds)(struct scl_builder *builder, const struct scl_launch *launch, scl_err *err);
    char (*refused)[192];      /* "OP: IMPLEMENTATION PARAM=VALUE ..." (graph/choice.h); owned by the device */
    int n_refused;
} scl_builder;

enum { SCL_F32_PRECISION, SCL_TF32, SCL_BF16, SCL_F16, SCL_PRECISIONS };

/* Matrix units (graph/matrix.h): that of each precision, by number, 0: none or not known; the precision that plans may use, 0:
 * floats alone. */
typedef struct scl_matrix {
    int unit[SCL_PRECISIONS], precision;
    bool emulated;                                     /* by ordinary instructions, for tests */
} scl_matrix;

typedef struct scl_device_info {
    scl_device_class klass;
    char platform[128], name[256], vendor[128], driver[128], version[128];
    unsigned compute_units, clock_mhz, vector_width;   /* preferred float vector */
    size_t max_work_group, local_bytes, global_bytes, max_alloc_bytes;
    unsigned align_bytes;                              /* of sub-buffers */
    unsigned units_per_core;                           /* compute units that share a local memory; 1: or not told */
    unsigned least_sub_group;                          /* work-items of the smallest that a kernel may ask for; 0: it may not */
    bool has_fp64, has_fp16, has_subgroups, has_command_buffer, out_of_order, denormals, local_is_cached_memory;
    scl_matrix matrix;
    int index;                                         /* in `scorecl devices`; -1: reference or a description */
    scl_builder *builder;                              /* of the opened device; NULL: a description, or the reference device */
} scl_device_info;

/* A CPU driver that takes vectors apart (llvmpipe's): it compiles wide ones for minutes. */
static inline bool scl_device_scalar(const scl_device_info *device)
{
    return device->klass != SCL_CLASS_GPU && device->vector_width == 1;
}

#endif
