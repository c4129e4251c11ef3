/* scorecl version: what a bug report needs. */
#include <stdio.h>
#include <string.h>

#include <sys/utsname.h>

#include "cl/device.h"
#include "cli/cli.h"
#include "run/versions.h"

static json_t *devices(scl_arena *arena, bool show)
{
    scl_devices list = { 0 };
    scl_err fault = { 0 };
    json_t *array = json_array();
    if (scl_devices_list(&list, arena, &fault) != SCL_OK && show)
        printf("devices     %s\n", fault.message);
    else if (list.n == 0 && show)
        printf("devices     none (--device reference computes without OpenCL)\n");
    for (int i = 0; i < list.n; i++) {
        const scl_device_info *d = &list.info[i];
        if (show)
            printf("device %-4d %s: %s, %s, driver %s\n", i, d->platform, d->name, d->version, d->driver);
        json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:s}", "platform", d->platform, "name",
                                               d->name, "version", d->version, "driver", d->driver));
    }
    scl_err_clear(&fault);
    return array;
}

static const char *of(const json_t *versions, const char *key)
{
    return json_string_value(json_object_get(versions, key));
}

scl_status scl_cli_version(int argc, char **argv, scl_err *err)
{
    const char *json_file = NULL;
    bool done;
    int n;
    const cli_flag flags[] = {
        { "json", 0, CLI_TEXT, &json_file, "FILE", "the result for machines (-: standard output)" },
        { 0 },
    };
    const cli_command command = { "", "Versions and devices: what a bug report needs.", flags, 0, 0 };
    SCL_TRY(cli_parse(&command, argc, argv, &n, &done, err));
    if (done)
        return SCL_OK;
    struct utsname system;
    uname(&system);
    scl_arena arena = { 0 };
    const bool show = cli_shows_text(json_file);
    char host[256];
    snprintf(host, sizeof host, "%.60s %.100s %.60s", system.sysname, system.release, system.machine);
    json_t *report = scl_versions();
    if (show)
        printf("scorecl     %s (arithmetic 1), built by %s\nsystem      %s\n"
               "libraries   CLBlast %s, OpenCL loader %s, libyaml %s, jansson %s, zlib %s\nkernels     sha256 %.16s\n",
               of(report, "scorecl"), of(report, "compiler"), host, of(report, "clblast"), of(report, "opencl_loader"),
               of(report, "libyaml"), of(report, "jansson"), of(report, "zlib"), of(report, "kernels_sha256"));
    json_object_set_new(report, "system", json_string(host));
    json_object_set_new(report, "devices", devices(&arena, show));
    scl_arena_free(&arena);
    if (json_file)
        return cli_write_json(json_file, report, err);
    json_decref(report);
    return SCL_OK;
}
