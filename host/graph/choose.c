/* Which implementation and which tuning candidate run a node. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/build.h"
#include "graph/passes.h"
#include "graph/signature.h"

int scl_tune_get(const scl_tune *tune, const char *name)
{
    for (int i = 0; i < tune->n; i++)
        if (!strcmp(tune->name[i], name))
            return tune->value[i];
    assert(!"unknown tunable");
    return 0;
}

/* "WG=1|16|64 VEC=2|4": the index-th combination, the first parameter varying slowest.  Returns how many there are. */
static int combination(const char *text, int index, scl_tune *out)
{
    int total = 1, values[SCL_MAX_TUNE][16], counts[SCL_MAX_TUNE] = { 0 }, n = 0;
    *out = (scl_tune){ 0 };
    for (const char *p = text; p && *p;) {
        while (*p == ' ')
            p++;
        const size_t length = strcspn(p, "=");
        if (!p[length])
            break;
        assert(n < SCL_MAX_TUNE && length < sizeof out->name[0]);
        memcpy(out->name[n], p, length);
        out->name[n][length] = 0;
        p += length;
        do {
            char *end;
            assert(counts[n] < 16);
            values[n][counts[n]++] = (int)strtol(p + 1, &end, 10);
            p = end;
        } while (*p == '|');
        total *= counts[n++];
    }
    out->n = n;
    for (int i = n - 1; i >= 0 && index < total; i--) {
        out->value[i] = values[i][index % counts[i]];
        index /= counts[i];
    }
    return total;
}

static const scl_impl *impls_of(const scl_node *n)
{
    return scl_is_pointwise(n) ? scl_op_pointwise()->impl : n->op->impl;
}

static bool fits(const scl_impl *impl, const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    const unsigned sides = (n->pre ? SCL_FUSE_INPUT : 0u) | (!n->post ? 0u : n->n_out > scl_op_outputs(n->op) ? SCL_FUSE_ALONG : SCL_FUSE_OUTPUT);
    return (impl->fuses & sides) == sides && (!impl->fits || impl->fits(n, device, tune));
}

static bool same_tune(const scl_tune *a, const scl_tune *b)
{
    for (int i = 0; i < a->n; i++)
        if (strcmp(a->name[i], b->name[i]) != 0 || a->value[i] != b->value[i])
            return false;
    return a->n == b->n;
}

static const char *default_of(const scl_impl *impl, const scl_device_info *device)
{
    return device->klass == SCL_CLASS_GPU ? impl->gpu : impl->cpu;
}

/* The first implementation whose default fits, else the first candidate of all that fits. */
static bool default_choice(scl_choice *out, const scl_node *n, const scl_device_info *device)
{
    const scl_impl *impls = impls_of(n);
    for (const scl_impl *impl = impls; impl < impls + SCL_MAX_IMPL && impl->launch; impl++) {
        scl_choice c = { .impl = impl };
        combination(default_of(impl, device), 0, &c.tune);
        if (default_of(impl, device) && fits(impl, n, device, &c.tune)) {
            *out = c;
            return true;
        }
        const int total = combination(impl->tune, 0, &c.tune);
        for (int k = 0; k < total; k++) {
            combination(impl->tune, k, &c.tune);
            if (fits(impl, n, device, &c.tune)) {
                *out = c;
                return true;
            }
        }
    }
    return false;
}

bool scl_choice_at(scl_choice *out, const scl_node *n, const scl_device_info *device, int i)
{
    scl_choice first;
    if (!default_choice(&first, n, device))
        return false;
    *out = first;
    if (i == 0)
        return true;
    const scl_impl *impls = impls_of(n);
    for (const scl_impl *impl = impls; impl < impls + SCL_MAX_IMPL && impl->launch; impl++) {
        scl_choice c = { .impl = impl };
        const int total = combination(impl->tune, 0, &c.tune);
        for (int k = 0; k < total; k++) {
            combination(impl->tune, k, &c.tune);
            if (!fits(impl, n, device, &c.tune) || (impl == first.impl && same_tune(&c.tune, &first.tune)))
                continue;
            if (--i == 0) {
                *out = c;
                return true;
            }
        }
    }
    return false;
}

/* Does a choice agree with every forced "OP.PARAM=VALUE" that names this operator and one of its parameters? */
static bool agrees(const scl_choice *c, const scl_node *n, const char *const *forced, bool *named)
{
    const char *op = scl_is_pointwise(n) ? "pointwise" : n->op->name;
    for (; forced && *forced; forced++) {
        const size_t length = strlen(op);
        if (strncmp(*forced, op, length) != 0 || (*forced)[length] != '.')
            continue;
        const char *param = *forced + length + 1, *equal = strchr(param, '=');
        for (int i = 0; equal && i < c->tune.n; i++) {
            if (strlen(c->tune.name[i]) != (size_t)(equal - param) || strncmp(c->tune.name[i], param, (size_t)(equal - param)))
                continue;
            *named = true;
            if (c->tune.value[i] != atoi(equal + 1))
                return false;
        }
    }
    return true;
}

scl_status scl_choose(scl_choice *out, const scl_node *n, const scl_device_info *device, const scl_plan_options *options,
                      scl_err *err)
{
    if (!scl_choice_at(out, n, device, 0))
        return scl_fail(err, SCL_FAILED, "%s: no implementation runs this shape on %s", n->op->name, device->name);
    if (options && options->candidate_index) {
        if (!scl_choice_at(out, n, device, options->candidate))
            scl_choice_at(out, n, device, 0);
        return SCL_OK;
    }
    if (!options || !options->tune)
        return SCL_OK;
    scl_choice c;
    for (int i = 0; scl_choice_at(&c, n, device, i); i++) {
        bool named = false;
        if (!agrees(&c, n, options->tune, &named))
            continue;
        *out = c;
        return SCL_OK;
    }
    return SCL_OK;      /* a forced value that does not fit this shape leaves the default */
}

int scl_candidate_count(const scl_node *n, const scl_device_info *device)
{
    scl_choice c;
    int i = 0;
    while (scl_choice_at(&c, n, device, i))
        i++;
    return i;
}
