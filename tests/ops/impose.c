/* Oracle and cases of imposing what is known. */
#include "op_harness.h"

static void oracle(const t_case *t)
{
    const int count = t_dim(t, 'N') * t_dim(t, 'H') * t_dim(t, 'W') * t_dim(t, 'C');
    const double *moved = t_f64(t, "moved"), *known = t_f64(t, "known"), *mask = t_f64(t, "mask");
    double *y = t_f64(t, "y");
    for (int i = 0; i < count; i++)
        y[i] = mask[i] > 0 ? known[i] : moved[i];
}

static const t_case cases[] = {
    { .name = "one_value", .dims = "N=1 H=1 W=1 C=1" },                                                /* smallest                      */
    { .name = "ragged",    .dims = "N=3 H=3 W=5 C=3" },                                                /* a tail for every vector width */
    { "nothing", "N=2 H=4 W=4 C=1", .fill = { { "mask", 0 } } },                             /* the bound: 0 is not known     */
    { "all",     "N=2 H=4 W=4 C=1", .fill = { { "mask", 1 } } },
    { "cifar",   "N=64 H=32 W=32 C=3", .bench = true },
};

static const t_op ops[] = { T_OP(impose, oracle, cases) };
OP_TESTS(impose, ops)
