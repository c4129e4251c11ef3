/* Bits against bits, and ref against the oracle. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "op_run.h"

t_difference t_compare_bits(const void *a, const void *b, const t_tensor *t)
{
    t_difference d = { 0 };
    const size_t size = scl_dtype_bytes(t->sig.dtype);
    const unsigned char *got = a, *want = b;
    /* What ref does not write of a stack of partial sums is nobody's: an open leaf may have stood there. */
    static const unsigned char unwritten[4] = { 0xff, 0xff, 0xff, 0xff };
    const bool stack = !strcmp(t->sig.inplace, "acc");
    for (size_t i = 0; i < t->count; i++) {
        if (!memcmp(got + i * size, want + i * size, size) || (stack && !memcmp(want + i * size, unwritten, size)))
            continue;
        if (!d.count++) {
            d.first = i;
            memcpy(&d.bits, got + i * size, size);
            memcpy(&d.expected, want + i * size, size);
        }
    }
    return d;
}

void t_element(const t_tensor *t, size_t index, char *text, size_t size)
{
    size_t place[SCL_MAX_RANK], used = (size_t)snprintf(text, size, "%s[", t->sig.name);
    for (int d = t->rank - 1; d >= 0; d--) {
        place[d] = index % (size_t)t->dims[d];
        index /= (size_t)t->dims[d];
    }
    for (int d = 0; d < t->rank && used < size; d++)
        used += (size_t)snprintf(text + used, size - used, "%s%zu", d ? "," : "", place[d]);
    if (used < size)
        snprintf(text + used, size - used, "]");
}

/* Second moments of Adam and RMSProp keep values down to 2^-100 (docs/design/arithmetic.md, section 2). */
static double smallest(const t_run *r, const t_tensor *t)
{
    return !strcmp(r->table->family, "optimizer") && !strcmp(t->sig.name, "v_out") ? 0x1p-100 : 0x1p-60;
}

static void compare_floats(const t_run *r, const t_tensor *t, double *error, size_t *compared, char *text,
                           size_t size)
{
    const float *got = t->data;
    const double *want = t->wide;
    double scale = 0, worst = 0;
    size_t at = 0, n = 0;
    for (size_t i = 0; i < t->count; i++) {
        if (isnan(want[i]))
            continue;
        const double flushed =
            fabs((double)got[i] - want[i]) - smallest(r, t); /* what a flush may take away */
        const double d = flushed < 0 ? 0 : flushed;
        n++;
        scale = fabs(want[i]) > scale ? fabs(want[i]) : scale;
        if (!(d <= worst)) {
            worst = d;
            at = i;
        }
    }
    *compared += n;
    const double relative = worst == 0 ? 0 : worst / (scale > 0x1p-60 ? scale : 0x1p-60);
    if (!(relative <= *error)) {
        *error = relative;
        char element[96];
        t_element(t, at, element, sizeof element);
        snprintf(text, size, "%s: ref %.9g, oracle %.17g", element, n ? (double)got[at] : 0.0,
                 n ? want[at] : 0.0);
    }
}

bool t_compare_oracle(const t_run *r, double *error, char *text, size_t size)
{
    size_t compared = 0;
    *error = 0;
    for (int i = r->n_in; i < r->n; i++) {
        const t_tensor *t = &r->tensor[i];
        const size_t before = compared;
        if (t->sig.dtype == SCL_F32) {
            compare_floats(r, t, error, &compared, text, size);
        } else {
            const t_difference d = t_compare_bits(t->data, t->wide, t);
            uint32_t untouched = 0xffffffff;
            for (size_t k = 0; k < t->bytes / 4; k++)
                compared += memcmp((const uint32_t *)t->wide + k, &untouched, 4) != 0;
            if (compared > before && d.count) {
                char element[96];
                t_element(t, d.first, element, sizeof element);
                snprintf(text, size, "%s: ref %d, oracle %d", element, (int)d.bits, (int)d.expected);
                return false;
            }
        }
        if (i == r->n - 1 && r->has_root && compared == before) {
            snprintf(text, size, "the oracle does not fill 'root'");
            return false;
        }
    }
    /* A stack without its root is compared in bits only. */
    if (compared || !strcmp(r->tensor[r->n_in].sig.inplace, "acc"))
        return true;
    snprintf(text, size, "the oracle fills nothing");
    return false;
}

bool t_check_range(const t_run *r, char *text, size_t size)
{
    for (int i = r->n_in; i < r->n; i++) {
        const t_tensor *t = &r->tensor[i];
        /* A stack has slots that are not live; an open leaf in it is not flushed. */
        const bool stack = !strcmp(t->sig.inplace, "acc") || r->c->raw;
        for (size_t k = 0; t->sig.dtype == SCL_F32 && !stack && k < t->count; k++) {
            const float x = ((const float *)t->data)[k];
            const bool finite = isfinite(x), minus_zero = x == 0 && signbit(x),
                       tiny = x != 0 && fabs((double)x) < smallest(r, t);
            if (finite && !minus_zero && !tiny)
                continue;
            char element[96];
            t_element(t, k, element, sizeof element);
            snprintf(text, size, "%s of ref is %a: %s", element, (double)x,
                     !finite ? "not finite, or never written" : minus_zero ? "minus zero" : "not flushed");
            return false;
        }
    }
    return true;
}
