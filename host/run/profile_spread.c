/* Numbers and their spreads. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/profile_parts.h"

scl_status scl_series_add(scl_series *s, double value, scl_err *err)
{
    if (s->n == s->cap) {
        const size_t cap = s->cap ? 2 * s->cap : 64;
        double *bigger = realloc(s->at, sizeof *bigger * cap);
        if (!bigger)
            return scl_fail(err, SCL_FAILED, "not enough host memory for the times of a profile");
        s->at = bigger;
        s->cap = cap;
    }
    s->at[s->n++] = value;
    return SCL_OK;
}

void scl_series_free(scl_series *s)
{
    free(s->at);
    *s = (scl_series){0};
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

double scl_quantile(const double *sorted, size_t n, double q)
{
    if (!n)
        return NAN;
    const double at = q * (double)(n - 1);
    const size_t below = (size_t)at;
    const double next = sorted[below + 1 < n ? below + 1 : below];
    return sorted[below] + (at - (double)below) * (next - sorted[below]);
}

json_t *scl_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *scl_spread(double *values, size_t n)
{
    double sum = 0;
    if (n)
        qsort(values, n, sizeof *values, ascending);
    for (size_t i = 0; i < n; i++)
        sum += values[i];
    json_t *o = json_pack("{s:I}", "n", (json_int_t)n);
    static const struct {
        const char *name;
        double q;
    } quantiles[] = {{"min", 0}, {"q1", 0.25}, {"median", 0.5}, {"q3", 0.75}, {"max", 1}};
    for (int i = 0; i < 5; i++)
        json_object_set_new(o, quantiles[i].name, scl_number(scl_quantile(values, n, quantiles[i].q)));
    json_object_set_new(o, "mean", scl_number(n ? sum / (double)n : NAN));
    return o;
}
