/* scorecl schema: the table of config keys. */
#include <stdio.h>

#include "cli/cli.h"

scl_status scl_cli_schema(int argc, char **argv, scl_err *err)
{
    bool json = false, man = false, done;
    const char *json_file = NULL;
    int n;
    const cli_flag flags[] = {
        { "json-schema", 0, CLI_SWITCH, &json, NULL, "a JSON schema, for editors" },
        { "json", 0, CLI_TEXT, &json_file, "FILE", "the JSON schema, to a file (-: standard output)" },
        { "man", 0, CLI_SWITCH, &man, NULL, "a manual page, scorecl-config(5)" },
        { 0 },
    };
    const cli_command command = { "", "Every config key with type, default, range and help.", flags, 0, 0 };
    SCL_TRY(cli_parse(&command, argc, argv, &n, &done, err));
    if (done)
        return SCL_OK;
    scl_arena arena = { 0 };
    if (json_file) {
        const scl_status status = cli_write_json(json_file, json_loads(scl_schema_json(&arena), 0, NULL), err);
        scl_arena_free(&arena);
        return status;
    }
    fputs(json ? scl_schema_json(&arena) : man ? scl_schema_man(&arena) : scl_schema_text(&arena), stdout);
    scl_arena_free(&arena);
    return SCL_OK;
}
