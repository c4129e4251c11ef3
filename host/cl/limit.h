/* A limit on the time that a launch takes: for the cl room alone.
 *
 * With a limit every launch keeps its event, and whoever is about to wait for the device looks at them instead.  A device whose launch
 * does not end is lost: nothing can stop a kernel, so what it holds is left alone, and the process must end without asking it. */
#ifndef SCL_CL_LIMIT_H
#define SCL_CL_LIMIT_H

#include "cl/opencl.h"
#include "graph/schedule.h"

/* Keeps the event (taken over) of a launch; l NULL: of a kernel that is no part of a schedule, called name. */
void scl_cl_limit_note(scl_cl *cl, const scl_launch *l, const char *name, const scl_grid *grid, cl_event event);
/* Returns when every launch has ended, at once without a limit.  SCL_FAILED: one took too long, or failed: it is named. */
scl_status scl_cl_settle(scl_cl *cl, scl_err *err);
void scl_limit_free(scl_limit *limit);      /* NULL is accepted */

static inline bool scl_cl_limited(const scl_cl *cl) { return cl->base.launch_limit > 0; }

#endif
