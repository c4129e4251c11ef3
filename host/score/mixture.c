/* The formulas stand at the head of host/ops/mixture.c. */
#include "score/mixture.h"

#include <math.h>

#include "graph/arith.h"
#include "score/hostmath.h"

scl_mixture scl_mixture_of(const scl_points_config *points, scl_arena *arena)
{
    const int K = points->means.rows;
    double *weight = SCL_NEW_ARRAY(arena, double, K), *sigma = SCL_NEW_ARRAY(arena, double, K), sum = 0;
    for (int k = 0; k < K; k++)
        sum += points->weights.at[k];
    for (int k = 0; k < K; k++) {
        weight[k] = points->weights.at[k] / sum;
        sigma[k] = points->sigma.at[points->sigma.rows > 1 ? k : 0];
    }
    return (scl_mixture){ K, points->means.cols, weight, points->means.at, sigma };
}

static double squared_distance(const double *a, const double *b, int n)
{
    double sum = 0;
    for (int d = 0; d < n; d++)
        sum += (a[d] - b[d]) * (a[d] - b[d]);
    return sum;
}

static double decay(double x) { return x < -700 ? 0 : scl_host_exp(x); }

double scl_mixture_log_density(const scl_mixture *m, const double *x, double sigma, double *score)
{
    enum { MOST = SCL_MOST_COMPONENTS };
    const double log_2pi = 0x1.d67f1c864beb5p+0;
    const int D = m->dimension;
    double term[MOST], variance[MOST], top = -INFINITY, sum = 0;
    for (int k = 0; k < m->components; k++) {
        variance[k] = m->sigma[k] * m->sigma[k] + sigma * sigma;
        term[k] = scl_host_log(m->weight[k]) - 0.5 * D * (log_2pi + scl_host_log(variance[k])) -
                  squared_distance(x, m->mean + k * D, D) / (2 * variance[k]);
        top = term[k] > top ? term[k] : top;
    }
    for (int k = 0; k < m->components; k++)
        sum += term[k] = decay(term[k] - top);
    for (int d = 0; score && d < D; d++) {
        score[d] = 0;
        for (int k = 0; k < m->components; k++)
            score[d] += term[k] / sum * (m->mean[k * D + d] - x[d]) / variance[k];
    }
    return top + scl_host_log(sum);
}

scl_mixture scl_mixture_scaled(const scl_mixture *m, double factor, scl_arena *arena)
{
    double *mean = SCL_NEW_ARRAY(arena, double, m->components * m->dimension), *sigma = SCL_NEW_ARRAY(arena, double, m->components);
    for (int k = 0; k < m->components * m->dimension; k++)
        mean[k] = factor * m->mean[k];
    for (int k = 0; k < m->components; k++)
        sigma[k] = factor * m->sigma[k];
    return (scl_mixture){ m->components, m->dimension, m->weight, mean, sigma };
}

int scl_mixture_nearest(const scl_mixture *m, const double *x, double *distance)
{
    int best = 0;
    double least = INFINITY;
    for (int k = 0; k < m->components; k++) {
        const double away = squared_distance(x, m->mean + k * m->dimension, m->dimension);
        if (away < least) {
            least = away;
            best = k;
        }
    }
    if (distance)
        *distance = sqrt(least);
    return best;
}

void scl_mixture_tables(const scl_mixture *m, float *log_weight, float *mean, float *variance)
{
    for (int k = 0; k < m->components; k++) {
        log_weight[k] = scl_flush((float)scl_host_log(m->weight[k]));
        variance[k] = scl_flush((float)(m->sigma[k] * m->sigma[k]));
    }
    for (int i = 0; i < m->components * m->dimension; i++)
        mean[i] = scl_flush((float)m->mean[i]);
}
