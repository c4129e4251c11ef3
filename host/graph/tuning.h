/* Tuning rows: which choice was measured to be the fastest for an operator at a shape.  Pure data: no device
 * is needed.
 *
 * A row never changes a result (every choice of a node has the same bits), and a row that does not fit is
 * passed over, so nothing depends on rows being right. */
#ifndef SCL_GRAPH_TUNING_H
#define SCL_GRAPH_TUNING_H

#include <stdint.h>

#include "graph/device.h"
#include "graph/graph.h"

typedef struct scl_tuning_row {
    const char *shape;      /* scl_tuning_shape */
    int batch;              /* letter N, or the first dimension of an expression's result; 0: there is none */
    const char *choice;     /* "direct WG=1 VEC=16 NR=64 MR=4" */
    int64_t ns, default_ns; /* medians when it was measured; 0: not measured */
} scl_tuning_row;

/* A row's address holds until the next scl_tuning_put. */
typedef struct scl_tuning {
    scl_arena arena; /* of the rows and their texts */
    scl_tuning_row *row;
    int n_row, cap_row;
} scl_tuning;

void scl_tuning_free(scl_tuning *t); /* accepts a zeroed table; may be called twice */

/* What a row is found by: "conv2d C=64 H=28 K=64 R=3 S=3 W=28 dilation=1 algorithm=direct +bias
 * post=0123456789abcdef"; an expression is there as a hash, with the way its inputs are read: a node's own,
 * and those that were fused into it (pre, post, along).  The batch is apart: where no row has it, a row of
 * another batch serves. */
const char *scl_tuning_shape(const scl_node *n, int *batch, scl_arena *arena);

/* Adds a copy, in place of the row of the same shape and batch if there is one. */
void scl_tuning_put(scl_tuning *t, const scl_tuning_row *row);
/* The row of a shape with that batch, else with the nearest one (by ratio); NULL: none. */
const scl_tuning_row *scl_tuning_find(const scl_tuning *t, const char *shape, int batch);
const scl_tuning_row *scl_tuning_exact(const scl_tuning *t, const char *shape, int batch);

/* One row a line.  Reading adds to t; a text that is not whole adds nothing and returns false. */
char *scl_tuning_text(const scl_tuning *t, scl_arena *arena);
bool scl_tuning_read(scl_tuning *t, const char *text);

/* Shipped rows (graph/tuning_rows.def): by device, else by vendor and class, else by class alone. */
typedef struct scl_shipped_row {
    scl_device_class klass;
    const char *vendor, *device; /* part of the name, any case; "": any */
    const char *shape; /* words that must stand in the shape, the operator first: "conv2d R=1 S=1" */
    const char *choice;
} scl_shipped_row;
/* Is there any row for such a device, whatever the shape?  (A shape's text takes a while to make.) */
bool scl_tuning_ships(const scl_shipped_row *rows, int n_rows, const scl_device_info *device);
/* The i-th row for this shape and device, from the most to the least special; NULL after the last. */
const scl_shipped_row *scl_tuning_shipped(const scl_shipped_row *rows, int n_rows,
                                          const scl_device_info *device, const char *shape, int i);
const scl_shipped_row *scl_shipped_rows(int *n);

/* A graph of one node on inputs of its own, which a host can fill: for measuring.  The node's outputs are
 * outputs of the graph, called out0, out1 ...; an input that is updated in place has the role SCL_STATE;
 * weights and constants keep their roles. */
scl_status scl_graph_isolate(scl_graph **out, scl_arena *arena, const scl_node *n, scl_err *err);
/* The same with what was fused into it (pre, post, along) as nodes of their own, as the C definitions need
 * it: the same inputs, outputs and bits. */
scl_status scl_graph_isolate_apart(scl_graph **out, scl_arena *arena, const scl_node *n, scl_err *err);

#endif
