/* Oracles and cases of the mixture of Gaussians: densities, scores and Hessians component by component, in double. */
#include <math.h>

#include "op_harness.h"

enum { MOST = 64 };

/* Posterior r[k] and variance v[k] of sample n; returns log p. */
static double posterior(const t_case *t, size_t n, size_t D, double *r, double *v)
{
    const int K = t_dim(t, 'K');
    const double *x = t_f64(t, "x") + n * D, sigma = t_f64(t, "sigma")[n];
    double top = -INFINITY, sum = 0;
    for (int k = 0; k < K; k++) {
        double q = 0;
        for (size_t d = 0; d < D; d++)
            q += pow(x[d] - t_f64(t, "mean")[(size_t)k * D + d], 2);
        v[k] = t_f64(t, "variance")[k] + sigma * sigma;
        r[k] = t_f64(t, "log_weight")[k] - 0.5 * (double)D * log(2 * M_PI * v[k]) - q / (2 * v[k]);
        top = fmax(top, r[k]);
    }
    for (int k = 0; k < K; k++)
        sum += exp(r[k] - top);
    for (int k = 0; k < K; k++)
        r[k] = exp(r[k] - top) / sum;
    return top + log(sum);
}

static void oracle_log_density(const t_case *t)
{
    const size_t N = t_count(t, "y"), D = t_count(t, "x") / N;
    double r[MOST], v[MOST], *y = t_f64(t, "y");
    for (size_t n = 0; n < N; n++)
        y[n] = posterior(t, n, D, r, v);
}

static void oracle_score(const t_case *t)
{
    const size_t N = t_count(t, "sigma"), D = t_count(t, "x") / N;
    double r[MOST], v[MOST], *s = t_f64(t, "s");
    for (size_t n = 0; n < N; n++) {
        posterior(t, n, D, r, v);
        for (size_t d = 0; d < D; d++) {
            s[n * D + d] = 0;
            for (int k = 0; k < t_dim(t, 'K'); k++)
                s[n * D + d] += r[k] * (t_f64(t, "mean")[(size_t)k * D + d] - t_f64(t, "x")[n * D + d]) / v[k];
        }
    }
}

/* E[c c'] - E[c] E[c]' - E[1/v], the textbook form, times u. */
static void oracle_hessian(const t_case *t)
{
    const size_t N = t_count(t, "sigma"), D = t_count(t, "x") / N;
    double r[MOST], v[MOST], *h = t_f64(t, "h");
    for (size_t n = 0; n < N; n++) {
        const double *x = t_f64(t, "x") + n * D, *u = t_f64(t, "u") + n * D;
        posterior(t, n, D, r, v);
        for (size_t i = 0; i < D; i++) {
            h[n * D + i] = 0;
            for (size_t j = 0; j < D; j++) {
                double both = 0, ci = 0, cj = 0;
                for (int k = 0; k < t_dim(t, 'K'); k++) {
                    const double *m = t_f64(t, "mean") + (size_t)k * D, a = (m[i] - x[i]) / v[k],
                                 b = (m[j] - x[j]) / v[k];
                    both += r[k] * (a * b - (i == j) / v[k]);
                    ci += r[k] * a;
                    cj += r[k] * b;
                }
                h[n * D + i] += (both - ci * cj) * u[j];
            }
        }
    }
}

#define NEAR { { "sigma", 0, 2 }, { "mean", -3, 3 } }
static const t_case cases_density[] = {
    { "one_value",  "N=1 D=1 K=1", .grad = true, .grad_of = "x" },                                   /* one Gaussian               */
    { "two_modes",  "N=9 D=2 K=2", .grad = true, .grad_of = "x", .range = NEAR },
    { "no_noise",   "N=5 D=3 K=4", .grad = true, .grad_of = "x", .fill = { { "sigma", 0.0 } } },     /* v = variance               */
    { "image",      "N=3 D=5x7x3 K=3", .tol = 1e-5 },                                                /* a shape; long chains       */
    { "far",        "N=70 D=2 K=2", .range = { { "x", 20, 60 } }, .tol = 1e-5 },                     /* all t but one vanish       */
    { "most",       "N=2 D=2 K=64", .range = NEAR },
};

static const t_case cases_score[] = {
    { "one_value",  "N=1 D=1 K=1", .grad = true, .grad_of = "x" },
    { "two_modes",  "N=9 D=2 K=2", .grad = true, .grad_of = "x", .range = NEAR },
    { "no_noise",   "N=5 D=3 K=4", .grad = true, .grad_of = "x", .fill = { { "sigma", 0.0 } } },
    { "image",      "N=3 D=5x7x3 K=3", .grad = true, .grad_of = "x", .tol = 1e-4, .grad_tol = 2e-3 },/* r_k to 2^-23 |x - m|^2 / v */
    { "far",        "N=70 D=2 K=2", .range = { { "x", 20, 60 } } },                                  /* a group and a rest         */
    { "most",       "N=2 D=2 K=64", .range = NEAR },
    { "fig3",       "N=1280 D=2 K=2", .range = { { "x", -8, 8 }, { "mean", -5, 5 } }, .bench = true },
};

static const t_case cases_hessian[] = {
    { "one_value",  "N=1 D=1 K=1", .grad = true, .grad_of = "u" },
    { "two_modes",  "N=9 D=2 K=2", .grad = true, .grad_of = "u", .range = NEAR, .tol = 1e-5 },       /* a_k - a, not a_k           */
    { "no_noise",   "N=5 D=3 K=4", .grad = true, .grad_of = "u", .fill = { { "sigma", 0.0 } }, .tol = 1e-5 },
    { "image",      "N=3 D=3x5x3 K=3", .grad = true, .grad_of = "u", .tol = 1e-4 },
    { "far",        "N=70 D=2 K=2", .range = { { "x", 20, 60 } } },
};

static const t_op ops[] = {
    T_OP(mixture_log_density, oracle_log_density, cases_density), T_OP(mixture_score, oracle_score, cases_score),
    T_OP(mixture_hessian, oracle_hessian, cases_hessian),
};
OP_TESTS(mixture, ops)
