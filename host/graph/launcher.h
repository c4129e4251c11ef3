/* The launcher, for the graph room alone: the plan fills it, launch functions see it through graph/op.h. */
#ifndef SCL_GRAPH_LAUNCHER_H
#define SCL_GRAPH_LAUNCHER_H

#include "graph/passes.h"

struct scl_launcher {
    scl_arena *arena;
    const scl_device_info *device;
    const scl_choice *choice;        /* of the node that is being launched */
    const size_t *offset_of;         /* value id: offset in the slab */
    size_t work_offset, work_bytes;  /* the node's workspace in the slab */
    size_t prepared_offset, prepared_bytes;
    scl_launch *launch;
    int n_launch, cap_launch;
};

scl_place scl_value_place(const scl_launcher *q, const scl_value *v);

#endif
