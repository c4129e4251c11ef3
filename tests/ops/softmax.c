/* Oracles and cases of softmax and cross entropy. */
#include <math.h>

#include "op_harness.h"

/* ln of the sum of exp, without overflow. */
static double log_sum(const double *z, int K)
{
    double largest = z[0], sum = 0;
    for (int k = 1; k < K; k++)
        largest = fmax(largest, z[k]);
    for (int k = 0; k < K; k++)
        sum += exp(z[k] - largest);
    return largest + log(sum);
}

static void oracle_softmax(const t_case *t)
{
    const int K = t_dim(t, 'K');
    const double *z = t_f64(t, "z");
    double *p = t_f64(t, "p");
    for (int i = 0; i < t_dim(t, 'N') * K; i++)
        p[i] = exp(z[i] - log_sum(z + i / K * K, K));
}

static void oracle_one_hot(const t_case *t)
{
    const int K = t_dim(t, 'K');
    double *y = t_f64(t, "y");
    for (size_t i = 0; i < t_count(t, "y"); i++)
        y[i] = 0;
    for (int n = 0; n < t_dim(t, 'N'); n++)
        y[n * K + t_i32(t, "label")[n]] = 1;
}

static void oracle_cross_entropy(const t_case *t)
{
    const int K = t_dim(t, 'K');
    const double *z = t_f64(t, "z");
    for (int n = 0; n < t_dim(t, 'N'); n++)
        t_f64(t, "loss")[n] = log_sum(z + n * K, K) - z[n * K + t_i32(t, "label")[n]];
}

static void oracle_top1(const t_case *t)
{
    const int K = t_dim(t, 'K');
    const double *z = t_f64(t, "z");
    for (int n = 0; n < t_dim(t, 'N'); n++) {
        const int label = t_i32(t, "label")[n];
        bool first = true;
        for (int k = 0; k < K; k++)
            first &= k < label ? z[n * K + k] < z[n * K + label] : z[n * K + k] <= z[n * K + label];
        t_f64(t, "y")[n] = first;
    }
}

static const t_case cases_softmax[] = {
    { "one_class", "N=2 K=1", .grad = true },
    { "ten", "N=5 K=10", .grad = true },
    { "two_groups", "N=70 K=3", .grad = true },
    { "far_apart", "N=4 K=6", .range = { { "z", -300, 300 } } },  /* exp alone would overflow */
    { "all_equal", "N=3 K=7", .fill = { { "z", 2.5 } } },
    { "bench", "N=1024 K=10", .bench = true },
};

static const t_case cases_one_hot[] = {
    { .name = "one_class", .dims = "N=2 K=1" },
    { .name = "ten", .dims = "N=70 K=10" },
    { "bench", "N=1024 K=10", .bench = true },
};

static const t_case cases_cross_entropy[] = {
    { .name = "one_class", .dims = "N=2 K=1" },                                                /* exactly 0 */
    { "ten", "N=5 K=10", .grad = true, .grad_of = "z" },
    { "two_groups", "N=70 K=3", .grad = true, .grad_of = "z" },
    { "far_apart", "N=8 K=6", .range = { { "z", -300, 300 } } },
    { "bench", "N=1024 K=10", .bench = true },
};

static const t_case cases_top1[] = {
    { .name = "one_class", .dims = "N=2 K=1" },
    { .name = "four", .dims = "N=70 K=4" },
    { .name = "ties", .dims = "N=30 K=3", .fill = { { "z", -0.5 } } },         /* the first wins */
    { "bench", "N=1024 K=10", .bench = true },
};

static const t_op ops[] = {
    T_OP(softmax, oracle_softmax, cases_softmax),
    T_OP(one_hot, oracle_one_hot, cases_one_hot),
    T_OP(cross_entropy, oracle_cross_entropy, cases_cross_entropy),
    T_OP(top1, oracle_top1, cases_top1),
};
OP_TESTS(softmax, ops)
