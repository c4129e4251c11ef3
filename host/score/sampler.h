/* Samplers: the list of their updates, from the noise levels.
 *
 * Every sampler of this file is a chain of affine updates of the picture x,
 *
 *     x = scale * x + drift * s(x, level) + noise * z,        s: the network's score, z: fresh unit noise,
 *
 * whose coefficients depend on the noise levels alone, but for a corrector, whose drift and noise follow from norms of s and z.
 * They are double here and rounded once, where they go to the device.  Levels: sigma_0 > ... > sigma_{L-1}, sigma_L = 0.
 *
 * Of the process ve, whose scale is 1:
 *
 *   langevin             at the last level: drift a, noise sqrt(2a), a = step_lr (paper's rule: a/2, sqrt(a)), `steps` times
 *   annealed_langevin    at every level `steps_per_level` times the same with a = step_lr (sigma_i / sigma_last)^2
 *                        (Song & Ermon 2019, algorithm 1)
 *   consistent_annealed  eta = step_lr / sigma_last^2, g = sigma_{i+1} / sigma_i: drift eta sigma_i^2, noise b sigma_{i+1} with
 *                        b^2 = 1 - ((1 - eta) / g)^2, none at the last level (Jolicoeur-Martineau et al. 2021)
 *   euler_maruyama       the reverse diffusion dx = -g^2 s dt + g dw of the geometric sigma(t), from level to level:
 *                        drift d = 2 sigma_i^2 ln(sigma_i / sigma_{i+1}), noise sqrt(d); no step at the last level
 *   reverse_diffusion    d = sigma_i^2 - sigma_{i+1}^2, noise sqrt(d)
 *   ancestral            d = sigma_i^2 - sigma_{i+1}^2, noise sqrt(d) sigma_{i+1} / sigma_i
 *   predictor_corrector  at every level `corrector_steps` times Langevin with a = 2 (snr mean|z| / mean|s|)^2, then one
 *                        step of reverse_diffusion
 *   probability_flow     by Euler: drift d / 2, no noise (by Runge-Kutta: score/ode.h)
 *   (the last four: Song et al. 2021, with sigma(t) as a table)
 *
 * Of vp and subvp, between whose levels the process goes by x_i = r x_{i+1} + sqrt(d) z: r = alpha_i / alpha_{i+1} and
 * d = sigma_i^2 - r^2 sigma_{i+1}^2 (vp: r^2 = 1 - beta_i, d = beta_i), with b = beta_i of a table, beta(t) dt in continuous time:
 *
 *   langevin             as above
 *   euler_maruyama       scale 1 + b/2, drift g^2 dt = b (subvp: b (1 - alpha_i^4)), noise sqrt(g^2 dt)
 *   reverse_diffusion    scale 2 - r, drift d, noise sqrt(d)
 *   ancestral            scale 1 / r, drift d / r, noise sqrt(d) (DDPM: Ho et al. 2020; subvp: that of ve), none at the last level
 *   predictor_corrector  a = 2 r^2 (snr mean|z| / mean|s|)^2
 *   probability_flow     scale 2 - r, drift d / 2
 *
 * They agree with ve where r = 1.
 *
 * The end without noise, (x + sigma_last^2 s) / alpha_last (Tweedie): a step of its own behind langevin, annealed_langevin and
 * euler_maruyama; the others have it as their last step. */
#ifndef SCL_SCORE_SAMPLER_H
#define SCL_SCORE_SAMPLER_H

#include "config/config.h"
#include "score/noise.h"

typedef struct scl_update {
    int level;                   /* label of the score */
    double scale, drift, noise;
    double snr;                  /* > 0: a corrector, drift and noise from the norms */
    double before, after;        /* noise of x before and behind it, */
    double alpha_before, alpha_after;        /* and what its data are scaled by: what is known of x is imposed at these */
    int row;                     /* of the trajectory, to which x belongs after it; -1: none */
} scl_update;

typedef struct scl_sampler {
    scl_sampler_kind method;
    const scl_sample_config *config;
    const scl_noise *noise;
    double step_lr;              /* config's, or by the levels */
    int per_level, levels;       /* updates at a level, and levels with updates */
    int total;                   /* updates: score evaluations of a sample */
    int rows;                    /* of the trajectory */
} scl_sampler;

/* config and noise are borrowed.  SCL_BAD_CONFIG with the reason where the sampler does not go with the levels. */
scl_status scl_sampler_make(scl_sampler *out, const scl_sample_config *config, const scl_noise *noise, scl_err *err);
/* Update i of 0 ... total - 1; its noise has the counter i. */
scl_update scl_sampler_at(const scl_sampler *s, int i);

/* Does the sampler take norms over a group of samples? */
bool scl_sampler_couples(const scl_sample_config *config);
/* probability_flow by Runge-Kutta: no list of updates, its steps depend on the samples. */
bool scl_sampler_adapts(const scl_sample_config *config);
/* The distribution of the start: never SCL_INIT_AUTO. */
scl_sample_init scl_sampler_init(const scl_sample_config *config);
/* Score evaluations of a sample, as far as the config tells (adaptive: a guess), for a table of so many levels. */
double scl_sampler_evaluations(const scl_sample_config *config, int levels);

#endif
