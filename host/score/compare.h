/* How far two sets of samples are from each other: distances between their distributions, on the CPU, in
 * double.
 *
 * A set is a matrix of floats, a sample a row: pixels, points, or features that a classifier made of them.
 * What is drawn (projections, order) comes from the counter-based generator, so a result depends on the sets
 * and the seed alone.
 *
 * stop: where it is given and becomes other than 0, a computation ends soon with SCL_INTERRUPTED and err as
 * it was. */
#ifndef SCL_SCORE_COMPARE_H
#define SCL_SCORE_COMPARE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

typedef struct scl_set { size_t count; int width; const float *x; } scl_set;     /* x [count, width], borrowed */

/* An estimate and its standard error; below 0: not known. */
typedef struct scl_estimate { double value, error; } scl_estimate;

/* The mean of n independent numbers, from their sum and the sum of their squares.  n = 1: its error is not known. */
scl_estimate scl_estimate_mean(double sum, double square, double n);

/* Mean [D] and covariance [D,D] (divisor count - 1; count >= 2). */
void scl_set_moments(const scl_set *s, double *mean, double *covariance);

/* Frechet (2-Wasserstein) distance, squared, between N(m1, S1) and N(m2, S2):
 *   |m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1^1/2 S2 S1^1/2)^1/2                       (Dowson & Landau 1982; Heusel et al. 2017)
 * roots by LAPACK's symmetric eigenvalues; those within rounding of 0 count as 0.  Errors: memory, no convergence. */
scl_status scl_frechet_gaussians(double *out, int D, const double *m1, const double *S1, const double *m2,
                                 const double *S2, scl_err *err);
/* The same between Gaussians with the moments of two sets of at least 2 samples. */
scl_status scl_frechet_distance(double *out, const scl_set *a, const scl_set *b,
                                const volatile sig_atomic_t *stop, scl_err *err);

/* Kernel distance (KID): the unbiased estimate of MMD^2 with the kernel (x.y/D + 1)^3 (Binkowski et al. 2018): the mean over
 * `blocks` blocks of neighbouring rows, each of min(count)/blocks >= 2 samples of both sets, which stand for themselves; so its
 * error is that of a mean of independent estimates (1 block: not known).  Errors: blocks too small. */
scl_status scl_kernel_distance(scl_estimate *out, const scl_set *a, const scl_set *b, int blocks,
                               const volatile sig_atomic_t *stop, scl_err *err);

/* Improved precision and recall (Kynkaanniemi et al. 2019): precision is the share of `made` inside the ball round some sample of
 * `real` whose radius is the distance to that one's k-th neighbour in `real`; recall the same with the sets exchanged.
 * Errors: k >= count. */
scl_status scl_precision_recall(scl_estimate *precision, scl_estimate *recall, const scl_set *real,
                                const scl_set *made, int k, const volatile sig_atomic_t *stop, scl_err *err);

/* Sliced Wasserstein distance: the root of the mean, over `projections` directions drawn uniformly from the sphere, of the
 * squared 2-Wasserstein distance between the projected sets (counts may differ).  The error is that of the directions. */
scl_status scl_sliced_wasserstein(scl_estimate *out, const scl_set *a, const scl_set *b, int projections, uint64_t seed,
                                  const volatile sig_atomic_t *stop, scl_err *err);
/* Squared 2-Wasserstein distance of two sorted lists: the integral of the squared difference of their quantile functions. */
double scl_wasserstein_sorted(const double *a, size_t n, const double *b, size_t m);

/* The k rows of `among` nearest to each row of `of`, nearest first: index and distance are [of->count, k], the caller's; skip_self:
 * row i of `among` is not a neighbour of row i.  k <= among->count (less one under skip_self). */
void scl_nearest_rows(const scl_set *of, const scl_set *among, int k, bool skip_self, int *index, double *distance);

#endif
