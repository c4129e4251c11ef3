/* What a stage gets from the run engine, and what it gives back.  Stages: run/train.c, run/sample.c, run/evaluate.c,
 * run/likelihood.c, run/plot.c. */
#ifndef SCL_RUN_STAGE_H
#define SCL_RUN_STAGE_H

#include <signal.h>

#include "config/config.h"
#include "graph/plan.h"
#include "graph/tuning.h"
#include "run/checkpoint.h"
#include "run/observer.h"
#include "score/step.h"

typedef struct scl_run scl_run; /* the engine's own; run/engine.h */

/* Who watches the stages of a run, from its threads. */
typedef struct scl_run_watch {
    void *user;
    /* A device was opened, and nothing is allocated on it yet: time to set its watch. */
    void (*opened)(void *user, const char *stage, scl_backend *b);
    /* Before each step (update, evaluation) of a stage, numbered from 0 in the stage's own way; may be NULL. */
    scl_status (*step)(void *user, scl_backend *b, long step, scl_err *err);
    const volatile sig_atomic_t *stop;     /* in place of the signals' own */
} scl_run_watch;

typedef struct scl_stage_context {
    const scl_config *config;
    const scl_stage_config *stage; /* device, data, model, noise: resolved */
    scl_run *run;
    const char *folder;      /* RUN/STAGE: exists; checkpoints, metrics, pictures go here */
    const char *checkpoints; /* RUN/STAGE/checkpoints: exists for train stages */
    bool resume;             /* go on from the newest valid checkpoint, if there is one */
    const volatile sig_atomic_t
        *stop;               /* not 0: finish the step, write a checkpoint, return scl_stage_interrupted */
    const char *const *tune; /* forced candidates "conv2d.MR=4", NULL-terminated: scl_plan_options.tune */
    const scl_observer *observer;  /* NULL: nobody watches */
    long evaluations;        /* that scl_stage_evaluation has run */
    scl_arena *arena;        /* lives as long as the stage runs */
} scl_stage_context;

/* Opens the stage's device and notes it in environment.json.  *out is owned: (*out)->v->close(*out). */
scl_status scl_stage_open_device(scl_stage_context *c, scl_backend **out, scl_err *err);

/* To be called before each step of a stage. */
scl_status scl_stage_step(scl_stage_context *c, scl_backend *b, long step, scl_err *err);

/* How the stage's graphs are planned: by its config (scl_build_plan_options), with the bands that its observer asks for. */
scl_plan_options scl_stage_plan_options(const scl_stage_context *c, const scl_tuning *rows);

/* Runs exec on samples from the first on, observed, as the next evaluation of a stage that has no steps. */
scl_status scl_stage_evaluation(scl_stage_context *c, size_t first, scl_exec *exec, scl_err *err);

/* The measured rows for the stage's plans (scl_plan_options.tuning): those that are stored for its device; where
 * there are none for the shapes of a stage that will compute for long, a few are measured now.  None under
 * `tuning: off`.  out is owned: scl_tuning_free. */
scl_status scl_stage_tuning(scl_stage_context *c, scl_backend *b, const scl_step_spec *spec, scl_tuning *out,
                            scl_err *err);
/* The rows that a plan uses go into environment.json. */
void scl_stage_note_tuning(scl_stage_context *c, const scl_plan *plan);

/* The file a sample stage draws from, by its config: a path, or latest | best | step-N of the train stage
 * among its needs (transitively; several: an error).  In c->arena. */
scl_status scl_stage_find_checkpoint(scl_stage_context *c, const char **path, scl_err *err);

/* A fact for environment.json, under the stage's name: "peak_bytes", "probe", "conv", "data_sha256" ... */
void scl_stage_note(scl_stage_context *c, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The algorithm of each convolution (scl_net_conv), for config.yaml: comments behind the config, once a stage. */
scl_status scl_stage_record_conv(scl_stage_context *c, const char *conv, scl_err *err);

/* What the stage made, for state.json: a checksum that stages which need this one depend on. */
void scl_stage_result(scl_stage_context *c, const char *checksum);

/* Score evaluations of a sample, for state.json. */
void scl_stage_evaluations(scl_stage_context *c, long evaluations);

/* Fills err and returns SCL_INTERRUPTED: "stopped after step N, with a checkpoint; go on with: scorecl run ...".
 * step -1: a stage without checkpoints, which has to begin anew. */
scl_status scl_stage_interrupted(scl_stage_context *c, long step, scl_err *err);

/* The stages. */
scl_status scl_stage_train(scl_stage_context *c, scl_err *err);
scl_status scl_stage_sample(scl_stage_context *c, scl_err *err);
scl_status scl_stage_evaluate(scl_stage_context *c, scl_err *err);
scl_status scl_stage_likelihood(scl_stage_context *c, scl_err *err);
scl_status scl_stage_plot(scl_stage_context *c, scl_err *err);

#endif
