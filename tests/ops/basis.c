/* Oracle and cases of the unit vectors. */
#include "op_harness.h"

static void oracle(const t_case *t)
{
    const size_t D = (size_t)t_dim(t, 'H') * (size_t)t_dim(t, 'W') * (size_t)t_dim(t, 'C');
    double *out = t_f64(t, "out");
    for (size_t n = 0; n < (size_t)t_dim(t, 'N'); n++) {
        for (size_t e = 0; e < D; e++)
            out[n * D + e] = 0;
        out[n * D + (size_t)t_attr_int(t, "element")] = 1;
    }
}

static const t_case cases[] = {
    { .name = "one_element", .dims = "N=1 H=1 W=1 C=1", .attrs = "element=0" },
    { .name = "point", .dims = "N=7 H=1 W=1 C=3", .attrs = "element=2" },
    { .name = "inside", .dims = "N=3 H=4 W=5 C=2", .attrs = "element=17" },
};

static const t_op ops[] = { T_OP(basis_vector, oracle, cases) };
OP_TESTS(basis, ops)
