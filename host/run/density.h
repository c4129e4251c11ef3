/* The density of an energy network beside the true one, on a grid of the plane. */
#ifndef SCL_RUN_DENSITY_H
#define SCL_RUN_DENSITY_H

#include "run/stage.h"

/* Cell (i, j) of side x side has its middle at ((i + 1/2) / side * 2 - 1) box, likewise j; values in rows of j.  log_model
 * is -E - log Z, with Z the sum of exp(-E) over the cells times their area: a density on the box. */
typedef struct scl_density {
    int side;
    double box, area;                        /* half the side of the box; of a cell */
    const double *log_truth, *log_model;     /* [side * side] */
} scl_density;

/* The network of the train stage that the stage needs, against the mixture of its data; level: the noise level plus 1,
 * 0: without noise.  In c->arena. */
scl_status scl_density_read(scl_density *out, scl_stage_context *c, double box, int side, int level, scl_err *err);

#endif
