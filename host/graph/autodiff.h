/* Reverse and forward mode: graph to graph; every derivative is an operator.  Order of additions: ARITHMETIC, "Fan-out". */
#ifndef SCL_GRAPH_AUTODIFF_H
#define SCL_GRAPH_AUTODIFF_H

#include "graph/op.h"

/* Appends the nodes that compute the cotangents dwrt[i] of wrt[i] from the cotangent dy of y (same shape as y).  A wrt that y
 * does not depend on gets NULL.  Errors: an operator on the way without vjp (named). */
scl_status scl_vjp(scl_graph *g, scl_value *y, scl_value *dy, scl_value *const *wrt, int n_wrt,
                   scl_value **dwrt, scl_err *err);

/* Appends the nodes that compute the tangent *dy of y when x[i] has tangent dx[i]; *dy NULL: y does not depend on them. */
scl_status scl_jvp(scl_graph *g, scl_value *y, scl_value *const *x, scl_value *const *dx, int n_x,
                   scl_value **dy, scl_err *err);

#endif
