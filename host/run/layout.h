/* How a value lies in a checkpoint, and how on the device (run/checkpoint.h says which is which). */
#ifndef SCL_RUN_LAYOUT_H
#define SCL_RUN_LAYOUT_H

#include "data/safetensors.h"
#include "graph/graph.h"

/* Name, type and shape as in the file (name borrowed from v), no data. */
scl_tensor scl_layout_tensor(const scl_value *v);
/* Elements of v from one order to the other; from and to do not overlap. */
void scl_layout_to_file(const scl_value *v, const float *device, float *file);
void scl_layout_to_device(const scl_value *v, const float *file, float *device);

#endif
