/* The probability-flow ODE by an adaptive solver (Song et al. 2021, section 4.3).
 *
 * With t = ln sigma the flow of the variance-exploding diffusion is  dx/dt = -sigma^2 s(x, sigma),  from ln sigma_begin to
 * ln sigma_end; that of vp and subvp  dx/dt = f(t) x - g(t)^2 s(x, t) / 2  from 1 to the last level's time (score/sde.h).  A network
 * that knows the level by tables alone (of which the label names the entry) gets every level that the solver asks for.  One with
 * weights of its own for each level knows those of its table; between two of them sigma s is taken to be linear in ln sigma, which
 * takes two evaluations; only of ve.
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
    bool any_level;              /* the network takes every level */
    float *table[SCL_QUANTITIES];            /* its tables, whose entry 0 is changed */
    int row;                     /* of the trajectory, next */
    size_t n;                    /* floats of the batch */
    float *x, *score;
    double *at;                  /* t of each level */
    long evaluations;            /* of the network */
} flow;

/* The flow at t: dx = own x + pull s; the level there. */
typedef struct place { double own, pull, sigma, alpha; } place;

static place place_at(const flow *f, double t)
{
    const scl_sde *sde = &f->s->noise.sde;
    if (sde->process == SCL_PROCESS_VE) {
        const double sigma = scl_host_exp(t);
        return (place){ .pull = -(sigma * sigma), .sigma = sigma, .alpha = 1 };
    }
    return (place){ .own = scl_sde_drift(sde, t), .pull = -0.5 * scl_sde_diffusion(sde, t), .sigma = scl_sde_deviation(sde, t),
                    .alpha = scl_sde_mean(sde, t) };
}

/* Is the label used for nothing but entries of the levels' tables? */
static bool by_tables_alone(const scl_graph *g)
{
    const scl_value *label = scl_find_value(g, "sample.label");
    for (int i = 0; i < g->n_node; i++)
        for (int k = 0; k < g->node[i]->n_in; k++) {
            const scl_value *table = g->node[i]->in[0];
            bool looks_up = false;
            for (int q = 0; q < SCL_QUANTITIES; q++)
                looks_up |= table->name && !strcmp(table->name, scl_quantity_name((scl_quantity)q));
            if (label && g->node[i]->in[k] == label && !looks_up)
                return false;
        }
    return true;
}

static scl_status put_level(flow *f, const place *p, scl_err *err)
{
    const double entry[SCL_QUANTITIES] = { [SCL_SIGMA] = p->sigma, [SCL_INV_SIGMA] = 1.0 / p->sigma, [SCL_ALPHA] = p->alpha,
                                           [SCL_INV_ALPHA] = 1.0 / p->alpha,
                                           [SCL_LOG_RATIO] = scl_host_log(p->sigma) - scl_host_log(p->alpha) };
    for (int q = 0; q < SCL_QUANTITIES; q++) {
        f->table[q][0] = (float)entry[q];
        SCL_TRY(scl_draw_put(f->r, scl_quantity_name((scl_quantity)q), f->table[q], sizeof(float) * (size_t)f->s->noise.levels, err));
    }
    return SCL_OK;
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

static void put_x(flow *f, const double *x)
{
    for (size_t i = 0; i < f->n; i++)
        f->x[i] = scl_flush((float)x[i]);
}

/* scl_ode_function */
static scl_status slope_any(void *context, double t, const double *x, double *dx, scl_err *err)
{
    flow *f = context;
    const place p = place_at(f, t);
    put_x(f, x);
    SCL_TRY(put_level(f, &p, err));
    SCL_TRY(score_at(f, 0, err));
    for (size_t k = 0; k < f->n; k++)
        dx[k] = p.own * x[k] + p.pull * (double)f->score[k];
    return SCL_OK;
}

/* scl_ode_function: dx = -sigma (sigma s), the bracket between its values at the two levels around sigma. */
static scl_status slope_between(void *context, double t, const double *x, double *dx, scl_err *err)
{
    flow *f = context;
    const scl_noise *n = &f->s->noise;
    int i = 0;
    while (i + 2 < n->levels && t < f->at[i + 1])
        i++;
    const double share = (f->at[i] - t) / (f->at[i] - f->at[i + 1]);
    const double w = share < 0 ? 0 : share > 1 ? 1 : share, sigma = scl_host_exp(t);
    put_x(f, x);
    for (size_t k = 0; k < f->n; k++)
        dx[k] = 0;
    for (int side = 0; side < 2; side++) {
        const double weight = side ? w : 1 - w, factor = -sigma * n->level[i + side] * weight;
        if (weight < 1e-9)
            continue;
        SCL_TRY(score_at(f, i + side, err));
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
    for (; f->row < s->rows && t <= f->at[f->row] + 1e-12; f->row++)
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
    scl_ode ode = { .f = f->any_level ? slope_any : slope_between, .visit = visit, .context = f,
                    .rtol = s->config->sampler.rtol, .atol = s->config->sampler.atol,
                    .most = s->config->sampler.max_evaluations };
    SCL_TRY(visit(f, f->at[0], x, err));
    SCL_TRY(scl_ode_solve(&ode, x, f->n, f->at[0], f->at[last], err));
    put_x(f, x);
    if (!s->config->sampler.denoise)
        return SCL_OK;
    place p = { .sigma = s->noise.level[last], .alpha = 1 };
    if (s->noise.sde.process != SCL_PROCESS_VE)
        p = place_at(f, f->at[last]);
    if (f->any_level)
        SCL_TRY(put_level(f, &p, err));
    SCL_TRY(score_at(f, f->any_level ? 0 : last, err));
    for (size_t k = 0; k < f->n; k++)
        f->x[k] = scl_flush((float)((x[k] + p.sigma * p.sigma * (double)f->score[k]) / p.alpha));
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
    f.at = SCL_NEW_ARRAY(&scratch, double, s->noise.levels);
    for (int q = 0; q < SCL_QUANTITIES; q++) {
        f.table[q] = SCL_NEW_ARRAY(&scratch, float, s->noise.levels);
        memcpy(f.table[q], s->noise.table[q], sizeof(float) * (size_t)s->noise.levels);
    }
    f.any_level = by_tables_alone(r->graph);
    for (int i = 0; i < s->noise.levels; i++)
        f.at[i] = s->noise.sde.process == SCL_PROCESS_VE ? scl_host_log(s->noise.level[i]) : s->noise.time[i];
    scl_draw_start(s, first, r->n, f.x);
    for (size_t i = 0; i < n; i++)
        x[i] = (double)f.x[i];
    scl_status status = f.any_level || s->noise.sde.process == SCL_PROCESS_VE
                            ? solve(&f, x, err)
                            : scl_fail(err, SCL_FAILED, "sampler.solver: rk45 asks for every time of the process, and this network has "
                                       "weights of its own for each level of its table; solver: euler");
    s->least = s->least && s->least < f.evaluations ? s->least : f.evaluations;
    s->most = s->most > f.evaluations ? s->most : f.evaluations;
    scl_arena_free(&scratch);
    free(memory);
    return status;
}
