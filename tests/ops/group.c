/* Oracle and cases for group_mean. */
#include "op_harness.h"

static void oracle(const t_case *t)
{
    const int N = t_dim(t, 'N'), C = t_dim(t, 'C'), size = C / (int)t_attr_int(t, "groups");
    const double *x = t_f64(t, "x");
    double *y = t_f64(t, "y");
    for (int i = 0; i < N * C; i++) {
        double sum = 0;
        for (int k = 0; k < C; k++)
            if (k / size == i % C / size)
                sum += x[i / C * C + k];
        y[i] = sum / size;
    }
}

static const t_case cases[] = {
    { "one_value", "N=1 C=1", "groups=1", .grad = true },
    { "groups_of_one", "N=2 C=5", "groups=5", .grad = true },
    { "one_group", "N=3 C=7", "groups=1", .grad = true },
    { "resscore", "N=9 C=32", "groups=8", .grad = true },                     /* 72 items: the last work-group is short */
    { "bench", "N=128 C=128", "groups=8", .bench = true },
};

static const t_op ops[] = { T_OP(group_mean, oracle, cases) };
OP_TESTS(group, ops)
