#include "graph/signature.h"

#include <assert.h>
#include <ctype.h>
#include <float.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *skip(const char *p)
{
    while (*p == ' ')
        p++;
    return p;
}

static const char *word(const char *p, char *out, size_t size)
{
    size_t n = 0;
    p = skip(p);
    while ((isalnum((unsigned char)*p) || *p == '_') && n + 1 < size)
        out[n++] = *p++;
    out[n] = 0;
    return p;
}

static scl_dtype dtype_of(const char *name)
{
    for (int t = SCL_F32; t <= SCL_U8; t++)
        if (!strcmp(name, scl_dtype_name((scl_dtype)t)))
            return (scl_dtype)t;
    assert(!"unknown dtype in a signature");
    return SCL_F32;
}

static const char *parse_dim(const char *p, scl_sig_dim *d)
{
    *d = (scl_sig_dim){ .mul = 1, .div = 1 };
    if (isdigit((unsigned char)*p)) {
        char *end;
        d->number = (int)strtol(p, &end, 10);
        if (*end != '*')
            return end;
        d->mul = d->number;
        p = end + 1;
    }
    assert(isupper((unsigned char)*p));
    d->letter = *p++;
    if (*p == '*') {
        d->star = true;
        p++;
    } else if (*p == '/') {
        char *end;
        d->div = (int)strtol(p + 1, &end, 10);
        p = end;
    }
    return p;
}

scl_sig scl_sig_parse(const char *text)
{
    scl_sig s = { 0 };
    char type[8];
    const char *p = word(text, s.name, sizeof s.name);
    p = word(p, type, sizeof type);
    s.dtype = dtype_of(type);
    p = skip(p);
    assert(*p == '[');
    for (p++; *p != ']'; p += *p == ',') {
        assert(s.rank < SCL_MAX_RANK);
        p = parse_dim(p, &s.dim[s.rank++]);
        assert(*p == ',' || *p == ']');
    }
    p++;
    if (*p == '?') {
        s.optional = true;
        p++;
    }
    p = skip(p);
    if (*p == '@')
        word(p + 1, s.inplace, sizeof s.inplace);
    else
        snprintf(s.range, sizeof s.range, "%s", p);
    return s;
}

scl_attr_sig scl_attr_sig_parse(const char *text)
{
    scl_attr_sig a = { .lo = -DBL_MAX, .hi = DBL_MAX };
    char kind[8];
    const char *p = word(text, a.name, sizeof a.name);
    p = skip(word(p, kind, sizeof kind));
    a.kind = !strcmp(kind, "int") ? SCL_ATTR_INT : !strcmp(kind, "real") ? SCL_ATTR_REAL : SCL_ATTR_TEXT;
    assert(a.kind != SCL_ATTR_TEXT || !strcmp(kind, "text"));
    if (*p && *p != '=') {
        const char *dots = strstr(p, "..");     /* strtod would take "1." of "1..31" */
        assert(dots && dots - p < 32);
        char lo[32] = { 0 };
        memcpy(lo, p, (size_t)(dots - p));
        a.lo = strtod(lo, NULL);
        p = dots + 2;
        if (*p && *p != ' ' && *p != '=') {
            char *end;
            a.hi = strtod(p, &end);
            p = end;
        }
        p = skip(p);
    }
    if (*p == '=') {
        p = skip(p + 1);
        a.has_default = true;
        a.value = (scl_attr_value){ .i = strtol(p, NULL, 10), .f = strtod(p, NULL), .text = p };
    }
    return a;
}

static int count(const char *const *strings, int max)
{
    int n = 0;
    while (n < max && strings[n])
        n++;
    return n;
}

int scl_op_inputs(const scl_op *op) { return count(op->in, SCL_MAX_IN); }
int scl_op_outputs(const scl_op *op) { return count(op->out, SCL_MAX_OUT); }
int scl_op_attrs(const scl_op *op) { return count(op->attr, SCL_MAX_ATTR); }

int scl_op_input_index(const scl_op *op, const char *name)
{
    const size_t length = strlen(name);
    for (int i = 0; i < scl_op_inputs(op); i++)
        if (!strncmp(op->in[i], name, length) && op->in[i][length] == ' ')
            return i;
    return -1;
}

void scl_sig_dims(const scl_sig *sig, const scl_node *n, int *rank, int *dims)
{
    *rank = 0;
    for (int d = 0; d < sig->rank; d++) {
        const scl_sig_dim *s = &sig->dim[d];
        if (s->star) {
            for (int k = 0; k < n->star_rank; k++)
                dims[(*rank)++] = n->star_dim[k];
            continue;
        }
        dims[(*rank)++] = s->letter ? n->letter[s->letter - 'A'] * s->mul / s->div : s->number;
    }
    if (*rank == 0)         /* a lone D* that stands for no dimension: one number */
        dims[(*rank)++] = 1;
}

static double term(const scl_node *n, const char **p)
{
    double value = 1;
    for (bool divide = false;; (*p)++) {
        *p = skip(*p);
        double factor;
        if (isupper((unsigned char)**p)) {
            factor = n->letter[**p - 'A'];
            (*p)++;
        } else if (islower((unsigned char)**p)) {
            char name[32];
            *p = word(*p, name, sizeof name);
            factor = (double)scl_attr_int(n, name);
        } else {
            char *end;
            factor = strtod(*p, &end);
            assert(end != *p);
            *p = end;
        }
        value = divide ? value / factor : value * factor;
        *p = skip(*p);
        if (**p != '*' && **p != '/')
            return value;
        divide = **p == '/';
    }
}

double scl_cost(const scl_node *n, const char *formula)
{
    if (!formula)
        return 0;
    const char *p = formula;
    double sum = term(n, &p);
    while (*p == '+' || *p == '-') {
        const double sign = *p++ == '+' ? 1 : -1;
        sum += sign * term(n, &p);
    }
    return sum;
}
