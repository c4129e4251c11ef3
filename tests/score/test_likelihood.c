/* What log-densities are made of: the prior, and means with the errors of samples and of probes. */
#include <math.h>
#include <stdio.h>

#include "failures.h"
#include "graph/arith.h"
#include "score/likelihood.h"

static bool near(double a, double b, double relative) { return fabs(a - b) <= relative * fabs(b); }

static void test_prior(void)
{
    const double x[3] = { 1, -2, 0.5 };
    CHECK(near(scl_log_prior(x, 3, 1), -1.5 * log(2 * M_PI) - 0.5 * 5.25, 1e-14), "N(0, I): %.15g",
          scl_log_prior(x, 3, 1));
    CHECK(near(scl_log_prior(x, 3, 50), -1.5 * log(2 * M_PI * 2500) - 0.5 * 5.25 / 2500, 1e-14),
          "N(0, 50^2 I): %.15g", scl_log_prior(x, 3, 50));
    CHECK(scl_log_prior(x, 0, 3) == 0, "no values");
}

static void test_by_hand(void)
{
    const double value[4] = { 1, 2, 3, 6 }, variance[4] = { 1, 2, 3, 2 };
    const scl_mean one = scl_mean_of(value, NULL, 4, 1), two = scl_mean_of(value, variance, 4, 2);
    CHECK(one.value == 3 && near(one.error, sqrt(14.0 / 3 / 4), 1e-15) && isnan(one.probe_error), "%g +- %g",
          one.value, one.error);
    CHECK(two.value == 3 && two.error == one.error && near(two.probe_error, sqrt(8.0 / 2) / 4, 1e-15), "probes: %g",
          two.probe_error);
    CHECK(isnan(scl_mean_of(value, NULL, 1, 1).error), "one sample has no spread");
}

static double normal(uint32_t trial, uint32_t sample, uint32_t probe)
{
    float a, b;
    const scl_words w = scl_random(3, 0, sample, trial, SCL_STREAM_LIKELIHOOD, probe);
    scl_normal2(w.w[0], w.w[1], &a, &b);
    return (double)a;
}

/* Samples of sd 2, probes of sd 3: over many trials the means spread as their errors say, by 2^2/n + 3^2/(n M),
 * and, about the samples as they are, by 3^2/(n M). */
static void test_spread(void)
{
    enum { TRIALS = 2000, N = 20, M = 3 };
    double spread = 0, about = 0, error = 0, probe_error = 0;
    for (uint32_t t = 0; t < TRIALS; t++) {
        double value[N], variance[N], samples = 0;
        for (uint32_t i = 0; i < N; i++) {
            double v[M], sum = 0, square = 0;
            const double x = 2 * normal(t, i, 0);
            for (uint32_t k = 0; k < M; k++)
                sum += v[k] = x + 3 * normal(t, i, k + 1);
            for (int k = 0; k < M; k++)
                square += (v[k] - sum / M) * (v[k] - sum / M);
            value[i] = sum / M;
            variance[i] = square / (M - 1);
            samples += x / N;
        }
        const scl_mean m = scl_mean_of(value, variance, N, M);
        spread += m.value * m.value / TRIALS;
        about += (m.value - samples) * (m.value - samples) / TRIALS;
        error += m.error * m.error / TRIALS;
        probe_error += m.probe_error * m.probe_error / TRIALS;
    }
    const double both = 4.0 / N + 9.0 / (N * M), probes = 9.0 / (N * M), slack = 5 * sqrt(2.0 / TRIALS);
    CHECK(near(spread, both, slack) && near(error, both, slack), "means spread by %.4f, they say %.4f, it is %.4f",
          spread, error, both);
    CHECK(near(about, probes, slack) && near(probe_error, probes, slack),
          "by the probes %.4f, they say %.4f, it is %.4f", about, probe_error, probes);
}

int main(void)
{
    test_prior();
    test_by_hand();
    test_spread();
    if (!failures)
        printf("likelihood: all checks passed\n");
    return failures != 0;
}
