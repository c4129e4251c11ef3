/* scorecl: finds the command, prints the error record once, exits with the status. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cl/lost.h"
#include "cli/cli.h"
#include "config/errors.h"

static const struct {
    const char *name, *args, *brief;
    scl_status (*run)(int argc, char **argv, scl_err *err);
} commands[] = {
#define COMMAND(name, args, brief) { #name, args, brief, scl_cli_##name },
#include "cli/commands.def"
#undef COMMAND
};
enum { COMMANDS = (int)(sizeof commands / sizeof *commands) };

static void usage(FILE *to)
{
    fprintf(to, "scorecl " SCL_VERSION
                ": trains and samples score networks on any OpenCL device, from one YAML file\n\n"
                "usage: scorecl COMMAND ...      scorecl COMMAND --help says more\n\n");
    for (int i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-9s %-12s %s\n", commands[i].name, commands[i].args, commands[i].brief);
    fprintf(to, "\nExit codes: 0 done, 1 failed while running, 2 bad usage or config, 3 no usable device,\n"
                "4 verification found a difference, 130 interrupted (after a checkpoint)\n");
}

static void print_error(const scl_err *err)
{
    char small[4096];
    const size_t size = err->log ? strlen(err->log) + sizeof small : sizeof small;
    char *text = err->log ? malloc(size) : small;
    if (!text)
        return;
    scl_err_text(err, text, size);
    scl_log_status(NULL);
    fprintf(stderr, "%s%s\n", err->file[0] && err->line > 0 ? "" : "scorecl: ", text);
    if (text != small)
        free(text);
}

static int unknown(const char *name)
{
    const char *names[COMMANDS];
    for (int i = 0; i < COMMANDS; i++)
        names[i] = commands[i].name;
    const char *near = scl_nearest(name, names, COMMANDS);
    fprintf(stderr, "scorecl: there is no command '%s'", name);
    if (near)
        fprintf(stderr, "; did you mean '%s'?", near);
    fprintf(stderr, " (scorecl --help lists them)\n");
    return SCL_BAD_CONFIG;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    signal(SIGXFSZ, SIG_IGN);        /* a file size limit is an error of write, like a full disk */
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
        usage(stdout);
        return 0;
    }
    if (!strcmp(name, "--version"))
        name = "version";
    if (!name[0]) {
        usage(stderr);
        return SCL_BAD_CONFIG;
    }
    for (int i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name))
            continue;
        scl_err err = { 0 };
        scl_status status = commands[i].run(argc - 1, argv + 1, &err);
        if (status != SCL_OK && err.message[0])
            print_error(&err);
        scl_err_clear(&err);
        if (fflush(stdout) != 0 && status == SCL_OK) {
            fprintf(stderr, "scorecl: cannot write to standard output\n");
            status = SCL_FAILED;
        }
        fflush(stderr);
        if (scl_device_lost())           /* a driver's clean-up would wait for the device that hangs */
            _exit((int)status);
        return (int)status;
    }
    return unknown(name);
}
