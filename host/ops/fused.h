/* Launches of operators into which a plan may have fused pointwise nodes (scl_impl.fuses; graph/fuse_sides.c). */
#ifndef SCL_OPS_FUSED_H
#define SCL_OPS_FUSED_H

#include "graph/op.h"

/* A launch like scl_launch_add's, whose kernel has the macros of cl/lib/fused.cl, written from the node's expressions. */
scl_status scl_fused_launch_add(scl_launcher *q, const scl_node *n, scl_err *err, const char *kernel, scl_grid grid,
                                const scl_launch_arg *args, int n_args);
#define SCL_FUSED_LAUNCH(q, n, err, kernel, grid, ...)                                                                         \
    scl_fused_launch_add(q, n, err, kernel, grid, (const scl_launch_arg[]){ __VA_ARGS__ },                                     \
                         (int)(sizeof((scl_launch_arg[]){ __VA_ARGS__ }) / sizeof(scl_launch_arg)))

#endif
