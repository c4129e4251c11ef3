/* scorecl verify: every operator's cases against its C definition, and that against the oracle. */
#include <stdlib.h>
#include <string.h>

#include "cl/device.h"
#include "cl/matrix.h"
#include "cli/verify.h"

typedef struct tally {
    int cases, failed, candidates;
    bool tolerated;
    double error, grad_error, seconds;
} tally;

typedef struct session {
    const verify_options *o;
    scl_backend *device, *reference;
    const char *setting;               /* build options besides the usual; "" */
    json_t *rows, *devices;
    int cases, failed;
} session;

static json_t *row_of(const session *s, const t_report *r)
{
    json_t *row =
        json_pack("{s:s, s:s, s:s, s:b, s:b, s:i, s:I, s:f, s:f, s:f}", "op", r->op, "case", r->name,
                  "device", s->device->info.name, "passed", r->passed, "bits", !r->tolerated && r->passed,
                  "candidates", r->candidates, "elements_compared", (json_int_t)r->elements, "error",
                  r->error, "tolerance", r->tolerance, "seconds", r->seconds);
    if (r->grad_error >= 0)
        json_object_set_new(row, "derivative_error", json_real(r->grad_error));
    if (r->tolerated)
        json_object_set_new(row, "device_error", json_real(r->device_error));
    if (s->setting[0])
        json_object_set_new(row, "build_options", json_string(s->setting));
    if (!r->passed)
        json_object_set_new(row, "message", json_string(r->message));
    return row;
}

static void count(tally *t, const t_report *r)
{
    t->cases++;
    t->failed += !r->passed;
    t->candidates += r->candidates;
    t->tolerated |= r->tolerated;
    t->error = r->error > t->error ? r->error : t->error;
    t->grad_error = r->grad_error > t->grad_error ? r->grad_error : t->grad_error;
    t->seconds += r->seconds;
}

static void print_row(const session *s, const t_op *op, const tally *t)
{
    char derivative[32] = "-";
    if (t->grad_error >= 0)
        snprintf(derivative, sizeof derivative, "%.1e", t->grad_error);
    verify_say(s->o, "%-18s %5d %10d  %-8s %11.1e %11s %8.2f\n", op->name, t->cases, t->candidates,
           t->failed ? "FAIL" : t->tolerated ? "equal*" : "equal", t->error, derivative, t->seconds);
}

/* A slow device's cases end somewhere, but every operator has one. */
static bool wanted_case(const session *s, const t_op *op, const t_case *c)
{
    if (s->o->case_name)
        return !strcmp(c->name, s->o->case_name);
    return (s->o->all || !c->bench) && (!s->o->work || c == op->cases || t_case_flops(op, c) <= s->o->work);
}

static const char *index_text(const scl_device_info *d, char text[16])
{
    if (d->index < 0)
        return "reference";
    snprintf(text, 16, "%d", d->index);
    return text;
}

static void check_op(session *s, const t_op *op)
{
    const t_check_options options = { .all = s->o->all,
                                      .quick = s->o->quick,
                                      .one_candidate = s->o->candidate >= 0,
                                      .candidate = s->o->candidate,
                                      .tune = s->o->tune };
    tally t = { .grad_error = -1 };
    char index[16];
    for (int c = 0; c < op->n_cases; c++) {
        if (!wanted_case(s, op, &op->cases[c]))
            continue;
        if (s->o->candidate > 0 && s->o->candidate >= t_candidates(op, &op->cases[c], &s->device->info))
            continue;
        t_report r;
        t_check_case(op, &op->cases[c], s->device, s->reference, &options, &r);
        count(&t, &r);
        json_array_append_new(s->rows, row_of(s, &r));
        if (r.passed)
            continue;
        verify_say(s->o, "FAIL %s %s: %s\n     repeat with: %s%s%sscorecl verify --device %s --op %s --case %s\n", r.op,
               r.name, r.message, s->setting[0] ? "SCL_CL_OPTIONS=" : "", s->setting,
               s->setting[0] ? " " : "", index_text(&s->device->info, index), r.op, r.name);
    }
    if (t.cases)
        print_row(s, op, &t);
    s->cases += t.cases;
    s->failed += t.failed;
}

static void check_device(session *s)
{
    const scl_device_info *d = &s->device->info;
    verify_say(s->o, "%s: %s, driver %s%s%s\n", d->platform, d->name, d->driver, s->setting[0] ? ", with " : "",
           s->setting);
    verify_say(s->o, "%-18s %5s %10s  %-8s %11s %11s %8s\n", "operator", "cases", "candidates", "bits", "worst error",
           "derivative", "time [s]");
    const t_family *f;
    for (int i = 0; (f = t_family_at(i)); i++)
        for (int k = 0; k < f->n_ops; k++)
            if (!s->o->op || !strcmp(s->o->op, f->ops[k].name))
                check_op(s, &f->ops[k]);
}

/* One device under one setting of the compiler. */
static scl_status check_setting(session *s, const char *sel, scl_err *err)
{
    SCL_TRY(scl_device_open(sel, &s->device, err));
    json_array_append_new(s->devices, verify_device_json(&s->device->info));
    scl_matrix_result result;
    scl_status status = scl_matrix_use(s->device, s->o->precision, &result, err);
    if (status == SCL_OK)
        status = scl_reference_open(&s->reference, err);
    if (status == SCL_OK) {
        if (strcmp(s->o->precision, "f32") != 0)
            verify_say(s->o, "%s\n", result.text);
        check_device(s);
        s->reference->v->close(s->reference);
    }
    s->device->v->close(s->device);
    return status;
}

static scl_status check_selected(void *user, const char *sel, scl_err *err)
{
    session *s = user;
    const char *given = getenv("SCL_CL_OPTIONS");
    char before[256];
    snprintf(before, sizeof before, "%s", given ? given : "");
    s->setting = before;
    SCL_TRY(check_setting(s, sel, err));
    if (!s->o->all || strstr(before, "-cl-denorms-are-zero") || !strcmp(sel, "reference"))
        return SCL_OK;
    char both[320];
    snprintf(both, sizeof both, "%s%s-cl-denorms-are-zero", before, before[0] ? " " : "");
    setenv("SCL_CL_OPTIONS", both, 1);
    s->setting = both;
    const scl_status status = check_setting(s, sel, err);
    if (given)
        setenv("SCL_CL_OPTIONS", before, 1);
    else
        unsetenv("SCL_CL_OPTIONS");
    return status;
}

static scl_status known_names(const verify_options *o, scl_err *err)
{
    const t_family *f;
    bool op = !o->op, named = !o->case_name;
    for (int i = 0; (f = t_family_at(i)); i++)
        for (int k = 0; k < f->n_ops; k++) {
            if (o->op && strcmp(o->op, f->ops[k].name) != 0)
                continue;
            op = true;
            for (int c = 0; c < f->ops[k].n_cases && !named; c++)
                named = !strcmp(f->ops[k].cases[c].name, o->case_name);
        }
    if (!op)
        return scl_fail(err, SCL_BAD_CONFIG,
                        "no operator with cases is called '%s'; `scorecl ops` lists them", o->op);
    if (!named)
        return scl_fail(err, SCL_BAD_CONFIG, "no case%s%s is called '%s'", o->op ? " of " : "",
                        o->op ? o->op : "", o->case_name);
    return SCL_OK;
}

scl_status verify_operators(const verify_options *o, json_t *report, scl_err *err)
{
    SCL_TRY(known_names(o, err));
    session s = { .o = o, .rows = json_array(), .devices = json_array() };
    json_object_set_new(report, "devices", s.devices);
    json_object_set_new(report, "cases", s.rows);
    SCL_TRY(verify_each_device(o, s.rows, check_selected, &s, err));
    if (!s.cases && o->candidate > 0)
        return scl_fail(err, SCL_BAD_CONFIG, "--candidate %d: no case has so many", o->candidate);
    json_object_set_new(report, "passed", json_integer(s.cases - s.failed));
    json_object_set_new(report, "failed", json_integer(s.failed));
    verify_say(o, "%d passed, %d failed%s\n", s.cases - s.failed, s.failed, s.cases ? "" : ": nothing was checked");
    return s.failed || !s.cases ? SCL_DIFFERENT : SCL_OK;
}

/* ---- the kernels in use, for the lint ---- */

typedef struct listing { json_t *seen, *rows; } listing;

static void list_one(void *user, const char *family, const char *source, const char *kernel,
                     const char *options)
{
    listing *l = user;
    /* One entry per program: kernels of one file with the same options are compiled together. */
    json_t *key = json_sprintf("%s\n%s\n%s", source ? "" : family, source ? source : "", options);
    if (key && !json_object_get(l->seen, json_string_value(key))) {
        json_object_set_new(l->seen, json_string_value(key), json_true());
        json_t *row = json_pack("{s:s, s:s, s:s}", "family", family, "kernel", kernel, "options", options);
        if (source)
            json_object_set_new(row, "source", json_string(source));
        json_array_append_new(l->rows, row);
    }
    json_decref(key);
}

static const scl_device_info classes[] = {
    { .klass = SCL_CLASS_CPU,
      .name = "cpu",
      .compute_units = 2,
      .vector_width = 16,
      .max_work_group = 4096,
      .local_bytes = 1 << 20,
      .align_bytes = 128,
      .denormals = true,
      .local_is_cached_memory = true },
    { .klass = SCL_CLASS_GPU,
      .name = "gpu",
      .compute_units = 32,
      .vector_width = 1,
      .max_work_group = 256,
      .local_bytes = 32 << 10,
      .align_bytes = 128,
      .denormals = true },
};

scl_status verify_list_kernels(const verify_options *o, scl_err *err)
{
    listing l = { .seen = json_object(), .rows = json_array() };
    scl_status status = SCL_OK;
    for (size_t i = 0; i < sizeof classes / sizeof *classes && status == SCL_OK; i++)
        status = t_list_kernels(&classes[i], o->all, list_one, &l, err);
    if (status == SCL_OK)
        status = verify_write_json(l.rows, "-", err);
    json_decref(l.seen);
    json_decref(l.rows);
    return status;
}
