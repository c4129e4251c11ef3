/* scorecl verify --fingerprint: do small experiments give the published weights and samples? */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "cl/device.h"
#include "cli/verify.h"
#include "run/build.h"
#include "run/fingerprint.h"
#include "run/json_text.h"

extern const struct { const char *name, *text; } scl_fingerprint_table[];

typedef struct session {
    const verify_options *o;
    const scl_published *published;
    json_t *rows, *operators, *devices;
    char device[16], name[256], lost[64];        /* lost: the config in which the device was lost, "" */
    int index;
    int passed, failed, skipped, broken;         /* checksums; configs that could not run */
    int part, parts;                             /* of the configs: every parts-th from the part-th on */
} session;

static void add_row(session *s, const char *config, const char *what, bool passed, double seconds, const char *message)
{
    char name[200];
    snprintf(name, sizeof name, "%s%s", config, what);
    json_array_append_new(s->rows, json_pack("{s:s, s:s, s:s, s:i, s:b, s:f, s:o}", "op", "fingerprint", "case", name,
                                             "device", s->name, "index", s->index, "passed", passed, "seconds", seconds,
                                             "message", scl_json_text(message)));
}

static void compare(session *s, const char *config, const struct scl_fingerprint_sum *sum, double seconds)
{
    const char *want = scl_published_find(s->published, config, sum->what, sum->of);
    char message[300] = "", what[128];
    if (!want)
        snprintf(message, sizeof message, "nothing is published for it yet; here it is %s", sum->checksum);
    else if (strcmp(want, sum->checksum) != 0)
        snprintf(message, sizeof message, "%s instead of %s", sum->checksum, want);
    snprintf(what, sizeof what, ": %s of %s", sum->what, sum->of);
    s->passed += !message[0];
    s->failed += want && message[0];
    s->skipped += !want;
    add_row(s, config, what, !message[0], seconds, message);
    json_t *row = json_array_get(s->rows, json_array_size(s->rows) - 1);
    json_object_set_new(row, "skipped", json_boolean(!want));
    json_object_set_new(row, "config", json_string(config));
    json_object_set_new(row, "what", json_string(sum->what));
    json_object_set_new(row, "of", json_string(sum->of));
    json_object_set_new(row, "checksum", json_string(sum->checksum));
    if (message[0])
        verify_say(s->o, "%s %s%s: %s\n", want ? "FAIL" : "skip", config, what, message);
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void mark(session *s, const char *key)
{
    json_object_set_new(json_array_get(s->rows, json_array_size(s->rows) - 1), key, json_true());
}

static void did_not_run(session *s, const char *config, double seconds, const char *line)
{
    verify_say(s->o, "FAIL %s: it does not run: %s\n", config, line);
    add_row(s, config, "", false, seconds, line);
    s->broken++;
    if (!verify_lost(s->device))
        return;
    mark(s, "lost");
    snprintf(s->lost, sizeof s->lost, "%s", config);
    verify_say(s->o, "%s was lost in %s: what is left is not run\n", s->name, config);
}

static void pass_config_over(session *s, const char *config)
{
    add_row(s, config, "", false, 0, "");
    verify_not_run(json_array_get(s->rows, json_array_size(s->rows) - 1), s->lost);
    s->broken++;
}

/* One config, or with text NULL the operators' graph.  What cannot run is told, and the others go on. */
static scl_status check(session *s, const char *config, const char *text, scl_err *err)
{
    scl_arena arena = { 0 };
    scl_fingerprint f;
    scl_err fault = { 0 };
    const double start = seconds_now();
    const int failed = s->failed;
    if (s->lost[0]) {
        pass_config_over(s, config);
        return SCL_OK;
    }
    scl_status status = text ? scl_fingerprint_config(&f, &arena, config, text, s->device, &fault)
                             : scl_fingerprint_operators(&f, &arena, s->device, &fault);
    const double seconds = seconds_now() - start;
    if (status == SCL_OK) {
        for (int i = 0; i < f.n; i++)
            compare(s, config, &f.sum[i], seconds / f.n);
        json_t *used = json_array();
        for (int i = 0; i < f.n_operator; i++)
            json_array_append_new(used, json_string(f.operator_[i]));
        json_object_set_new(s->operators, config, used);
        verify_say(s->o, "%-4s %-16s %3d checksums %7.2f s\n", s->failed > failed ? "FAIL" : "pass", config, f.n, seconds);
    } else if (status == SCL_INTERRUPTED || status == SCL_NO_DEVICE) {
        *err = fault;
    } else {
        char line[4096];
        scl_err_text(&fault, line, sizeof line);
        did_not_run(s, config, seconds, line);
        scl_err_clear(&fault);
        status = SCL_OK;
    }
    scl_arena_free(&arena);
    return status;
}

/* Of the configs, those that with the operators' graph use every operator, sampler and optimiser, in kernels that a processor's
 * compiler builds within a minute. */
static bool is_short(const char *name)
{
    return !strcmp(name, "ncsn_direct") || !strcmp(name, "points");
}

static scl_status check_configs(session *s, const char *of, scl_err *err)
{
    char name[64];
    int number = 0;
    if ((!of || !strcmp(of, "operators")) && number++ % s->parts == s->part)
        SCL_TRY(check(s, "operators", NULL, err));
    for (int i = 0; scl_fingerprint_table[i].name; i++) {
        const char *file = scl_fingerprint_table[i].name, *slash = strrchr(file, '/');
        if (!slash)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(slash + 1, "."), slash + 1);
        if ((of ? !strcmp(of, name) : s->o->all || is_short(name)) && number++ % s->parts == s->part)
            SCL_TRY(check(s, name, scl_fingerprint_table[i].text, err));
    }
    return SCL_OK;
}

static scl_status on_device(void *user, const char *sel, scl_err *err)
{
    session *s = user;
    scl_backend *b;
    SCL_TRY(scl_device_open(sel, &b, err));
    if (s->part == 0) {
        json_array_append_new(s->devices, verify_device_json(&b->info));
        verify_say(s->o, "%s: %s, driver %s\n", b->info.platform, b->info.name, b->info.driver);
    }
    snprintf(s->device, sizeof s->device, "%d", b->info.index);
    if (b->info.klass == SCL_CLASS_REFERENCE)
        snprintf(s->device, sizeof s->device, "reference");
    snprintf(s->name, sizeof s->name, "%s", b->info.name);
    s->index = b->info.index;
    s->lost[0] = 0;
    b->v->close(b);
    return check_configs(s, s->o->case_name, err);
}

static scl_status read_published(const verify_options *o, scl_arena *arena, const scl_published **out, scl_err *err)
{
    const char *text = NULL, *name = "tests/fingerprints.yaml";
    scl_published *p = NULL;
    for (int i = 0; scl_fingerprint_table[i].name; i++)
        if (!strcmp(scl_fingerprint_table[i].name, "fingerprints.yaml"))
            text = scl_fingerprint_table[i].text;
    char *own = NULL;
    size_t size;
    if (o->published) {
        SCL_TRY(scl_file_read(o->published, &own, &size, err));
        text = own;
        name = o->published;
    }
    scl_status status = scl_published_read(&p, arena, text, name, err);
    free(own);
    if (status == SCL_OK && scl_published_arithmetic(p) != SCL_ARITHMETIC)
        status = scl_fail(err, SCL_FAILED, "%s holds checksums of arithmetic %d, this is %d", name, scl_published_arithmetic(p),
                          SCL_ARITHMETIC);
    *out = p;
    return status;
}

/* ---- by two processes: a processor's driver compiles in one thread, and nearly all of the time is compiling ---- */

enum { MOST_PARTS = 2 };

typedef struct part { pid_t pid; FILE *report; } part;

/* In a process of its own; does not return. */
static void do_part(session *s, FILE *out)
{
    scl_err err = { 0 };
    char text[4096] = "";
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    const scl_status status = verify_each_device(s->o, s->rows, on_device, s, &err);
    if (status != SCL_OK)
        scl_err_text(&err, text, sizeof text);
    json_t *report = json_pack("{s:i, s:o, s:O, s:O, s:O, s:i, s:i, s:i, s:i}", "status", (int)status, "error",
                               scl_json_text(text), "rows", s->rows, "operators", s->operators, "devices", s->devices, "passed",
                               s->passed, "failed", s->failed, "skipped", s->skipped, "broken", s->broken);
    const bool written = report && json_dumpf(report, out, 0) == 0 && fflush(out) == 0;
    fflush(stdout);
    _exit(written ? 0 : 1);
}

static int number_of(const json_t *report, const char *key) { return (int)json_integer_value(json_object_get(report, key)); }

static scl_status take_part(session *s, const part *p, scl_err *err)
{
    int how = 0;
    while (waitpid(p->pid, &how, 0) < 0 && errno == EINTR)
        ;
    rewind(p->report);
    json_t *report = json_loadf(p->report, 0, NULL);
    if (!report)
        return scl_fail(err, SCL_FAILED, WIFSIGNALED(how) ? "a part of the fingerprint was ended by signal %d"
                                                          : "a part of the fingerprint ended with exit code %d",
                        WIFSIGNALED(how) ? WTERMSIG(how) : WEXITSTATUS(how));
    json_array_extend(s->rows, json_object_get(report, "rows"));
    json_array_extend(s->devices, json_object_get(report, "devices"));
    json_object_update(s->operators, json_object_get(report, "operators"));
    s->passed += number_of(report, "passed");
    s->failed += number_of(report, "failed");
    s->skipped += number_of(report, "skipped");
    s->broken += number_of(report, "broken");
    const scl_status status = (scl_status)number_of(report, "status");
    const char *text = json_string_value(json_object_get(report, "error"));
    scl_status told = status;
    if (status != SCL_OK)
        told = scl_fail(err, status, "%s", text ? text : "");
    json_decref(report);
    return told;
}

/* No device may have been opened yet: drivers do not outlive a fork. */
static scl_status check_parts(session *s, scl_err *err)
{
    part p[MOST_PARTS];
    int n = 0;
    scl_status status = SCL_OK;
    s->parts = s->o->case_name || !strcmp(s->o->device, "all") || sysconf(_SC_NPROCESSORS_ONLN) < MOST_PARTS ? 1 : MOST_PARTS;
    if (s->parts == 1)
        return verify_each_device(s->o, s->rows, on_device, s, err);
    fflush(stdout);
    for (; n < s->parts && status == SCL_OK; n++) {
        s->part = n;
        p[n].report = tmpfile();
        p[n].pid = p[n].report ? fork() : -1;
        if (p[n].pid == 0)
            do_part(s, p[n].report);
        if (p[n].pid < 0) {
            status = scl_fail(err, SCL_FAILED, "no second process for the fingerprint: %s", strerror(errno));
            if (p[n].report)
                fclose(p[n].report);
            break;
        }
    }
    for (int i = 0; i < n; i++) {
        scl_err other = { 0 };
        const scl_status took = take_part(s, &p[i], status == SCL_OK ? err : &other);
        status = status == SCL_OK ? took : status;
        scl_err_clear(&other);
        fclose(p[i].report);
    }
    return status;
}

static scl_status verdict(const session *s, scl_err *err)
{
    verify_say(s->o, "%d passed, %d failed, %d skipped%s\n", s->passed, s->failed, s->skipped,
               s->failed ? ": here other bits are computed than on our devices; `scorecl verify` with this device names the operator" : "");
    if (s->broken && !s->failed)
        return scl_fail(err, SCL_FAILED, "%d of the configs did not run", s->broken);
    if (s->passed + s->failed + s->skipped == 0)
        return scl_fail(err, SCL_BAD_CONFIG, "--case %s: no fingerprint has this name", s->o->case_name);
    return s->failed || !s->passed ? SCL_DIFFERENT : SCL_OK;
}

scl_status verify_fingerprint(const verify_options *o, json_t *report, scl_err *err)
{
    scl_arena arena = { 0 };
    session s = { .o = o, .rows = json_array(), .operators = json_object(), .devices = json_array() };
    json_object_set_new(report, "arithmetic", json_integer(SCL_ARITHMETIC));
    json_object_set_new(report, "devices", s.devices);
    json_object_set_new(report, "cases", s.rows);
    json_object_set_new(report, "operators", s.operators);
    scl_status status = read_published(o, &arena, &s.published, err);
    if (status == SCL_OK)
        status = check_parts(&s, err);
    if (status == SCL_OK)
        status = verdict(&s, err);
    json_object_set_new(report, "passed", json_integer(s.passed));
    json_object_set_new(report, "failed", json_integer(s.failed));
    json_object_set_new(report, "skipped", json_integer(s.skipped));
    json_object_set_new(report, "not_run", json_integer(s.broken));
    scl_arena_free(&arena);
    return status;
}
