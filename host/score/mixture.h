/* A mixture of isotropic Gaussians on the host, in double: the true density and score of a toy distribution. */
#ifndef SCL_SCORE_MIXTURE_H
#define SCL_SCORE_MIXTURE_H

#include "base/arena.h"
#include "config/config.h"

typedef struct scl_mixture {
    int components, dimension;       /* K, D */
    const double *weight;            /* [K], their sum is 1 */
    const double *mean;              /* [K,D] */
    const double *sigma;             /* [K] */
} scl_mixture;

/* The mixture of `points` (distribution mixture, checked by config/check.c).  In arena; borrows the means. */
scl_mixture scl_mixture_of(const scl_points_config *points, scl_arena *arena);

/* log p(x) under noise of standard deviation sigma (variances add), and its gradient [D] where score is not NULL.  The same on every
 * machine. */
double scl_mixture_log_density(const scl_mixture *m, const double *x, double sigma, double *score);

/* The mixture of `factor` times its points.  In arena; borrows the weights. */
scl_mixture scl_mixture_scaled(const scl_mixture *m, double factor, scl_arena *arena);

/* The component whose mean is nearest to x, the first of several; *distance (may be NULL): how far. */
int scl_mixture_nearest(const scl_mixture *m, const double *x, double *distance);

/* What the operators of the family mixture read: log weights, means, variances, rounded once.  Each array is the caller's. */
void scl_mixture_tables(const scl_mixture *m, float *log_weight, float *mean, float *variance);

#endif
