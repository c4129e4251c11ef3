/* Noise schedules: the levels sigma_0 > ... > sigma_{L-1} (label 0 is the largest), and the Langevin steps on them. */
#ifndef SCL_SCORE_NOISE_H
#define SCL_SCORE_NOISE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"

typedef struct scl_noise {
    int levels;
    double *level;                           /* sigma, in double */
    float *sigma, *inv_sigma, *weight;       /* rounded once; weight = sigma^power of the loss */
} scl_noise;

/* Geometric: exp(linspace(ln begin, ln end, levels)); one level: begin.  begin >= end > 0.  In arena. */
scl_status scl_noise_make(scl_noise *out, scl_arena *arena, double begin, double end, int levels, double power, scl_err *err);

/* Annealed Langevin at a level: x = x + drift * score + noise * z, a = step_lr (sigma_i / sigma_last)^2.  Official code: drift a,
 * noise sqrt(2a); the paper's algorithm 1: a/2 and sqrt(a). */
void scl_langevin_step(const scl_noise *n, double step_lr, int level, bool paper, double *drift, double *noise);

#endif
