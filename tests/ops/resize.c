/* Oracles and cases of the bilinear resize. */
#include <math.h>

#include "op_harness.h"

/* Corner and weight of output i of `to` among `from` sources, by real arithmetic. */
static void place(int i, int from, int to, int *lo, int *hi, double *t)
{
    const double at = to > 1 ? (double)i * (from - 1) / (to - 1) : 0.0;
    *lo = (int)floor(at + 1e-9);
    *hi = *lo + 1 < from ? *lo + 1 : *lo;
    *t = fabs(at - *lo) < 1e-9 ? 0.0 : at - *lo;
}

/* dx NULL: y from x; else scatters dy into dx. */
static void resize(const t_case *t, const double *x, double *y, const double *dy, double *dx)
{
    const int N = t_dim(t, 'N'), H = t_dim(t, 'H'), W = t_dim(t, 'W'), C = t_dim(t, 'C'), I = t_dim(t, 'I'),
              J = t_dim(t, 'J');
    for (int p = 0; p < N * I * J; p++) {
        int row[2], col[2];
        double ty, tx;
        place(p / J % I, H, I, &row[0], &row[1], &ty);
        place(p % J, W, J, &col[0], &col[1], &tx);
        for (int c = 0; c < C; c++) {
            const size_t out = (size_t)p * (size_t)C + (size_t)c;
            double sum = 0;
            for (int k = 0; k < 4; k++) {
                const double weight = (k / 2 ? ty : 1 - ty) * (k % 2 ? tx : 1 - tx);
                const size_t in = (((size_t)(p / J / I) * (size_t)H + (size_t)row[k / 2]) * (size_t)W +
                                   (size_t)col[k % 2]) *
                                      (size_t)C +
                                  (size_t)c;
                if (dx)
                    dx[in] += weight * dy[out];
                else
                    sum += weight * x[in];
            }
            if (!dx)
                y[out] = sum;
        }
    }
}

static void oracle(const t_case *t) { resize(t, t_f64(t, "x"), t_f64(t, "y"), NULL, NULL); }

static void oracle_grad(const t_case *t)
{
    double *dx = t_f64(t, "dx");
    for (size_t i = 0; i < t_count(t, "dx"); i++)
        dx[i] = 0;
    resize(t, NULL, NULL, t_f64(t, "dy"), dx);
}

static const t_case cases[] = {
    { "one_to_one", "N=1 H=1 W=1 C=1 I=1 J=1", .grad = true },
    { "one_to_many", "N=2 H=1 W=1 C=3 I=4 J=3", .grad = true },       /* no step between sources */
    { "many_to_one", "N=2 H=4 W=5 C=2 I=1 J=1", .grad = true },       /* row and column 0, no division by 0 */
    { "row_to_column", "N=1 H=1 W=6 C=2 I=6 J=1", .grad = true },
    { "two_to_three", "N=1 H=2 W=2 C=1 I=3 J=3", .grad = true },
    { "doubled", "N=2 H=7 W=5 C=4 I=14 J=10", .grad = true },
    { "same_size", "N=1 H=5 W=6 C=8 I=5 J=6", .grad = true },
    { "smaller", "N=2 H=9 W=11 C=3 I=4 J=5", .grad = true },          /* sources that no output touches */
    { .name = "wide_vector", .dims = "N=1 H=4 W=3 C=48 I=9 J=7" },
    { "mnist", "N=32 H=14 W=14 C=64 I=28 J=28", .bench = true },
};

static const t_op ops[] = { T_OP(resize_bilinear, oracle, cases), T_OP(resize_bilinear_grad, oracle_grad, cases) };
OP_TESTS(resize, ops)
