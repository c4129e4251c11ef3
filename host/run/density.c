#include "run/density.h"

#include <math.h>

#include "run/field.h"
#include "score/mixture.h"
#include "score/noise.h"

static double middle(const scl_density *d, int i) { return ((i + 0.5) / d->side * 2 - 1) * d->box; }

/* Energies of the cells become log densities: their least goes to 0 first, so that no exp overflows. */
static void normalise(const scl_density *d, const float *energy, double *log_model)
{
    const int n = d->side * d->side;
    double least = INFINITY, sum = 0;
    for (int i = 0; i < n; i++)
        least = fmin(least, energy[i]);
    for (int i = 0; i < n; i++)
        sum += exp(least - energy[i]);
    for (int i = 0; i < n; i++)
        log_model[i] = least - energy[i] - log(sum * d->area);
}

static scl_status energies(scl_stage_context *c, const float *x, int n, int level, float *energy, scl_err *err)
{
    scl_field *field;
    SCL_TRY(scl_field_open(&field, c, SCL_FIELD_POINTS, SCL_FIELD_ENERGY, err));
    const scl_status status = field->dimension == 2
                                  ? scl_field_values(field, x, (size_t)n, level, energy, err)
                                  : scl_fail(err, SCL_FAILED, "the network takes points of %zu values, not 2",
                                             field->dimension);
    scl_field_close(field);
    return status;
}

scl_status scl_density_read(scl_density *out, scl_stage_context *c, double box, int side, int level, scl_err *err)
{
    scl_mixture m = scl_mixture_of(&c->stage->data.points, c->arena);
    const int n = side * side;
    double *truth, *model;
    float *x, *energy;
    scl_noise noise;
    SCL_TRY(SCL_TAKE_ARRAY(&truth, c->arena, n, "a true density", err));
    SCL_TRY(SCL_TAKE_ARRAY(&model, c->arena, n, "a density", err));
    SCL_TRY(SCL_TAKE_ARRAY(&x, c->arena, 2 * (size_t)n, "the points of a density", err));
    SCL_TRY(SCL_TAKE_ARRAY(&energy, c->arena, n, "energies", err));
    *out = (scl_density){ .side = side, .box = box, .area = 4 * box * box / n, .log_truth = truth, .log_model = model };
    SCL_TRY(scl_noise_of(&noise, c->arena, &c->stage->noise, 2.0, false, err));
    if (level)
        m = scl_mixture_scaled(&m, scl_noise_alpha(&noise, level - 1), c->arena);
    for (int i = 0; i < n; i++) {
        const double at[2] = { middle(out, i % side), middle(out, i / side) };
        truth[i] = scl_mixture_log_density(&m, at, level ? noise.level[level - 1] : 0, NULL);
        x[2 * i] = (float)at[0];
        x[2 * i + 1] = (float)at[1];
    }
    SCL_TRY(energies(c, x, n, level ? level - 1 : noise.levels - 1, energy, err));
    for (int i = 0; i < n; i++)
        if (!isfinite(energy[i]))
            return scl_fail(err, SCL_FAILED, "the energy at (%g, %g) is not finite", (double)x[2 * i], (double)x[2 * i + 1]);
    normalise(out, energy, model);
    return SCL_OK;
}
