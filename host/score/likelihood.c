#include "score/likelihood.h"

#include <math.h>

#include "graph/autodiff.h"
#include "score/hostmath.h"

static scl_status trace(scl_graph *g, int k, scl_value *x, scl_value *score, scl_err *err)
{
    scl_value *v, *along, *product, *sum;
    SCL_TRY(
        scl_value_get(g, &v, SCL_INPUT, scl_arena_printf(g->arena, "trace.v.%d", k), SCL_F32, x->rank, x->dim, err));
    SCL_TRY(scl_jvp(g, score, &x, &v, 1, &along, err));
    if (!along)
        return scl_fail(err, SCL_FAILED, "the score does not depend on its point");
    SCL_TRY(SCL_POINTWISE(g, &product, err, "v * b", SCL_IN("v", v), SCL_IN("b", along)));
    SCL_TRY(SCL_APPLY(g, &sum, err, "flat_sum", SCL_IN("x", product)));
    scl_output(sum, scl_arena_printf(g->arena, "trace.%d", k));
    return SCL_OK;
}

scl_status scl_step_trace(scl_graph **out, scl_arena *arena, const scl_step_spec *spec, int vectors,
                          const char *prefix, scl_err *err)
{
    SCL_TRY(scl_step_score(out, arena, spec, prefix, err));
    scl_value *x = scl_find_value(*out, "sample.x"), *score = scl_find_value(*out, "sample.score");
    for (int k = 0; k < vectors; k++)
        SCL_TRY(trace(*out, k, x, score, err));
    return SCL_OK;
}

double scl_log_prior(const double *x, size_t D, double sd)
{
    const double log_2pi = 0x1.d67f1c864beb5p+0;
    double square = 0;
    for (size_t d = 0; d < D; d++)
        square += x[d] * x[d];
    return -0.5 * ((double)D * (log_2pi + 2 * scl_host_log(sd)) + square / (sd * sd));
}

scl_mean scl_mean_of(const double *value, const double *variance, size_t n, int M)
{
    double sum = 0, square = 0, probes = 0;
    for (size_t i = 0; i < n; i++)
        sum += value[i];
    const double count = (double)n, mean = sum / count;
    for (size_t i = 0; i < n; i++) {
        square += (value[i] - mean) * (value[i] - mean);
        probes += M > 1 ? variance[i] / M : 0;
    }
    return (scl_mean){ mean, n > 1 ? sqrt(square / (count - 1) / count) : (double)NAN,
                       M > 1 ? sqrt(probes) / count : (double)NAN };
}
