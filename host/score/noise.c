#include "score/noise.h"

#include <math.h>

#include "graph/arith.h"
#include "score/hostmath.h"

static double power_of(double sigma, double power)
{
    const long whole = (long)power;
    if (power >= 0 && power <= 16 && (double)whole == power)
        return scl_host_power(sigma, whole);
    return scl_host_exp(power * scl_host_log(sigma));
}

scl_status scl_noise_make(scl_noise *out, scl_arena *arena, double begin, double end, int levels,
                          double power, scl_err *err)
{
    if (levels < 1 || !(end > 0) || !(begin >= end))
        return scl_fail(err, SCL_BAD_CONFIG, "noise: needs sigma_begin >= sigma_end > 0 and at least one level");
    *out = (scl_noise){ .levels = levels,
                        .level = SCL_NEW_ARRAY(arena, double, levels),
                        .sigma = SCL_NEW_ARRAY(arena, float, levels),
                        .inv_sigma = SCL_NEW_ARRAY(arena, float, levels),
                        .weight = SCL_NEW_ARRAY(arena, float, levels) };
    const double first = scl_host_log(begin), last = scl_host_log(end);
    for (int i = 0; i < levels; i++) {
        const double step = levels > 1 ? (last - first) / (levels - 1) : 0.0;
        const double sigma = i == 0 ? begin : i == levels - 1 ? end : scl_host_exp(first + i * step);
        out->level[i] = sigma;
        out->sigma[i] = scl_flush((float)sigma);
        out->inv_sigma[i] = scl_flush((float)(1.0 / sigma));
        out->weight[i] = scl_flush((float)power_of(sigma, power));
    }
    return SCL_OK;
}

void scl_langevin_step(const scl_noise *n, double step_lr, int level, bool paper, double *drift, double *noise)
{
    const double ratio = n->level[level] / n->level[n->levels - 1], a = step_lr * (ratio * ratio);
    *drift = paper ? 0.5 * a : a;
    *noise = sqrt(paper ? a : 2.0 * a);
}
