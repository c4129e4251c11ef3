/* The inputs of a case: random in range, reproducible from the names of operator, case and input. */
#include <stdlib.h>
#include <string.h>

#include "op_run.h"

uint64_t t_seed(const char *a, const char *b, const char *c)
{
    const char *const names[] = { a, b, c };
    uint64_t h = 0xcbf29ce484222325u;
    for (int i = 0; i < 3; i++)
        for (const char *p = names[i];; p++) {
            h = (h ^ (unsigned char)*p) * 0x100000001b3u;
            if (!*p)
                break;
        }
    return h;
}

double t_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 40) * 0x1p-24;
}

typedef struct span { double lo, hi; } span;

/* "> 0", ">= 0", "< L", "< 10" of a signature. */
static span span_of(const t_run *r, const t_tensor *t)
{
    span s = t->sig.dtype == SCL_F32 ? (span){ -1, 1 } : (span){ 0, 4 };
    const char *p = t->sig.range;
    if (*p == '>') {
        s.lo = strtod(p + 1 + (p[1] == '='), NULL) + (p[1] == '=' ? 0 : 0.25);
        s.hi = s.lo + 1;
    } else if (*p == '<') {
        p += 1 + strspn(p + 1, " ");
        s.lo = 0;
        s.hi = *p >= 'A' && *p <= 'Z' ? r->letter[*p - 'A'] : strtod(p, NULL);
    }
    for (int i = 0; i < T_MAX_RANGE && r->c->range[i].name; i++)
        if (!strcmp(r->c->range[i].name, t->sig.name))
            s = (span){ r->c->range[i].lo, r->c->range[i].hi };
    return s;
}

static const double *constant_of(const t_run *r, const t_tensor *t)
{
    for (int i = 0; i < T_MAX_RANGE && r->c->fill[i].name; i++)
        if (!strcmp(r->c->fill[i].name, t->sig.name))
            return &r->c->fill[i].value;
    return NULL;
}

static bool has_range(const t_run *r, const t_tensor *t)
{
    for (int i = 0; i < T_MAX_RANGE && r->c->range[i].name; i++)
        if (!strcmp(r->c->range[i].name, t->sig.name))
            return true;
    return t->sig.range[0] != 0;
}

static void fill_tensor(t_run *r, t_tensor *t)
{
    const span s = span_of(r, t);
    const double *constant = constant_of(r, t);
    uint64_t state = t_seed(r->op->name, r->c->name, t->sig.name);
    const long from = (long)s.lo, values = (long)(s.hi - s.lo) > 0 ? (long)(s.hi - s.lo) : 1;
    for (size_t i = 0; i < t->count; i++) {
        const double u = t_random(&state);
        const long cycled = from + values - 1 - (long)(i % (size_t)values);   /* from the top value down */
        switch (t->sig.dtype) {
        case SCL_F32: ((float *)t->data)[i] = (float)(constant ? *constant : s.lo + (s.hi - s.lo) * u); break;
        case SCL_I32: ((int32_t *)t->data)[i] = (int32_t)(constant ? (long)*constant : cycled); break;
        case SCL_U32:
            ((uint32_t *)t->data)[i] = constant          ? (uint32_t)*constant
                                       : has_range(r, t) ? (uint32_t)cycled
                                                         : 0;
            break;
        case SCL_U8:
            ((uint8_t *)t->data)[i] = (uint8_t)(constant ? *constant : i < 256 ? 255 - (double)i : 256 * u);
            break;
        }
    }
}

void t_fill(t_run *r)
{
    for (int i = 0; i < r->n; i++) {
        t_tensor *t = &r->tensor[i];
        if (!t->given)
            continue;
        t->data = scl_arena_alloc(&r->arena, t->bytes + 16);
        if (t->out)
            memset(t->data, 0xff, t->bytes);
        else if (!strcmp(t->sig.name, "counters") && t->bytes == sizeof r->counters)
            memcpy(t->data, r->counters, sizeof r->counters);
        else
            fill_tensor(r, t);
    }
    if (r->c->prepare) {
        const t_case c = t_case_of(r);
        r->c->prepare(&c);
    }
}
