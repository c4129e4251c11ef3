/* Log-densities by the probability-flow ODE (Song et al. 2021, section 4.3, eq. 39 and 40; Chen et al. 2018;
 * Grathwohl et al. 2019).
 *
 * Along dx/dt = h(x, t) = f(t) x - 1/2 g(t)^2 s(x, t) a density changes by  d log p / dt = -div h, so
 *
 *     log p_0(x(0)) = log p_1(x(1)) + integral from 0 to 1 of div h dt,      div h = f D - 1/2 g^2 tr J,  J = ds/dx,
 *
 * with p_1 the prior N(0, sd^2 I).  The trace is exact by D basis vectors e, tr J = sum e.J e, or estimated
 * without bias by random vectors v with E v v' = 1, tr J = E v.J v (Hutchinson); the same v all along the way, so
 * that the right side stays smooth. */
#ifndef SCL_SCORE_LIKELIHOOD_H
#define SCL_SCORE_LIKELIHOOD_H

#include "score/sampling.h"

/* The graph of scl_step_score and, for every k below `vectors`, input "trace.v.K" f32[N,H,W,C] and output
 * "trace.K" f32[N], v.J v of each sample by forward mode.  SCL_FAILED names an operator without a rule. */
scl_status scl_step_trace(scl_graph **out, scl_arena *arena, const scl_step_spec *spec, int vectors,
                          const char *prefix, scl_err *err);

/* log N(x; 0, sd^2 I) of D values. */
double scl_log_prior(const double *x, size_t D, double sd);

/* A mean over samples, each the mean of M probes: error, of both (sd of the samples' values / sqrt(n): each has
 * probes of its own, whose share is in that spread); probe_error, of the probes alone, with the samples as they
 * are; NAN: M is 1. */
typedef struct scl_mean {
    double value, error, probe_error;
} scl_mean;
/* value: n; variance: n, of the M probes of each (divisor M - 1), read where M > 1.  n 1: the error is NAN. */
scl_mean scl_mean_of(const double *value, const double *variance, size_t n, int M);

#endif
