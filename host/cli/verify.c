/* scorecl verify (docs/interfaces.md, section 4). */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cl/device.h"
#include "cl/probe.h"
#include "cli/cli.h"
#include "cli/verify.h"

static const char help[] =
    "usage: scorecl verify [options]\n"
    "Does this device compute right?  Without options: every operator's cases on the default device, bits "
    "against the C\n"
    "definition and error against the double-precision oracle.\n"
    "  --device SEL       auto, cpu, gpu, reference, an index, part of a name, or all\n"
    "  --op NAME          only this operator        --case NAME   only this case\n"
    "  --all              every tuning candidate, also the large cases, also with -cl-denorms-are-zero\n"
    "  --quick            the default candidate alone\n"
    "  --candidate I      only the I-th candidate (0: the default)\n"
    "  --golden FILE      the golden outputs of a safetensors file: a line per quantity\n"
    "  -o conv=NAME       convolution for --golden: auto, winograd4, winograd2, direct or clblast\n"
    "  --no-skip          --golden: skipped quantities count as failures\n"
    "  --probe            the device probe, now\n"
    "  --list-kernels     the programs that the cases use, as JSON: family, options, generated source\n"
    "  --json FILE        report (-: standard output)   --junit FILE\n"
    "Exit code 4: something differs.\n";

enum {
    OPT_DEVICE = 256,
    OPT_OP,
    OPT_CASE,
    OPT_ALL,
    OPT_QUICK,
    OPT_CANDIDATE,
    OPT_GOLDEN,
    OPT_NO_SKIP,
    OPT_PROBE,
    OPT_LIST,
    OPT_JSON,
    OPT_JUNIT, OPT_LATER
};

static const struct option options[] = {
    { "help", no_argument, NULL, 'h' },
    { "device", required_argument, NULL, OPT_DEVICE },
    { "op", required_argument, NULL, OPT_OP },
    { "case", required_argument, NULL, OPT_CASE },
    { "all", no_argument, NULL, OPT_ALL },
    { "quick", no_argument, NULL, OPT_QUICK },
    { "candidate", required_argument, NULL, OPT_CANDIDATE },
    { "golden", required_argument, NULL, OPT_GOLDEN },
    { "no-skip", no_argument, NULL, OPT_NO_SKIP },
    { "probe", no_argument, NULL, OPT_PROBE },
    { "list-kernels", no_argument, NULL, OPT_LIST },
    { "json", required_argument, NULL, OPT_JSON },
    { "junit", required_argument, NULL, OPT_JUNIT },
    { "config", optional_argument, NULL, OPT_LATER },
    { "fingerprint", no_argument, NULL, OPT_LATER }, { "replay", optional_argument, NULL, OPT_LATER }, { 0 },
};

static scl_status set(verify_options *o, int c, const char *value, scl_err *err)
{
    switch (c) {
    case OPT_DEVICE: o->device = value; break;
    case OPT_OP: o->op = value; break;
    case OPT_CASE: o->case_name = value; break;
    case OPT_ALL: o->all = true; break;
    case OPT_QUICK: o->quick = true; break;
    case OPT_CANDIDATE: o->candidate = atoi(value); break;
    case OPT_GOLDEN: o->golden = value; break;
    case OPT_NO_SKIP: o->no_skip = true; break;
    case OPT_PROBE: o->probe = true; break;
    case OPT_LIST: o->list_kernels = true; break;
    case OPT_JSON: o->json = value; break;
    case OPT_JUNIT: o->junit = value; break;
    case 'o':
        if (strncmp(value, "conv=", 5) != 0)
            return scl_fail(err, SCL_BAD_CONFIG, "-o %s: verify knows the key conv alone", value);
        o->conv = value + 5;
        if (strcmp(o->conv, "auto") != 0 && strcmp(o->conv, "direct") != 0 && strcmp(o->conv, "clblast") != 0 &&
            strcmp(o->conv, "winograd4") != 0 && strcmp(o->conv, "winograd2") != 0)
            return scl_fail(err, SCL_BAD_CONFIG,
                            "-o conv=%s: not available in this version; there are auto, winograd4, winograd2, direct, clblast",
                            o->conv);
        break;
    case OPT_LATER:
        return scl_fail(err, SCL_BAD_CONFIG,
                        "verify --config, --fingerprint and --replay are not in this version");
    default: return scl_fail(err, SCL_BAD_CONFIG, "scorecl verify --help lists the options");
    }
    return SCL_OK;
}

scl_status verify_probe(const verify_options *o, json_t *report, scl_err *err)
{
    scl_backend *b;
    scl_probe_result r;
    char text[1024];
    SCL_TRY(scl_device_open(o->device, &b, err));
    const scl_status status = scl_probe_device(b, true, &r, err);
    if (status == SCL_OK) {
        scl_probe_text(b, &r, text, sizeof text);
        puts(text);
        json_object_set_new(report, "probe",
                            json_pack("{s:b, s:i, s:i, s:s}", "promised", r.promised, "checks", r.n_check,
                                      "different", r.n_different, "differed", r.differed));
    }
    b->v->close(b);
    SCL_TRY(status);
    return r.promised ? SCL_OK : SCL_DIFFERENT;
}

scl_status scl_cli_verify(int argc, char **argv, scl_err *err)
{
    verify_options o = { .device = "auto", .candidate = -1, .conv = "auto" };
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "ho:", options, NULL)) != -1) {
        if (c == 'h') {
            fputs(help, stdout);
            return SCL_OK;
        }
        SCL_TRY(set(&o, c, optarg, err));
    }
    if (optind < argc)
        return scl_fail(err, SCL_BAD_CONFIG, "verify takes no argument '%s'", argv[optind]);
    if (o.list_kernels)
        return verify_list_kernels(&o, err);
    json_t *report = json_pack("{s:s}", "version", SCL_VERSION);
    scl_status status = o.probe ? verify_probe(&o, report, err)
                        : o.golden ? verify_golden(&o, report, err) : verify_operators(&o, report, err);
    const bool done = status == SCL_OK || status == SCL_DIFFERENT;
    scl_status written = SCL_OK;
    if (done && o.json)
        written = verify_write_json(report, o.json, err);
    if (done && o.junit && written == SCL_OK)
        written = verify_write_junit(report, o.junit, err);
    json_decref(report);
    return written != SCL_OK ? written : status;
}
