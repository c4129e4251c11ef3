/* The noise level of each sample, as networks and objectives see it: x = alpha x0 + sigma z.
 *
 * A label i32[N] names an entry of tables f32[L], persistent values of the graph that the host writes (score/noise.h); or the
 * values f32[N] themselves are given, where a level can be any time of a process. */
#ifndef SCL_MODEL_LEVEL_H
#define SCL_MODEL_LEVEL_H

#include "graph/graph.h"

typedef enum scl_quantity {
    SCL_SIGMA, SCL_INV_SIGMA,        /* standard deviation of the noise, and 1 over it */
    SCL_ALPHA, SCL_INV_ALPHA,        /* what the data are scaled by, and 1 over it */
    SCL_LOG_RATIO,                   /* ln(sigma / alpha) */
    SCL_WEIGHT,                      /* of the loss */
    SCL_QUANTITIES
} scl_quantity;

typedef struct scl_level {
    scl_value *label;                        /* NULL: given, or of no use */
    scl_value *given[SCL_QUANTITIES];        /* instead of the tables' entries */
} scl_level;

/* The table's name: sigma, inv_sigma, alpha, inv_alpha, log_ratio, weight. */
const char *scl_quantity_name(scl_quantity what);

/* A quantity of each sample's level, f32[N]; levels: L. */
scl_status scl_level_get(scl_graph *g, scl_value **out, const scl_level *level, int levels, scl_quantity what, scl_err *err);

#endif
