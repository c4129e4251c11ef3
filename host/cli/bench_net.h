/* The networks of `scorecl bench`, shared between bench_net.c, bench_setup.c, bench_time.c, bench_operators.c
 * and bench_scaling.c. */
#ifndef SCL_CLI_BENCH_NET_H
#define SCL_CLI_BENCH_NET_H

#include "cli/bench.h"
#include "graph/plan.h"
#include "graph/tuning.h"
#include "score/sampling.h"

enum { BENCH_MOST_SAMPLES = 200 };

typedef struct net_bench {
    scl_arena arena;                   /* of one row; emptied behind it */
    scl_backend *b;
    const bench_options *o;
    const char *name;
    scl_config *config;
    scl_step_spec spec;
    scl_noise_config noise;
    scl_train_config train;
    scl_tuning tuning;                 /* the device's stored rows */
    scl_plan_options plan;
    scl_device_info device;            /* as the config lets it be used */
    json_t *rows;
    size_t resident_before;           /* resident before the first network: programs, drivers */
} net_bench;

/* What the launches of one operator took in a run; with --by-shape, of its nodes like `like` (else NULL). */
typedef struct operator_time {
    const scl_op *op;
    const scl_node *like;
    const char *options;
    int nodes, launches;
    double seconds, flops;
} operator_time;

typedef struct bench_timing {
    int n;
    double sample[BENCH_MOST_SAMPLES]; /* seconds, ascending */
    double first_s;                    /* from the graph to the end of the first run, with the kernels */
    double peak;                       /* GFLOP/s: the larger of the probes before and behind */
    double host;                       /* share of the time that enqueueing took */
    double flops;
    int launches;
    size_t plan_bytes;                 /* slab and persistent values */
    size_t resident_bytes;             /* most memory of the process while it ran; 0: not known */
    int n_operator, n_run;             /* with --by-operator */
    operator_time *operator_;          /* largest first; means over n_run runs */
    double span_s, idle_s;             /* of a run on the device's clock: all of it, and between launches */
} bench_timing;

/* Reads a config, or makes one of sizes: everything of s but arena, b, o, name and rows. */
scl_status bench_setup(net_bench *s, scl_err *err);
void bench_setup_free(net_bench *s);
/* "forward", "train_step", "sample_step", "jvp" (forward, and its derivative along a vector), and of one 3x3 convolution of ngf to ngf channels at the size of
 * the images "conv2d", "conv2d_dx", "conv2d_dw". */
scl_status bench_graph(net_bench *s, const char *what, scl_graph **out, scl_err *err);
/* Weights as training starts with them, the noise table, the numbers of a step; state stays zero. */
scl_status bench_fill(net_bench *s, const scl_graph *g, scl_store *store, scl_err *err);

/* In the arena of s.  least: samples at least, whatever --seconds says. */
scl_status bench_time(net_bench *s, const char *what, int least, bench_timing **out, scl_err *err);
/* Runs on the device's clock, for about --seconds: fills the last fields of t. */
scl_status bench_time_operators(net_bench *s, scl_exec *exec, const scl_plan *plan, bench_timing *t,
                                scl_err *err);
void bench_print_operators(const net_bench *s, const bench_timing *t, json_t *row);
static inline double bench_median(const bench_timing *t) { return t->sample[t->n / 2]; }
double bench_clock(void);             /* seconds */
size_t bench_resident(void);          /* bytes of this process in memory; 0: not known */

scl_status bench_scaling(net_bench *s, scl_err *err);

#endif
