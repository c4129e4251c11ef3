/* A trainer's inside, for its own files alone: trainer.c (steps), trainer_plan.c (micro-batches, plans,
 * executors), trainer_data.c (how pictures get to the device). */
#ifndef SCL_RUN_TRAINER_PARTS_H
#define SCL_RUN_TRAINER_PARTS_H

#include "data/stream.h"
#include "run/trainer.h"

enum { SCL_RUNNERS_MOST = 8, SCL_STEPS_AHEAD = 2 };

/* One plan for runs of n samples: ends a batch (sums are drained, weights updated), or only feeds
 * accumulators. */
typedef struct scl_runner {
    int n;
    bool ends;
    scl_graph *graph;
    const scl_plan *plan;
    scl_exec *exec;
} scl_runner;

typedef struct scl_runners {
    int count;
    scl_runner item[SCL_RUNNERS_MOST];
} scl_runners;
scl_runner *scl_runners_find(scl_runners *list, int n, bool ends); /* NULL: none */

struct scl_trainer {
    scl_arena arena;
    scl_backend *b;
    const scl_config *config;
    const scl_stage_config *stage;
    const scl_dataset *data, *held_out;
    scl_trainer_options options;
    scl_device_info device; /* what the stage may use of it */
    scl_step_spec spec, eval_spec;
    scl_runners run, eval;
    scl_store *store;
    scl_memory *slab;
    size_t slab_bytes;
    scl_param_list params;
    const char *conv;  /* algorithm of each convolution */
    long epoch;        /* whose order is on the device; -1: none */
    int32_t *order[2]; /* of even and odd epochs */
    scl_ticket order_ticket[2];
    bool streams; /* the data stay in host memory, the samples of a run are sent ahead of it */
    scl_stream *stream;
    unsigned sent, arrived; /* parts; part i has ticket i mod SCL_STREAM_PARTS */
    long sent_step;
    int sent_position;
    scl_ticket part_ticket[SCL_STREAM_PARTS], held_ticket;
    scl_ticket class_ticket[SCL_STREAM_PARTS], held_class_ticket;
    uint32_t flag[SCL_STEPS_AHEAD]; /* read after each step */
    scl_ticket ticket[SCL_STEPS_AHEAD];
    bool pending[SCL_STEPS_AHEAD];
    long last_step;
    float row[SCL_RING_COLUMNS]; /* of the metrics ring, on its way */
    scl_ticket row_ticket;
};

/* From the config and the data sets: specs, micro-batches, graphs, plans, store, slab, executors. */
scl_status scl_trainer_plan(scl_trainer *t, scl_err *err);

/* Where the data go, by the config or by what fits. */
bool scl_trainer_must_stream(const scl_trainer *t);
/* Noise tables, and the data or the beginning of their stream. */
scl_status scl_trainer_upload(scl_trainer *t, scl_err *err);
/* The order of an epoch; does not wait for the device. */
scl_status scl_trainer_set_epoch(scl_trainer *t, long epoch, scl_err *err);
/* Before the run of `samples` at `position` of a step: sends them where the data are streamed, and says so in
 * the counters. */
scl_status scl_trainer_send(scl_trainer *t, bool eval, long step, int position, int samples,
                            uint32_t *counters, scl_err *err);
/* Waits for all that is on its way, whatever became of it: before the trainer is freed. */
void scl_trainer_settle_data(scl_trainer *t);

#endif
