/* `scorecl bench`, shared between its files. */
#ifndef SCL_CLI_BENCH_H
#define SCL_CLI_BENCH_H

#include <jansson.h>

#include "cl/measure.h"
#include "cli/cli.h"

typedef struct bench_options {
    const char *device, *json;
    cli_list op;                       /* operators; none: all */
    cli_list what;                     /* steps by name; none: the usual ones */
    bool all;                          /* every candidate */
    bool by_operator;                  /* where the time of a step goes */
    bool by_shape;                     /* with by_operator: a row for each shape and choice of kernel */
    bool scaling;                      /* against the batch and against the channels */
    bool untuned;                      /* without the stored tuning rows */
    int threads;                       /* 0: as the device has them */
    double seconds;                    /* a row takes about this long */
    const scl_override *overrides; int n_overrides;
} bench_options;

/* One measured FMA peak beside the times it belongs to, GFLOP/s; 0 where it cannot be measured. */
double bench_peak(scl_backend *b);

/* Are the rows written to standard output as JSON, so that no table may be there? */
bool bench_quiet(const bench_options *o);

/* Is a step among those that --what names? */
bool bench_asked(const bench_options *o, const char *step);

/* Rows forward, train_step, sample_step of a network, or its scaling: a config file, or
 * "28x28x1-ngf64-b32". */
scl_status bench_network(scl_backend *b, const char *config, const bench_options *o, json_t *rows,
                         scl_err *err);

#endif
