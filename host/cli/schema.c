/* scorecl schema: the table of config keys. */
#include <stdio.h>

#include "cli/cli.h"

scl_status scl_cli_schema(int argc, char **argv, scl_err *err)
{
    bool json = false, man = false, done;
    int n;
    const cli_flag flags[] = {
        { "json-schema", 0, CLI_SWITCH, &json, NULL, "a JSON schema, for editors" },
        { "man", 0, CLI_SWITCH, &man, NULL, "a manual page, scorecl-config(5)" },
        { 0 },
    };
    const cli_command command = { "", "Every config key with type, default, range and help.", flags, 0, 0 };
    SCL_TRY(cli_parse(&command, argc, argv, &n, &done, err));
    if (done)
        return SCL_OK;
    scl_arena arena = { 0 };
    fputs(json ? scl_schema_json(&arena) : man ? scl_schema_man(&arena) : scl_schema_text(&arena), stdout);
    scl_arena_free(&arena);
    return SCL_OK;
}
