/* Which implementation and which tuning candidate run a node. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/build.h"
#include "graph/choice.h"
#include "graph/signature.h"

int scl_tune_get(const scl_tune *tune, const char *name)
{
    for (int i = 0; i < tune->n; i++)
        if (!strcmp(tune->name[i], name))
            return tune->value[i];
    assert(!"unknown tunable");
    return 0;
}

/* The values of every parameter of "WG=1|16|64 VEC=2|4". */
typedef struct candidates {
    scl_tune names;
    int value[SCL_MAX_TUNE][16], count[SCL_MAX_TUNE], total;
} candidates;

static void read_candidates(candidates *c, const char *text)
{
    scl_tune *out = &c->names;
    int n = 0;
    *out = (scl_tune){ 0 };
    c->total = 1;
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
        c->count[n] = 0;
        do {
            char *end;
            assert(c->count[n] < 16);
            c->value[n][c->count[n]++] = (int)strtol(p + 1, &end, 10);
            p = end;
        } while (*p == '|');
        c->total *= c->count[n++];
    }
    out->n = n;
}

/* The index-th combination, the first parameter varying slowest. */
static scl_tune combination(const candidates *c, int index)
{
    scl_tune tune = c->names;
    for (int i = tune.n - 1; i >= 0; i--) {
        tune.value[i] = c->value[i][index % c->count[i]];
        index /= c->count[i];
    }
    return tune;
}

static scl_tune only_combination(const char *text)
{
    candidates c;
    read_candidates(&c, text);
    return combination(&c, 0);
}

static const scl_impl *impls_of(const scl_node *n)
{
    return scl_is_pointwise(n) ? scl_op_pointwise()->impl : n->op->impl;
}

/* "conv2d: direct", and with a candidate "conv2d: direct MR=4 NR=16". */
static void refusal(const scl_impl *impl, const scl_tune *tune, const scl_node *n, char *out, size_t size)
{
    char text[SCL_CHOICE_TEXT];
    const scl_choice c = { .impl = impl, .tune = tune ? *tune : (scl_tune){ 0 } };
    snprintf(out, size, "%s: %s", scl_is_pointwise(n) ? "pointwise" : n->op->name, scl_choice_text(&c, text, sizeof text));
}

static bool is_refused(const scl_builder *b, const char *text)
{
    for (int i = 0; i < b->n_refused; i++)
        if (!strcmp(b->refused[i], text))
            return true;
    return false;
}

static bool refused(const scl_impl *impl, const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    const scl_builder *b = device->builder;
    char text[sizeof b->refused[0]], whole[sizeof b->refused[0]];
    if (!b || !b->n_refused)
        return false;
    refusal(impl, tune, n, text, sizeof text);
    refusal(impl, NULL, n, whole, sizeof whole);
    return is_refused(b, text) || is_refused(b, whole);
}

bool scl_choice_refuse(const scl_choice *c, const scl_node *n, const scl_device_info *device)
{
    scl_builder *b = device->builder;
    char whole[sizeof b->refused[0]];
    void *more = realloc(b->refused, sizeof b->refused[0] * (size_t)(b->n_refused + 1));
    if (!more)
        return false;
    b->refused = more;
    refusal(c->impl, NULL, n, whole, sizeof whole);
    const size_t length = strlen(whole);
    int before = 0;
    for (int i = 0; i < b->n_refused; i++)
        before += !strncmp(b->refused[i], whole, length) && (b->refused[i][length] == ' ' || !b->refused[i][length]);
    char *to = b->refused[b->n_refused++];
    refusal(c->impl, before ? NULL : &c->tune, n, to, sizeof b->refused[0]);
    scl_choice other;
    if (before && !scl_choice_at(&other, n, device, 0))      /* it was the last one: candidate by candidate, then */
        refusal(c->impl, &c->tune, n, to, sizeof b->refused[0]);
    return true;
}

static bool fits(const scl_impl *impl, const scl_node *n, const scl_device_info *device, const scl_tune *tune)
{
    const unsigned sides = (n->pre ? SCL_FUSE_INPUT : 0u) |
                           (!n->post                           ? 0u
                            : n->n_out > scl_op_outputs(n->op) ? SCL_FUSE_ALONG
                                                               : SCL_FUSE_OUTPUT);
    return (impl->fuses & sides) == sides && (!impl->fits || impl->fits(n, device, tune)) &&
           !refused(impl, n, device, tune);
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
        scl_choice c = { .impl = impl, .tune = only_combination(default_of(impl, device)) };
        if (default_of(impl, device) && fits(impl, n, device, &c.tune)) {
            *out = c;
            return true;
        }
        candidates all;
        read_candidates(&all, impl->tune);
        for (int k = 0; k < all.total; k++) {
            c.tune = combination(&all, k);
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
        candidates all;
        read_candidates(&all, impl->tune);
        for (int k = 0; k < all.total; k++) {
            c.tune = combination(&all, k);
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

/* Does a choice agree with every forced "OP.PARAM=VALUE" of this operator, one of which at least names a parameter of its own?  An
 * implementation without the parameter is not what was asked for.  Nothing forced: every choice agrees. */
static bool agrees(const scl_choice *c, const scl_node *n, const char *const *forced)
{
    const char *op = scl_is_pointwise(n) ? "pointwise" : n->op->name;
    const size_t length = strlen(op);
    bool asked = false, named = false;
    for (; forced && *forced; forced++) {
        if (strncmp(*forced, op, length) != 0 || (*forced)[length] != '.')
            continue;
        const char *param = *forced + length + 1, *equal = strchr(param, '=');
        asked = true;
        for (int i = 0; equal && i < c->tune.n; i++) {
            if (strlen(c->tune.name[i]) != (size_t)(equal - param) ||
                strncmp(c->tune.name[i], param, (size_t)(equal - param)))
                continue;
            named = true;
            if (c->tune.value[i] != atoi(equal + 1))
                return false;
        }
    }
    return !asked || named;
}

char *scl_choice_text(const scl_choice *c, char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "%s", c->impl ? c->impl->name : "ref");
    for (int i = 0; i < c->tune.n && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, " %s=%d", c->tune.name[i], c->tune.value[i]);
    return out;
}

/* "WG=1 VEC=16" behind the name: is it this combination, in this order? */
static bool is_tune(const scl_tune *tune, const char *text)
{
    for (int i = 0; i < tune->n; i++) {
        char word[40];
        const int length = snprintf(word, sizeof word, " %s=%d", tune->name[i], tune->value[i]);
        if (strncmp(text, word, (size_t)length) != 0)
            return false;
        text += length;
    }
    return !*text;
}

bool scl_choice_named(scl_choice *out, const scl_node *n, const scl_device_info *device, const char *text)
{
    const scl_impl *impls = impls_of(n);
    const size_t length = strcspn(text, " ");
    for (const scl_impl *impl = impls; impl < impls + SCL_MAX_IMPL && impl->launch; impl++) {
        if (strlen(impl->name) != length || strncmp(impl->name, text, length) != 0)
            continue;
        scl_choice c = { .impl = impl };
        const char *own = default_of(impl, device); /* need not be among the candidates */
        candidates all;
        read_candidates(&all, impl->tune);
        for (int k = own ? -1 : 0; k < all.total; k++) {
            c.tune = k < 0 ? only_combination(own) : combination(&all, k);
            if (!is_tune(&c.tune, text + length))
                continue;
            if (fits(impl, n, device, &c.tune)) {
                *out = c;
                return true;
            }
            break;
        }
    }
    return false;
}

/* What measured and shipped rows say.  forced: settings that it must agree with, or NULL. */
static bool by_rows(scl_choice *out, const scl_node *n, const scl_device_info *device,
                    const scl_tuning *tuning, const char *const *forced)
{
    scl_arena scratch = { 0 };
    int batch, n_shipped;
    const scl_shipped_row *rows = scl_shipped_rows(&n_shipped), *s;
    const char *shape = tuning || scl_tuning_ships(rows, n_shipped, device) ? scl_tuning_shape(n, &batch, &scratch) : "";
    const scl_tuning_row *row = tuning ? scl_tuning_find(tuning, shape, batch) : NULL;
    bool found = row && scl_choice_named(out, n, device, row->choice) && agrees(out, n, forced);
    if (found)
        out->row = row;
    for (int i = 0; !found && (s = scl_tuning_shipped(rows, n_shipped, device, shape, i)); i++)
        found = scl_choice_named(out, n, device, s->choice) && agrees(out, n, forced);
    scl_arena_free(&scratch);
    return found;
}

scl_status scl_choose(scl_choice *out, const scl_node *n, const scl_device_info *device,
                      const scl_plan_options *options, scl_err *err)
{
    const scl_plan_options none = { 0 };
    if (!options)
        options = &none;
    if (!scl_choice_at(out, n, device, 0))
        return scl_fail(err, SCL_FAILED, "%s: no implementation runs this shape on %s", n->op->name, device->name);
    if (options->candidate_index) {
        if (!scl_choice_at(out, n, device, options->candidate))
            scl_choice_at(out, n, device, 0);
        return SCL_OK;
    }
    scl_choice c;
    if (by_rows(&c, n, device, options->tuning, options->tune)) {
        *out = c;
        return SCL_OK;
    }
    for (int i = 0; options->tune && scl_choice_at(&c, n, device, i); i++) {
        if (!agrees(&c, n, options->tune))
            continue;
        *out = c;
        return SCL_OK;
    }
    return SCL_OK;      /* a forced value that does not fit this shape leaves the default */
}

const scl_tuning_row *scl_plan_row(const scl_plan *plan, int step)
{
    return plan->choice[step].row;
}

static bool listed(const scl_choice *list, int n, const scl_choice *c)
{
    for (int i = 0; i < n; i++)
        if (list[i].impl == c->impl && same_tune(&list[i].tune, &c->tune))
            return true;
    return false;
}

int scl_choice_list(scl_choice *out, int most, const scl_node *n, const scl_device_info *device)
{
    const scl_impl *impls = impls_of(n);
    int count = most > 0 && scl_choose(&out[0], n, device, NULL, NULL) == SCL_OK;
    for (const scl_impl *impl = impls; count && impl < impls + SCL_MAX_IMPL && impl->launch; impl++) {
        if (impl->for_gpus && device->klass != SCL_CLASS_GPU && impl != out[0].impl)
            continue;
        scl_choice c = { .impl = impl };
        const char *own = default_of(impl, device);
        candidates all;
        read_candidates(&all, impl->tune);
        for (int k = own ? -1 : 0; k < all.total && count < most; k++) {
            c.tune = k < 0 ? only_combination(own) : combination(&all, k);
            if (fits(impl, n, device, &c.tune) && !listed(out, count, &c))
                out[count++] = c;
        }
    }
    return count;
}

int scl_candidate_count(const scl_node *n, const scl_device_info *device)
{
    scl_choice c;
    int i = 0;
    while (scl_choice_at(&c, n, device, i))
        i++;
    return i;
}
