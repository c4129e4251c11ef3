/* The probability-flow ODE by an adaptive solver (Song et al. 2021, section 4.3).
 *
 * With t = ln sigma the flow of the variance-exploding diffusion is  dx/dt = -sigma^2 s(x, sigma),  from ln sigma_begin to
 * ln sigma_end.  A network that knows the level by its sigma alone (a table, of which the label names the entry) gets every sigma
 * that the solver asks for.  One with weights of its own for each level knows those of its table; between two of them sigma s is
 * taken to be linear in ln sigma, which takes two evaluations.
 * The state is double on the host, the score float on the device; the error norm is over all samples of the batch, whose size the
 * config sets (sampler.group). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "graph/arith.h"
#include "run/draw.h"
#include "score/hostmath.h"
#include "score/ode.h"

typedef struct flow {
    scl_draw *s;
    scl_draw_batch *r;
    int first, level;            /* level: that the device has */
    bool any_sigma;              /* the network takes every sigma */
    float *sigma, *inv_sigma;    /* its tables, whose entry 0 is changed */
    int row;                     /* of the trajectory, next */
    size_t n;                    /* floats of the batch */
    float *x, *score;
    double *log_level;
    long evaluations;            /* of the network */
} flow;

/* Is the label used for nothing but entries of the tables of sigma? */
static bool by_sigma_alone(const scl_graph *g)
{
    const scl_value *label = scl_find_value(g, "sample.label");
    for (int i = 0; i < g->n_node; i++)
        for (int k = 0; k < g->node[i]->n_in; k++) {
            const scl_value *table = g->node[i]->in[0];
            const bool looks_up = !strcmp(g->node[i]->op->name, "lookup") && table->name &&
                                  (!strcmp(table->name, "sigma") || !strcmp(table->name, "inv_sigma"));
            if (label && g->node[i]->in[k] == label && !looks_up)
                return false;
        }
    return true;
}

static scl_status put_sigma(flow *f, double sigma, scl_err *err)
{
    const size_t bytes = sizeof(float) * (size_t)f->s->noise.levels;
    f->sigma[0] = (float)sigma;
    f->inv_sigma[0] = (float)(1.0 / sigma);
    SCL_TRY(scl_draw_put(f->r, "sigma", f->sigma, bytes, err));
    return scl_draw_put(f->r, "inv_sigma", f->inv_sigma, bytes, err);
}

static scl_status score_at(flow *f, int level, scl_err *err)
{
    scl_draw *s = f->s;
    const size_t bytes = sizeof(float) * f->n;
    if (level != f->level)
        SCL_TRY(scl_draw_set_level(s, f->r, f->level = level, err));
    SCL_TRY(scl_store_write(f->r->store, "sample.x", f->x, bytes, err));
    SCL_TRY(scl_exec_run(f->r->exec, err));
    SCL_TRY(scl_exec_read(f->r->exec, "sample.score", f->score, bytes, err));
    f->evaluations++;
    scl_progress_update(&s->progress, ++s->done, NULL);
    return *s->c->stop ? scl_stage_interrupted(s->c, -1, err) : SCL_OK;
}

/* Samples that are not finite, or far beyond anything that the noise reaches, stop the stage here too. */
static scl_status look(const flow *f, double sigma, scl_err *err)
{
    const scl_draw *s = f->s;
    const double most = 1e4 * (1 + s->noise.level[0]);
    int level = 0;
    while (level + 1 < s->noise.levels && sigma <= s->noise.level[level + 1] * (1 + 1e-9))
        level++;
    for (int i = 0; i < f->r->n; i++) {
        const float *x = f->x + (size_t)i * s->pixels, *score = f->score + (size_t)i * s->pixels;
        double sum = 0, slope = 0;
        for (size_t k = 0; k < s->pixels; k++) {
            sum += (double)x[k] * (double)x[k];
            slope += (double)score[k] * 0;
        }
        const double rms = sqrt(sum / (double)s->pixels) + slope;
        if (!(rms <= most))
            return scl_fail(
                err, SCL_FAILED,
                "sample %d %s at noise level %d (sigma %.3g), evaluation %ld of the ODE: its root mean "
                "square is %g",
                f->first + i, isfinite(rms) ? "explodes" : "is not finite", level, sigma, f->evaluations,
                rms);
    }
    return SCL_OK;
}

static void put_x(flow *f, const double *x)
{
    for (size_t i = 0; i < f->n; i++)
        f->x[i] = scl_flush((float)x[i]);
}

/* scl_ode_function: dx = -sigma^2 s. */
static scl_status slope_any(void *context, double t, const double *x, double *dx, scl_err *err)
{
    flow *f = context;
    const double sigma = scl_host_exp(t), factor = -(sigma * sigma);
    put_x(f, x);
    SCL_TRY(put_sigma(f, sigma, err));
    SCL_TRY(score_at(f, 0, err));
    SCL_TRY(look(f, sigma, err));
    for (size_t k = 0; k < f->n; k++)
        dx[k] = factor * (double)f->score[k];
    return SCL_OK;
}

/* scl_ode_function: dx = -sigma (sigma s), the bracket between its values at the two levels around sigma. */
static scl_status slope_between(void *context, double t, const double *x, double *dx, scl_err *err)
{
    flow *f = context;
    const scl_noise *n = &f->s->noise;
    int i = 0;
    while (i + 2 < n->levels && t < f->log_level[i + 1])
        i++;
    const double share = (f->log_level[i] - t) / (f->log_level[i] - f->log_level[i + 1]);
    const double w = share < 0 ? 0 : share > 1 ? 1 : share, sigma = scl_host_exp(t);
    put_x(f, x);
    for (size_t k = 0; k < f->n; k++)
        dx[k] = 0;
    for (int side = 0; side < 2; side++) {
        const double weight = side ? w : 1 - w, factor = -sigma * n->level[i + side] * weight;
        if (weight < 1e-9)
            continue;
        SCL_TRY(score_at(f, i + side, err));
        SCL_TRY(look(f, sigma, err));
        for (size_t k = 0; k < f->n; k++)
            dx[k] += factor * (double)f->score[k];
    }
    return SCL_OK;
}

/* scl_ode_visit: the rows of the levels that x has come to. */
static scl_status visit(void *context, double t, const double *x, scl_err *err)
{
    flow *f = context;
    scl_draw *s = f->s;
    (void)err;
    for (; f->row < s->rows && t <= f->log_level[f->row] + 1e-12; f->row++)
        for (int i = f->first; s->trajectory && i < s->columns && i < f->first + f->r->n; i++) {
            float *to = s->trajectory + ((size_t)f->row * (size_t)s->columns + (size_t)i) * s->pixels;
            for (size_t k = 0; k < s->pixels; k++)
                to[k] = (float)x[(size_t)(i - f->first) * s->pixels + k];
        }
    return SCL_OK;
}

static scl_status solve(flow *f, double *x, scl_err *err)
{
    scl_draw *s = f->s;
    const int last = s->noise.levels - 1;
    scl_ode ode = { .f = f->any_sigma ? slope_any : slope_between, .visit = visit, .context = f,
                    .rtol = s->config->sampler.rtol, .atol = s->config->sampler.atol,
                    .most = s->config->sampler.max_evaluations };
    SCL_TRY(visit(f, f->log_level[0], x, err));
    SCL_TRY(scl_ode_solve(&ode, x, f->n, f->log_level[0], f->log_level[last], err));
    put_x(f, x);
    if (!s->config->sampler.denoise)
        return SCL_OK;
    const double variance = s->noise.level[last] * s->noise.level[last];
    if (f->any_sigma)
        SCL_TRY(put_sigma(f, s->noise.level[last], err));
    SCL_TRY(score_at(f, f->any_sigma ? 0 : last, err));
    for (size_t k = 0; k < f->n; k++)
        f->x[k] = scl_flush((float)(x[k] + variance * (double)f->score[k]));
    return SCL_OK;
}

scl_status scl_draw_flow(scl_draw *s, scl_draw_batch *r, int first, scl_err *err)
{
    scl_arena scratch = { 0 };
    void *memory;
    const size_t n = (size_t)r->n * s->pixels;
    flow f = { .s = s, .r = r, .first = first, .level = -1, .n = n, .x = s->x + (size_t)first * s->pixels };
    SCL_TRY(scl_alloc_bytes(&memory, n * (sizeof(double) + sizeof(float)), "the state of an ODE", err));
    double *x = memory;
    f.score = (float *)(x + n);
    f.log_level = SCL_NEW_ARRAY(&scratch, double, s->noise.levels);
    f.sigma = SCL_NEW_ARRAY(&scratch, float, 2 * s->noise.levels);
    f.inv_sigma = f.sigma + s->noise.levels;
    memcpy(f.sigma, s->noise.sigma, sizeof(float) * (size_t)s->noise.levels);
    memcpy(f.inv_sigma, s->noise.inv_sigma, sizeof(float) * (size_t)s->noise.levels);
    f.any_sigma = by_sigma_alone(r->graph);
    for (int i = 0; i < s->noise.levels; i++)
        f.log_level[i] = scl_host_log(s->noise.level[i]);
    scl_draw_start(s, first, r->n, f.x);
    for (size_t i = 0; i < n; i++)
        x[i] = (double)f.x[i];
    scl_status status = solve(&f, x, err);
    s->least = s->least && s->least < f.evaluations ? s->least : f.evaluations;
    s->most = s->most > f.evaluations ? s->most : f.evaluations;
    scl_arena_free(&scratch);
    free(memory);
    return status;
}
