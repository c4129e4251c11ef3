/* scorecl verify (docs/interfaces.md, section 4). */
#include <stdlib.h>
#include <string.h>

#include "cl/device.h"
#include "cl/probe.h"
#include "cli/cli.h"
#include "cli/verify.h"
#include "run/build.h"
#include "run/verify.h"
#include "run/versions.h"

scl_status verify_probe(const verify_options *o, json_t *report, scl_err *err)
{
    scl_backend *b;
    scl_probe_result r;
    char text[1024];
    SCL_TRY(scl_device_open(o->device, &b, err));
    json_object_set_new(report, "devices", json_pack("[o]", verify_device_json(&b->info)));
    const scl_status status = scl_probe_device(b, true, &r, err);
    if (status == SCL_OK) {
        scl_probe_text(b, &r, text, sizeof text);
        if (o->show)
            puts(text);
        json_object_set_new(report, "probe",
                            json_pack("{s:b, s:i, s:i, s:s}", "promised", r.promised, "checks", r.n_check,
                                      "different", r.n_different, "differed", r.differed));
        json_t *row = json_pack("{s:s, s:s, s:b, s:s}", "op", "probe", "case", "device probe", "passed", r.promised,
                                "message", text);
        json_object_set_new(report, "cases", json_pack("[o]", row));
    }
    b->v->close(b);
    SCL_TRY(status);
    return r.promised ? SCL_OK : SCL_DIFFERENT;
}

enum { STEPS = 5 };

/* -o: of a config's keys, conv, precision and tune.OP.PARAM; faults as for a config.  *out is owned. */
static scl_status read_overrides(const cli_overrides *given, scl_config **out, scl_err *err)
{
    static const char least[] = "stages: { verify: { kind: sample, checkpoint: ./none.safetensors } }\n";
    for (int i = 0; i < given->n; i++)
        if (strcmp(given->at[i].key, "conv") != 0 && strcmp(given->at[i].key, "precision") != 0 &&
            strncmp(given->at[i].key, "tune.", 5) != 0)
            return scl_fail(err, SCL_BAD_CONFIG, "-o %s: verify knows the keys conv, precision and tune.OP.PARAM",
                            given->at[i].key);
    scl_config_errors errors = { 0 };
    scl_status status = scl_config_parse(least, sizeof least - 1, "verify", NULL, given->at, given->n, out,
                                         &errors, NULL);
    cli_print_faults(&errors);
    scl_config_errors_free(&errors);
    return status == SCL_OK ? cli_check_tune(*out, err) : status;
}

static scl_status run(const verify_options *o, const cli_overrides *overrides, scl_err *err)
{
    if (o->list_kernels)
        return verify_list_kernels(o, err);
    if (!o->config)
        setenv("SCL_LAUNCH_LIMIT", SCL_VERIFY_LAUNCH_LIMIT, 0);
    json_t *report = json_pack("{s:s, s:o}", "version", SCL_VERSION, "versions", scl_versions());
    const scl_status status = o->config        ? verify_config(o, overrides, report, err)
                              : o->replay      ? verify_replay(o, report, err)
                              : o->probe       ? verify_probe(o, report, err)
                              : o->golden      ? verify_golden(o, report, err)
                              : o->fingerprint ? verify_fingerprint(o, report, err)
                                               : verify_operators(o, report, err);
    const bool done = status == SCL_OK || status == SCL_DIFFERENT || json_object_get(report, "not_run");
    scl_status written = SCL_OK;
    if (done && o->json)
        written = verify_write_json(report, o->json, err);
    if (done && o->junit && written == SCL_OK)
        written = verify_write_junit(report, o->junit, err);
    json_decref(report);
    return written != SCL_OK ? written : status;
}

/* What verify does: one of these at a time. */
enum { OPERATORS = 1, CONFIG = 2, REPLAY = 4, PROBE = 8, GOLDEN = 16, FINGERPRINT = 32, LIST = 64, ANY = 127 };
static const char *const modes[] = { "the operators' cases", "--config",      "--replay",      "--probe",
                                     "--golden",             "--fingerprint", "--list-kernels" };

static const char *modes_text(unsigned set, char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < sizeof modes / sizeof *modes && used < size; i++, set >>= 1)
        if (set & 1)
            used += (size_t)snprintf(text + used, size - used, "%s%s", !used ? "" : set == 1 ? " or " : ", ", modes[i]);
    return text;
}

/* A flag that was given, and with what it goes. */
static scl_status goes_with(const char *flag, unsigned with, unsigned mode, scl_err *err)
{
    char right[200], wrong[40];
    if (with & mode)
        return SCL_OK;
    return scl_fail(err, SCL_BAD_CONFIG, "%s goes with %s, not with %s", flag, modes_text(with, right, sizeof right),
                    modes_text(mode, wrong, sizeof wrong));
}

static scl_status check_mode(const verify_options *o, const cli_overrides *overrides, unsigned mode, scl_err *err)
{
    bool conv = false;
    for (int i = 0; i < overrides->n; i++)
        conv |= !strcmp(overrides->at[i].key, "conv");
    const struct { const char *flag; bool given; unsigned with; } flags[] = {
        { "--device", o->devices->n > 0, ANY & ~LIST },
        { "more than one --device", o->devices->n > 1, CONFIG },
        { "more than one device (--device all)", !strcmp(o->device, "all"), OPERATORS | CONFIG | FINGERPRINT },
        { "--op", o->op, OPERATORS },
        { "--case", o->case_name, OPERATORS | FINGERPRINT },
        { "--all", o->all, OPERATORS | FINGERPRINT | LIST },
        { "--quick", o->quick, OPERATORS },
        { "--work", o->work, OPERATORS },
        { "--candidate", o->candidate >= 0, OPERATORS },
        { "-o", overrides->n, OPERATORS | CONFIG | GOLDEN },
        { "-o conv", conv, CONFIG | GOLDEN },
        { "--no-skip", o->no_skip, GOLDEN },
        { "--json", o->json, ANY & ~LIST },
        { "--junit", o->junit, ANY & ~LIST },
        { "--steps", o->steps >= 0, CONFIG },
        { "--cache", strcmp(o->cache, "usual"), CONFIG },
        { "--no-guards", o->no_guards, CONFIG },
        { "--out", o->out, CONFIG },
        { "--published", o->published, FINGERPRINT },
    };
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (flags[i].given)
            SCL_TRY(goes_with(flags[i].flag, flags[i].with, mode, err));
    return SCL_OK;
}

/* What fits together.  -1 stays where no candidate was named. */
static scl_status check_options(verify_options *o, const cli_overrides *overrides, scl_err *err)
{
    unsigned mode = (o->config ? CONFIG : 0) | (o->replay ? REPLAY : 0) | (o->probe ? PROBE : 0) | (o->golden ? GOLDEN : 0) |
                    (o->fingerprint ? FINGERPRINT : 0) | (o->list_kernels ? LIST : 0);
    char names[200];
    if (mode & (mode - 1))
        return scl_fail(err, SCL_BAD_CONFIG, "%s: one at a time", modes_text(mode, names, sizeof names));
    SCL_TRY(check_mode(o, overrides, mode ? mode : OPERATORS, err));
    if (!o->steps)
        return scl_fail(err, SCL_BAD_CONFIG, "--steps 0: nothing would be compared");
    if (strcmp(o->cache, "usual") != 0 && strcmp(o->cache, "cold") != 0 && strcmp(o->cache, "both") != 0)
        return scl_fail(err, SCL_BAD_CONFIG, "--cache is usual, cold or both, not '%s'", o->cache);
    o->steps = o->steps > 0 ? o->steps : STEPS;
    if (o->candidate >= 0 && o->tune[0])
        return scl_fail(err, SCL_BAD_CONFIG, "--candidate and -o tune: one at a time");
    return SCL_OK;
}

/* What follows from the flags; then the work itself. */
static scl_status complete(verify_options *o, const cli_overrides *overrides, scl_err *err)
{
    scl_arena arena = { 0 };
    scl_config *config = NULL;
    static const cli_overrides none = { 0 };
    scl_status status = read_overrides(o->config ? &none : overrides, &config, err);
    if (status == SCL_OK) {
        o->conv = scl_config_choice("conv", (int)config->conv);
        o->precision = scl_config_choice("precision", (int)config->precision);
        o->tune = scl_tune_list(config, &arena);
        o->show = cli_shows_text(o->json);
        status = check_options(o, overrides, err);
    }
    if (status == SCL_OK)
        status = run(o, overrides, err);
    scl_config_free(config);
    scl_arena_free(&arena);
    return status;
}

scl_status scl_cli_verify(int argc, char **argv, scl_err *err)
{
    cli_list devices = { 0 };
    verify_options o = { .device = "auto", .candidate = -1, .steps = -1, .devices = &devices, .cache = "usual" };
    bool done;
    int n;
    cli_overrides overrides = { 0 };
    const cli_flag flags[] = {
        { "device", 0, CLI_LIST, &devices, "SEL",
          "auto, cpu, gpu, reference, an index, part of a name, or all; --config: several" },
        { "op", 0, CLI_TEXT, &o.op, "NAME", "only this operator" },
        { "case", 0, CLI_TEXT, &o.case_name, "NAME", "only this case" },
        { "all", 0, CLI_SWITCH, &o.all, NULL,
          "every tuning candidate, the large cases too, and all with -cl-denorms-are-zero; --fingerprint: every config" },
        { "quick", 0, CLI_SWITCH, &o.quick, NULL, "the default candidate alone" },
        { "work", 0, CLI_NUMBER, &o.work, "FLOP",
          "only cases of at most so many floating-point operations, and each operator's first" },
        { "candidate", 0, CLI_NUMBER, &o.candidate, "I", "only the I-th candidate (0: the default)" },
        { NULL, 'o', CLI_OVERRIDE, &overrides, "KEY=VALUE",
          "--config: any key; else conv=NAME: convolution for --golden, precision=NAME: by matrix units, "
          "tune.OP.PARAM=N: force a candidate" },
        { "golden", 0, CLI_TEXT, &o.golden, "FILE", "the golden outputs of a safetensors file: a line per quantity" },
        { "no-skip", 0, CLI_SWITCH, &o.no_skip, NULL, "--golden: skipped quantities count as failures" },
        { "probe", 0, CLI_SWITCH, &o.probe, NULL, "the device probe, now" },
        { "list-kernels", 0, CLI_SWITCH, &o.list_kernels, NULL, "the programs that the cases use, as JSON" },
        { "json", 0, CLI_TEXT, &o.json, "FILE", "a report (-: standard output)" },
        { "junit", 0, CLI_TEXT, &o.junit, "FILE", "a report as JUnit's XML" },
        { "config", 0, CLI_TEXT, &o.config, "FILE",
          "run every stage that launches kernels, made short, on each device and compare every step, bit by bit (one device: "
          "with reference)" },
        { "steps", 0, CLI_NUMBER, &o.steps, "N", "--config: steps of every train stage (default 5)" },
        { "cache", 0, CLI_TEXT, &o.cache, "WHICH",
          "--config: compiled programs: usual, cold (caches begin empty), both (cold, then with what was kept)" },
        { "no-guards", 0, CLI_SWITCH, &o.no_guards, NULL, "--config: no second pass with bands between all buffers" },
        { "out", 0, CLI_TEXT, &o.out, "DIR",
          "--config: folder for a reproducer (default verify-replay, -2 ...), in a folder that is there" },
        { "replay", 0, CLI_TEXT, &o.replay, "DIR",
          "run a reproducer, a folder of --config: does this device give the expected bits, build the program, end the "
          "launch?" },
        { "fingerprint", 0, CLI_SWITCH, &o.fingerprint, NULL,
          "weights and samples of small configs against the published checksums, in a minute; --all: of all of them; "
          "--case NAME: of one" },
        { "published", 0, CLI_TEXT, &o.published, "FILE", "--fingerprint: other checksums than those inside the binary" },
        { 0 },
    };
    const cli_command command = { "", "Does this device compute right?  Without flags: every operator's cases on the default "
                                      "device, bits against the C\ndefinition and error against the double-precision oracle.  "
                                      "Exit code 4: something differs.\n"
                                      "A launch that has not ended after " SCL_VERIFY_LAUNCH_LIMIT " s hangs: the device is "
                                      "given up, exit code 1 (SCL_LAUNCH_LIMIT in the environment: other\nseconds, 0: any "
                                      "time; with --config: its launch_limit).", flags, 0, 0 };
    SCL_TRY(cli_parse(&command, argc, argv, &n, &done, err));
    if (done)
        return SCL_OK;
    o.device = devices.n ? devices.at[0] : "auto";
    return complete(&o, &overrides, err);
}
