/* For the tuner alone: the distinct nodes of some graphs that have something to choose. */
#ifndef SCL_RUN_TUNER_SHAPES_H
#define SCL_RUN_TUNER_SHAPES_H

#include "run/tuner.h"

typedef struct scl_tuner_shape {
    const scl_node *node; /* one of those that have it, as fusion leaves it */
    const char *op, *text;
    int batch, nodes;
    bool rest;   /* the weights of all its nodes rest (scl_plan_options) */
    double work; /* operations and bytes of one node */
    double cost; /* expected seconds of all runs of all its nodes: only shares and the order depend on it */
} scl_tuner_shape;

typedef struct scl_tuner_shapes {
    int n, cap;
    scl_tuner_shape *at; /* most expensive first */
} scl_tuner_shapes;

/* Of the options: op.  The graphs must outlive the result, which lives in arena. */
scl_status scl_tuner_collect(scl_tuner_shapes *out, scl_arena *arena, const scl_device_info *device,
                             const scl_tuner_graph *graphs, int n_graphs, const scl_tuner_options *options,
                             scl_err *err);

#endif
