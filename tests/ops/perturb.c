/* Oracle and cases of the perturbation. */
#include "op_harness.h"

static void oracle(const t_case *t)
{
    const int N = t_dim(t, 'N'), D = t_dim(t, 'H') * t_dim(t, 'W') * t_dim(t, 'C');
    const double *x = t_f64(t, "x"), *z = t_f64(t, "z"), *sigma = t_f64(t, "sigma");
    double *y = t_f64(t, "y");
    for (int i = 0; i < N * D; i++)
        y[i] = x[i] + sigma[i / D] * z[i];
}

static const t_case cases[] = {
    { "one_value",   "N=1 H=1 W=1 C=1", .grad = true },                       /* smallest                            */
    { "own_levels",  "N=5 H=3 W=3 C=1", .grad = true },                       /* sample n takes sigma[n]             */
    { "ragged",      "N=2 H=3 W=5 C=7", .grad = true },                       /* a tail for every vector width       */
    { "large_sigma", "N=3 H=4 W=4 C=3", .range = { { "sigma", 45, 50 } } },   /* noise dominates the data            */
    { "mnist",       "N=128 H=28 W=28 C=1", .bench = true },
};

OP_TEST(perturb, oracle, cases)
