/* Oracles and cases of the optimisers: one step on given gradients (several would turn m/sqrt(v) into a sign function). */
#include <math.h>

#include "graph/optim.h"
#include "op_harness.h"

/* Step 3 of an ordinary run. */
static void set_coef(const t_case *t)
{
    float *c = t_f32_in(t, "coef");
    for (int i = 0; i < SCL_COEFS; i++)
        c[i] = 1e30f;                                         /* what is not named must not be read */
    c[SCL_COEF_RATE] = -1e-2f;
    c[SCL_COEF_ADAM_RATE] = (float)(-1e-3 / (1 - 0.9 * 0.9 * 0.9));
    c[SCL_COEF_ADAM_ROOT] = (float)(1 / sqrt(1 - 0.999 * 0.999 * 0.999));
    c[SCL_COEF_EPS] = 1e-8f;
    c[SCL_COEF_M] = 0.1f;
    c[SCL_COEF_V] = 1e-3f;
    c[SCL_COEF_MOMENTUM] = 0.9f;
    c[SCL_COEF_EMA] = 1e-3f;
}

/* The first step: moments are zero. */
static void start(const t_case *t)
{
    set_coef(t);
    t_f32_in(t, "coef")[SCL_COEF_ADAM_RATE] = -1e-2f;
    t_f32_in(t, "coef")[SCL_COEF_ADAM_ROOT] = (float)(1 / sqrt(1e-3));
}

static bool stopped(const t_case *t, const char *const *in, const char *const *out, int n)
{
    for (int o = 0; t_u32(t, "flag")[0] && o < n; o++)
        for (size_t i = 0; i < t_count(t, in[o]); i++)
            t_f64(t, out[o])[i] = t_f64(t, in[o])[i];
    return t_u32(t, "flag")[0] != 0;
}

static double flushed(double v) { return fabs(v) < 0x1p-100 ? 0.0 : v; }

static void oracle_adam(const t_case *t)
{
    static const char *const in[] = { "theta", "m", "v" }, *const out[] = { "theta_out", "m_out", "v_out" };
    if (stopped(t, in, out, 3))
        return;
    const double *c = t_f64(t, "coef"), *g = t_f64(t, "g"), scale = t_f64(t, "scale")[0];
    double *theta = t_f64(t, "theta_out"), *m = t_f64(t, "m_out"), *v = t_f64(t, "v_out");
    for (size_t i = 0; i < t_count(t, "g"); i++) {
        const double gi = g[i] * scale;
        m[i] = (1 - c[SCL_COEF_M]) * t_f64(t, "m")[i] + c[SCL_COEF_M] * gi;
        v[i] = flushed((1 - c[SCL_COEF_V]) * t_f64(t, "v")[i] + c[SCL_COEF_V] * gi * gi);
        theta[i] = t_f64(t, "theta")[i] +
                   c[SCL_COEF_ADAM_RATE] * m[i] / (sqrt(v[i]) * c[SCL_COEF_ADAM_ROOT] + c[SCL_COEF_EPS]);
    }
}

static void oracle_sgd(const t_case *t)
{
    static const char *const in[] = { "theta", "u" }, *const out[] = { "theta_out", "u_out" };
    if (stopped(t, in, out, 2))
        return;
    const double *c = t_f64(t, "coef"), *g = t_f64(t, "g"), scale = t_f64(t, "scale")[0];
    double *theta = t_f64(t, "theta_out"), *u = t_f64(t, "u_out");
    for (size_t i = 0; i < t_count(t, "g"); i++) {
        u[i] = c[SCL_COEF_MOMENTUM] * t_f64(t, "u")[i] + g[i] * scale;
        theta[i] = t_f64(t, "theta")[i] + c[SCL_COEF_RATE] * u[i];
    }
}

static void oracle_rmsprop(const t_case *t)
{
    static const char *const in[] = { "theta", "v" }, *const out[] = { "theta_out", "v_out" };
    if (stopped(t, in, out, 2))
        return;
    const double *c = t_f64(t, "coef"), *g = t_f64(t, "g"), scale = t_f64(t, "scale")[0];
    double *theta = t_f64(t, "theta_out"), *v = t_f64(t, "v_out");
    for (size_t i = 0; i < t_count(t, "g"); i++) {
        const double gi = g[i] * scale;
        v[i] = flushed((1 - c[SCL_COEF_V]) * t_f64(t, "v")[i] + c[SCL_COEF_V] * gi * gi);
        theta[i] = t_f64(t, "theta")[i] + c[SCL_COEF_RATE] * gi / (sqrt(v[i]) + c[SCL_COEF_EPS]);
    }
}

static void oracle_ema(const t_case *t)
{
    static const char *const in[] = { "e" }, *const out[] = { "e_out" };
    if (stopped(t, in, out, 1))
        return;
    const double rate = t_f64(t, "coef")[SCL_COEF_EMA], *e = t_f64(t, "e"), *theta = t_f64(t, "theta");
    double *after = t_f64(t, "e_out");
    for (size_t i = 0; i < t_count(t, "e"); i++)
        after[i] = (1 - rate) * e[i] + rate * theta[i];
}

#define GO .fill = { { "flag", 0 } }, .prepare = set_coef

static const t_case cases_adam[] = {
    { "one_value", "D=1", GO },                                                             /* smallest                       */
    { "ragged",    "D=3x3x5x7", GO },                                                       /* tail of a vector               */
    { "chunks",    "D=16401", GO },                                                         /* more than one group and a tail */
    { "clipped",   "D=67", .fill = { { "flag", 0 }, { "scale", 0.125 } }, .prepare = set_coef },
    { "stopped",   "D=67", .fill = { { "flag", 5 } }, .prepare = set_coef },                /* not finite before: nothing     */
    { "first",     "D=64", .fill = { { "flag", 0 }, { "m", 0 }, { "v", 0 }, { "scale", 1 } }, .prepare = start },
    { "no_gradient", "D=33", .fill = { { "flag", 0 }, { "m", 0 }, { "v", 0 }, { "g", 0 } }, .prepare = start },  /* 0 / eps   */
    { "tiny",      "D=65", .fill = { { "flag", 0 }, { "m", 0 }, { "v", 0 }, { "scale", 1 } }, .range = { { "g", -3e-10, 3e-10 } },
      .prepare = start, .tol = 4e-6 },                                                      /* eps decides; v far below 2^-60 */
    { "weights",   "D=3x3x128x128", GO, .bench = true },
};

static const t_case cases_sgd[] = {
    { "one_value", "D=1", GO },
    { "ragged",    "D=5x13", GO },
    { "chunks",    "D=16401", GO },
    { "stopped",   "D=19", .fill = { { "flag", 1 } }, .prepare = set_coef },
};

static const t_case cases_rmsprop[] = {
    { "one_value", "D=1", GO },
    { "ragged",    "D=5x13", GO },
    { "chunks",    "D=16401", GO },
    { "stopped",   "D=19", .fill = { { "flag", 1 } }, .prepare = set_coef },
    { "first",     "D=64", .fill = { { "flag", 0 }, { "v", 0 }, { "scale", 1 } }, .prepare = set_coef },
};

static const t_case cases_ema[] = {
    { "one_value", "D=1", GO },
    { "ragged",    "D=5x13", GO },
    { "chunks",    "D=16401", GO },
    { "stopped",   "D=19", .fill = { { "flag", 1 } }, .prepare = set_coef },
    { "weights",   "D=3x3x128x128", GO, .bench = true },
};

static const t_op ops[] = {
    T_OP(adam, oracle_adam, cases_adam), T_OP(sgd, oracle_sgd, cases_sgd), T_OP(rmsprop, oracle_rmsprop, cases_rmsprop),
    T_OP(ema, oracle_ema, cases_ema),
};
OP_TESTS(optimizer, ops)
