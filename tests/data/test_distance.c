/* The largest distance of a data set, against all pairs one by one. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "data/distance.h"
#include "failures.h"

static unsigned state = 1;
static int draw(int below)
{
    state = state * 1664525u + 1013904223u;
    return (int)((unsigned long long)state * (unsigned)below >> 32);
}

/* What the network gets of a byte, on average. */
static double value(int k, const scl_transform_config *t)
{
    const bool spread = t->dequantize == SCL_DEQUANTIZE_UNIFORM;
    if (!t->logit)
        return spread ? k / 256.0 : k / 255.0;
    const double x = 1e-6 + (1 - 2e-6) * (spread ? (k + 0.5) / 256.0 : k / 255.0);
    return log(x / (1 - x));
}

static double all_pairs(const scl_dataset *d, size_t D, const scl_transform_config *t)
{
    double most = 0;
    for (size_t a = 0; a < d->count; a++)
        for (size_t b = a + 1; b < d->count; b++) {
            double sum = 0;
            for (size_t e = 0; e < D; e++) {
                const double off = d->u8 ? value(d->u8[a * D + e], t) - value(d->u8[b * D + e], t)
                                         : (double)d->f32[a * D + e] - (double)d->f32[b * D + e];
                sum += off * off;
            }
            most = sum > most ? sum : most;
        }
    return sqrt(most);
}

static void compare(const scl_dataset *d, const scl_transform_config *t, const char *what)
{
    scl_err err = { 0 };
    scl_diameter got;
    const size_t D = (size_t)(d->height * d->width * d->channels);
    CHECK(scl_dataset_diameter(&got, d, t, &err) == SCL_OK, "%s: %s", what, err.message);
    const double want = all_pairs(d, D, t);
    CHECK(fabs(got.distance - want) <= 1e-6 * want + 1e-12 && got.whole && got.samples == d->count,
          "%s: %.12g, not %.12g", what, got.distance, want);
    scl_err_clear(&err);
}

int main(void)
{
    enum { N = 150, MOST = 12 * 12 * 3 };
    static unsigned char bytes[N * MOST];
    static float floats[N * MOST];
    const scl_transform_config plain = { .dequantize = SCL_DEQUANTIZE_NONE }, spread = { .dequantize = SCL_DEQUANTIZE_UNIFORM },
                               logit = { .dequantize = SCL_DEQUANTIZE_UNIFORM, .logit = true };
    for (int trial = 0; trial < 12; trial++) {
        const int side = 1 + draw(12), cluster = 1 + draw(4);
        for (int i = 0; i < N * MOST; i++) {
            bytes[i] = (unsigned char)(draw(cluster) * (255 / cluster) + draw(256 / cluster));
            floats[i] = (float)(draw(1000) - draw(1000)) * (i % 7 == 0 ? 1.0f : 0.01f);
        }
        scl_dataset d = { .count = (size_t)(2 + draw(N - 2)), .height = side, .width = side, .channels = 1 + 2 * draw(2), .u8 = bytes };
        compare(&d, &plain, "bytes");
        compare(&d, &spread, "dequantised bytes");
        compare(&d, &logit, "logits");
        d.u8 = NULL;
        d.f32 = floats;
        compare(&d, &plain, "floats");
    }
    /* alike, and alone */
    scl_dataset d = { .count = 3, .height = 1, .width = 1, .channels = 1, .u8 = (unsigned char[]){ 9, 9, 9 } };
    compare(&d, &plain, "equal samples");
    d.count = 1;
    scl_err err = { 0 };
    scl_diameter got;
    CHECK(scl_dataset_diameter(&got, &d, &plain, &err) == SCL_FAILED, "a single sample has no distance");
    scl_err_clear(&err);
    if (!failures)
        printf("distance: all checks passed\n");
    return failures != 0;
}
