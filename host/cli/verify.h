/* `scorecl verify` and `scorecl bench`, shared between their files. */
#ifndef SCL_CLI_VERIFY_H
#define SCL_CLI_VERIFY_H

#include <stdio.h>

#include <jansson.h>

#include "cli/cli.h"
#include "op_check.h"

typedef struct verify_options {
    const char *device, *op, *case_name, *json, *junit, *golden, *conv, *precision, *published;
    const cli_list *devices;           /* as asked for; device: the only one, or "auto" */
    const char *config, *replay, *out, *cache;      /* cache: usual, cold or both */
    int steps;
    int work;                          /* floating-point operations of a case, at most; 0: any */
    bool no_guards;
    const char *const *tune;           /* forced: "conv2d.MR=4", NULL-terminated */
    bool all, quick, no_skip, list_kernels, probe, fingerprint;
    bool show;                         /* the text on standard output; else JSON goes there */
    int candidate;                     /* -1: the usual ones */
} verify_options;

/* Operators' cases on one device or on all; report: rows for --json and --junit.  Returns SCL_DIFFERENT
 * without a record when a case failed (its lines are printed). */
scl_status verify_operators(const verify_options *o, json_t *report, scl_err *err);
scl_status verify_golden(const verify_options *o, json_t *report, scl_err *err);
/* Where devices differ: the step, the node, the elements, and a reproducer in o->out. */
scl_status verify_config(const verify_options *o, const cli_overrides *overrides, json_t *report, scl_err *err);
/* o->config with few steps and samples, by overrides beside those that were asked for; left: stages that launch no kernels. */
scl_status verify_short_config(const verify_options *o, cli_overrides *overrides, scl_arena *arena, json_t *left,
                               scl_config **out, scl_err *err);
scl_status verify_replay(const verify_options *o, json_t *report, scl_err *err);
/* Small experiments against their published checksums (run/fingerprint.h); SCL_FAILED where one does not run. */
scl_status verify_fingerprint(const verify_options *o, json_t *report, scl_err *err);
scl_status verify_probe(const verify_options *o, json_t *report, scl_err *err);
scl_status verify_list_kernels(const verify_options *o, scl_err *err);

/* Calls one for the device that is asked for, under "all" for every one that builds and runs a kernel; the others are named, in rows
 * too.  SCL_NO_DEVICE: there is none. */
typedef scl_status verify_one_device(void *user, const char *sel, scl_err *err);
scl_status verify_each_device(const verify_options *o, json_t *rows, verify_one_device *one, void *user, scl_err *err);

/* Opens a device, and has it build and run a kernel.  SCL_NO_DEVICE: it builds or computes nothing, or there is none; else what
 * it was lost by. */
scl_status verify_try_device(const char *sel, scl_device_info *info, scl_err *err);
/* Names a device that is not able, in rows too. */
void verify_pass_over(const verify_options *o, json_t *rows, const scl_device_info *d, const scl_err *fault);

/* Says in a row that it was not run, as its device was lost in what is named. */
void verify_not_run(json_t *row, const char *lost);

/* Has a device that failed been lost?  sel: as for --device. */
bool verify_lost(const char *sel);

/* The command line that repeats a failed case alone, for a shell, with what in the environment changes kernels. */
char *verify_repeat(const verify_options *o, const scl_device_info *d, const t_report *r, scl_arena *arena);

/* One table of rows of verify_operators, operator x device. */
void verify_table(const verify_options *o, const json_t *devices, const json_t *rows);

/* --json: as cli_write_json, but the report stays the caller's.  --junit. */
scl_status verify_write_json(const json_t *report, const char *path, scl_err *err);
scl_status verify_write_junit(const json_t *report, const char *path, scl_err *err);

/* A part of the text result. */
void verify_say(const verify_options *o, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What a report says of a device. */
json_t *verify_device_json(const scl_device_info *d);

#endif
