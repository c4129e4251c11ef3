#include "score/sampler.h"

#include <limits.h>
#include <math.h>

#include "score/hostmath.h"

enum { LANGEVIN_ROWS = 10, ADAPTIVE_GUESS = 100 };

bool scl_sampler_adapts(const scl_sample_config *c)
{
    return c->sampler.method == SCL_SAMPLER_PROBABILITY_FLOW && c->sampler.solver == SCL_SOLVER_RK45;
}

bool scl_sampler_couples(const scl_sample_config *c)
{
    return c->sampler.method == SCL_SAMPLER_PREDICTOR_CORRECTOR || scl_sampler_adapts(c);
}

static bool is_langevin(scl_sampler_kind method)
{
    return method == SCL_SAMPLER_LANGEVIN || method == SCL_SAMPLER_ANNEALED_LANGEVIN;
}

scl_sample_init scl_sampler_init(const scl_sample_config *c)
{
    if (c->sampler.init != SCL_INIT_AUTO)
        return c->sampler.init;
    return is_langevin(c->sampler.method) || c->sampler.method == SCL_SAMPLER_CONSISTENT ? SCL_INIT_UNIFORM : SCL_INIT_PRIOR;
}

/* Updates at each of how many levels, without a denoising step of its own. */
static void shape_of(const scl_sample_config *c, int L, int *per_level, int *levels, int *end)
{
    *per_level = 1;
    *levels = L;
    *end = 0;
    switch (c->sampler.method) {
    case SCL_SAMPLER_LANGEVIN:
        *per_level = c->sampler.steps;
        *levels = 1;
        *end = c->sampler.denoise;
        break;
    case SCL_SAMPLER_ANNEALED_LANGEVIN:
        *per_level = c->sampler.steps_per_level;
        *end = c->sampler.denoise;
        break;
    case SCL_SAMPLER_EULER_MARUYAMA:
        *levels = L - 1;
        *end = c->sampler.denoise;
        break;
    case SCL_SAMPLER_PREDICTOR_CORRECTOR:
        *per_level = c->sampler.corrector_steps + 1;
        break;
    default:
        break;
    }
}

double scl_sampler_evaluations(const scl_sample_config *c, int L)
{
    int per_level, levels, end;
    if (scl_sampler_adapts(c))
        return ADAPTIVE_GUESS;
    shape_of(c, L, &per_level, &levels, &end);
    return (double)per_level * levels + end;
}

static double last_of(const scl_sampler *s) { return s->noise->level[s->noise->levels - 1]; }

/* The step size that the levels ask for. */
static scl_status automatic_step(scl_sampler *s, scl_err *err)
{
    const scl_noise *n = s->noise;
    const double ratio = n->levels > 1 ? scl_noise_mean_ratio(n->level[0], last_of(s), n->levels) : 1;
    if (s->method == SCL_SAMPLER_LANGEVIN || !(ratio > 1))
        return scl_fail(err, SCL_BAD_CONFIG, "sampler.step_lr: auto needs falling noise levels and a sampler that goes along them");
    if (s->method == SCL_SAMPLER_CONSISTENT) {
        s->step_lr = last_of(s) * last_of(s) * (1 - 1 / (ratio * ratio));      /* then it is the ancestral sampler */
    } else {
        s->step_lr = scl_noise_step(n->level[0], last_of(s), n->levels, s->per_level);
        s->step_lr *= s->config->sampler.step_rule == SCL_STEP_PAPER ? 2 : 1;
    }
    return SCL_OK;
}

/* eta between 1 - g and 1 + g for every ratio g of neighbours; else the noise would have a negative variance. */
static scl_status check_consistent(const scl_sampler *s, scl_err *err)
{
    const double last = last_of(s);
    double g = 1;
    for (int i = 0; i + 1 < s->noise->levels; i++)
        g = fmin(g, s->noise->level[i + 1] / s->noise->level[i]);
    const double low = last * last * (1 - g), high = last * last * (1 + g);
    if (s->step_lr > low && s->step_lr < high)
        return SCL_OK;
    return scl_fail(err, SCL_BAD_CONFIG,
                    "sampler.step_lr: consistent_annealed needs a step between %.3g and %.3g at these noise levels, not %.3g (auto: %.3g)",
                    low, high, s->step_lr, last * last * (1 - g * g));
}

scl_status scl_sampler_make(scl_sampler *out, const scl_sample_config *c, const scl_noise *noise, scl_err *err)
{
    int end;
    const bool scaled = noise->sde.process != SCL_PROCESS_VE;
    scl_sampler s = { .method = c->sampler.method, .config = c, .noise = noise, .step_lr = c->sampler.step_lr };
    if (noise->levels < 2 && s.method != SCL_SAMPLER_LANGEVIN && s.method != SCL_SAMPLER_ANNEALED_LANGEVIN)
        return scl_fail(err, SCL_BAD_CONFIG, "noise.levels: the sampler %s goes from level to level and needs two at least",
                        scl_config_choice("sampler.method", (int)s.method));
    if (scaled && (s.method == SCL_SAMPLER_ANNEALED_LANGEVIN || s.method == SCL_SAMPLER_CONSISTENT))
        return scl_fail(err, SCL_BAD_CONFIG, "sampler.method: %s takes its step from the ratios of sigma, which are those of noise.process ve",
                        scl_config_choice("sampler.method", (int)s.method));
    shape_of(c, noise->levels, &s.per_level, &s.levels, &end);
    if ((double)s.per_level * s.levels + end > (double)INT_MAX)
        return scl_fail(err, SCL_BAD_CONFIG, "the sampler would take %.3g steps", (double)s.per_level * s.levels);
    s.total = s.per_level * s.levels + end;
    s.rows = s.method != SCL_SAMPLER_LANGEVIN ? s.levels : s.per_level < LANGEVIN_ROWS ? s.per_level : LANGEVIN_ROWS;
    const bool steps = is_langevin(s.method) || s.method == SCL_SAMPLER_CONSISTENT;
    if (steps && !(s.step_lr > 0))
        SCL_TRY(automatic_step(&s, err));
    if (s.method == SCL_SAMPLER_CONSISTENT)
        SCL_TRY(check_consistent(&s, err));
    *out = s;
    return SCL_OK;
}

static int row_of(const scl_sampler *s, int level, int t)
{
    if (s->method != SCL_SAMPLER_LANGEVIN)
        return t == s->per_level - 1 ? level : -1;
    const long before = (long)t * s->rows / s->per_level, behind = ((long)t + 1) * s->rows / s->per_level;
    return behind > before ? (int)before : -1;
}

static void consistent(const scl_sampler *s, scl_update *u, double sigma, double next)
{
    const double eta = s->step_lr / (last_of(s) * last_of(s)), last_eta = s->config->sampler.denoise ? 1 : eta;
    u->drift = (next > 0 ? eta : last_eta) * (sigma * sigma);
    if (next > 0) {
        const double r = (1 - eta) * sigma / next;
        u->noise = next * sqrt(1 - r * r);
    }
}

/* (x + sigma^2 s) / alpha: the mean of the data where x is. */
static void to_data(scl_update *u)
{
    u->scale = 1 / u->alpha_before;
    u->drift = u->before * u->before / u->alpha_before;
    u->noise = u->after = 0;
    u->alpha_after = 1;
}

/* From a level to the next by Euler's rule. */
static void euler_maruyama(const scl_noise *n, scl_update *u)
{
    const double kept = u->alpha_before * u->alpha_before;
    if (n->rate) {
        u->scale = 1 + 0.5 * n->rate[u->level];
        u->drift = n->rate[u->level] * (n->sde.process == SCL_PROCESS_VP ? 1 : 1 - kept * kept);
    } else {
        u->drift = 2 * (u->before * u->before) * (scl_host_log(u->before) - scl_host_log(u->after));
    }
    u->noise = sqrt(u->drift);
}

scl_update scl_sampler_at(const scl_sampler *s, int i)
{
    const scl_noise *n = s->noise;
    const int own = i / s->per_level, t = i % s->per_level;
    const bool end = own >= s->levels, langevin = is_langevin(s->method), denoise = s->config->sampler.denoise;
    const int level = end || s->method == SCL_SAMPLER_LANGEVIN ? n->levels - 1 : own;
    const double sigma = n->level[level], next = scl_noise_sigma(n, level + 1);
    const double alpha = scl_noise_alpha(n, level), alpha_next = scl_noise_alpha(n, level + 1);
    const double r = alpha / alpha_next, d = sigma * sigma - r * r * (next * next);
    scl_update u = { .level = level, .scale = 1, .before = sigma, .after = langevin ? sigma : next, .alpha_before = alpha,
                     .alpha_after = langevin ? alpha : alpha_next, .row = end ? -1 : row_of(s, own, t) };
    if (end) {
        to_data(&u);
        return u;
    }
    switch (s->method) {
    case SCL_SAMPLER_LANGEVIN:
    case SCL_SAMPLER_ANNEALED_LANGEVIN:
        scl_langevin_step(n, s->step_lr, level, s->config->sampler.step_rule == SCL_STEP_PAPER, &u.drift, &u.noise);
        break;
    case SCL_SAMPLER_CONSISTENT:
        consistent(s, &u, sigma, next);
        break;
    case SCL_SAMPLER_EULER_MARUYAMA:
        euler_maruyama(n, &u);
        break;
    case SCL_SAMPLER_PREDICTOR_CORRECTOR:
        if (t < s->per_level - 1) {
            u.snr = s->config->sampler.snr * r;
            u.after = sigma;
            u.alpha_after = alpha;
            break;
        } /* fall through */
    case SCL_SAMPLER_REVERSE_DIFFUSION:
        u.scale = 2 - r;
        u.drift = d;
        u.noise = sqrt(d);
        if (!(next > 0) && denoise)
            to_data(&u);
        break;
    case SCL_SAMPLER_ANCESTRAL:
        u.scale = 1 / r;
        u.drift = d / r;
        u.noise = !(next > 0) ? 0 : n->sde.process == SCL_PROCESS_VP ? sqrt(d) : sqrt(d) * (next / sigma);
        break;
    case SCL_SAMPLER_PROBABILITY_FLOW:
        u.scale = 2 - r;
        u.drift = 0.5 * d;
        if (!(next > 0) && denoise)
            to_data(&u);
        break;
    }
    return u;
}
