#include "data/distance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/permutation.h"
#include "graph/arith.h"

enum { DRAWN = 10000, SWEEPS = 8 };
static const double most_work = 3e10;        /* differences of two values: some seconds */

/* The samples that are looked at; values as the network gets them, or bytes. */
typedef struct points {
    size_t n, D;
    const unsigned char *bytes;  /* of sample order[i]: bytes + order[i] * D; NULL: values */
    float *values;
    int32_t *order;              /* samples by falling distance from the mean */
    double *radius;              /* of sample order[i] */
    double unit;                 /* of a byte */
} points;

SCL_FAST_REF static double square_bytes(const unsigned char *a, const unsigned char *b, size_t D)
{
    enum { BLOCK = 8192 };       /* below 2^31 with squares up to 255^2 */
    double sum = 0;
    for (size_t first = 0; first < D; first += BLOCK) {
        const size_t end = first + BLOCK < D ? first + BLOCK : D;
        int32_t part = 0;
        for (size_t i = first; i < end; i++) {
            const int32_t e = (int32_t)a[i] - (int32_t)b[i];
            part += e * e;
        }
        sum += part;
    }
    return sum;
}

/* Sixteen chains, so that the sum is quick and its order the same everywhere. */
SCL_FAST_REF static double square_values(const float *a, const float *b, size_t D)
{
    double lane[16] = { 0 }, sum = 0;
    size_t i = 0;
    for (; i + 16 <= D; i += 16)
        for (size_t k = 0; k < 16; k++) {
            const double e = (double)a[i + k] - (double)b[i + k];
            lane[k] += e * e;
        }
    for (; i < D; i++) {
        const double e = (double)a[i] - (double)b[i];
        sum += e * e;
    }
    for (size_t k = 0; k < 16; k++)
        sum += lane[k];
    return sum;
}

static double square(const points *p, size_t i, size_t k)
{
    const size_t a = (size_t)p->order[i] * p->D, b = (size_t)p->order[k] * p->D;
    return p->bytes ? square_bytes(p->bytes + a, p->bytes + b, p->D) * (p->unit * p->unit)
                    : square_values(p->values + a, p->values + b, p->D);
}

static double value(const points *p, size_t sample, size_t e)
{
    return p->bytes ? (double)p->bytes[sample * p->D + e] * p->unit : (double)p->values[sample * p->D + e];
}

typedef struct far_one { double radius; int32_t sample; } far_one;

static int by_radius(const void *a, const void *b)
{
    const far_one *x = a, *y = b;
    return x->radius != y->radius ? (x->radius < y->radius ? 1 : -1) : (x->sample > y->sample) - (x->sample < y->sample);
}

/* Sorts the samples by their distance from the mean; scratch: D doubles. */
static void sort(points *p, double *mean, far_one *list)
{
    for (size_t e = 0; e < p->D; e++)
        mean[e] = 0;
    for (size_t i = 0; i < p->n; i++)
        for (size_t e = 0; e < p->D; e++)
            mean[e] += value(p, (size_t)p->order[i], e);
    for (size_t e = 0; e < p->D; e++)
        mean[e] /= (double)p->n;
    for (size_t i = 0; i < p->n; i++) {
        double sum = 0;
        for (size_t e = 0; e < p->D; e++) {
            const double off = value(p, (size_t)p->order[i], e) - mean[e];
            sum += off * off;
        }
        list[i] = (far_one){ sqrt(sum) * (1 + 1e-9), p->order[i] };      /* a bound from above */
    }
    qsort(list, p->n, sizeof *list, by_radius);
    for (size_t i = 0; i < p->n; i++) {
        p->order[i] = list[i].sample;
        p->radius[i] = list[i].radius;
    }
}

typedef struct best { double square; size_t i, k; } best;

static void meet(const points *p, best *b, size_t i, size_t k)
{
    const double q = square(p, i, k);
    if (q > b->square)
        *b = (best){ q, i, k };
}

/* A distance that few pairs exceed: from the farthest sample to the one farthest from it, and so on. */
static best guess(const points *p)
{
    best b = { -1, 0, 0 };
    size_t from = 0;
    for (int sweep = 0; sweep < SWEEPS; sweep++) {
        best own = { -1, 0, 0 };
        for (size_t k = 0; k < p->n; k++)
            meet(p, &own, from, k);
        if (own.square <= b.square)
            break;
        b = own;
        from = own.k;
    }
    return b;
}

/* Pairs that may be farther apart: radius[i] + radius[k] > distance. */
static double candidates(const points *p, double distance)
{
    double count = 0;
    size_t end = p->n;
    for (size_t i = 0; i < p->n && end > i + 1; i++) {
        while (end > i + 1 && p->radius[i] + p->radius[end - 1] <= distance)
            end--;
        count += (double)(end - i - 1);
    }
    return count;
}

static best search(const points *p, best b)
{
    for (size_t i = 0; i + 1 < p->n; i++) {
        for (size_t k = i + 1; k < p->n && p->radius[i] + p->radius[k] > sqrt(b.square); k++)
            meet(p, &b, i, k);
        if (2 * p->radius[i] <= sqrt(b.square))
            break;
    }
    return b;
}

static void find(points *p, double *mean, far_one *list, size_t all, scl_diameter *out)
{
    sort(p, mean, list);
    best b = guess(p);
    out->whole = true;
    if (p->n > DRAWN && candidates(p, sqrt(b.square)) * (double)p->D > most_work) {
        out->whole = false;
        scl_permutation(0, 0, p->order, (int32_t)all);
        p->n = DRAWN;
        sort(p, mean, list);
        b = guess(p);
    }
    b = search(p, b);
    out->distance = sqrt(b.square > 0 ? b.square : 0);
    out->first = (size_t)p->order[b.i];
    out->second = (size_t)p->order[b.k];
    out->samples = p->n;
}

scl_status scl_dataset_diameter(scl_diameter *out, const scl_dataset *d, const scl_transform_config *t, scl_err *err)
{
    const size_t D = (size_t)d->height * (size_t)d->width * (size_t)d->channels;
    const bool dequantize = t->dequantize == SCL_DEQUANTIZE_UNIFORM, own = d->u8 && t->logit;
    if (d->count < 2)
        return scl_fail(err, SCL_FAILED, "a distance takes two samples; the data have %zu", d->count);
    void *memory, *values = NULL;
    if (own)
        SCL_TRY(scl_alloc_bytes(&values, sizeof(float) * d->count * D, "the logits of the data", err));
    const scl_status status = scl_alloc_bytes(&memory, d->count * (sizeof(far_one) + sizeof(double) + sizeof(int32_t)) + D * sizeof(double),
                                              "distances", err);
    if (status != SCL_OK) {
        free(values);
        return status;
    }
    float table[256];
    for (int k = 0; k < 256; k++)
        table[k] = scl_pixel_value((float)k, dequantize, true);
    for (size_t i = 0; own && i < d->count * D; i++)
        ((float *)values)[i] = table[d->u8[i]];
    points p = { .n = d->count, .D = D, .bytes = own ? NULL : d->u8, .values = own ? values : d->f32, .unit = dequantize ? 1.0 / 256 : 1.0 / 255 };
    far_one *list = memory;
    p.radius = (double *)(list + d->count);
    double *mean = p.radius + d->count;
    p.order = (int32_t *)(mean + D);
    for (size_t i = 0; i < d->count; i++)
        p.order[i] = (int32_t)i;
    find(&p, mean, list, d->count, out);
    free(memory);
    free(values);
    return SCL_OK;
}
