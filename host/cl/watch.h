/* Noting commands for scl_backend.watch: for the cl room alone.
 *
 * Every command keeps its event in a ring that grows; what has completed is read out by scl_cl_collect,
 * between steps. */
#ifndef SCL_CL_WATCH_H
#define SCL_CL_WATCH_H

#include "base/progress.h"
#include "cl/opencl.h"

scl_status scl_cl_watch_note(scl_backend *b, bool on, scl_err *err);
scl_status scl_cl_collect(scl_backend *b, scl_err *err);
void scl_cl_watch_free(scl_cl *cl); /* the queue must be finished */

/* Is this command to be noted?  Then the time before its call, else 0. */
static inline int64_t scl_cl_note_begin(const scl_cl *cl)
{
    return cl->notes ? scl_now_ns() : 0;
}
/* Behind the call of a command that began at `since` (0: nothing is noted).  event is taken over; keep: the
 * caller holds on to it, too. */
scl_status scl_cl_note_launch(scl_cl *cl, int64_t since, const scl_loaded *loaded, int index, bool last_only,
                              cl_event event, scl_err *err);
scl_status scl_cl_note_transfer(scl_cl *cl, int64_t since, scl_command command, size_t bytes, bool keep,
                                cl_event event, scl_err *err);

/* Device memory allocated, or released when negative. */
static inline void scl_cl_note_memory(const scl_cl *cl, long long bytes)
{
    if (cl->base.watch)
        cl->base.watch->memory(cl->base.watch->user, bytes);
}

/* ---- the device's clock (clock.c) ---- */

/* Fills host_clock, alignment and reason of the watch: are the stamps of this (profiling) queue good for
 * anything? */
scl_status scl_cl_clock_judge(scl_cl *cl, cl_command_queue queue, scl_err *err);
/* A few samples, given to the watch; the queue is idle. */
scl_status scl_cl_clock_sample(scl_cl *cl, cl_command_queue queue, scl_err *err);

#endif
