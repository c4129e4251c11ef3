/* Who watches the stages of a run: for verification.  Everything that a stage runs on its device to train, to draw
 * and to evaluate goes through scl_observe_run. */
#ifndef SCL_RUN_OBSERVER_H
#define SCL_RUN_OBSERVER_H

#include "config/config.h"
#include "graph/plan.h"

typedef struct scl_observer {
    size_t guard_bytes;   /* plans and stores keep bands of so many bytes between buffers; 0: they are as always */
    /* Runs exec, in whichever way: step of the stage from 0, and the first sample of this run (of the batch, or of all
     * samples); both together name it.  Inputs are written.  What it returns, unless SCL_OK, ends the stage. */
    scl_status (*run)(void *user, const scl_stage_config *stage, long step, int first, scl_exec *exec, scl_err *err);
    void *user;
} scl_observer;

static inline scl_status scl_observe_run(const scl_observer *w, const scl_stage_config *stage, long step, int first,
                                       scl_exec *exec, scl_err *err)
{
    return w ? w->run(w->user, stage, step, first, exec, err) : scl_exec_run(exec, err);
}

static inline size_t scl_observer_guard(const scl_observer *w) { return w ? w->guard_bytes : 0; }

#endif
