/* Everything a case goes through. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "graph/matrix.h"
#include "graph/passes.h"
#include "op_run.h"

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

__attribute__((format(printf, 2, 3))) static bool fault(t_report *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(out->message, sizeof out->message, format, args);
    va_end(args);
    return false;
}

/* "tile MR=4 WG=1" of the node's choice. */
static void choice_text(const scl_node *n, const scl_device_info *device, const scl_plan_options *o,
                        char *text, size_t size)
{
    scl_choice c;
    text[0] = 0;
    if (scl_choose(&c, n, device, o, NULL) != SCL_OK)
        return;
    size_t used = (size_t)snprintf(text, size, "%s", c.impl->name ? c.impl->name : "");
    for (int k = 0; k < c.tune.n && used < size; k++)
        used += (size_t)snprintf(text + used, size - used, " %s=%d", c.tune.name[k], c.tune.value[k]);
}

static bool run_ref(t_run *r, scl_backend *reference, t_report *out, scl_err *err)
{
    t_bundle in, result = { 0 };
    char text[256] = "";
    t_inputs(r, &r->built, 0, &in);
    if (t_execute(&r->arena, reference, r->built.graph, NULL, &in, &result, text, sizeof text, err) != SCL_OK)
        return false;
    if (text[0])
        return fault(out, "ref %s", text);
    for (int i = r->n_in; i < r->n; i++)
        memcpy(r->tensor[i].data, t_bundle_find(&result, r->built.value[i]), r->tensor[i].bytes);
    return true;
}

static bool against_oracle(t_run *r, t_report *out)
{
    char text[256] = "";
    if (!t_check_range(r, text, sizeof text))
        return fault(out, "%s", text);
    t_run_oracle(r);
    if (!t_compare_oracle(r, &out->error, text, sizeof text))
        return fault(out, "%s", text);
    if (!(out->error <= out->tolerance))
        return fault(out, "error %.2g of ref against the oracle is above %.2g; %s", out->error,
                     out->tolerance, text);
    return true;
}

/* An algorithm with an order of its own (CLBlast) is compared by tolerance. */
static double device_tolerance(const t_run *r, const scl_device_info *device, int candidate)
{
    scl_choice c;
    if (!scl_choice_at(&c, r->built.node, device, candidate) && !scl_choice_at(&c, r->built.node, device, 0))
        return 0;
    return scl_impl_tolerance(c.impl, device);
}

static bool within(const t_tensor *t, const float *got, double tolerance, double *error)
{
    const float *want = t->data;
    double scale = 0, worst = 0;
    for (size_t i = 0; i < t->count; i++) {
        if (!isfinite(want[i]))
            continue;
        scale = fabs((double)want[i]) > scale ? fabs((double)want[i]) : scale;
        const double d = fabs((double)got[i] - (double)want[i]);
        worst = d <= worst ? worst : d;
    }
    const double relative = worst == 0 ? 0 : worst / scale;
    *error = relative > *error ? relative : *error;
    return relative <= tolerance;
}

static bool same(t_run *r, const t_tensor *t, const void *got, const char *choice, double tolerance,
                 t_report *out)
{
    if (!got)
        return fault(out, "%s: no output '%s'", choice, t->sig.name);
    if (tolerance > 0 && r->has_root && !strcmp(t->sig.inplace, "acc"))
        return true;        /* dealt into leaves in its own way: what counts is the root */
    if (tolerance > 0 && t->sig.dtype == SCL_F32) {
        out->tolerated = true;
        return within(t, got, tolerance, &out->device_error) ||
               fault(out, "%s: '%s' differs from ref by %.2g, above %.2g", choice, t->sig.name,
                     out->device_error, tolerance);
    }
    const t_difference d = t_compare_bits(got, t->data, t);
    out->elements += t->count;
    if (!d.count)
        return true;
    char element[96];
    float a, b;
    memcpy(&a, &d.bits, 4);
    memcpy(&b, &d.expected, 4);
    t_element(t, d.first, element, sizeof element);
    return fault(out,
                 "%s: %zu of %zu elements differ from ref, first %s = 0x%08x (%.9g) instead of 0x%08x (%.9g)",
                 choice, d.count, t->count, element, d.bits, (double)a, d.expected, (double)b);
}

/* tune: forced values, instead of a number. */
static bool run_candidate(t_run *r, scl_backend *device, int candidate, const char *const *tune, t_report *out,
                          scl_err *err)
{
    const scl_plan_options options = { .candidate_index = !tune, .candidate = candidate, .tune = tune };
    t_bundle in, result = { 0 };
    char text[256] = "", choice[96];
    out->candidate = tune ? -1 : candidate;
    choice_text(r->built.node, &device->info, &options, choice, sizeof choice);
    t_inputs(r, &r->built, 0, &in);
    if (t_execute(&r->arena, device, r->built.graph, &options, &in, &result, text, sizeof text, err) !=
        SCL_OK) {
        scl_err_context(err, "candidate %d (%s)", candidate, choice);
        return false;
    }
    out->candidates++;
    if (text[0])
        return fault(out, "%s (candidate %d): %s", choice, candidate, text);
    const double tolerance = device_tolerance(r, &device->info, candidate);
    for (int i = r->n_in; i < r->n; i++)
        if (!same(r, &r->tensor[i], t_bundle_find(&result, r->built.value[i]), choice, tolerance, out))
            return false;
    out->candidate = -1;
    return true;
}

static int candidate_count(const t_run *r, const scl_device_info *device)
{
    int most = 0;
    for (int i = 0; i < r->built.graph->n_node; i++) {
        const int n = scl_candidate_count(r->built.graph->node[i], device);
        most = n > most ? n : most;
    }
    return most;
}

static bool run_candidates(t_run *r, scl_backend *device, const t_check_options *o, t_report *out,
                           scl_err *err)
{
    const int n = candidate_count(r, &device->info);
    if (device->info.klass == SCL_CLASS_REFERENCE)
        return run_candidate(r, device, 0, NULL, out, err);
    if (n == 0)
        return fault(out, "no implementation runs this case on %s", device->info.name);
    if (o->one_candidate)
        return run_candidate(r, device, o->candidate, NULL, out, err);
    if (o->tune && o->tune[0])
        return run_candidate(r, device, 0, o->tune, out, err);
    for (int i = 0; i < n; i++) {
        const bool extreme = i == 0 || i == 1 || i == n - 1;
        if ((o->all || (extreme && !o->quick) || i == 0) && !run_candidate(r, device, i, NULL, out, err))
            return false;
    }
    return true;
}

/* Results near the flush: the same case with inputs scaled down, in bits only.  A kernel that forgets the
 * flush shows here. */
static bool run_tiny(t_run *r, scl_backend *device, scl_backend *reference, t_report *out, scl_err *err)
{
    static const float factor[] = { 0x1p-31f, 0x1p-59f };
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < r->n_in; i++) {
            t_tensor *t = &r->tensor[i];
            float *x = t->data;
            for (size_t k = 0; t->given && t->sig.dtype == SCL_F32 && k < t->count; k++)
                x[k] = (float)((double *)t->wide)[k] * factor[pass];
        }
        t_bundle in, want = { 0 }, got = { 0 };
        char text[256] = "";
        t_inputs(r, &r->built, 0, &in);
        if (t_execute(&r->arena, reference, r->built.graph, NULL, &in, &want, text, sizeof text, err) !=
                SCL_OK ||
            t_execute(&r->arena, device, r->built.graph, NULL, &in, &got, text, sizeof text, err) != SCL_OK)
            return false;
        if (text[0])
            return fault(out, "inputs times %g: %s", (double)factor[pass], text);
        for (int i = r->n_in; i < r->n; i++) {
            const float *w = t_bundle_find(&want, r->built.value[i]),
                        *g = t_bundle_find(&got, r->built.value[i]);
            for (size_t k = 0; r->tensor[i].sig.dtype == SCL_F32 && k < r->tensor[i].count; k++) {
                if (!isfinite(w[k]) ||
                    !memcmp(&w[k], &g[k], 4)) /* the promise ends at the first non-finite value */
                    continue;
                char element[96];
                t_element(&r->tensor[i], k, element, sizeof element);
                return fault(out, "inputs times %g: %s = %a instead of %a", (double)factor[pass], element,
                             (double)g[k], (double)w[k]);
            }
        }
    }
    return true;
}

/* The batch dealt into runs of `split` samples with an accumulator gives the same root. */
static bool run_split(t_run *r, scl_backend *device, t_report *out, scl_err *err)
{
    const int n = r->letter['N' - 'A'], acc = t_find(r, "acc"), root = r->n - 1;
    if (acc < 0 || !r->has_root)
        return fault(out, "split needs an operator with an accumulator, and root");
    const uint32_t position = r->counters[SCL_CNT_POSITION];
    uint32_t *counters = r->tensor[t_find(r, "counters")].data;
    const void *stack = NULL;
    for (int first = 0; first < n; first += r->c->split) {
        const int samples = n - first < r->c->split ? n - first : r->c->split;
        const bool last = first + samples == n;
        const t_build_options o = { .samples = samples, .accumulate = true, .root = last };
        t_built b;
        t_bundle in, result = { 0 };
        char text[256] = "";
        if (t_build(r, &b, &o, err) != SCL_OK)
            return false;
        counters[SCL_CNT_POSITION] = position + (uint32_t)first;
        t_inputs(r, &b, first, &in);
        if (stack)
            in.item[in.n++] = (t_data){ b.value[acc], (void *)stack };
        if (t_execute(&r->arena, device, b.graph, NULL, &in, &result, text, sizeof text, err) != SCL_OK)
            return false;
        if (text[0])
            return fault(out, "run from sample %d: %s", first, text);
        stack = t_bundle_find(&result, b.value[acc]);
        if (last &&
            !same(r, &r->tensor[root], t_bundle_find(&result, b.value[root]), "dealt into runs", device_tolerance(r, &device->info, 0), out))
            return false;
    }
    counters[SCL_CNT_POSITION] = position;
    return true;
}

static bool check_derivatives(t_run *r, scl_backend *device, scl_backend *reference, t_report *out,
                              scl_err *err)
{
    char text[256] = "";
    if (!t_check_grad(r, device, reference, &out->grad_error, text, sizeof text, err))
        return err->code ? false : fault(out, "vjp: %s", text);
    if (!t_check_jvp(r, reference, &out->grad_error, text, sizeof text, err))
        return err->code ? false : fault(out, "jvp: %s", text);
    return true;
}

static bool check(t_run *r, scl_backend *device, scl_backend *reference, const t_check_options *o,
                  t_report *out, scl_err *err)
{
    const t_case *c = r->c;
    out->tolerance = c->tol > 0 ? c->tol : r->op->tol > 0 ? r->op->tol : 2e-6;
    if (!run_ref(r, reference, out, err) || !against_oracle(r, out) ||
        !run_candidates(r, device, o, out, err))
        return false;
    if (o->one_candidate || (o->tune && o->tune[0]) || c->bench)
        return true;
    if (c->split && (!run_split(r, reference, out, err) || !run_split(r, device, out, err)))
        return false;
    if (c->grad && !check_derivatives(r, device, reference, out, err))
        return false;
    return out->tolerated || o->quick || device == reference || run_tiny(r, device, reference, out, err);
}

void t_check_case(const t_op *op, const t_case *c, scl_backend *device, scl_backend *reference,
                  const t_check_options *options, t_report *out)
{
    const double start = now();
    t_run r;
    scl_err err = { 0 };
    *out = (t_report){ .op = op->name, .name = c->name, .grad_error = -1, .candidate = -1 };
    out->passed = t_run_make(&r, op, c, &err) == SCL_OK && check(&r, device, reference, options, out, &err);
    out->broken = err.code != SCL_OK;
    if (out->broken)
        scl_err_text(&err, out->message, sizeof out->message);
    scl_err_clear(&err);
    t_run_free(&r);
    out->seconds = now() - start;
}
