#include "score/sde.h"

#include <math.h>

#include "score/hostmath.h"

scl_status scl_sde_make(scl_sde *out, const scl_noise_config *n, scl_err *err)
{
    *out = (scl_sde){ n->process, n->sigma_begin, n->sigma_end, n->beta_begin, n->beta_end };
    if (n->process == SCL_PROCESS_VE && !(n->sigma_end > 0 && n->sigma_begin >= n->sigma_end))
        return scl_fail(err, SCL_BAD_CONFIG, "noise.sigma_begin: needs sigma_begin >= sigma_end > 0");
    if (n->process != SCL_PROCESS_VE && !(n->beta_begin >= 0 && n->beta_end >= n->beta_begin && n->beta_end > 0))
        return scl_fail(err, SCL_BAD_CONFIG, "noise.beta_end: needs beta_end >= beta_begin >= 0 and beta_end > 0");
    return SCL_OK;
}

static double log_ratio(const scl_sde *s) { return scl_host_log(s->sigma_begin) - scl_host_log(s->sigma_end); }
static double sigma(const scl_sde *s, double t) { return s->sigma_end * scl_host_exp(t * log_ratio(s)); }
static double beta(const scl_sde *s, double t) { return s->beta_begin + t * (s->beta_end - s->beta_begin); }
static double beta_integral(const scl_sde *s, double t) { return t * (s->beta_begin + 0.5 * t * (s->beta_end - s->beta_begin)); }

/* 1 - e^-x, x >= 0, to full relative precision. */
static double decayed(double x)
{
    if (x > 0.5)
        return x < 700 ? 1.0 - scl_host_exp(-x) : 1.0;
    double sum = 0;
    for (int i = 16; i >= 2; i--)
        sum = -(1.0 + sum) * x / i;
    return x * (1.0 + sum);
}

double scl_sde_mean(const scl_sde *s, double t)
{
    return s->process == SCL_PROCESS_VE ? 1.0 : scl_host_exp(-0.5 * fmin(beta_integral(s, t), 1400));
}

double scl_sde_deviation(const scl_sde *s, double t)
{
    if (s->process == SCL_PROCESS_VE)
        return sigma(s, t);
    const double variance = decayed(beta_integral(s, t));
    return s->process == SCL_PROCESS_VP ? sqrt(variance) : variance;
}

double scl_sde_drift(const scl_sde *s, double t)
{
    return s->process == SCL_PROCESS_VE ? 0.0 : -0.5 * beta(s, t);
}

double scl_sde_diffusion(const scl_sde *s, double t)
{
    if (s->process == SCL_PROCESS_VE)
        return 2.0 * log_ratio(s) * (sigma(s, t) * sigma(s, t));
    return s->process == SCL_PROCESS_VP ? beta(s, t) : beta(s, t) * decayed(2.0 * beta_integral(s, t));
}

double scl_sde_prior(const scl_sde *s) { return s->process == SCL_PROCESS_VE ? s->sigma_begin : 1.0; }
double scl_sde_first_time(const scl_sde *s) { return s->process == SCL_PROCESS_VE ? 1e-5 : 1e-3; }
