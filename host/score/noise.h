/* Noise schedules: the levels 0 ... L-1 from the largest to the smallest, x = alpha_i x0 + sigma_i z, and the Langevin steps on them. */
#ifndef SCL_SCORE_NOISE_H
#define SCL_SCORE_NOISE_H

#include <stdbool.h>

#include "graph/store.h"
#include "model/level.h"
#include "score/sde.h"

typedef struct scl_noise {
    int levels;
    scl_sde sde;                             /* the process whose levels they are; scl_noise_make: ve */
    bool continuous;                         /* they are times of it, not a table of its own */
    double *level;                           /* sigma, in double */
    double *alpha;                           /* NULL: 1 everywhere */
    double *time;                            /* t of the process; NULL: of no use */
    double *rate;                            /* vp, subvp: beta of the step to the next level, what beta dt is in continuous time */
    float *table[SCL_QUANTITIES];            /* what graphs read (model/level.h), rounded once; NULL: no graph does */
} scl_noise;

/* The levels of a noise section; its sigma_begin and levels are numbers.
 *
 *   ve                geometric from sigma_begin to sigma_end, times from 1 to 0
 *   vp, subvp, table  beta_j = (beta_begin + (beta_end - beta_begin) j / (L-1)) / L for j = 0 ... L-1, level L-1-j with
 *                     alpha^2 the product of 1 - beta_0 ... beta_j (Ho et al. 2020), vp sigma^2 = 1 - alpha^2, subvp sigma = 1 - alpha^2
 *   vp, subvp, continuous    L times from 1 to the smallest at equal distances
 *
 * The weight of a level in the loss is sigma^power, or, likelihood, g(t)^2 (Song et al. 2021b, theorem 1). */
scl_status scl_noise_of(scl_noise *out, scl_arena *arena, const scl_noise_config *noise, double power, bool likelihood, scl_err *err);

/* Writes the tables that the store has. */
scl_status scl_noise_write(scl_store *store, const scl_noise *n, scl_err *err);

/* Beyond the last level there is no noise: sigma 0, alpha 1. */
double scl_noise_sigma(const scl_noise *n, int level);
double scl_noise_alpha(const scl_noise *n, int level);

/* Geometric: exp(linspace(ln begin, ln end, levels)); one level: begin.  begin >= end > 0.  In arena. */
scl_status scl_noise_make(scl_noise *out, scl_arena *arena, double begin, double end, int levels, double power, scl_err *err);

/* Annealed Langevin at a level: x = x + drift * score + noise * z, a = step_lr (sigma_i / sigma_last)^2.  Official code: drift a,
 * noise sqrt(2a); the paper's algorithm 1: a/2 and sqrt(a). */
void scl_langevin_step(const scl_noise *n, double step_lr, int level, bool paper, double *drift, double *noise);

/* ---- the rules of NCSNv2 (Song & Ermon 2020, techniques 2 and 4); technique 1, sigma_0 from the data: data/distance.h ---- */

/* The ratio gamma > 1 of neighbouring levels for which a share C of the samples of one level, whose distance from the data is
 * sigma sqrt(D) within 3 sigma / sqrt(2), is as likely under the next:
 *     Phi(sqrt(2D) (gamma - 1) + 3 gamma) - Phi(sqrt(2D) (gamma - 1) - 3 gamma) = C.       D: values of a picture; 0 < C < 1
 * At most 2: with a handful of values a shell is so thick that any two levels overlap. */
double scl_noise_ratio(double D, double C);
/* The number of levels from begin to end whose ratio is nearest to that. */
int scl_noise_levels(double begin, double end, double D, double C);
/* (begin / end)^(1 / (levels - 1)) */
double scl_noise_mean_ratio(double begin, double end, int levels);

/* Step size epsilon at the last level (official rule) so that T steps at a level bring the variance of its samples, gamma^2 of it
 * at first, nearest to what it is to be: the least |h - 1|,
 *     h = (1 - e)^(2T) (gamma^2 - b) + b,   b = 2 e / (1 - (1 - e)^2),   e = epsilon / end^2 < 2,   gamma = mean ratio.
 * begin > end, levels >= 2, T >= 1. */
double scl_noise_step(double begin, double end, int levels, int T);

#endif
