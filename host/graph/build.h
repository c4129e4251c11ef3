/* For the graph room alone: raw construction of values and nodes. */
#ifndef SCL_GRAPH_BUILD_H
#define SCL_GRAPH_BUILD_H

#include "graph/op.h"

scl_value *scl_value_new(scl_graph *g, const char *name, scl_dtype dtype, int rank, const int *dims);
scl_node *scl_node_new(scl_graph *g, const scl_op *op);

/* Is this node a pointwise expression (the operator `pointwise`, or one with .expr)? */
static inline bool scl_is_pointwise(const scl_node *n) { return n->expr != NULL; }
/* The operator whose ref, launch and vjp run pointwise nodes. */
const scl_op *scl_op_pointwise(void);

#endif
