/* Perturbation processes in continuous time (Song et al. 2021, section 3.4 and appendix B): for t from 0 to 1
 *
 *     dx = f(t) x dt + g(t) dw,       x(t) = alpha(t) x(0) + sd(t) z,      z: unit noise.
 *
 *   ve     sigma(t) = sigma_end (sigma_begin / sigma_end)^t: alpha = 1, sd = sigma(t), f = 0, g^2 = 2 sigma^2 ln(sigma_begin / sigma_end)
 *   vp     beta(t) = beta_begin + t (beta_end - beta_begin), B = its integral from 0 to t: alpha = e^(-B/2), sd = sqrt(1 - e^-B),
 *          f = -beta/2, g^2 = beta
 *   subvp  alpha, f as vp; sd = 1 - e^-B, g^2 = beta (1 - e^(-2B))
 *
 * The reverse diffusion is dx = (f x - g^2 s) dt + g dw, the probability flow dx = (f x - g^2 s / 2) dt, both from t = 1 down to the
 * smallest time.  In double from + - * / sqrt and own functions: the same bits on every machine. */
#ifndef SCL_SCORE_SDE_H
#define SCL_SCORE_SDE_H

#include "config/config.h"

typedef struct scl_sde {
    scl_process process;
    double sigma_begin, sigma_end;   /* ve: sd at t = 1 and t = 0; sigma_begin >= sigma_end > 0 */
    double beta_begin, beta_end;     /* vp, subvp: beta at t = 0 and t = 1; beta_end >= beta_begin >= 0, beta_end > 0 */
} scl_sde;

/* The process of a noise section.  SCL_BAD_CONFIG with the key where its numbers describe none. */
scl_status scl_sde_make(scl_sde *out, const scl_noise_config *noise, scl_err *err);

double scl_sde_mean(const scl_sde *s, double t);         /* alpha(t) */
double scl_sde_deviation(const scl_sde *s, double t);    /* sd(t) */
double scl_sde_drift(const scl_sde *s, double t);        /* f(t) */
double scl_sde_diffusion(const scl_sde *s, double t);    /* g(t)^2 */

/* Standard deviation of the start, a normal distribution of mean 0: ve sigma_begin, vp and subvp 1. */
double scl_sde_prior(const scl_sde *s);
/* The smallest time that training draws and samplers end at: ve 1e-5, vp and subvp 1e-3. */
double scl_sde_first_time(const scl_sde *s);

#endif
