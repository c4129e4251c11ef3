/* scorecl report: one HTML page of runs. */
#include "cli/report.h"

#include <stdio.h>

#include "base/file.h"
#include "cli/cli.h"
#include "cli/page.h"

static scl_status write_page(const char *const *run, int n, const char *out, const char *json_file, scl_err *err)
{
    json_t *data;
    scl_arena arena = { 0 };
    SCL_TRY(report_all(run, n, false, &data, err));
    const char *file = out ? out : scl_arena_printf(&arena, "%s/report.html", run[0]);
    scl_status status = cli_page_write(file, "report.js", data, err);
    if (status == SCL_OK && cli_shows_text(json_file))
        printf("%s\n", file);
    if (status == SCL_OK && json_file)
        status = cli_write_json(json_file, json_incref(data), err);
    json_decref(data);
    scl_arena_free(&arena);
    return status;
}

scl_status scl_cli_report(int argc, char **argv, scl_err *err)
{
    const char *out = NULL, *json_file = NULL;
    bool follow = false, done;
    int n, port = 0;
    const cli_flag flags[] = {
        { "out", 0, CLI_TEXT, &out, "FILE", "the page (default: report.html in the first run's folder)" },
        { "follow", 0, CLI_SWITCH, &follow, NULL, "serve the page on 127.0.0.1 instead; it follows the runs until Ctrl-C" },
        { "port", 0, CLI_NUMBER, &port, "N", "with --follow: the port (default 0: a free one; its address is printed)" },
        { "json", 0, CLI_TEXT, &json_file, "FILE", "what the page holds, for machines (-: standard output)" },
        { 0 },
    };
    const cli_command command = { "RUN...",
                                  "One HTML page of a run directory, or of several beside each other: stages, losses, samples over training and\n"
                                  "over noise levels, evaluations, profile, config and environment.  The page needs no network and no other file.",
                                  flags, 1, CLI_MOST };
    SCL_TRY(cli_parse(&command, argc, argv, &n, &done, err));
    if (done)
        return SCL_OK;
    if (port > 65535)
        return scl_fail(err, SCL_BAD_CONFIG, "--port takes a number up to 65535, not %d", port);
    if (follow && (out || json_file))
        return scl_fail(err, SCL_BAD_CONFIG, "--follow writes no file: it goes without --out and --json");
    for (int i = 1; i <= n; i++) {
        json_t *look;
        report_room room = { 0 };
        SCL_TRY(report_run(argv[i], &room, &look, err));
        json_decref(look);
    }
    return follow ? report_serve((const char *const *)argv + 1, n, port, err)
                  : write_page((const char *const *)argv + 1, n, out, json_file, err);
}
