/* What a device can do, measured: the limits that times are compared with. */
#ifndef SCL_CL_MEASURE_H
#define SCL_CL_MEASURE_H

#include "graph/backend.h"

typedef struct scl_peak {
    double fma_gflops;          /* float fma, two operations each, best of the repeats */
    double fma_gflops_expected; /* units x clock x lanes x FMA pipes x 2; 0: not known for this device */
    double clock_ghz;           /* what that used: of a CPU measured, of another device what it says */
    double read_gb_s;           /* 256 MB (or a quarter of what may be allocated) read once */
    double copy_gb_s;           /* the same copied: bytes read + bytes written */
    double launch_us;           /* an empty kernel in a full queue */
    double launch_wait_us;      /* an empty kernel, waited for each time */
} scl_peak;

/* A backend opened by scl_device_open on an OpenCL device (else SCL_FAILED).  Takes about a second. */
scl_status scl_measure_peak(scl_backend *b, scl_peak *out, scl_err *err);

/* The best of all measurements that the user's cache folder knows, by device, driver and threads; measured where there is
 * none, or with `anew`.  date: when, "2026-01-31T12:00:00Z". */
scl_status scl_measure_cached(scl_backend *b, bool anew, scl_peak *out, char date[32], bool *cached, scl_err *err);

/* The FMA peak alone, GFLOP/s, over about `seconds`: a probe to run between two timings. */
scl_status scl_measure_fma(scl_backend *b, double seconds, double *gflops, scl_err *err);

#endif
