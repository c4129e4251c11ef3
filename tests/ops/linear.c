/* Oracles and cases for linear; tests/op_harness.h says what every case goes through. */
#include <string.h>

#include "op_harness.h"

static void oracle_linear(const t_case *t)
{
    const int N = t_dim(t, 'N'), C = t_dim(t, 'C'), K = t_dim(t, 'K');
    const double *x = t_f64(t, "x"), *w = t_f64(t, "w"), *bias = t_f64(t, "bias");
    double *y = t_f64(t, "y");
    for (int n = 0; n < N; n++)
        for (int k = 0; k < K; k++) {
            double sum = bias ? bias[k] : 0;
            for (int c = 0; c < C; c++)
                sum += x[n * C + c] * w[c * K + k];
            y[n * K + k] = sum;
        }
}

static void oracle_linear_dx(const t_case *t)
{
    const int N = t_dim(t, 'N'), C = t_dim(t, 'C'), K = t_dim(t, 'K');
    const double *dy = t_f64(t, "dy"), *w = t_f64(t, "w");
    double *dx = t_f64(t, "dx");
    for (int n = 0; n < N; n++)
        for (int c = 0; c < C; c++) {
            double sum = 0;
            for (int k = 0; k < K; k++)
                sum += dy[n * K + k] * w[c * K + k];
            dx[n * C + c] = sum;
        }
}

static void oracle_linear_dw(const t_case *t)
{
    const int N = t_dim(t, 'N'), C = t_dim(t, 'C'), K = t_dim(t, 'K');
    const double *x = t_f64(t, "x"), *dy = t_f64(t, "dy");
    double *root = t_f64(t, "root");
    if (!root)
        return;
    memset(root, 0, (size_t)(C * K) * sizeof *root);
    for (int n = 0; n < N; n++)
        for (int c = 0; c < C; c++)
            for (int k = 0; k < K; k++)
                root[c * K + k] += x[n * C + c] * dy[n * K + k];
}

static const t_case cases_linear[] = {
    { "one_value", "N=1 C=1 K=1", .grad = true },
    { "ragged", "N=5 C=3 K=7", .grad = true },                          /* K below a vector, tile of rows cut   */
    { "one_output", "N=9 C=33 K=1", .grad = true },
    { "no_bias", "N=4 C=2 K=5", .absent = "bias", .grad = true },
    { "restart_129", .dims = "N=3 C=129 K=20" },                                /* second chain of one channel          */
    { "restart_400", .dims = "N=2 C=400 K=16" },                                /* four chains                          */
    { "wide", .dims = "N=7 C=30 K=130" },                                       /* nine blocks of columns               */
    { "tile_64", .dims = "N=6 C=17 K=64" },
    { "clblast", "N=10 C=20 K=12", .attrs = "algorithm=clblast", .tol = 2e-5 },
    { "128x256_512", "N=128 C=256 K=512", .bench = true },
};

static const t_case cases_linear_dx[] = {
    { "one_value", "N=1 C=1 K=1", .grad = true },
    { "ragged", "N=5 C=3 K=7", .grad = true },
    { "restart_over_k", .dims = "N=3 C=10 K=260" },                             /* the chain runs over K                */
    { "wide", .dims = "N=7 C=130 K=18" },
    { "clblast", "N=10 C=20 K=12", .attrs = "algorithm=clblast", .tol = 2e-5 },  /* transposed weights                   */
    { "128x256_512", "N=128 C=256 K=512", .bench = true },
};

static const t_case cases_linear_dw[] = {
    { "one_value", "N=1 C=1 K=1 T=1", .root = "Q=32 G=1" },
    { "ragged", "N=5 C=3 K=7 T=1", .root = "Q=32 G=1", .split = 2 },
    { "three_leaves", "N=70 C=9 K=20 T=2", .root = "Q=32 G=1", .split = 24 },   /* runs that cut leaves         */
    { "four_leaves", "N=128 C=4 K=64 T=3", .root = "Q=32 G=1", .split = 48 },   /* merges twice at the end      */
    { "clblast", "N=40 C=6 K=10 T=2", .attrs = "algorithm=clblast", .root = "Q=32 G=1", .tol = 2e-5 },
    { "128x256_512", "N=128 C=256 K=512 T=3", .bench = true },
};

static const t_op ops[] = {
    T_OP(linear, oracle_linear, cases_linear),
    T_OP(linear_dx, oracle_linear_dx, cases_linear_dx),
    T_OP_TOL(linear_dw, oracle_linear_dw, cases_linear_dw, 5e-6),
};
OP_TESTS(linear, ops)
