/* scorecl verify --golden: every quantity of a file against its gate. */
#include "run/golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/golden_run.h"

/* Gates of docs/design/ncsn-spec.md, section 7; W of them is in golden_run.h. */
static const double gate_perturbed = 5e-7, gate_score = 1e-5, gate_chain = 5e-6, gate_loss = 1e-6,
                    gate_sliced_loss = 5e-6, gate_adam_loss = 2e-6, gate_gradient = 3e-5, gate_whole_gradient = 1e-5,
                    gate_adam_weights = 1e-3, gate_kink = 2e-2, gate_whole_kink = 5e-3, kink_margin = 2e-5;

typedef struct check {
    golden *g;
    scl_golden_visit *visit;
    void *user;
} check;

static bool starts(const char *text, const char *with) { return !strncmp(text, with, strlen(with)); }

static void report(const check *c, const char *name, double error, double gate, const char *note)
{
    const scl_golden_row row = { name, error <= gate ? SCL_GOLDEN_PASS : SCL_GOLDEN_FAIL, error, gate, note };
    c->visit(c->user, &row);
}

/* Largest difference and its gate over parts of `part` elements (the stored updates of a chain); the part
 * nearest to its gate. */
static void by_maximum(const check *c, int i, size_t part, double tolerance)
{
    const scl_tensor *t = &c->g->file->tensor[i];
    const double *want = scl_golden_tensor(c->g, t->name), *got = c->g->result[i];
    double error = 0, gate = tolerance;
    for (size_t first = 0; first < t->count; first += part) {
        double worst = 0, scale = 1;
        for (size_t k = first; k < first + part && k < t->count; k++) {
            const double d = fabs(got[k] - want[k]);
            worst = d <= worst ? worst : d;                  /* a NaN stays */
            scale = fabs(want[k]) > scale ? fabs(want[k]) : scale;
        }
        if (!(worst / (tolerance * scale) <= error / gate)) {
            error = worst;
            gate = tolerance * scale;
        }
        if (isnan(worst))
            break;
    }
    report(c, t->name, error, gate, "");
}

static void losses(const check *c, int i, double tolerance)
{
    const scl_tensor *t = &c->g->file->tensor[i];
    const double *want = scl_golden_tensor(c->g, t->name), *got = c->g->result[i];
    double error = 0, gate = tolerance * fabs(want[0]);
    for (size_t k = 0; k < t->count; k++) {
        const double d = fabs(got[k] - want[k]), allowed = tolerance * fabs(want[k]);
        if (!(d / allowed <= error / gate)) {
            error = d;
            gate = allowed;
        }
    }
    report(c, t->name, error, gate, "");
}

/* Every entry against `scale`, the largest of the loss's terms. */
static void by_scale(const check *c, int i, double tolerance, double scale)
{
    const scl_tensor *t = &c->g->file->tensor[i];
    const double *want = scl_golden_tensor(c->g, t->name), *got = c->g->result[i];
    double error = 0;
    for (size_t k = 0; k < t->count; k++) {
        const double d = fabs(got[k] - want[k]);
        error = d <= error ? error : d;
    }
    report(c, t->name, error, tolerance * scale, "");
}

/* Largest magnitude of a tensor's entries from `first` on; 0: no such tensor. */
static double largest(const check *c, const char *name, size_t first)
{
    const scl_tensor *t = scl_safetensors_find(c->g->file, name);
    const double *value = scl_golden_tensor(c->g, name);
    double most = 0;
    for (size_t k = first; t && k < t->count; k++)
        most = fabs(value[k]) > most ? fabs(value[k]) : most;
    return most;
}

static double distance(const double *a, const double *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (a[i] - (b ? b[i] : 0)) * (a[i] - (b ? b[i] : 0));
    return sqrt(sum);
}

static void weights(const check *c, int i)
{
    const scl_tensor *t = &c->g->file->tensor[i];
    const double *want = scl_golden_tensor(c->g, t->name);
    const double *before =
        scl_golden_tensor(c->g, scl_arena_printf(&c->g->arena, "param.%s", t->name + strlen("adam3.")));
    report(c, t->name, distance(c->g->result[i], want, t->count),
           c->g->W * gate_adam_weights * distance(want, before, t->count), "");
}

/* Rows of labels that are not in the batch have no gradient at all. */
static bool absent_rows_zero(const check *c, int i)
{
    const scl_tensor *t = &c->g->file->tensor[i], *labels = scl_safetensors_find(c->g->file, "in.labels");
    const size_t n = strlen(t->name), m = strlen("embed.weight");
    if (n < m || strcmp(t->name + n - m, "embed.weight") != 0 || !labels || t->rank != 2)
        return true;
    int32_t *label = SCL_NEW_ARRAY(&c->g->arena, int32_t, labels->count);
    scl_tensor_i32(labels, label);
    for (size_t row = 0; row < t->dim[0]; row++) {
        bool present = false;
        for (size_t k = 0; k < labels->count; k++)
            present |= (size_t)label[k] == row;
        for (size_t k = 0; !present && k < t->dim[1]; k++)
            if (c->g->result[i][row * t->dim[1] + k] != 0)
                return false;
    }
    return true;
}

/* May a derivative of ELU' or of a maximum have jumped between this arithmetic and the file's?  Those of second order may, and
 * NCSNv2's first (its pooling takes maxima). */
static bool near_kink(const check *c, const char *group)
{
    const char *margin = scl_safetensors_meta(c->g->file, "kink_margin");
    return margin && strtod(margin, NULL) < kink_margin &&
           (!strcmp(group, "ssm_grad") || !strcmp(c->g->net.net, "ncsnv2"));
}

/* One line for all tensors called GROUP.*: the tensor nearest to its gate, or the whole where that is
 * nearer. */
static void gradients(const check *c, int first, int end, const char *group)
{
    const double W = c->g->W;
    double whole = 0, off = 0, error = 0, gate = W * gate_gradient, most = 0;
    const char *worst = "";
    for (int i = first; i < end; i++) {
        const scl_tensor *t = &c->g->file->tensor[i];
        const double *want = scl_golden_tensor(c->g, t->name);
        whole += pow(distance(want, NULL, t->count), 2);
        off += pow(distance(c->g->result[i], want, t->count), 2);
    }
    whole = sqrt(whole);
    for (int i = first; i < end; i++) {
        const scl_tensor *t = &c->g->file->tensor[i];
        const double *want = scl_golden_tensor(c->g, t->name), norm = distance(want, NULL, t->count);
        const double scale = norm > 1e-4 * whole ? norm : 1e-4 * whole;
        const double relative =
            absent_rows_zero(c, i) ? distance(c->g->result[i], want, t->count) / scale : INFINITY;
        if (!(relative <= error)) {
            error = relative;
            worst = t->name;
        }
        most = error;
    }
    const double together = sqrt(off) / whole;
    if (!(together / (W * gate_whole_gradient) <= error / gate)) {
        error = together;
        gate = W * gate_whole_gradient;
        worst = "all tensors together";
    }
    if (error > gate && near_kink(c, group) && most <= gate_kink && together <= gate_whole_kink) {
        error = most;
        gate = gate_kink;
        worst = "passed, kink";
    }
    report(c, group, error, gate, worst);
}

static void skip(const check *c, const char *name, const char *why)
{
    const scl_golden_row row = { name, SCL_GOLDEN_SKIP, NAN, NAN, why };
    c->visit(c->user, &row);
}

static bool is_available(const golden *g)
{
    return starts(g->net.net, "ncsn");
}

static const char *reason(const check *c)
{
    const golden *g = c->g;
    if (!is_available(g))
        return scl_arena_printf(&c->g->arena, "the network %s is not available in this version", g->net.net);
    return "this quantity is not available in this version";
}

static void one_tensor(const check *c, int i)
{
    const golden *g = c->g;
    const scl_tensor *t = &g->file->tensor[i];
    const char *name = t->name;
    if (!g->result[i])
        skip(c, name, reason(c));
    else if (!strcmp(name, "out.perturbed"))
        by_maximum(c, i, t->count, gate_perturbed);
    else if (!strcmp(name, "out.score") || !strcmp(name, "out.jvp") || starts(name, "stage."))
        by_maximum(c, i, t->count, g->W * gate_score);
    else if (scl_golden_is_chain(name))
        by_maximum(c, i, (size_t)(g->n_chain * g->net.channels * g->net.height * g->net.width), g->W * gate_chain);
    else if (!strcmp(name, "out.dsm_loss"))
        losses(c, i, gate_loss);
    else if (!strcmp(g->net.net, "mlp") && starts(name, "out."))
        by_scale(c, i, gate_loss, t->count > 1                       ? largest(c, name, 1)
                                  : !strcmp(name, "out.ism_loss") ? g->ism_scale
                                                                  : largest(c, name, 0));
    else if (!strcmp(name, "out.ssm_loss") || !strcmp(name, "out.ssm_terms"))
        by_scale(c, i, g->W * gate_sliced_loss, largest(c, "out.ssm_terms", 0));
    else if (!strcmp(name, "out.adam_losses"))
        losses(c, i, g->W * gate_adam_loss);
    else if (starts(name, "adam3."))
        weights(c, i);
    else
        skip(c, name, reason(c));
}

/* "dsm_grad" of "dsm_grad.begin_conv.bias"; NULL: not in a group. */
static const char *group_of(check *c, const char *name)
{
    const size_t n = strcspn(name, ".");
    if (n < 5 || strncmp(name + n - 5, "_grad", 5) != 0)
        return NULL;
    char *group = scl_arena_strdup(&c->g->arena, name);
    group[n] = 0;
    return group;
}

static void compare(check *c)
{
    const scl_safetensors *f = c->g->file;
    for (int i = 0; i < f->n;) {
        const char *name = f->tensor[i].name, *group = group_of(c, name);
        int end = i + 1;
        bool complete = c->g->result[i] != NULL;
        for (; group && end < f->n && starts(f->tensor[end].name, group) &&
               f->tensor[end].name[strlen(group)] == '.';
             end++)
            complete &= c->g->result[end] != NULL;
        if (group && complete)
            gradients(c, i, end, group);
        else if (group)
            skip(c, group, reason(c));
        else if (starts(name, "out.") || starts(name, "stage.") || starts(name, "adam3."))
            one_tensor(c, i);
        i = end;
    }
}

static int number(const golden *g, const char *key)
{
    const char *text = scl_safetensors_meta(g->file, key);
    return text ? atoi(text) : 0;
}

/* Points under one noise level; the layers from the weights. */
static scl_status describe_points(golden *g, const scl_tensor *x, scl_err *err)
{
    const char *sigma = scl_safetensors_meta(g->file, "dsm_sigma");
    g->n = (int)x->dim[0];
    g->net.channels = (int)x->dim[1];
    g->net.height = g->net.width = g->net.levels = 1;
    g->unweighted = true;
    g->sigma = SCL_NEW_ARRAY(&g->arena, double, 1);
    g->sigma[0] = sigma ? strtod(sigma, NULL) : 1;
    for (int i = 0; i < SCL_MAX_WIDTHS; i++) {
        const char *next = scl_arena_printf(&g->arena, "param.%d.weight", 2 * i + 2);
        const scl_tensor *w = scl_safetensors_find(g->file, scl_arena_printf(&g->arena, "param.%d.weight", 2 * i));
        if (!w || !scl_safetensors_find(g->file, next))
            break;
        g->net.widths[g->net.n_widths++] = (int)w->dim[0];
    }
    return scl_net_check(&g->net, err);
}

/* Sizes from the tensors themselves. */
static scl_status describe(golden *g, const char *conv, scl_err *err)
{
    const char *net = scl_safetensors_meta(g->file, "net");
    const scl_tensor *x = scl_safetensors_find(g->file, "in.x"), *x0 = scl_safetensors_find(g->file, "ald.x0");
    x0 = x0 ? x0 : scl_safetensors_find(g->file, "in.x0");
    const scl_tensor *image = x ? x : x0, *sigmas = scl_safetensors_find(g->file, "sigmas");
    if (!net)
        return scl_fail_at(err, SCL_FAILED, g->file->path, 0, 0,
                           "not a golden file: no 'net' in its metadata");
    g->net = (scl_net_config){ .net = net, .ngf = number(g, "ngf"), .conv = conv, .conditional = scl_net_conditional(net, "auto") };
    if (!strcmp(net, "mlp") && x && x->rank == 2)
        return describe_points(g, x, err);
    if (!is_available(g) || !image || image->rank != 4 || !sigmas)
        return SCL_OK;
    g->net.channels = (int)image->dim[1];
    g->net.height = (int)image->dim[2];
    g->net.width = (int)image->dim[3];
    g->net.levels = (int)sigmas->count;
    g->sigma = scl_golden_tensor(g, "sigmas");
    g->n = x ? (int)x->dim[0] : 0;
    g->n_chain = x0 && x0->rank == 4 ? (int)x0->dim[0] : 0;
    return scl_net_check(&g->net, err);
}

static scl_status compute(golden *g, scl_err *err)
{
    if (!strcmp(g->net.net, "mlp") && g->n)
        return scl_golden_points(g, err);
    if (!is_available(g) || !g->sigma)
        return SCL_OK;
    if (g->n && scl_golden_find(g, "in.noise") >= 0 && scl_golden_find(g, "in.labels") >= 0) {
        SCL_TRY(scl_golden_gradients(g, err));
        if (scl_golden_find(g, "out.adam_losses") >= 0)
            SCL_TRY(scl_golden_adam(g, err));
    }
    if (g->n && scl_golden_find(g, "ssm.v") >= 0 && scl_golden_find(g, "in.labels") >= 0)
        SCL_TRY(scl_golden_sliced(g, err));
    return g->n_chain ? scl_golden_chains(g, err) : SCL_OK;
}

scl_status scl_golden_check(scl_backend *b, const char *file, const char *conv, const char *const *tune,
                            scl_golden_visit *visit, void *user, scl_err *err)
{
    golden g = { .b = b, .W = 1, .tune = tune };
    SCL_TRY(scl_safetensors_open(&g.file, file, err));
    g.result = SCL_NEW_ARRAY(&g.arena, double *, g.file->n + 1);
    scl_status status = describe(&g, conv, err);
    if (status == SCL_OK)
        status = compute(&g, err);
    if (status == SCL_OK) {
        check c = { &g, visit, user };
        compare(&c);
    }
    scl_safetensors_close(g.file);
    scl_arena_free(&g.arena);
    return status;
}
