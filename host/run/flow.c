#include "run/flow.h"

#include <stdio.h>
#include <string.h>

#include "graph/arith.h"
#include "score/hostmath.h"

/* The flow at t: h = own x + pull s; the level there. */
typedef struct place {
    double own, pull, sigma, alpha;
} place;

static place place_at(const scl_flow *f, double t)
{
    const scl_sde *sde = &f->noise->sde;
    if (sde->process == SCL_PROCESS_VE) {
        const double sigma = scl_host_exp(t);
        return (place){ .pull = -(sigma * sigma), .sigma = sigma, .alpha = 1 };
    }
    return (place){ .own = scl_sde_drift(sde, t),
                    .pull = -0.5 * scl_sde_diffusion(sde, t),
                    .sigma = scl_sde_deviation(sde, t),
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

static scl_status put(scl_flow *f, const char *name, const void *from, size_t bytes, scl_err *err)
{
    return scl_store_find(f->store, name).value ? scl_store_write(f->store, name, from, bytes, err) : SCL_OK;
}

static scl_status put_label(scl_flow *f, int level, scl_err *err)
{
    if (level == f->level)
        return SCL_OK;
    f->level = level;
    for (int i = 0; i < f->n; i++)
        f->label[i] = level;
    return put(f, "sample.label", f->label, sizeof *f->label * (size_t)f->n, err);
}

/* Any level: entry 0 of the tables. */
static scl_status put_level(scl_flow *f, const place *p, scl_err *err)
{
    const double entry[SCL_QUANTITIES] = { [SCL_SIGMA] = p->sigma,
                                           [SCL_INV_SIGMA] = 1.0 / p->sigma,
                                           [SCL_ALPHA] = p->alpha,
                                           [SCL_INV_ALPHA] = 1.0 / p->alpha,
                                           [SCL_LOG_RATIO] = scl_host_log(p->sigma) - scl_host_log(p->alpha) };
    for (int q = 0; q < SCL_QUANTITIES; q++) {
        f->table[q][0] = scl_flush((float)entry[q]);
        SCL_TRY(
            put(f, scl_quantity_name((scl_quantity)q), f->table[q], sizeof(float) * (size_t)f->noise->levels, err));
    }
    return put_label(f, 0, err);
}

scl_status scl_flow_open(scl_flow *f, scl_arena *arena, scl_err *err)
{
    const int levels = f->noise->levels;
    const bool exploding = f->noise->sde.process == SCL_PROCESS_VE;
    f->any_level = by_tables_alone(f->graph);
    f->level = -1;
    if (!f->any_level && !exploding)
        return scl_fail(
            err, SCL_FAILED,
            "an adaptive solver asks for every time of the process, and this network has weights of its own for "
            "each level of its table; a sampler has solver: euler");
    f->at = SCL_NEW_ARRAY(arena, double, levels);
    for (int i = 0; i < levels; i++)
        f->at[i] = exploding ? scl_host_log(f->noise->level[i]) : f->noise->time[i];
    for (int q = 0; q < SCL_QUANTITIES; q++) {
        f->table[q] = SCL_NEW_ARRAY(arena, float, levels);
        memcpy(f->table[q], f->noise->table[q], sizeof(float) * (size_t)levels);
    }
    SCL_TRY(SCL_TAKE_ARRAY(&f->x, arena, (size_t)f->n * f->width, "the samples of an ODE", err));
    SCL_TRY(SCL_TAKE_ARRAY(&f->score, arena, (size_t)f->n * f->width, "the scores of an ODE", err));
    f->trace = SCL_NEW_ARRAY(arena, float, f->n);
    f->label = SCL_NEW_ARRAY(arena, int32_t, f->n);
    return SCL_OK;
}

static scl_status put_x(scl_flow *f, const double *x, scl_err *err)
{
    const size_t values = (size_t)f->n * f->width;
    for (size_t i = 0; i < values; i++)
        f->x[i] = scl_flush((float)x[i]);
    return scl_store_write(f->store, "sample.x", f->x, sizeof *f->x * values, err);
}

/* The network at the x and level that the device has, into f->score; adds factor v.Jv to the divergence. */
static scl_status evaluate(scl_flow *f, double t, double factor, double *divergence, scl_err *err)
{
    const size_t n = (size_t)f->n;
    SCL_TRY(scl_observe_run(f->observer, f->stage, f->evaluations, f->first, f->exec, err));
    SCL_TRY(scl_exec_read(f->exec, "sample.score", f->score, sizeof *f->score * n * f->width, err));
    for (int k = 0; divergence && k < f->vectors; k++) {
        char name[32];
        snprintf(name, sizeof name, "trace.%d", k);
        SCL_TRY(scl_exec_read(f->exec, name, f->trace, sizeof *f->trace * n, err));
        double *to = divergence + (f->exact ? 0 : (size_t)k * n);
        for (size_t i = 0; i < n; i++)
            to[i] += factor * (double)f->trace[i];
    }
    f->evaluations++;
    return f->seen ? f->seen(f->context, t, err) : SCL_OK;
}

/* h = -sigma (sigma s), the bracket between its values at the two levels around t = ln sigma. */
static scl_status between_levels(scl_flow *f, double t, double *dx, double *divergence, scl_err *err)
{
    const size_t values = (size_t)f->n * f->width;
    int i = 0;
    while (i + 2 < f->noise->levels && t < f->at[i + 1])
        i++;
    const double share = (f->at[i] - t) / (f->at[i] - f->at[i + 1]);
    const double w = share < 0 ? 0 : share > 1 ? 1 : share, sigma = scl_host_exp(t);
    for (size_t k = 0; k < values; k++)
        dx[k] = 0;
    for (int side = 0; side < 2; side++) {
        const double weight = side ? w : 1 - w, factor = -sigma * f->noise->level[i + side] * weight;
        if (weight < 1e-9)
            continue;
        SCL_TRY(put_label(f, i + side, err));
        SCL_TRY(evaluate(f, t, factor, divergence, err));
        for (size_t k = 0; k < values; k++)
            dx[k] += factor * (double)f->score[k];
    }
    return SCL_OK;
}

scl_status scl_flow_slope(scl_flow *f, double t, const double *x, double *dx, double *divergence, scl_err *err)
{
    const size_t n = (size_t)f->n, values = n * f->width, rows = f->exact ? 1 : (size_t)f->vectors;
    const place p = place_at(f, t);
    for (size_t i = 0; divergence && i < rows * n; i++)
        divergence[i] = p.own * (double)f->width;
    SCL_TRY(put_x(f, x, err));
    if (!f->any_level)
        return between_levels(f, t, dx, divergence, err);
    SCL_TRY(put_level(f, &p, err));
    SCL_TRY(evaluate(f, t, p.pull, divergence, err));
    for (size_t k = 0; k < values; k++)
        dx[k] = p.own * x[k] + p.pull * (double)f->score[k];
    return SCL_OK;
}

scl_status scl_flow_denoise(scl_flow *f, double *x, scl_err *err)
{
    const size_t values = (size_t)f->n * f->width;
    const int last = f->noise->levels - 1;
    place p = { .sigma = f->noise->level[last], .alpha = 1 };
    if (f->noise->sde.process != SCL_PROCESS_VE)
        p = place_at(f, f->at[last]);
    SCL_TRY(put_x(f, x, err));
    SCL_TRY(f->any_level ? put_level(f, &p, err) : put_label(f, last, err));
    SCL_TRY(evaluate(f, f->at[last], 0, NULL, err));
    for (size_t k = 0; k < values; k++)
        x[k] = (x[k] + p.sigma * p.sigma * (double)f->score[k]) / p.alpha;
    return SCL_OK;
}
