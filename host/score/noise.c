#include "score/noise.h"

#include <math.h>

#include "score/hostmath.h"

static double power_of(double sigma, double power)
{
    const long whole = (long)power;
    if (power >= 0 && power <= 16 && (double)whole == power)
        return scl_host_power(sigma, whole);
    return scl_host_exp(power * scl_host_log(sigma));
}

/* g^2 at a level; of a table: beta in place of beta dt, over the length 1 / L of a step. */
static double diffusion(const scl_noise *n, int i)
{
    if (!n->rate || n->continuous)
        return scl_sde_diffusion(&n->sde, n->time[i]);
    const double kept = n->alpha[i] * n->alpha[i];
    return n->levels * n->rate[i] * (n->sde.process == SCL_PROCESS_VP ? 1 : 1 - kept * kept);
}

static void round_tables(scl_noise *n, scl_arena *arena, double power, bool likelihood)
{
    for (int q = 0; q < SCL_QUANTITIES; q++)
        n->table[q] = SCL_NEW_ARRAY(arena, float, n->levels);
    for (int i = 0; i < n->levels; i++) {
        const double sigma = n->level[i], alpha = scl_noise_alpha(n, i);
        n->table[SCL_SIGMA][i] = (float)sigma;
        n->table[SCL_INV_SIGMA][i] = (float)(1.0 / sigma);
        n->table[SCL_ALPHA][i] = (float)alpha;
        n->table[SCL_INV_ALPHA][i] = (float)(1.0 / alpha);
        n->table[SCL_LOG_RATIO][i] = (float)(scl_host_log(sigma) - scl_host_log(alpha));
        n->table[SCL_WEIGHT][i] = (float)(likelihood ? diffusion(n, i) : power_of(sigma, power));
    }
}

scl_status scl_noise_make(scl_noise *out, scl_arena *arena, double begin, double end, int levels, double power, scl_err *err)
{
    if (levels < 1 || !(end > 0) || !(begin >= end))
        return scl_fail(err, SCL_BAD_CONFIG, "noise: needs sigma_begin >= sigma_end > 0 and at least one level");
    *out = (scl_noise){ .levels = levels, .sde = { .sigma_begin = begin, .sigma_end = end },
                        .level = SCL_NEW_ARRAY(arena, double, levels), .time = SCL_NEW_ARRAY(arena, double, levels) };
    const double first = scl_host_log(begin), last = scl_host_log(end);
    for (int i = 0; i < levels; i++) {
        const double step = levels > 1 ? (last - first) / (levels - 1) : 0.0;
        const double sigma = i == 0 ? begin : i == levels - 1 ? end : scl_host_exp(first + i * step);
        out->level[i] = sigma;
        out->time[i] = levels > 1 ? 1.0 - (double)i / (levels - 1) : 1.0;
    }
    round_tables(out, arena, power, false);
    return SCL_OK;
}

/* The table of DDPM: level L-1-j has the betas 0 ... j behind it. */
static void fill_table(scl_noise *n)
{
    const int L = n->levels;
    double kept = 1;
    for (int j = 0; j < L; j++) {
        const int i = L - 1 - j;
        n->rate[i] = (n->sde.beta_begin + (L > 1 ? (double)j / (L - 1) : 1.0) * (n->sde.beta_end - n->sde.beta_begin)) / L;
        kept *= 1 - n->rate[i];
        n->time[i] = (double)(j + 1) / L;
        n->alpha[i] = sqrt(kept);
        n->level[i] = n->sde.process == SCL_PROCESS_VP ? sqrt(1 - kept) : 1 - kept;
    }
}

static void fill_times(scl_noise *n)
{
    const double first = scl_sde_first_time(&n->sde), step = n->levels > 1 ? (1 - first) / (n->levels - 1) : 1 - first;
    for (int i = 0; i < n->levels; i++) {
        const double t = n->time[i] = i + 1 < n->levels || n->levels == 1 ? 1 - i * step : first;
        n->alpha[i] = scl_sde_mean(&n->sde, t);
        n->level[i] = scl_sde_deviation(&n->sde, t);
        n->rate[i] = -2 * scl_sde_drift(&n->sde, t) * (i + 1 < n->levels ? step : first);
    }
}

scl_status scl_noise_of(scl_noise *out, scl_arena *arena, const scl_noise_config *c, double power, bool likelihood, scl_err *err)
{
    scl_sde sde;
    const bool exploding = c->process == SCL_PROCESS_VE;
    if (exploding)
        SCL_TRY(scl_noise_make(out, arena, c->sigma_begin, c->sigma_end, c->levels, power, err));
    SCL_TRY(scl_sde_make(&sde, c, err));
    if (!exploding && c->levels < 1)
        return scl_fail(err, SCL_BAD_CONFIG, "noise.levels: at least 1, not %d", c->levels);
    if (!exploding && c->time == SCL_TIME_TABLE && sde.beta_end >= c->levels)
        return scl_fail(err, SCL_BAD_CONFIG, "noise.levels: a table of %d levels has no room for beta_end %g; more levels, or time: continuous",
                        c->levels, sde.beta_end);
    if (!exploding)
        *out = (scl_noise){ .levels = c->levels, .level = SCL_NEW_ARRAY(arena, double, c->levels),
                            .alpha = SCL_NEW_ARRAY(arena, double, c->levels), .time = SCL_NEW_ARRAY(arena, double, c->levels),
                            .rate = SCL_NEW_ARRAY(arena, double, c->levels) };
    out->sde = sde;
    out->continuous = c->time == SCL_TIME_CONTINUOUS;
    if (!exploding && out->continuous)
        fill_times(out);
    else if (!exploding)
        fill_table(out);
    round_tables(out, arena, power, likelihood);
    return SCL_OK;
}

scl_status scl_noise_write(scl_store *store, const scl_noise *n, scl_err *err)
{
    for (int q = 0; q < SCL_QUANTITIES; q++)
        if (n->table[q] && scl_store_find(store, scl_quantity_name((scl_quantity)q)).value)
            SCL_TRY(scl_store_write(store, scl_quantity_name((scl_quantity)q), n->table[q], sizeof(float) * (size_t)n->levels, err));
    return SCL_OK;
}

double scl_noise_sigma(const scl_noise *n, int level) { return level < n->levels ? n->level[level] : 0.0; }
double scl_noise_alpha(const scl_noise *n, int level) { return n->alpha && level < n->levels ? n->alpha[level] : 1.0; }

void scl_langevin_step(const scl_noise *n, double step_lr, int level, bool paper, double *drift, double *noise)
{
    const double ratio = n->level[level] / n->level[n->levels - 1], a = step_lr * (ratio * ratio);
    *drift = paper ? 0.5 * a : a;
    *noise = sqrt(paper ? a : 2.0 * a);
}
