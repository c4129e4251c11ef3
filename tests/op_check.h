/* What `scorecl verify` and `scorecl bench` do with the cases of tests/ops. */
#ifndef SCL_TESTS_OP_CHECK_H
#define SCL_TESTS_OP_CHECK_H

#include "graph/backend.h"
#include "op_harness.h"

typedef struct t_run t_run;

typedef struct t_check_options {
    bool all;               /* every candidate instead of the default and two extreme ones; bench cases too */
    bool quick;             /* the default candidate alone */
    int candidate;          /* with one_candidate: only this one */
    bool one_candidate;
    const char *const *tune; /* forced, "conv2d.MR=4", NULL-terminated: the candidate that agrees alone; NULL or empty: none */
} t_check_options;

typedef struct t_report {
    const char *op, *name;
    bool passed, tolerated;     /* tolerated: compared with ref by tolerance, by the operator's design */
    bool broken;                /* it could not be run to its end: nothing is known of its bits */
    int candidate;              /* the one that failed; -1: none, or not a candidate's own fault */
    int candidates;             /* run on the device */
    size_t elements;            /* compared in bits, over all candidates */
    double error, tolerance;    /* of ref against the oracle */
    double grad_error;          /* of derivatives against central differences; < 0: not checked */
    double device_error;        /* tolerated only: of the device against ref */
    double seconds;
    char message[512];          /* what is wrong; "" */
} t_report;

/* Everything a case goes through.  device may be the reference device itself.  Never fails: faults are in the
 * report. */
void t_check_case(const t_op *op, const t_case *c, scl_backend *device, scl_backend *reference,
                  const t_check_options *options, t_report *out);

typedef struct t_time {
    double min_s, median_s, max_s;
    double flops, bytes;        /* of one run, from the operator's cost */
    int launches;
    char choice[96];            /* implementation and tuning */
} t_time;

/* Floating-point operations of one run, from the operator's cost; those of a case that cannot be built: 0. */
double t_case_flops(const t_op *op, const t_case *c);

/* Candidates of a case on a device; 0: it cannot run there. */
int t_candidates(const t_op *op, const t_case *c, const scl_device_info *device);

/* Times one run of a case: repeats for about `seconds`.  candidate: 0 is the default. */
scl_status t_bench_case(const t_op *op, const t_case *c, scl_backend *device, int candidate, double seconds,
                        t_time *out, scl_err *err);

/* Calls visit for every kernel (family, source or NULL for the file, options) that the cases' candidates use
 * on a device. */
typedef void t_kernel_visit(void *user, const char *family, const char *source, const char *kernel,
                            const char *options);
scl_status t_list_kernels(const scl_device_info *device, bool all, t_kernel_visit *visit, void *user,
                          scl_err *err);

#endif
