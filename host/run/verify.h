/* One config on several devices, bit by bit (`scorecl verify --config`): N steps of every train stage, a few samples of every sample
 * stage, and what else runs on a device (densities, evaluations, fields), by the same code as `scorecl run`, observed.  After
 * everything that a stage runs on its device the state is summed up, so that two devices can be compared step by step; where
 * they differ, that step is run again node by node.
 *
 * verify.c is the order of things, verify_pass.c one run of the config on one device, verify_trace.c what is kept of it,
 * verify_stage.c what is compared of a stage, verify_search.c the node that is wrong, verify_guard.c bands round buffers,
 * verify_report.c and verify_building.c reproducers. */
#ifndef SCL_RUN_VERIFY_H
#define SCL_RUN_VERIFY_H

#include "cl/kernels.h"
#include "run/bits.h"
#include "run/run.h"

/* Seconds that a launch may take under `scorecl verify`, where neither the environment nor a config says so. */
#define SCL_VERIFY_LAUNCH_LIMIT "120"

/* What a stage made, as `scorecl checksum` has it: of its last checkpoint, of samples.npy or log_density.npy; or sha256 of a
 * text. */
typedef struct scl_verify_stage {
    const char *name;
    const char *makes, *counts;   /* "weights", "samples" ...; "step", "update" or "evaluation" */
    const char *file;             /* in the stage's folder */
    bool text, trains;
    bool compared;                /* it launches kernels of its own; the others do not run */
    bool dealt;                   /* a device deals its samples into batches as they fit */
    char checksum[65];            /* "": none yet */
} scl_verify_stage;

/* The state behind one run of a stage's graph. */
typedef struct scl_verify_unit {
    int stage;                    /* of the config */
    long step;
    int first;                    /* sample */
    char state[65], all[65];      /* sha256 of what lives on; the same with sums under way and results */
} scl_verify_unit;

typedef struct scl_verify_pass {
    const char *sel, *what;       /* device, as the config may name it; "", "cold cache", "warm cache", "guards" */
    bool guards;
    const char *cache;            /* folder of compiled programs; NULL: the usual one */
    const char *out;              /* for a reproducer */
    scl_arena arena;
    scl_device_info info;
    int n_stage, n_unit, cap_unit;
    scl_verify_stage *stage;
    scl_verify_unit *unit;
    double seconds;
    scl_program_counts programs;
    bool equal;                   /* to the first pass that ran to its end */
    bool ended;                   /* by failed, without having differed */
    bool left;                    /* not run, as its device had failed in a pass before */
    char failed[2048];            /* what ended it (a loss that is not finite, after it had begun to differ); "" nothing */
    const char *folder;           /* a reproducer of the build or the launch that ended it; NULL: none */
    char broken[768];             /* what was written outside of its buffers, and by which kernel; "" nothing */
} scl_verify_pass;

/* What is wrong. */
typedef struct scl_verify_found {
    const char *device;           /* that computes other bits: its name */
    int index;
    const char *pass;             /* what of its pass */
    const char *stage, *counts;   /* counts: what step counts */
    long step;                    /* from 0; -1: the devices' runs cannot be compared step by step */
    int first;
    int node, nodes;              /* position in the plan, from 0; -1: none was found */
    int id;                       /* of the node in the graph */
    const char *op, *scope, *inputs, *outputs, *launches;
    int launch, n_launch;         /* the launch that is wrong, from 0; -1: it is not known which */
    int n_bits;
    scl_bits *bits;               /* of the node's outputs, those that differ */
    const char *folder;           /* the reproducer; NULL: none */
    bool reproduces;              /* it gave the wrong bits there too */
    const char *note;             /* more to say; "" nothing */
} scl_verify_found;

typedef struct scl_verify_options {
    scl_config *config;           /* steps and counts as they shall be; its stages' devices are set here */
    const char *const *device;    /* "reference" and indices of `scorecl devices` */
    int n_device;
    bool cold, warm, guards;      /* cold: caches begin empty; warm: a second pass with what was compiled in the first */
    const char *out;              /* folder for a reproducer; where it is there already: NAME-2 ... */
    void (*passed)(void *user, const scl_verify_pass *pass);        /* after each pass; may be NULL */
    void *user;
} scl_verify_options;

typedef struct scl_verify_result {
    scl_arena arena;
    int n_pass, n_found;
    scl_verify_pass *pass;
    const scl_verify_pass *first; /* with which the others are compared: the first that ran to its end */
    scl_verify_found *found;      /* one for each device that differs */
} scl_verify_result;

/* Does it end in other bits, as far as it got? */
static inline bool scl_verify_differs(const scl_verify_pass *p) { return !p->equal && !p->ended && !p->left; }

/* SCL_OK whether or not devices differ or fail: result tells.  Errors: what is no device's fault, or all devices fail.  Free
 * the result in any case. */
scl_status scl_verify_run(const scl_verify_options *options, scl_verify_result *result, scl_err *err);
void scl_verify_free(scl_verify_result *result);

/* Before any device is opened: caches of ours and of the drivers that we know begin empty, in this folder. */
void scl_verify_fresh_caches(const char *folder);
/* A new folder for temporary files ("" in case of failure), and its end. */
scl_status scl_verify_temporary(char out[256], scl_err *err);
void scl_verify_remove(const char *folder);

#endif
