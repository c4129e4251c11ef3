/* scorecl checksum: sha256 of the tensors of files, as sha256sum prints it. */
#include <stdio.h>

#include "cli/cli.h"
#include "data/safetensors.h"

scl_status scl_cli_checksum(int argc, char **argv, scl_err *err)
{
    const char *json_file = NULL;
    bool done;
    int n;
    const cli_flag flags[] = {
        { "json", 0, CLI_TEXT, &json_file, "FILE", "the result for machines (-: standard output)" },
        { 0 },
    };
    const cli_command command = { "FILE...", "sha256 over the tensors of .safetensors and .npy files, without their metadata.",
                                  flags, 1, -1 };
    SCL_TRY(cli_parse(&command, argc, argv, &n, &done, err));
    if (done)
        return SCL_OK;
    json_t *report = json_object();
    scl_status status = SCL_OK;
    for (int i = 1; i <= n && status == SCL_OK; i++) {
        char hex[65];
        status = scl_checksum_file(argv[i], hex, err);
        if (status == SCL_OK && cli_shows_text(json_file))
            printf("%s  %s\n", hex, argv[i]);
        if (status == SCL_OK)
            json_object_set_new(report, argv[i], json_string(hex));
    }
    if (status == SCL_OK && json_file)
        return cli_write_json(json_file, report, err);
    json_decref(report);
    return status;
}
