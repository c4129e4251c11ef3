/* Which devices verify looks at. */
#include <string.h>

#include "cl/device.h"
#include "cli/verify.h"
#include "run/json_text.h"

scl_status verify_try_device(const char *sel, scl_device_info *info, scl_err *err)
{
    scl_backend *b;
    SCL_TRY(scl_device_open(sel, &b, err));
    *info = b->info;
    info->builder = NULL;
    const scl_status status = scl_device_usable(b, err);
    b->v->close(b);
    return status;
}

bool verify_lost(const char *sel)
{
    scl_device_info info;
    scl_err fault = { 0 };
    const bool lost = verify_try_device(sel, &info, &fault) != SCL_OK;
    scl_err_clear(&fault);
    return lost;
}

void verify_not_run(json_t *row, const char *lost)
{
    json_object_set_new(row, "not_run", json_true());
    json_object_set_new(row, "message", json_sprintf("not run: the device was lost in %s", lost));
}

void verify_pass_over(const verify_options *o, json_t *rows, const scl_device_info *d, const scl_err *fault)
{
    char line[4096];
    scl_err_text(fault, line, sizeof line);
    verify_say(o, "skip %d, %s: %s: %s\n", d->index, d->platform, d->name, line);
    json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:i, s:b, s:b, s:o}", "op", "device", "case", d->name, "device",
                                          d->name, "index", d->index, "passed", 0, "skipped", 1, "message",
                                          scl_json_text(line)));
}

static scl_status each(const verify_options *o, json_t *rows, const scl_devices *devices, verify_one_device *one, void *user,
                       scl_err *err)
{
    int able = 0;
    for (int i = 0; i < devices->n; i++) {
        char index[16];
        scl_device_info info = devices->info[i];
        scl_err fault = { 0 };
        snprintf(index, sizeof index, "%d", i);
        if (verify_try_device(index, &info, &fault) == SCL_OK) {
            able++;
            SCL_TRY(one(user, index, err));
        } else {
            verify_pass_over(o, rows, &info, &fault);
            scl_err_clear(&fault);
        }
    }
    if (!devices->n)
        return scl_fail(err, SCL_NO_DEVICE, "there is no OpenCL device");
    if (!able)
        return scl_fail(err, SCL_NO_DEVICE, "none of the %d OpenCL devices builds and runs a kernel", devices->n);
    return SCL_OK;
}

scl_status verify_each_device(const verify_options *o, json_t *rows, verify_one_device *one, void *user, scl_err *err)
{
    scl_arena arena = { 0 };
    scl_devices devices;
    if (strcmp(o->device, "all") != 0) {
        scl_device_info info;
        SCL_TRY(verify_try_device(o->device, &info, err));
        return one(user, o->device, err);
    }
    scl_status status = scl_devices_list(&devices, &arena, err);
    if (status == SCL_OK)
        status = each(o, rows, &devices, one, user, err);
    scl_arena_free(&arena);
    return status;
}
