/* The run engine: the stages of a config, in a run directory (docs/interfaces.md, sections 1 and 3). */
#ifndef SCL_RUN_RUN_H
#define SCL_RUN_RUN_H

#include "config/config.h"

/* What --dry-run says of a stage.  action: "runs", "goes on", "is left". */
typedef struct scl_planned {
    const char *stage, *action, *reason;
    double seconds, gflop, disk_bytes; /* below 0: not known */
} scl_planned;

struct scl_run_watch; /* run/stage.h: who watches stages (scorecl profile) */

typedef struct scl_run_options {
    const char *out; /* run directory; NULL: runs/NAME */
    bool resume, dry_run, keep_going;
    const char *only;         /* NULL: all stages */
    const char *const *force; /* stages to run again in any case */
    int n_force;
    const struct scl_observer *observer; /* run/observer.h: for verification; NULL: nobody */
    int jobs; /* most stages at the same time; 0: one per device */
    const struct scl_run_watch *watch; /* may be NULL */
    void (*planned)(void *user, const scl_planned *p); /* dry_run: called for every stage; may be NULL */
    void *user;
} scl_run_options;

/* Runs what has to be run.  Everything that is shown goes through base/log.h, and into log.txt.  Errors:
 * SCL_BAD_CONFIG for a run directory that holds a run (naming --resume and --force), an unknown stage,
 * unfinished needs under --only; SCL_INTERRUPTED after a checkpoint at SIGINT or SIGTERM (handlers are
 * installed while it runs); else the first stage's. */
scl_status scl_run_config(const scl_config *config, const scl_run_options *options, scl_err *err);

typedef struct scl_sample_options {
    int count;       /* 0: what the checkpoint's config says, else 64 */
    const char *out; /* folder of the pictures; NULL: samples/NAME-OF-THE-CHECKPOINT */
    const scl_override
        *overrides; /* -o: keys of the config inside the checkpoint ("stages.sample.sampler.step_lr") */
    int n_overrides;
    /* Called when all is written; checksum: as `scorecl checksum` of samples.npy.  May be NULL. */
    void (*made)(void *user, const char *folder, int count, const char *checksum);
    void *user;
} scl_sample_options;

/* Draws samples from a checkpoint, with the config that it carries.  errors: faults of the overrides. */
scl_status scl_run_sample(const char *checkpoint, const scl_sample_options *options,
                          scl_config_errors *errors, scl_err *err);

#endif
