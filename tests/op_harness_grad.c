/* Derivative rules against central differences of the oracle.
 *
 * vjp: for each float output y and a random dy, the graph that scl_vjp appends runs on the reference device,
 * and every checked element of the cotangent of an input is compared with d/dx sum(dy * oracle(x)).  The same
 * graph also runs on the device, with equal bits.  jvp: the tangent of y along a random dx against the
 * difference of the oracle along it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph/autodiff.h"
#include "graph/build.h"
#include "graph/matrix.h"
#include "op_run.h"

enum { MOST_ELEMENTS = 64 };

/* Is it in the list?  *maybe: as "name?", which some outputs need not depend on. */
static bool named(const char *list, const char *name, bool *maybe)
{
    const size_t length = strlen(name);
    for (const char *p = list; p && *p; p += strcspn(p, " ") + strspn(p + strcspn(p, " "), " "))
        if (strcspn(p, " ?") == length && !strncmp(p, name, length)) {
            *maybe = p[length] == '?';
            return true;
        }
    return false;
}

static bool differentiable(const t_run *r, int i)
{
    const t_tensor *t = &r->tensor[i];
    bool maybe;
    return t->given && t->sig.dtype == SCL_F32 && (!r->c->grad_of || named(r->c->grad_of, t->sig.name, &maybe));
}

static double largest(const double *x, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fabs(x[i]) > most ? fabs(x[i]) : most;
    return most;
}

/* sum(dy * y) of the oracle at the inputs as they are in `wide`. */
static double pairing(t_run *r, int output, const float *dy)
{
    t_run_oracle(r);
    const double *y = r->tensor[output].wide;
    double sum = 0;
    for (size_t i = 0; i < r->tensor[output].count; i++)
        sum += isnan(y[i]) ? 0 : (double)dy[i] * y[i];
    return sum;
}

typedef struct rule {
    t_built built;
    scl_value *dy;
    float *dy_data;
    int n_wrt, tensor[SCL_MAX_IN];
    scl_value *wrt[SCL_MAX_IN], *dwrt[SCL_MAX_IN];
} rule;

static const float *random_like(t_run *r, const t_tensor *t, const char *what)
{
    float *data = scl_arena_alloc(&r->arena, t->bytes + 16);
    uint64_t state = t_seed(r->op->name, what, t->sig.name);
    for (size_t i = 0; i < t->count; i++)
        data[i] = (float)(2 * t_random(&state) - 1);
    return data;
}

static scl_status make_vjp(t_run *r, rule *k, int output, scl_err *err)
{
    const t_build_options whole = { .samples = r->letter['N' - 'A'] };
    const t_tensor *y = &r->tensor[output];
    T_TRY(t_build(r, &k->built, &whole, err));
    for (int o = 0; o < k->built.node->n_out; o++)
        k->built.node->out[o]->output = false;
    T_TRY(scl_value_get(k->built.graph, &k->dy, SCL_INPUT, "cotangent of the case", SCL_F32, y->rank, y->dims,
                        err));
    k->dy_data = (float *)(uintptr_t)random_like(r, y, "cotangent");
    for (int i = 0; i < r->n_in; i++)
        if (differentiable(r, i)) {
            k->tensor[k->n_wrt] = i;
            k->wrt[k->n_wrt++] = k->built.value[i];
        }
    T_TRY(scl_vjp(k->built.graph, k->built.value[output], k->dy, k->wrt, k->n_wrt, k->dwrt, err));
    for (int i = 0; i < k->n_wrt; i++)
        if (k->dwrt[i] && k->dwrt[i]->role == SCL_INTERMEDIATE && !k->dwrt[i]->output)
            scl_output(k->dwrt[i],
                       scl_arena_printf(&r->arena, "cotangent of %s", r->tensor[k->tensor[i]].sig.name));
    return SCL_OK;
}

static scl_status run_vjp(t_run *r, const rule *k, scl_backend *b, t_bundle *out, char *text, size_t size,
                          scl_err *err)
{
    t_bundle in;
    t_inputs(r, &k->built, 0, &in);
    in.item[in.n++] = (t_data){ k->dy, k->dy_data };
    if (scl_find_value(k->built.graph, "counters") && !t_bundle_find(&in, scl_counters(k->built.graph)))
        in.item[in.n++] = (t_data){ scl_counters(k->built.graph), r->counters };
    return t_execute(&r->arena, b, k->built.graph, NULL, &in, out, text, size, err);
}

static const float *cotangent(const t_run *r, const rule *k, int i, const t_bundle *result)
{
    if (k->dwrt[i] == k->dy)
        return k->dy_data;
    for (int j = 0; j < r->n_in; j++)
        if (k->built.value[j] == k->dwrt[i])
            return r->tensor[j].data;
    return t_bundle_find(result, k->dwrt[i]);
}

static bool check_element(t_run *r, const rule *k, int i, size_t at, int output, const float *g, double scale,
                          double *error, char *text, size_t size)
{
    t_tensor *t = &r->tensor[k->tensor[i]];
    double *x = (double *)t->wide + at;
    const double before = *x, step = 1e-5 * fmax(largest(t->wide, t->count), 1e-3);
    *x = before + step;
    const double up = pairing(r, output, k->dy_data);
    *x = before - step;
    const double down = pairing(r, output, k->dy_data);
    *x = before;
    const double slope = (up - down) / (2 * step), off = fabs((double)g[at] - slope);
    const double tolerance = r->c->grad_tol > 0 ? r->c->grad_tol : 2e-4;
    if (off <= *error * scale)
        return true;
    *error = off / scale;
    if (off <= tolerance * scale)
        return true;
    char element[96];
    t_element(t, at, element, sizeof element);
    snprintf(text, size, "cotangent of %s is %.9g, central difference %.9g (output '%s')", element,
             (double)g[at], slope, r->tensor[output].sig.name);
    return false;
}

static bool check_input(t_run *r, const rule *k, int i, int output, const float *g, double *error, char *text,
                        size_t size)
{
    const t_tensor *t = &r->tensor[k->tensor[i]];
    double scale = 0;
    for (size_t e = 0; e < t->count; e++)
        scale = fabs((double)g[e]) > scale ? fabs((double)g[e]) : scale;
    if (scale < 1e-6)
        scale = 1e-6;
    uint64_t state = t_seed(r->op->name, r->c->name, "elements");
    for (size_t e = 0; e < t->count && e < MOST_ELEMENTS; e++) {
        const size_t at = t->count <= MOST_ELEMENTS ? e : (size_t)(t_random(&state) * (double)t->count);
        if (!check_element(r, k, i, at, output, g, scale, error, text, size))
            return false;
    }
    return true;
}

static bool same_bits(t_run *r, const rule *k, const t_bundle *a, const t_bundle *b, char *text, size_t size)
{
    for (int i = 0; i < k->n_wrt; i++) {
        const t_tensor *t = &r->tensor[k->tensor[i]];
        const float *want = k->dwrt[i] ? cotangent(r, k, i, a) : NULL,
                    *got = k->dwrt[i] ? cotangent(r, k, i, b) : NULL;
        const t_difference d = want ? t_compare_bits(got, want, t) : (t_difference){ 0 };
        if (!d.count)
            continue;
        snprintf(text, size,
                 "cotangent of %s on the device: %zu elements differ from ref, first [%zu] 0x%08x instead of "
                 "0x%08x",
                 t->sig.name, d.count, d.first, d.bits, d.expected);
        return false;
    }
    return true;
}

/* The same for a device that computes products by matrix units. */
static bool near(t_run *r, const rule *k, double tolerance, const t_bundle *wanted, const t_bundle *gotten, char *text, size_t size)
{
    for (int i = 0; i < k->n_wrt; i++) {
        const t_tensor *t = &r->tensor[k->tensor[i]];
        const float *want = k->dwrt[i] ? cotangent(r, k, i, wanted) : NULL;
        const float *got = k->dwrt[i] ? cotangent(r, k, i, gotten) : NULL;
        double scale = 0, worst = 0;
        for (size_t e = 0; want && e < t->count; e++) {
            const double off = fabs((double)got[e] - (double)want[e]);
            scale = fabs((double)want[e]) > scale ? fabs((double)want[e]) : scale;
            worst = off <= worst ? worst : off;
        }
        if (worst <= tolerance * scale)
            continue;
        snprintf(text, size, "cotangent of %s on the device differs from ref by %.2g of its largest value, above %.2g",
                 t->sig.name, worst / scale, tolerance);
        return false;
    }
    return true;
}

/* Are bits promised for every node of a graph? */
static bool exact(const scl_graph *g)
{
    for (int i = 0; i < g->n_node; i++)
        for (int a = 0; a < scl_op_attrs(g->node[i]->op); a++)
            if (scl_attr_sig_parse(g->node[i]->op->attr[a]).kind == SCL_ATTR_TEXT &&
                g->node[i]->attr[a].text && !strcmp(g->node[i]->attr[a].text, "clblast"))
                return false;
    return true;
}

static bool check_output(t_run *r, int output, scl_backend *device, scl_backend *reference, double *error,
                         int *checked, char *text, size_t size, scl_err *err)
{
    rule k = { 0 };
    t_bundle want = { 0 }, got = { 0 };
    if (make_vjp(r, &k, output, err) != SCL_OK ||
        run_vjp(r, &k, reference, &want, text, size, err) != SCL_OK || text[0])
        return false;
    for (int i = 0; i < k.n_wrt; i++) {
        const t_tensor *t = &r->tensor[k.tensor[i]];
        bool maybe = false;
        if (!k.dwrt[i] && !r->c->grad_of)
            continue;
        if (!k.dwrt[i] && named(r->c->grad_of, t->sig.name, &maybe) && !maybe) {
            snprintf(text, size, "no cotangent of '%s'", t->sig.name);
            return false;
        }
        if (!k.dwrt[i]) {       /* then the output must not depend on it */
            const float *zero = SCL_NEW_ARRAY(&r->arena, float, t->count);
            if (!check_input(r, &k, i, output, zero, error, text, size))
                return false;
            continue;
        }
        ++*checked;
        if (!check_input(r, &k, i, output, cotangent(r, &k, i, &want), error, text, size))
            return false;
    }
    if (device == reference || !exact(k.built.graph))
        return true;
    if (run_vjp(r, &k, device, &got, text, size, err) != SCL_OK || text[0])
        return false;
    const double tolerance = scl_matrix_unit(&device->info) ? scl_precision_tolerance(device->info.matrix.precision) : 0;
    return tolerance > 0 ? near(r, &k, tolerance, &want, &got, text, size) : same_bits(r, &k, &want, &got, text, size);
}

bool t_check_grad(t_run *r, scl_backend *device, scl_backend *reference, double *error, char *text,
                  size_t size, scl_err *err)
{
    int checked = 0;
    *error = 0;
    for (int o = r->n_in; o < r->n_in + r->built.node->n_out; o++)
        if (r->tensor[o].sig.dtype == SCL_F32 && !r->tensor[o].sig.inplace[0] &&
            !check_output(r, o, device, reference, error, &checked, text, size, err))
            return false;
    if (!checked)
        snprintf(text, size, "no input has a cotangent");
    return checked > 0;
}

/* ---- forward mode ---- */

static bool compare_tangent(t_run *r, int output, const float *got, const double *up, const double *down,
                            double step, double *error, char *text, size_t size)
{
    const t_tensor *y = &r->tensor[output];
    const double tolerance = r->c->grad_tol > 0 ? r->c->grad_tol : 2e-4;
    double scale = 1e-6, worst = 0;
    size_t at = 0;
    for (size_t i = 0; i < y->count; i++) {
        const double slope = (up[i] - down[i]) / (2 * step), off = fabs((double)got[i] - slope);
        scale = fabs(slope) > scale ? fabs(slope) : scale;
        if (!(off <= worst)) {
            worst = off;
            at = i;
        }
    }
    *error = worst / scale > *error ? worst / scale : *error;
    if (worst <= tolerance * scale)
        return true;
    char element[96];
    t_element(y, at, element, sizeof element);
    snprintf(text, size, "tangent of %s is %.9g, central difference %.9g", element, (double)got[at],
             (up[at] - down[at]) / (2 * step));
    return false;
}

static double *oracle_along(t_run *r, int output, const rule *k, const float *const *dx, double step)
{
    for (int i = 0; i < k->n_wrt; i++)
        for (size_t e = 0; e < r->tensor[k->tensor[i]].count; e++)
            ((double *)r->tensor[k->tensor[i]].wide)[e] += step * (double)dx[i][e];
    t_run_oracle(r);
    for (int i = 0; i < k->n_wrt; i++)
        for (size_t e = 0; e < r->tensor[k->tensor[i]].count; e++)
            ((double *)r->tensor[k->tensor[i]].wide)[e] =
                (double)((const float *)r->tensor[k->tensor[i]].data)[e];
    double *y = scl_arena_alloc(&r->arena, r->tensor[output].count * sizeof *y);
    memcpy(y, r->tensor[output].wide, r->tensor[output].count * sizeof *y);
    return y;
}

/* The tangent of one output along one input; where there is none, the output must not depend on it.  A rule may refuse an input by an error of its own (the contract: it names the
 * operator). */
static bool along_input(t_run *r, int input, int output, scl_backend *reference, double *error, char *text, size_t size,
                        scl_err *err)
{
    const t_tensor *t = &r->tensor[input];
    const t_build_options whole = { .samples = r->letter['N' - 'A'] };
    rule k = { .n_wrt = 1, .tensor = { input } };
    scl_value *dx, *dy = NULL;
    scl_err refused = { 0 };
    if (t_build(r, &k.built, &whole, err) != SCL_OK)
        return false;
    k.wrt[0] = k.built.value[input];
    const float *data = random_like(r, t, "tangent");
    const char *name = scl_arena_printf(&r->arena, "tangent of %s", t->sig.name);
    if (scl_value_get(k.built.graph, &dx, SCL_INPUT, name, SCL_F32, t->rank, t->dims, err) != SCL_OK)
        return false;
    if (scl_jvp(k.built.graph, k.built.value[output], k.wrt, &dx, 1, &dy, &refused) != SCL_OK) {
        const bool clear = strstr(refused.message, r->table->name) != NULL;
        if (!clear)
            snprintf(text, size, "refused without the operator's name: %s", refused.message);
        scl_err_clear(&refused);
        return clear;
    }
    if (dy && dy->role != SCL_INTERMEDIATE)
        return true;
    if (dy && !dy->output)
        scl_output(dy, "tangent");
    const float *got = SCL_NEW_ARRAY(&r->arena, float, r->tensor[output].count);
    t_bundle in, result = { 0 };
    t_inputs(r, &k.built, 0, &in);
    in.item[in.n++] = (t_data){ dx, (void *)(uintptr_t)data };
    if (scl_find_value(k.built.graph, "counters") && !t_bundle_find(&in, scl_counters(k.built.graph)))
        in.item[in.n++] = (t_data){ scl_counters(k.built.graph), r->counters };
    if (dy &&
        (t_execute(&r->arena, reference, k.built.graph, NULL, &in, &result, text, size, err) != SCL_OK ||
         text[0]))
        return false;
    if (dy)
        got = t_bundle_find(&result, dy);
    const double step = 1e-5;
    const double *up = oracle_along(r, output, &k, &data, step),
                 *down = oracle_along(r, output, &k, &data, -step);
    return compare_tangent(r, output, got, up, down, step, error, text, size);
}

bool t_check_jvp(t_run *r, scl_backend *reference, double *error, char *text, size_t size, scl_err *err)
{
    if ((!r->table->jvp && !scl_is_pointwise(r->built.node)) || r->tensor[r->n_in].sig.inplace[0])
        return true;
    for (int o = r->n_in; o < r->n_in + r->built.node->n_out; o++)
        for (int i = 0; i < r->n_in; i++)
            if (r->tensor[o].sig.dtype == SCL_F32 && differentiable(r, i) &&
                !along_input(r, i, o, reference, error, text, size, err))
                return false;
    return true;
}
