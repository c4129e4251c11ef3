/* scorecl bench: the operators' bench cases, or the steps of a network (docs/interfaces.md, sections 1 and
 * 6). */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cl/device.h"
#include "cli/bench.h"
#include "cli/cli.h"
#include "cli/verify.h"

static const char help[] =
    "usage: scorecl bench [options] [CONFIG | HxWxC-ngfN-bB]...\n"
    "Without an argument: every operator's bench cases: time, GFLOP/s, GB/s, share of the measured limit.\n"
    "With a config file, or sizes such as 28x28x1-ngf64-b32: forward, train_step and sample_step of its "
    "network.\n"
    "  --device SEL     as everywhere\n"
    "  --op NAME        only this operator's cases; may be given again\n"
    "  --all            every tuning candidate of every case, fastest last\n"
    "  --what NAME      only forward, train_step, sample_step or jvp, the score and its derivative along a\n"
    "                   vector (--scaling: conv2d, conv2d_dx, conv2d_dw too); may be given again\n"
    "  --by-operator    below each step, where its time goes; --by-shape: a row for each shape and kernel\n"
    "  --scaling        time per image against batch 1 to 128 and, at batch 8, channels 16 to 256: forward, "
    "train_step\n"
    "                   and the convolutions of the first level\n"
    "  --threads N      threads of a PoCL device\n"
    "  --seconds S      time for each row (default 1)\n"
    "  --untuned        a network without the rows that scorecl tune stored\n"
    "  -o KEY=VALUE     override a key of the config, sizes too: -o conv=direct\n"
    "  --json FILE      the same rows (-: standard output)\n";

bool bench_quiet(const bench_options *o)
{
    return o->json && !strcmp(o->json, "-");
}

static bool is_among(const cli_list *list, const char *name)
{
    for (int i = 0; i < list->n; i++)
        if (!strcmp(list->at[i], name))
            return true;
    return false;
}

bool bench_asked(const bench_options *o, const char *step) { return is_among(&o->what, step); }

double bench_peak(scl_backend *b)
{
    double gflops = 0;
    scl_err ignored = { 0 };
    if (b->info.klass == SCL_CLASS_REFERENCE || scl_measure_fma(b, 0.1, &gflops, &ignored) != SCL_OK)
        gflops = 0;
    scl_err_clear(&ignored);
    return gflops;
}

typedef struct ops_bench {
    scl_backend *b;
    const bench_options *o;
    scl_peak peak;
    json_t *rows;
    bool quiet;
} ops_bench;

/* Share of what the device can do: of the FMA peak measured beside it or of the copy rate, whichever
 * limits. */
static double share_of(const ops_bench *s, const t_time *t, double fma)
{
    const double compute = fma > 0 ? t->flops / t->median_s * 1e-9 / fma : 0;
    const double memory = s->peak.copy_gb_s > 0 ? t->bytes / t->median_s * 1e-9 / s->peak.copy_gb_s : 0;
    return compute > memory ? compute : memory;
}

static void print_case(const ops_bench *s, const char *op, const t_case *c, const t_time *t, double fma)
{
    const double gflops = t->flops / t->median_s * 1e-9, gbs = t->bytes / t->median_s * 1e-9,
                 share = share_of(s, t, fma);
    if (!s->quiet) {
        printf("%-16s %-24s %9.3f %9.3f %9.3f %9.1f %8.1f %6.0f%%  %s\n", op, c->name, t->min_s * 1e3,
               t->median_s * 1e3, t->max_s * 1e3, gflops, gbs, 100 * share, t->choice);
        fflush(stdout);
    }
    json_array_append_new(s->rows,
                          json_pack("{s:s, s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:i}", "op", op,
                                    "case", c->name, "dims", c->dims, "choice", t->choice, "min_s", t->min_s,
                                    "median_s", t->median_s, "max_s", t->max_s, "gflop_s", gflops, "gb_s",
                                    gbs, "share", share, "fma_peak_gflop_s", fma, "launches", t->launches));
}

static scl_status bench_case(ops_bench *s, const t_op *op, const t_case *c, scl_err *err)
{
    double before = bench_peak(s->b);
    for (int candidate = 0; candidate == 0 || s->o->all; candidate++) {
        t_time t;
        const int count = t_candidates(op, c, &s->b->info);
        if (candidate >= count)
            break;
        SCL_TRY(t_bench_case(op, c, s->b, candidate, s->o->seconds, &t, err));
        const double after = bench_peak(s->b);
        print_case(s, op->name, c, &t, before > after ? before : after);
        before = after;
    }
    return SCL_OK;
}

static bool has_cases(const char *op)
{
    const t_family *f;
    for (int i = 0; (f = t_family_at(i)); i++)
        for (int k = 0; k < f->n_ops; k++)
            if (!strcmp(f->ops[k].name, op))
                return true;
    return false;
}

static scl_status bench_operators(ops_bench *s, scl_err *err)
{
    const cli_list *asked = &s->o->op;
    for (int i = 0; i < asked->n; i++)
        if (!has_cases(asked->at[i]))
            return scl_fail(err, SCL_BAD_CONFIG, "no operator with cases is called '%s'", asked->at[i]);
    if (s->b->info.klass != SCL_CLASS_REFERENCE)
        SCL_TRY(scl_measure_peak(s->b, &s->peak, err));
    if (!s->quiet)
        printf("%s: FMA peak %.0f GFLOP/s, copy %.1f GB/s, launch %.1f us\n%-16s %-24s %9s %9s %9s %9s %8s "
               "%7s  %s\n",
               s->b->info.name, s->peak.fma_gflops, s->peak.copy_gb_s, s->peak.launch_us, "operator", "case",
               "min [ms]", "median", "max", "GFLOP/s", "GB/s", "limit", "implementation");
    const t_family *f;
    for (int i = 0; (f = t_family_at(i)); i++)
        for (int k = 0; k < f->n_ops; k++) {
            const t_op *op = &f->ops[k];
            if (asked->n && !is_among(asked, op->name))
                continue;
            for (int c = 0; c < op->n_cases; c++)
                if (op->cases[c].bench)
                    SCL_TRY(bench_case(s, op, &op->cases[c], err));
        }
    return SCL_OK;
}

enum {
    OPT_DEVICE = 256,
    OPT_OP,
    OPT_ALL,
    OPT_WHAT,
    OPT_BY_OPERATOR,
    OPT_BY_SHAPE,
    OPT_SCALING,
    OPT_THREADS,
    OPT_SECONDS,
    OPT_UNTUNED,
    OPT_JSON,
    MAX_OVERRIDES = 64
};

static const struct option options[] = {
    { "help", no_argument, NULL, 'h' },
    { "device", required_argument, NULL, OPT_DEVICE },
    { "op", required_argument, NULL, OPT_OP },
    { "all", no_argument, NULL, OPT_ALL },
    { "what", required_argument, NULL, OPT_WHAT },
    { "by-operator", no_argument, NULL, OPT_BY_OPERATOR },
    { "by-shape", no_argument, NULL, OPT_BY_SHAPE },
    { "scaling", no_argument, NULL, OPT_SCALING },
    { "threads", required_argument, NULL, OPT_THREADS },
    { "seconds", required_argument, NULL, OPT_SECONDS },
    { "untuned", no_argument, NULL, OPT_UNTUNED },
    { "json", required_argument, NULL, OPT_JSON },
    { 0 },
};

static scl_status add_override(bench_options *o, scl_override *list, char *text, scl_err *err)
{
    char *equal = strchr(text, '=');
    if (!equal || o->n_overrides == MAX_OVERRIDES)
        return scl_fail(err, SCL_BAD_CONFIG, "-o takes KEY=VALUE, not '%s'", text);
    *equal = 0;
    list[o->n_overrides++] = (scl_override){ text, equal + 1 };
    return SCL_OK;
}

static scl_status add(cli_list *list, const char *flag, const char *name, scl_err *err)
{
    if (list->n == CLI_MOST)
        return scl_fail(err, SCL_BAD_CONFIG, "--%s given more than %d times", flag, CLI_MOST);
    list->at[list->n++] = name;
    return SCL_OK;
}

static scl_status set(bench_options *o, scl_override *list, int c, char *value, scl_err *err)
{
    switch (c) {
    case OPT_DEVICE: o->device = value; break;
    case OPT_OP: return add(&o->op, "op", value, err);
    case OPT_ALL: o->all = true; break;
    case OPT_WHAT: return add(&o->what, "what", value, err);
    case OPT_BY_OPERATOR: o->by_operator = true; break;
    case OPT_BY_SHAPE: o->by_operator = o->by_shape = true; break;
    case OPT_SCALING: o->scaling = true; break;
    case OPT_THREADS: o->threads = atoi(value); break;
    case OPT_SECONDS: o->seconds = strtod(value, NULL); break;
    case OPT_UNTUNED: o->untuned = true; break;
    case OPT_JSON: o->json = value; break;
    case 'o': return add_override(o, list, value, err);
    default: return scl_fail(err, SCL_BAD_CONFIG, "scorecl bench --help lists the options");
    }
    return SCL_OK;
}

static scl_status bench_all(const bench_options *o, int argc, char **argv, json_t *report, scl_err *err)
{
    scl_backend *b;
    json_t *rows = json_array();
    json_object_set_new(report, "rows", rows);
    SCL_TRY(scl_device_open(o->device, &b, err));
    json_object_set_new(report, "device", verify_device_json(&b->info));
    scl_status status = SCL_OK;
    if (argc == 0) {
        ops_bench s = { .b = b, .o = o, .rows = rows, .quiet = bench_quiet(o) };
        status = bench_operators(&s, err);
    }
    for (int i = 0; i < argc && status == SCL_OK; i++)
        status = bench_network(b, argv[i], o, rows, err);
    b->v->close(b);
    return status;
}

/* --what: a step of a network, or of its scaling. */
static scl_status check_what(const bench_options *o, const char *what, scl_err *err)
{
    enum { FORWARD, TRAIN_STEP, SAMPLE_STEP, JVP, CONV, CONV_DX, CONV_DW, NAMES };
    static const char *const names[NAMES] = { "forward", "train_step", "sample_step", "jvp", "conv2d", "conv2d_dx", "conv2d_dw" };
    int i = 0;
    while (i < NAMES && strcmp(what, names[i]) != 0)
        i++;
    if (i < NAMES && (o->scaling ? i != SAMPLE_STEP && i != JVP : i <= JVP))
        return SCL_OK;
    return scl_fail(err, SCL_BAD_CONFIG, "--what %s: %s", what,
                    o->scaling ? "forward, train_step, conv2d, conv2d_dx or conv2d_dw"
                               : "forward, train_step, sample_step or jvp");
}

/* Flags that would print nothing, or not what was asked for. */
static scl_status check(const bench_options *o, bool network, scl_err *err)
{
    for (int i = 0; i < o->what.n; i++)
        SCL_TRY(check_what(o, o->what.at[i], err));
    if ((o->scaling || o->by_operator || o->what.n) && !network)
        return scl_fail(err, SCL_BAD_CONFIG,
                        "%s is of a network: give a config or sizes such as 28x28x1-ngf64-b32",
                        o->scaling       ? "--scaling"
                        : o->by_operator ? "--by-operator"
                                         : "--what");
    if (o->scaling && o->by_operator)
        return scl_fail(err, SCL_BAD_CONFIG, "--scaling and --by-operator are two runs");
    return SCL_OK;
}

scl_status scl_cli_bench(int argc, char **argv, scl_err *err)
{
    scl_override list[MAX_OVERRIDES];
    bench_options o = { .device = "auto", .seconds = 1, .overrides = list };
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "ho:", options, NULL)) != -1) {
        if (c == 'h') {
            fputs(help, stdout);
            return SCL_OK;
        }
        SCL_TRY(set(&o, list, c, optarg, err));
    }
    SCL_TRY(check(&o, optind < argc, err));
    if (o.threads > 0) {
        char text[16];
        snprintf(text, sizeof text, "%d", o.threads);
        setenv("POCL_MAX_PTHREAD_COUNT", text, 1);
    }
    json_t *report = json_pack("{s:s}", "version", SCL_VERSION);
    scl_status status = bench_all(&o, argc - optind, argv + optind, report, err);
    if (status == SCL_OK && o.json)
        status = verify_write_json(report, o.json, err);
    json_decref(report);
    return status;
}
