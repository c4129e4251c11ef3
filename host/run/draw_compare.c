/* Samples of which something was known, against the pictures it was known of. */
#include <math.h>
#include <stdlib.h>

#include "base/log.h"
#include "graph/arith.h"
#include "run/draw.h"

/* known: the largest error of what is known; the others: sums over the samples' values that are not. */
typedef struct difference { double known, squares, spread; size_t values, spread_values; } difference;

/* Squares about the mean of n values, times n/(n - 1): their expectation is n variances. */
static double squares_about_mean(const float *x, int n, size_t stride)
{
    double mean = 0, sum = 0;
    for (int i = 0; i < n; i++)
        mean += (double)x[(size_t)i * stride] / n;
    for (int i = 0; i < n; i++)
        sum += ((double)x[(size_t)i * stride] - mean) * ((double)x[(size_t)i * stride] - mean);
    return sum * n / (n - 1);
}

/* Of a sample whose grey values are known. */
static double worst_grey(const float *x, const float *picture, size_t pixels, size_t channels)
{
    double worst = 0;
    for (size_t p = 0; p < pixels; p += channels) {
        double off = 0;
        for (size_t k = p; k < p + channels; k++)
            off += ((double)x[k] - (double)picture[k]) / (double)channels;
        worst = fmax(worst, fabs(off));
    }
    return worst;
}

/* n samples x of one picture. */
static void add(difference *d, const scl_draw *s, const float *x, int n, const float *picture)
{
    for (int i = 0; i < n && s->how.grey; i++)
        d->known = fmax(d->known, worst_grey(x + (size_t)i * s->pixels, picture, s->pixels, (size_t)s->spec.net.channels));
    for (size_t p = 0; p < s->pixels; p++) {
        const bool known = !s->how.grey && s->mask[p] > 0;
        for (int i = 0; i < n; i++) {
            const double off = (double)x[(size_t)i * s->pixels + p] - (double)picture[p];
            if (known)
                d->known = fmax(d->known, fabs(off));
            else
                d->squares += off * off;
        }
        d->values += known ? 0 : (size_t)n;
        if (!known && n > 1) {
            d->spread += squares_about_mean(x + p, n, s->pixels);
            d->spread_values += (size_t)n;
        }
    }
}

scl_status scl_draw_compare_known(const scl_draw *s, scl_err *err)
{
    const int per = s->config->condition.per_image, count = s->config->count;
    difference d = { 0 };
    void *memory;
    SCL_TRY(scl_alloc_bytes(&memory, sizeof(float) * s->pixels, "a known picture", err));
    float *picture = memory;
    for (int first = 0; first < count; first += per) {
        const float *known = scl_draw_known_of(s, first);
        for (size_t p = 0; p < s->pixels; p++)
            picture[p] = s->spec.net.logit ? scl_sigmoid(known[p]) : known[p];
        add(&d, s, s->x + (size_t)first * s->pixels, count - first < per ? count - first : per, picture);
    }
    free(memory);
    const double rms = sqrt(d.squares / (double)d.values);
    scl_stage_note(s->c, "known_off", "%.3g", d.known);
    scl_stage_note(s->c, "unknown_rms", "%.9g", rms);
    if (!d.spread_values) {
        scl_info("%s: what is known is off by %.2g at most, the rest by %.4g (root mean square)", s->c->stage->name, d.known,
                 rms);
        return SCL_OK;
    }
    const double spread = sqrt(d.spread / (double)d.spread_values);
    scl_stage_note(s->c, "unknown_spread", "%.9g", spread);
    scl_info("%s: what is known is off by %.2g at most; the rest by %.4g (root mean square), %.3g times the spread of a "
             "picture's samples, %.4g", s->c->stage->name, d.known, rms, rms / spread, spread);
    return SCL_OK;
}
