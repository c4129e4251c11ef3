/* Inside the profile, for its own files alone: profile.c (which stages, which files), profile_watch.c (what
 * is noted while a stage runs), profile_plan.c (what its launches are), profile_replay.c (events put on the
 * host's clock), profile_table.c (sums of them), profile_spread.c, profile_json.c, profile_trace.c and
 * profile_csv.c. */
#ifndef SCL_RUN_PROFILE_PARTS_H
#define SCL_RUN_PROFILE_PARTS_H

#include <pthread.h>
#include <stdio.h>

#include "base/phase.h"
#include "cl/measure.h"
#include "graph/plan.h"
#include "run/profile.h"
#include "run/stage.h"

enum { SCL_PROFILE_SAMPLES = 16, SCL_PROFILE_BLOCKS = 64 };

/* Numbers in the order in which they came. */
typedef struct scl_series {
    double *at;
    size_t n, cap;
} scl_series;
scl_status scl_series_add(scl_series *s, double value, scl_err *err);
void scl_series_free(scl_series *s);
/* {"n", "min", "q1", "median", "q3", "max", "mean"}; the order of values is lost. */
json_t *scl_spread(double *values, size_t n);
double scl_quantile(const double *ascending, size_t n, double q);
/* null where it is not known (not finite). */
json_t *scl_number(double value);

/* A kernel of a node of a plan. */
typedef struct scl_profile_row {
    const char *key, *plan, *scope, *op, *kernel, *expression, *implementation, *options;
    json_t *inputs, *outputs, *tuning;
    const char *shape;               /* "32,28,28,16 > 32,28,28,16" */
    int node, node_first, node_rows; /* number in the graph; the rows of this node */
    size_t global[3], local[3];
    double flops, bytes; /* of the node, for one run of the plan; NAN: not known */
    long calls;
    double total;
    double *step;    /* time in each profiled step */
    scl_series call; /* time of each call */
} scl_profile_row;

typedef struct scl_profile_plan {
    const char *name;
    const void *loaded; /* scl_loaded; its address may be used again later, the newest plan counts */
    int *row;           /* of each launch (reference device: of each step) */
    int n_nodes, n_launches, first_row;
    size_t slab_bytes, persistent_bytes;
    json_t *live;
    long runs; /* in profiled steps */
} scl_profile_plan;

/* As it lies in the spool: raw stamps. */
typedef struct scl_profile_event {
    int64_t enqueue[2], seen, stamp[SCL_STAMPS];
    uint64_t bytes;
    int32_t plan, launch; /* -1: a transfer */
    int32_t step;         /* of the profiled ones, from 0 */
    uint8_t command, last_only;
} scl_profile_event;

typedef struct scl_profile_block {
    bool noted;
    int64_t begin, idle, done; /* the device is idle at begin and idle; done: the events are read, too */
    int64_t cpu[2];            /* processor time of all threads, at begin and done */
    int first_step, steps;     /* of the profiled ones, when noted */
    size_t first_event, events;
    scl_clock_sample sample[2][SCL_PROFILE_SAMPLES];
    int n_sample[2];
} scl_profile_block;

typedef struct scl_profile_span {
    int64_t begin, end;
    int phase, thread;
} scl_profile_span;

typedef struct scl_profile_stage {
    const scl_stage_config *stage;
    const scl_profile_options *options;
    int batch;
    scl_arena arena;
    scl_run_watch run_watch;
    scl_watch watch;
    volatile sig_atomic_t stop;
    scl_device_info device;
    scl_peak peak;
    bool has_peak, peak_cached;
    char peak_date[32];
    const char *fault; /* why the watch gave up: a failure in a place that cannot return one */

    scl_profile_row *row;
    int n_row, cap_row;
    scl_profile_plan *plan;
    int n_plan, cap_plan;

    long seen_steps;           /* calls of the hook */
    int64_t warm_ns;           /* when the last warm-up step began */
    int each, rounds, warm_up; /* steps of a block; blocks of each kind */
    scl_profile_block block[SCL_PROFILE_BLOCKS];
    int n_block;
    int left;             /* steps of the open block that are still to come; -1: none is open */
    int n_step, cap_step; /* profiled steps so far */
    int64_t *step_begin;
    bool finished; /* all blocks are there */
    long weights_step;
    char weights[65]; /* of the checkpoint behind the last step; "": none */
    bool recorded; /* unprofiled steps are one recorded command buffer */

    FILE *spool; /* a file without a name; events up to n_spooled, the others wait in `event` */
    size_t n_spooled;
    scl_profile_event *event;
    size_t n_event, cap_event;

    pthread_mutex_t lock; /* of span: threads of data add to it */
    scl_profile_span *span;
    size_t n_span, cap_span;
    int thread; /* of the stage */
    struct {
        int64_t at;
        long long bytes;
    } * memory;
    size_t n_memory, cap_memory;
    int64_t began, opened; /* the stage; its device */
    long long allocated, peak_allocated;
} scl_profile_stage;

/* ---- profile.c ---- */
const char *
scl_profile_unit(const scl_stage_config *stage); /* of its steps: "step", "update", "evaluation" */
int scl_profile_batch(const scl_stage_config *stage);

/* ---- profile_watch.c ---- */
scl_status scl_profile_stage_begin(scl_profile_stage *p, const scl_profile_options *o,
                                   const scl_stage_config *stage, const char *folder, scl_err *err);
int scl_profile_most_steps(const scl_profile_options *o); /* profiled ones, with the warm-up */
void scl_profile_stage_free(scl_profile_stage *p);

/* ---- profile_plan.c: scl_watch.loaded ---- */
void scl_profile_loaded(void *user, const scl_plan *plan, const scl_loaded *loaded);
int scl_profile_plan_of(const scl_profile_stage *p, const void *loaded); /* the newest; -1: none */

/* ---- profile_replay.c ---- */
/* An event on the host's clock. */
typedef struct scl_profile_item {
    const scl_profile_event *event;
    const scl_profile_block *block;
    const scl_profile_row *row; /* NULL: a transfer */
    int64_t stamp[SCL_STAMPS];
    scl_stamp_fault fault;
    int64_t previous_end; /* on the queue; of a block's first: its begin */
} scl_profile_item;
static inline bool scl_profile_rejected(const scl_profile_item *i)
{
    return i->fault > SCL_STAMPS_CLAMPED;
}
typedef scl_status scl_profile_visit(void *user, const scl_profile_item *item, scl_err *err);
/* All events of all noted blocks, in order, a few thousand of them in memory at a time. */
scl_status scl_profile_replay(scl_profile_stage *p, scl_profile_visit *visit, void *user, scl_err *err);
/* The clock of a block; false: its samples do not agree. */
bool scl_profile_clock(const scl_profile_stage *p, const scl_profile_block *b, scl_clock *out);

/* ---- profile_table.c ---- */
typedef struct scl_profile_transfer {
    long calls;
    double bytes, total;
} scl_profile_transfer;
typedef struct scl_profile_sums {
    long fault[SCL_STAMPS_OVERLAP + 1];
    double kernel, transfer, gap, edge, wall; /* seconds, over all noted blocks */
    double wait, overlap;                     /* of the stage's thread */
    scl_profile_transfer moved[SCL_COMMANDS];
    scl_series queued, submit, run;
    double uncertainty, drift;
    bool clocks;
    int median_step; /* the step of median device time */
} scl_profile_sums;
scl_status scl_profile_sum(scl_profile_stage *p, scl_profile_sums *out, scl_err *err);
void scl_profile_sums_free(scl_profile_sums *s);

/* ---- profile_json.c, profile_groups.c ---- */
scl_status scl_profile_stage_json(scl_profile_stage *p, scl_profile_sums *s, json_t **out, scl_err *err);
/* Sums of rows: "functions", "operators", "blocks", put into stage. */
scl_status scl_profile_groups(scl_profile_stage *p, const scl_profile_sums *s, json_t *stage, scl_err *err);
/* calls ... roofline of a row or a sum of rows; step: time in each profiled step (its order is lost). */
typedef struct scl_profile_cost {
    long calls;
    double total, flops, bytes;
    double *step;
} scl_profile_cost;
void scl_profile_put_cost(const scl_profile_stage *p, const scl_profile_sums *s, const scl_profile_cost *c,
                          json_t *row);
/* The part of a node's cost that one of its rows carries. */
double scl_profile_part(const scl_profile_stage *p, const scl_profile_row *r);
/* ---- profile_phases.c ---- */
void scl_profile_phases(const scl_profile_stage *p, double config_s, json_t *list);

/* ---- profile_trace.c, profile_csv.c ---- */
scl_status scl_profile_trace(scl_profile_stage *const *stages, int n, const char *path, scl_err *err);
scl_status scl_profile_csv(scl_profile_stage *const *stages, int n, const char *path, scl_err *err);

#endif
