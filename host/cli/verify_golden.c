/* scorecl verify --golden: a line per quantity of the file. */
#include <math.h>
#include <string.h>

#include "cl/device.h"
#include "cl/matrix.h"
#include "cli/verify.h"
#include "run/golden.h"

typedef struct tally { const verify_options *o; json_t *rows; int count[3]; } tally;

static void print_row(void *user, const scl_golden_row *r)
{
    static const char *const names[] = { "pass", "FAIL", "skip" };
    tally *t = user;
    t->count[r->verdict]++;
    if (r->verdict == SCL_GOLDEN_SKIP)
        verify_say(t->o, "skip %s - - (%s)\n", r->name, r->note);
    else
        verify_say(t->o, "%s %s %.3g %.3g%s%s%s\n", names[r->verdict], r->name, r->error, r->gate,
               r->note[0] ? "  (" : "", r->note, r->note[0] ? ")" : "");
    json_t *row = json_pack("{s:s, s:s, s:b, s:b, s:s, s:s}", "op", "golden", "case", r->name, "passed",
                            r->verdict == SCL_GOLDEN_PASS, "skipped", r->verdict == SCL_GOLDEN_SKIP,
                            "verdict", names[r->verdict], "message", r->note);
    if (isfinite(r->error)) {
        json_object_set_new(row, "error", json_real(r->error));
        json_object_set_new(row, "gate", json_real(r->gate));
    }
    json_array_append_new(t->rows, row);
}

scl_status verify_golden(const verify_options *o, json_t *report, scl_err *err)
{
    tally t = { .o = o, .rows = json_array() };
    scl_backend *b;
    json_object_set_new(report, "golden", json_string(o->golden));
    json_object_set_new(report, "cases", t.rows);
    SCL_TRY(scl_device_open(o->device, &b, err));
    json_object_set_new(report, "devices", json_pack("[o]", verify_device_json(&b->info)));
    scl_matrix_result result;
    scl_status status = scl_matrix_use(b, o->precision, &result, err);
    if (status == SCL_OK && strcmp(o->precision, "f32") != 0)
        verify_say(o, "%s\n", result.text);
    if (status == SCL_OK)
        status = scl_golden_check(b, o->golden, o->conv, o->tune, print_row, &t, err);
    b->v->close(b);
    SCL_TRY(status);
    const int passed = t.count[SCL_GOLDEN_PASS], failed = t.count[SCL_GOLDEN_FAIL],
              skipped = t.count[SCL_GOLDEN_SKIP];
    verify_say(o, "%d passed, %d failed, %d skipped\n", passed, failed, skipped);
    json_object_set_new(report, "passed", json_integer(passed));
    json_object_set_new(report, "failed", json_integer(failed));
    json_object_set_new(report, "skipped", json_integer(skipped));
    return failed || !passed || (o->no_skip && skipped) ? SCL_DIFFERENT : SCL_OK;
}
