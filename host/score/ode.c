#include "score/ode.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "score/hostmath.h"

enum { STAGES = 7, NODES = 6 };

/* Dormand & Prince 5(4): the last stage is the first of the next step. */
static const double node[STAGES] = { 0, 1 / 5.0, 3 / 10.0, 4 / 5.0, 8 / 9.0, 1, 1 };
static const double row[STAGES][NODES] = {
    { 0 },
    { 1 / 5.0 },
    { 3 / 40.0, 9 / 40.0 },
    { 44 / 45.0, -56 / 15.0, 32 / 9.0 },
    { 19372 / 6561.0, -25360 / 2187.0, 64448 / 6561.0, -212 / 729.0 },
    { 9017 / 3168.0, -355 / 33.0, 46732 / 5247.0, 49 / 176.0, -5103 / 18656.0 },
    { 35 / 384.0, 0, 500 / 1113.0, 125 / 192.0, -2187 / 6784.0, 11 / 84.0 },
};
/* Weights of order 5 minus those of order 4. */
static const double defect[STAGES] = { 71 / 57600.0, 0, -71 / 16695.0, 71 / 1920.0, -17253 / 339200.0, 22 / 525.0, -1 / 40.0 };
static const double safety = 0.9, least_factor = 0.2, most_factor = 10;

typedef struct solver {
    scl_ode *o;
    size_t n;
    double *x, *y, *k[STAGES];       /* state, the next one, slopes */
} solver;

static scl_status slope(solver *s, double t, const double *x, double *dx, scl_err *err)
{
    const char *section = s->o->section ? s->o->section : "sampler";
    if (s->o->evaluations >= s->o->most)
        return scl_fail(err, SCL_FAILED,
                        "the ODE needs more than %ld evaluations: it has come to t = %g in %ld steps (%ld more were rejected); larger "
                        "tolerances (%s.rtol, %s.atol) or a larger %s.max_evaluations help",
                        s->o->most, t, s->o->accepted, s->o->rejected, section, section, section);
    s->o->evaluations++;
    return s->o->f(s->o->context, t, x, dx, err);
}

static double scale_of(const scl_ode *o, double a, double b)
{
    a = fabs(a);
    b = fabs(b);
    return o->atol + o->rtol * (a > b ? a : b);
}

/* Root mean square of v / scale, or of (v - w) / scale. */
static double norm(const solver *s, const double *v, const double *w)
{
    double sum = 0;
    for (size_t i = 0; i < s->n; i++) {
        const double e = (v[i] - (w ? w[i] : 0)) / scale_of(s->o, s->x[i], s->x[i]);
        sum += e * e;
    }
    return sqrt(sum / (double)s->n);
}

static double fifth_root(double x) { return scl_host_exp(scl_host_log(x) * 0.2); }

/* A first step whose error is about the tolerance (Hairer, Norsett & Wanner, II.4). */
static scl_status first_step(solver *s, double t, double span, double *h, scl_err *err)
{
    const double d0 = norm(s, s->x, NULL), d1 = norm(s, s->k[0], NULL), sign = span < 0 ? -1 : 1, length = fabs(span);
    if (!isfinite(d0) || !isfinite(d1))
        return scl_fail(err, SCL_FAILED, "the ODE is not finite where it begins, at t = %g", t);
    double h0 = d0 < 1e-5 || d1 < 1e-5 ? 1e-6 : 0.01 * d0 / d1;
    h0 = h0 < length ? h0 : length;
    for (size_t i = 0; i < s->n; i++)
        s->y[i] = s->x[i] + sign * h0 * s->k[0][i];
    SCL_TRY(slope(s, t + sign * h0, s->y, s->k[1], err));
    const double d2 = norm(s, s->k[1], s->k[0]) / h0, d = d1 > d2 ? d1 : d2;
    if (!isfinite(d2))
        return scl_fail(err, SCL_FAILED, "the ODE is not finite close to its beginning, at t = %g", t);
    double h1 = d <= 1e-15 ? (h0 * 1e-3 > 1e-6 ? h0 * 1e-3 : 1e-6) : fifth_root(0.01 / d);
    h1 = 100 * h0 < h1 ? 100 * h0 : h1;
    *h = h1 < length ? h1 : length;
    return SCL_OK;
}

/* y and the slopes of a step; *error: of it, in units of the tolerance. */
static scl_status try_step(solver *s, double t, double h, double *error, scl_err *err)
{
    for (int j = 1; j < STAGES; j++) {
        for (size_t i = 0; i < s->n; i++) {
            double sum = 0;
            for (int m = 0; m < j; m++)
                sum += row[j][m] * s->k[m][i];
            s->y[i] = s->x[i] + h * sum;
        }
        SCL_TRY(slope(s, t + node[j] * h, s->y, s->k[j], err));
    }
    double sum = 0;
    for (size_t i = 0; i < s->n; i++) {
        double e = 0;
        for (int j = 0; j < STAGES; j++)
            e += defect[j] * s->k[j][i];
        e = h * e / scale_of(s->o, s->x[i], s->y[i]);
        sum += e * e;
    }
    *error = sqrt(sum / (double)s->n);
    return SCL_OK;
}

static scl_status advance(solver *s, double t, double t1, scl_err *err)
{
    const double sign = t1 < t ? -1 : 1;
    double h = 0, error = 0;
    bool again = false;
    SCL_TRY(slope(s, t, s->x, s->k[0], err));
    SCL_TRY(first_step(s, t, t1 - t, &h, err));
    while (t != t1) {
        const bool last = h >= fabs(t1 - t);
        if (!last && h < 1e-14 * fmax(fabs(t), fabs(t1)))
            return scl_fail(err, SCL_FAILED, "the ODE cannot be solved to these tolerances: its step became %g at t = %g", h, t);
        const double step = last ? t1 - t : sign * h;
        SCL_TRY(try_step(s, t, step, &error, err));
        if (!isfinite(error))
            return scl_fail(err, SCL_FAILED, "the solution of the ODE is not finite at t = %g", t + step);
        double factor = error > 0 ? safety / fifth_root(error) : most_factor;
        if (error >= 1) {
            h = fabs(step) * (factor > least_factor ? factor : least_factor);
            again = true;
            s->o->rejected++;
            continue;
        }
        factor = factor < (again ? 1 : most_factor) ? factor : again ? 1 : most_factor;
        factor = factor > least_factor ? factor : least_factor;
        h = fabs(step) * factor;
        again = false;
        t = last ? t1 : t + step;
        s->o->accepted++;
        memcpy(s->x, s->y, sizeof *s->x * s->n);
        double *first = s->k[0];
        s->k[0] = s->k[STAGES - 1];
        s->k[STAGES - 1] = first;
        if (s->o->visit)
            SCL_TRY(s->o->visit(s->o->context, t, s->x, err));
    }
    return SCL_OK;
}

scl_status scl_ode_solve(scl_ode *o, double *x, size_t n, double t0, double t1, scl_err *err)
{
    void *memory;
    solver s = { .o = o, .n = n, .x = x };
    SCL_TRY(scl_alloc_bytes(&memory, sizeof(double) * n * (STAGES + 1), "the slopes of an ODE", err));
    s.y = memory;
    for (int j = 0; j < STAGES; j++)
        s.k[j] = s.y + n * (size_t)(j + 1);
    o->evaluations = o->accepted = o->rejected = 0;
    const scl_status status = t0 == t1 ? SCL_OK : advance(&s, t0, t1, err);
    free(memory);
    return status;
}
