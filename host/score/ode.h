/* Ordinary differential equations x' = f(t, x) in double on the host: Runge-Kutta of order 5 with an error estimate of order 4
 * (Dormand & Prince 1980) and adaptive steps.
 *
 * From + - * / sqrt and own functions alone, sums in a fixed order: the same bits on every machine for the same f. */
#ifndef SCL_SCORE_ODE_H
#define SCL_SCORE_ODE_H

#include <stddef.h>

#include "base/err.h"

/* dx = f(t, x); what it returns ends the solver. */
typedef scl_status scl_ode_function(void *context, double t, const double *x, double *dx, scl_err *err);
/* Called with x at every accepted t; may be NULL. */
typedef scl_status scl_ode_visit(void *context, double t, const double *x, scl_err *err);

typedef struct scl_ode {
    scl_ode_function *f;
    scl_ode_visit *visit;
    void *context;
    double rtol, atol;           /* a step's error is to be below atol + rtol max(|x before|, |x after|), as root mean square over x */
    long most;                   /* evaluations of f */
    const char *section;         /* of the config, whose keys these are; NULL: sampler; for messages */
    long evaluations, accepted, rejected;    /* results */
} scl_ode;

/* From t0 to t1 (either may be the larger), in place; n elements.  SCL_FAILED: more than `most` evaluations are needed, the step
 * has become too small, or x is not finite; the message names t. */
scl_status scl_ode_solve(scl_ode *o, double *x, size_t n, double t0, double t1, scl_err *err);

#endif
