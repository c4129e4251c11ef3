/* For the run room alone: a run in progress, what is known of its stages, and who decides what runs. */
#ifndef SCL_RUN_ENGINE_H
#define SCL_RUN_ENGINE_H

#include <jansson.h>
#include <pthread.h>

#include "run/run.h"
#include "run/stage.h"

typedef scl_status scl_stage_function(scl_stage_context *c, scl_err *err);

/* state.json knows these of a stage.  Texts live in the run's arena. */
typedef enum scl_stage_status {
    SCL_STAGE_PENDING,
    SCL_STAGE_RUNNING,
    SCL_STAGE_FINISHED,
    SCL_STAGE_FAILED,
    SCL_STAGE_INTERRUPTED
} scl_stage_status;
typedef struct scl_stage_state {
    scl_stage_status status;
    const char *inputs;      /* "key = value" lines; "" before its first run */
    const char *inputs_hash; /* sha256 of inputs */
    const char *files;       /* sha256 of the files it read; "" none */
    const char
        *files_seen; /* path, size and time of those files: while they stay, files need not be read again */
    const char *result;   /* checksum of what it made; "" none */
    const char *finished; /* "2026-01-31 12:00:00 UTC" */
    const char *error;
    long steps;     /* train stages: the steps of those inputs */
    long evaluations; /* sample stages: score evaluations of a sample; 0: none */
    double seconds; /* spent in all its runs since it began anew */
} scl_stage_state;

typedef enum scl_action { SCL_ACTION_SKIP, SCL_ACTION_GO_ON, SCL_ACTION_ANEW } scl_action;
typedef struct scl_decision {
    scl_action action;
    char reason[512];
    scl_stage_state next; /* inputs, hashes and steps that a run would have */
} scl_decision;

struct scl_run {
    const scl_config *config;
    const scl_run_options *options;
    const char *folder;
    int lock_fd;
    bool needs_devices; /* false: stages that compute nothing (tests) */
    scl_stage_state *state; /* of config->stage[i] */
    json_t *other;          /* stages in state.json that this config does not have */
    json_t *environment;
    const char *const *tune;
    scl_stage_function *const *function; /* by scl_stage_kind */
    pthread_mutex_t lock;                /* guards everything that stages share */
    pthread_cond_t changed;
    scl_arena arena; /* under lock once stages run */
};

/* rundir.c */
const char *scl_run_path(scl_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
scl_status scl_run_refuse(scl_run *run, scl_err *err); /* a folder that holds a run, without --resume or --force */
scl_status scl_run_open_folder(scl_run *run,
                               scl_err *err); /* refuses, makes, locks, writes config.yaml, opens log.txt */
void scl_run_close_folder(scl_run *run);
scl_status scl_run_set_aside(scl_run *run, const scl_stage_config *stage,
                             scl_err *err); /* STAGE becomes STAGE.before-N */

/* environment.c */
void scl_environment_start(scl_run *run); /* what is there already, and the machine */
scl_status scl_environment_write(scl_run *run, scl_err *err);

/* state.c */
scl_status scl_state_read(scl_run *run, scl_err *err); /* all pending when there is no file */
scl_status scl_state_write(scl_run *run, scl_err *err);
const char *scl_stage_status_name(scl_stage_status status);

/* inputs.c */
/* What a stage depends on: keys, files, the results of its needs.  Fills inputs*, files*, steps of out. */
scl_status scl_inputs_of(scl_run *run, const scl_stage_config *stage, scl_stage_state *out, scl_err *err);
/* Names the first lines that differ: "train.batch: 64 before, 128 now". */
void scl_inputs_difference(const char *before, const char *now, char *text, size_t size);
/* Fails when a path that the stage reads does not exist.
 * early: a checkpoint may still be made by a stage before it. */
scl_status scl_inputs_check(const scl_stage_config *stage, bool early, scl_err *err);

/* decide.c */
scl_status scl_decide(scl_run *run, const scl_stage_config *stage, scl_decision *out, scl_err *err);
/* Is there a device for every stage that would run?  Before the folder is made and data is read. */
scl_status scl_check_devices(scl_run *run, scl_err *err);
/* Numbers the stages before they run: --dry-run's lines through base/log.h. */
scl_status scl_dry_run(scl_run *run, scl_err *err);

/* cost.c */
/* Arithmetic of a stage from its graphs, and the disk that it may take at most.  Opens no device. */
typedef struct scl_stage_cost {
    double flops, disk_bytes;
} scl_stage_cost;
scl_status scl_stage_cost_of(const scl_config *config, const scl_stage_config *stage, scl_stage_cost *out,
                             scl_err *err);

/* stage.c */
/* The command that goes on with this run: by the config in its folder, which holds every override. */
const char *scl_run_resume_command(const scl_run *run, scl_arena *arena);

/* stages.c */
int scl_stage_index(const scl_config *config, const char *name); /* -1: none */
/* scl_run_config with other functions behind the stages, which need no device (tests). */
scl_status scl_run_with(const scl_config *config, const scl_run_options *options,
                        scl_stage_function *const *function, bool needs_devices, scl_err *err);

#endif
