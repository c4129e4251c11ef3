/* Oracle and cases of columns put into wider rows. */
#include "op_harness.h"

static void oracle(const t_case *t)
{
    const int C = t_dim(t, 'C'), S = t_dim(t, 'S');
    const double *x = t_f64(t, "x");
    double *y = t_f64(t, "y");
    for (int n = 0; n < t_dim(t, 'N'); n++) {
        for (int s = 0; s < S; s++)
            y[n * S + s] = 0;
        for (int c = 0; c < C; c++)
            y[n * S + (int)t_attr_int(t, "offset") + c] = x[n * C + c];
    }
}

static const t_case cases[] = {
    { "whole", "N=1 C=3 S=3", .grad = true },
    { "middle", "N=3 C=5 S=15", "offset=5", .grad = true },
    { "end", "N=7 C=16 S=48", "offset=32", .grad = true },
};

static const t_op ops[] = { T_OP(place_columns, oracle, cases) };
OP_TESTS(columns, ops)
