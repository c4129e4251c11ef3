/* What runs a pointwise node: the operator `pointwise`, one with .expr in its table, or one made by fusion. */
#ifndef SCL_OPS_POINTWISE_H
#define SCL_OPS_POINTWISE_H

#include "graph/op.h"

void scl_pointwise_ref(const scl_node *n, const scl_host_values *v);
scl_status scl_pointwise_launch(scl_launcher *q, const scl_node *n, scl_err *err);

/* Rules of differentiation.  Cotangents of inputs read as [N] are summed by flat_sum; of inputs read by channel, which are
 * [N,S], [S] or [1,S], by pixel_sum and place_columns (and over the batch).  Other inputs have none: an error says so. */
scl_status scl_pointwise_vjp(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err);
scl_status scl_pointwise_jvp(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err);

#endif
