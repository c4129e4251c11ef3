/* Noise schedules: the levels sigma_0 > ... > sigma_{L-1} (label 0 is the largest), and the Langevin steps on them. */
#ifndef SCL_SCORE_NOISE_H
#define SCL_SCORE_NOISE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

typedef struct scl_noise {
    int levels;
    double *level;                           /* sigma, in double */
    float *sigma, *inv_sigma, *weight;       /* rounded once and flushed; weight = sigma^power of the loss */
} scl_noise;

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
