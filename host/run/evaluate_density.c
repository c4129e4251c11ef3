/* How far the density q = exp(-E) / Z of an energy network is from the true one p, over the box (fisher.box) whose cells
 * also give Z:
 *
 *   density.kl           Kullback-Leibler divergence, the integral of p log(p / q)
 *   density.variation    total variation distance, 1/2 the integral of |p - q|
 *
 * Both by the midpoint rule on a grid, p normalised on the box as q is. */
#include <math.h>

#include "run/density.h"
#include "run/evaluate.h"

enum { SIDE = 200 };

scl_status scl_evaluation_density(scl_evaluation *e, scl_err *err)
{
    scl_density d;
    double mass = 0, kl = 0, variation = 0;
    SCL_TRY(scl_density_read(&d, e->c, e->config->fisher.box, SIDE, e->config->fisher.level, err));
    for (int i = 0; i < SIDE * SIDE; i++)
        mass += exp(d.log_truth[i]) * d.area;
    for (int i = 0; i < SIDE * SIDE; i++) {
        const double log_p = d.log_truth[i] - log(mass), p = exp(log_p), q = exp(d.log_model[i]);
        kl += p > 0 ? p * (log_p - d.log_model[i]) * d.area : 0;
        variation += 0.5 * fabs(p - q) * d.area;
    }
    scl_evaluation_add(e, "density.kl", kl, -1, NAN);
    scl_evaluation_add(e, "density.variation", variation, -1, NAN);
    return SCL_OK;
}
