/* scorecl verify: every operator's cases against its C definition, and that against the oracle. */
#include <stdlib.h>
#include <string.h>

#include "cl/device.h"
#include "cl/lost.h"
#include "cl/matrix.h"
#include "cli/verify.h"
#include "run/json_text.h"

typedef struct tally {
    int cases, failed, candidates;
    bool tolerated, lost;
    double error, grad_error, seconds;
} tally;

typedef struct session {
    const verify_options *o;
    scl_backend *device, *reference;
    scl_device_info info;
    char lost[160];                    /* operator and case in which the device was lost; "" */
    const char *setting;               /* build options besides the usual, in arena; "" */
    scl_arena arena;
    json_t *rows, *devices;
    int cases, failed, not_run;        /* not_run: those that a device was lost in or before, not among cases */
} session;

static json_t *row_of(const session *s, const t_report *r)
{
    json_t *row = json_pack("{s:s, s:s, s:s, s:i, s:b, s:b, s:i, s:I, s:f, s:f, s:f}", "op", r->op, "case", r->name, "device",
                            s->info.name, "index", s->info.index, "passed", r->passed, "bits", !r->tolerated && r->passed,
                            "candidates", r->candidates, "elements_compared", (json_int_t)r->elements, "error", r->error,
                            "tolerance", r->tolerance, "seconds", r->seconds);
    if (r->grad_error >= 0)
        json_object_set_new(row, "derivative_error", json_real(r->grad_error));
    if (r->tolerated)
        json_object_set_new(row, "device_error", json_real(r->device_error));
    if (s->setting[0])
        json_object_set_new(row, "build_options", json_string(s->setting));
    if (!r->passed)
        json_object_set_new(row, "message", scl_json_text(r->message));
    return row;
}

static void count(tally *t, const t_report *r, bool lost)
{
    t->cases++;
    t->failed += !r->passed && !lost;
    t->lost |= lost;
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
           t->failed ? "FAIL" : t->lost ? "lost" : t->tolerated ? "equal*" : "equal", t->error, derivative, t->seconds);
}

/* A slow device's cases end somewhere, but every operator has one. */
static bool wanted_case(const session *s, const t_op *op, const t_case *c)
{
    if (s->o->case_name)
        return !strcmp(c->name, s->o->case_name);
    return (s->o->all || !c->bench) && (!s->o->work || c == op->cases || t_case_flops(op, c) <= s->o->work);
}

static void fail_row(session *s, const t_report *r, bool lost)
{
    scl_arena arena = { 0 };
    const char *repeat = verify_repeat(s->o, &s->info, r, &arena);
    json_t *row = json_array_get(s->rows, json_array_size(s->rows) - 1);
    json_object_set_new(row, "repeat", json_string(repeat));
    if (lost)
        json_object_set_new(row, "lost", json_true());
    verify_say(s->o, "%s %s %s: %s\n     repeat with: %s\n", lost ? "LOST" : "FAIL", r->op, r->name, r->message, repeat);
    scl_arena_free(&arena);
}

/* The device was lost before. */
static void pass_case_over(session *s, const t_op *op, const t_case *c)
{
    const t_report r = { .op = op->name, .name = c->name, .grad_error = -1 };
    json_t *row = row_of(s, &r);
    verify_not_run(row, s->lost);
    json_array_append_new(s->rows, row);
    s->not_run++;
}

static void check_case(session *s, const t_op *op, const t_case *c, tally *t)
{
    const t_check_options options = { .all = s->o->all,
                                      .quick = s->o->quick,
                                      .one_candidate = s->o->candidate >= 0,
                                      .candidate = s->o->candidate,
                                      .tune = s->o->tune };
    t_report r;
    scl_err ignored = { 0 };
    t_check_case(op, c, s->device, s->reference, &options, &r);
    const bool lost = r.broken && (scl_device_hangs(s->info.index) || scl_device_usable(s->device, &ignored) != SCL_OK);
    scl_err_clear(&ignored);
    count(t, &r, lost);
    json_array_append_new(s->rows, row_of(s, &r));
    if (!r.passed)
        fail_row(s, &r, lost);
    if (lost) {
        snprintf(s->lost, sizeof s->lost, "%s %s", r.op, r.name);
        s->info.builder = NULL;        /* asks the device */
        s->not_run++;
    }
}

static void check_op(session *s, const t_op *op)
{
    tally t = { .grad_error = -1 };
    for (int c = 0; c < op->n_cases; c++) {
        if (!wanted_case(s, op, &op->cases[c]))
            continue;
        if (s->o->candidate > 0 && s->o->candidate >= t_candidates(op, &op->cases[c], &s->info))
            continue;
        if (s->lost[0])
            pass_case_over(s, op, &op->cases[c]);
        else
            check_case(s, op, &op->cases[c], &t);
    }
    if (t.cases)
        print_row(s, op, &t);
    s->cases += t.cases - t.lost;
    s->failed += t.failed;
}

static void check_all(session *s)
{
    const t_family *f;
    for (int i = 0; (f = t_family_at(i)); i++)
        for (int k = 0; k < f->n_ops; k++)
            if (!s->o->op || !strcmp(s->o->op, f->ops[k].name))
                check_op(s, &f->ops[k]);
}

static void check_device(session *s)
{
    const scl_device_info *d = &s->info;
    verify_say(s->o, "%s: %s, driver %s%s%s\n", d->platform, d->name, d->driver, s->setting[0] ? ", with " : "", s->setting);
    verify_say(s->o, "%-18s %5s %10s  %-8s %11s %11s %8s\n", "operator", "cases", "candidates", "bits", "worst error",
           "derivative", "time [s]");
    check_all(s);
}

/* One device under one setting of the compiler. */
static scl_status check_setting(session *s, const char *sel, scl_err *err)
{
    SCL_TRY(scl_device_open(sel, &s->device, err));
    s->info = s->device->info;
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

/* Again, with results near zero flushed by the compiler; before: the build options there are. */
static scl_status check_flushing(session *s, const char *sel, const char *before, scl_err *err)
{
    const char *both = scl_arena_printf(&s->arena, "%s%s-cl-denorms-are-zero", before, before[0] ? " " : "");
    s->setting = both;
    if (s->lost[0]) {
        check_all(s);
        return SCL_OK;
    }
    const bool given = getenv("SCL_CL_OPTIONS");
    setenv("SCL_CL_OPTIONS", both, 1);
    const scl_status status = check_setting(s, sel, err);
    if (given)
        setenv("SCL_CL_OPTIONS", before, 1);
    else
        unsetenv("SCL_CL_OPTIONS");
    return status;
}

static scl_status check_selected(void *user, const char *sel, scl_err *err)
{
    session *s = user;
    const char *given = getenv("SCL_CL_OPTIONS");
    const char *before = scl_arena_strdup(&s->arena, given ? given : "");
    const int not_run = s->not_run;
    s->setting = before;
    s->lost[0] = 0;
    SCL_TRY(check_setting(s, sel, err));
    json_array_append_new(s->devices, verify_device_json(&s->info));
    if (s->o->all && !strstr(before, "-cl-denorms-are-zero") && strcmp(sel, "reference") != 0)
        SCL_TRY(check_flushing(s, sel, before, err));
    if (s->lost[0])
        verify_say(s->o, "%s was lost in %s: %d cases, this one among them, were not run to their end\n", s->info.name, s->lost,
                   s->not_run - not_run);
    return SCL_OK;
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
    const scl_status status = verify_each_device(o, s.rows, check_selected, &s, err);
    scl_arena_free(&s.arena);
    SCL_TRY(status);
    if (!s.cases && !s.not_run && o->candidate > 0)
        return scl_fail(err, SCL_BAD_CONFIG, "--candidate %d: no case has so many", o->candidate);
    json_object_set_new(report, "passed", json_integer(s.cases - s.failed));
    json_object_set_new(report, "failed", json_integer(s.failed));
    json_object_set_new(report, "not_run", json_integer(s.not_run));
    if (json_array_size(s.devices) > 1)
        verify_table(o, s.devices, s.rows);
    verify_say(o, "%d passed, %d failed", s.cases - s.failed, s.failed);
    if (s.not_run)
        verify_say(o, ", %d not run", s.not_run);
    verify_say(o, "%s\n", s.cases || s.not_run ? "" : ": nothing was checked");
    if (!s.failed && s.not_run)
        return scl_fail(err, SCL_FAILED, "a device was lost: %d cases were not run", s.not_run);
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
