/* Oracles and cases of a sampler's updates. */
#include "op_harness.h"

static void oracle(const t_case *t)
{
    const int count = t_dim(t, 'N') * t_dim(t, 'H') * t_dim(t, 'W') * t_dim(t, 'C');
    const double *x = t_f64(t, "x"), *s = t_f64(t, "s"), *z = t_f64(t, "z");
    const double step = t_f64(t, "step")[0], noise = t_f64(t, "noise")[0];
    double *y = t_f64(t, "y");
    for (int i = 0; i < count; i++)
        y[i] = x[i] + step * s[i] + noise * z[i];
}

static void diffusion(const t_case *t)
{
    const int count = t_dim(t, 'N') * t_dim(t, 'H') * t_dim(t, 'W') * t_dim(t, 'C');
    const double *x = t_f64(t, "x"), *s = t_f64(t, "s"), *z = t_f64(t, "z");
    const double step = t_f64(t, "step")[0], noise = t_f64(t, "noise")[0], scale = t_f64(t, "scale")[0];
    double *y = t_f64(t, "y");
    for (int i = 0; i < count; i++)
        y[i] = scale * x[i] + step * s[i] + noise * z[i];
}

static const t_case cases[] = {
    { .name = "one_value", .dims = "N=1 H=1 W=1 C=1 A=1 B=1" },                                               /* smallest                       */
    { .name = "ragged",    .dims = "N=3 H=3 W=5 C=3 A=1 B=1" },                                               /* a tail for every vector width  */
    { "first",     "N=2 H=8 W=8 C=1 A=1 B=1", .fill = { { "step", 0.2 }, { "noise", 0.632455532 } } },     /* level 0          */
    { "no_noise",  "N=2 H=4 W=4 C=1 A=1 B=1", .fill = { { "noise", 0 } } },                   /* the denoising step             */
    { "cifar",     "N=64 H=32 W=32 C=3 A=1 B=1", .bench = true },
};

static const t_case scaled[] = {
    { .name = "one_value", .dims = "N=1 H=1 W=1 C=1 A=1 B=1 E=1" },                                        /* smallest                       */
    { .name = "ragged",    .dims = "N=3 H=3 W=5 C=3 A=1 B=1 E=1" },                                        /* a tail for every vector width  */
    { "ddpm",   "N=2 H=8 W=8 C=1 A=1 B=1 E=1", .fill = { { "scale", 1.01015254 }, { "step", 0.0202 }, { "noise", 0.1414 } } },  /* beta .02 */
    { "points", "N=2048 H=1 W=1 C=2 A=1 B=1 E=1", .bench = true },
};

static const t_op ops[] = { T_OP(langevin_step, oracle, cases), T_OP(diffusion_step, diffusion, scaled) };
OP_TESTS(langevin, ops)
