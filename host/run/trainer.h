/* The steps of a training run, without files: graphs, plans, executors and what is written to the device for each step.
 * run/train.c drives it (metrics, checkpoints, held-out loss); `scorecl bench` and the verification use it too. */
#ifndef SCL_RUN_TRAINER_H
#define SCL_RUN_TRAINER_H

#include "graph/plan.h"
#include "graph/tuning.h"
#include "run/build.h"
#include "run/observer.h"

typedef struct scl_trainer scl_trainer;

typedef struct scl_trainer_options {
    const char *const *tune;         /* forced candidates; may be NULL */
    const scl_tuning *tuning;        /* measured rows; may be NULL; outlive the trainer */
    int eval_images;                 /* most held-out images; 0: all */
    const char *conv;                /* what a checkpoint records of the convolutions (scl_net_conv); NULL: by the config */
    const scl_observer *observer;          /* of its steps; NULL: nobody */
} scl_trainer_options;

/* Builds everything for a stage and its data.  held_out NULL: no evaluation.  The config, stage, backend and data sets must
 * outlive it.  *out is owned. */
scl_status scl_trainer_create(scl_trainer **out, scl_backend *b, const scl_config *config,
                              const scl_stage_config *stage, const scl_dataset *data,
                              const scl_dataset *held_out, const scl_trainer_options *options, scl_err *err);
void scl_trainer_free(scl_trainer *t);                           /* NULL is accepted */
/* What the steps of such a trainer run, for measuring it before there is one: spec.n samples at a time, as the batch fits the device.
 * The result borrows from the config and the options. */
scl_status scl_trainer_spec(scl_step_spec *out, scl_backend *b, const scl_config *config,
                            const scl_stage_config *stage, const scl_dataset *data,
                            const scl_dataset *held_out, const scl_trainer_options *options, scl_err *err);

scl_store *scl_trainer_store(scl_trainer *t);
size_t scl_trainer_peak_bytes(const scl_trainer *t);            /* slab and persistent values: what is really allocated */
const scl_plan *scl_trainer_plan_at(const scl_trainer *t, int i);   /* NULL after the last */
const scl_net_config *scl_trainer_net(const scl_trainer *t);
const char *scl_trainer_conv(const scl_trainer *t);             /* what was resolved: scl_net_conv */

/* Start values from the config's seed; ema.* and optimiser state start too. */
scl_status scl_trainer_init(scl_trainer *t, scl_err *err);
/* ema.* becomes a copy of the weights (after weights were loaded for a warm start). */
scl_status scl_trainer_reset_ema(scl_trainer *t, scl_err *err);

/* Enqueues step `step` (from 0).  Runs at most two steps ahead of the device, so it waits there. */
scl_status scl_trainer_step(scl_trainer *t, long step, scl_err *err);

/* Loss, gradient norm and clip scale of the newest step, read back without stalling the queue: start enqueues the read behind
 * that step, take collects it (one at a time).  wait false: *ready tells whether it has come. */
typedef struct scl_step_record { float loss, norm, scale; } scl_step_record;
scl_status scl_trainer_record_start(scl_trainer *t, scl_err *err);
scl_status scl_trainer_record_take(scl_trainer *t, bool wait, bool *ready, scl_step_record *out, scl_err *err);

/* Waits for all steps.  SCL_FAILED when one was not finite: the message names the step (from 1) and the node (replayed). */
scl_status scl_trainer_finish(scl_trainer *t, scl_err *err);

/* Mean loss over the held-out images, with the average of the weights where one is kept.  Waits.  SCL_FAILED when it is not
 * finite, as above. */
/* accuracy: of a classifier, the fraction that is right; else NaN. */
scl_status scl_trainer_evaluate(scl_trainer *t, float *loss, float *accuracy, scl_err *err);

/* The counters that step `step` starts with (for a checkpoint). */
void scl_trainer_counters(const scl_trainer *t, long step, uint32_t counters[SCL_COUNTERS]);

#endif
