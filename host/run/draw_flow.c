/* Samples by the probability-flow ODE and an adaptive solver (run/flow.h), from the largest level to the smallest.
 * The error norm is over all samples of the batch, whose size the config sets (sampler.group). */
#include <math.h>
#include <stdlib.h>

#include "graph/arith.h"
#include "run/draw.h"
#include "run/flow.h"
#include "score/ode.h"

typedef struct drawing {
    scl_draw *s;
    scl_flow flow;
    int first, row; /* of the samples; of the trajectory, next */
} drawing;

/* Samples that are not finite, or far beyond anything that the noise reaches, stop the stage here too. */
static scl_status look(const drawing *d, double t, scl_err *err)
{
    const scl_flow *f = &d->flow;
    const double most = 1e4 * (1 + f->noise->level[0]);
    int level = 0;
    while (level + 1 < f->noise->levels && t <= f->at[level + 1] + 1e-9)
        level++;
    for (int i = 0; i < f->n; i++) {
        const float *x = f->x + (size_t)i * f->width, *score = f->score + (size_t)i * f->width;
        double sum = 0, slope = 0;
        for (size_t k = 0; k < f->width; k++) {
            sum += (double)x[k] * (double)x[k];
            slope += (double)score[k] * 0;
        }
        const double rms = sqrt(sum / (double)f->width) + slope;
        if (!(rms <= most))
            return scl_fail(err, SCL_FAILED,
                            "sample %d %s at noise level %d (sigma %.3g), evaluation %ld of the ODE: its root mean square is %g",
                            d->first + i, isfinite(rms) ? "explodes" : "is not finite", level, f->noise->level[level],
                            f->evaluations, rms);
    }
    return SCL_OK;
}

/* scl_flow_seen */
static scl_status seen(void *context, double t, scl_err *err)
{
    scl_draw *s = ((drawing *)context)->s;
    SCL_TRY(look(context, t, err));
    scl_progress_update(&s->progress, ++s->done, NULL);
    SCL_TRY(scl_stage_step(s->c, s->b, s->done, err));
    return *s->c->stop ? scl_stage_interrupted(s->c, -1, err) : SCL_OK;
}

/* scl_ode_function */
static scl_status slope(void *context, double t, const double *x, double *dx, scl_err *err)
{
    return scl_flow_slope(&((drawing *)context)->flow, t, x, dx, NULL, err);
}

/* scl_ode_visit: the rows of the levels that x has come to. */
static scl_status visit(void *context, double t, const double *x, scl_err *err)
{
    drawing *d = context;
    scl_draw *s = d->s;
    (void)err;
    for (; d->row < s->rows && t <= d->flow.at[d->row] + 1e-12; d->row++)
        for (int i = d->first; s->trajectory && i < s->columns && i < d->first + d->flow.n; i++) {
            float *to = s->trajectory + ((size_t)d->row * (size_t)s->columns + (size_t)i) * s->pixels;
            for (size_t k = 0; k < s->pixels; k++)
                to[k] = (float)x[(size_t)(i - d->first) * s->pixels + k];
        }
    return SCL_OK;
}

static scl_status solve(drawing *d, double *x, size_t n, scl_err *err)
{
    const scl_draw *s = d->s;
    const double *at = d->flow.at;
    scl_ode ode = { .section = "sampler",
                    .f = slope,
                    .visit = visit,
                    .context = d,
                    .rtol = s->config->sampler.rtol,
                    .atol = s->config->sampler.atol,
                    .most = s->config->sampler.max_evaluations };
    SCL_TRY(visit(d, at[0], x, err));
    SCL_TRY(scl_ode_solve(&ode, x, n, at[0], at[s->noise.levels - 1], err));
    return s->config->sampler.denoise ? scl_flow_denoise(&d->flow, x, err) : SCL_OK;
}

scl_status scl_draw_flow(scl_draw *s, scl_draw_batch *r, int first, scl_err *err)
{
    scl_arena scratch = { 0 };
    void *memory;
    const size_t n = (size_t)r->n * s->pixels;
    float *drawn = s->x + (size_t)first * s->pixels;
    drawing d = { .s = s,
                  .first = first,
                  .flow = { .graph = r->graph,
                            .store = r->store,
                            .exec = r->exec,
                            .noise = &s->noise,
                            .n = r->n,
                            .width = s->pixels,
                            .observer = s->c->observer,
                            .stage = s->c->stage,
                            .first = first,
                            .seen = seen } };
    d.flow.context = &d;
    SCL_TRY(scl_alloc_bytes(&memory, n * sizeof(double), "the state of an ODE", err));
    double *x = memory;
    scl_status status = scl_flow_open(&d.flow, &scratch, err);
    if (status == SCL_OK) {
        scl_draw_start(s, first, r->n, drawn);
        for (size_t i = 0; i < n; i++)
            x[i] = (double)drawn[i];
        status = solve(&d, x, n, err);
    }
    for (size_t i = 0; i < n && status == SCL_OK; i++)
        drawn[i] = scl_flush((float)x[i]);
    s->least = s->least && s->least < d.flow.evaluations ? s->least : d.flow.evaluations;
    s->most = s->most > d.flow.evaluations ? s->most : d.flow.evaluations;
    scl_arena_free(&scratch);
    free(memory);
    return status;
}
