#include "cl/limit.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/progress.h"
#include "cl/kernels.h"
#include "cl/lost.h"

enum { LOOK_EVERY = 256 };      /* launches between two looks at what has ended */

typedef struct pending {
    cl_event event;
    const scl_launch *launch;
    char kernel[64], where[160];
    scl_grid grid;
} pending;

struct scl_limit { pending *of; int head, n, cap, since_look; };

static atomic_ullong lost;      /* a bit for each device of the list, which has 64 at most */

bool scl_device_lost(void) { return atomic_load(&lost) != 0; }
bool scl_device_hangs(int index) { return index >= 0 && atomic_load(&lost) >> index & 1; }

const scl_launch *scl_kernel_hung(scl_backend *b)
{
    const scl_cl *cl = scl_cl_of(b);
    return cl ? cl->hung : NULL;
}

static pending *at(const scl_limit *w, int i) { return &w->of[(w->head + i) % w->cap]; }

/* CL_COMPLETE, an error below it, or what it is doing. */
static cl_int state_of(const pending *p)
{
    cl_int state = CL_COMPLETE;
    const cl_int code = clGetEventInfo(p->event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state, NULL);
    return code == CL_SUCCESS ? state : code;
}

static void drop_ended(scl_limit *w)
{
    while (w->n && state_of(at(w, 0)) == CL_COMPLETE) {
        clReleaseEvent(at(w, 0)->event);
        w->head = (w->head + 1) % w->cap;
        w->n--;
    }
    w->since_look = 0;
}

static bool grow(scl_limit *w)
{
    const int cap = w->cap ? 2 * w->cap : 1024;
    pending *bigger = malloc(sizeof *bigger * (size_t)cap);
    if (!bigger)
        return false;
    for (int i = 0; i < w->n; i++)
        bigger[i] = *at(w, i);
    free(w->of);
    w->of = bigger;
    w->head = 0;
    w->cap = cap;
    return true;
}

void scl_cl_limit_note(scl_cl *cl, const scl_launch *l, const char *name, const scl_grid *grid, cl_event event)
{
    scl_limit *w = cl->limit ? cl->limit : (cl->limit = calloc(1, sizeof *w));
    if (!w || !event)
        return;
    if (++w->since_look >= LOOK_EVERY)
        drop_ended(w);
    if (w->n == w->cap && !grow(w)) {      /* no memory: this launch is not looked at */
        clReleaseEvent(event);
        return;
    }
    pending *p = at(w, w->n++);
    *p = (pending){ .event = event, .launch = l, .grid = *grid };
    snprintf(p->kernel, sizeof p->kernel, "%s", name);
    if (l && l->node)
        snprintf(p->where, sizeof p->where, " of %s%s%s", l->node->op->name, l->node->scope[0] ? " at " : "", l->node->scope);
}

static scl_status too_long(scl_cl *cl, const pending *p, int behind, scl_err *err)
{
    const size_t *g = p->grid.global, *l = p->grid.local;
    cl->lost = true;
    cl->hung = p->launch;
    atomic_fetch_or(&lost, 1ull << cl->base.info.index);
    return scl_fail(err, SCL_FAILED,
                    "%s hangs: kernel %s%s, global %zux%zux%zu, local %zux%zux%zu, has not ended within %d s (%d launches wait behind "
                    "it). A kernel cannot be stopped: this process gives the device up. If it is slow only, raise launch_limit "
                    "(SCL_LAUNCH_LIMIT in the environment, in seconds; 0: none); else try another driver, other candidates "
                    "(-o tune.OP.PARAM=N, see `scorecl ops`) or another device, and look into the system's log",
                    cl->base.info.name, p->kernel, p->where, g[0], g[1], g[2], l[0], l[1], l[2], cl->base.launch_limit, behind);
}

scl_status scl_cl_settle(scl_cl *cl, scl_err *err)
{
    scl_limit *w = cl->limit;
    if (cl->lost)
        return scl_fail(err, SCL_FAILED, "%s hangs: it was given up", cl->base.info.name);
    if (!w || !w->n)
        return SCL_OK;
    const int64_t limit_ns = (int64_t)cl->base.launch_limit * 1000000000;
    int64_t last = scl_now_ns(), waited = 0;
    long pause_ns = 20000;
    SCL_CL(err, "run", clFlush, cl->queue);
    for (int left = w->n + 1;; left = w->n) {
        drop_ended(w);
        if (!w->n)
            return SCL_OK;
        const pending *p = at(w, 0);
        const cl_int state = state_of(p);
        if (state < 0)
            return scl_fail(err, SCL_FAILED, "kernel %s%s failed on %s: %s (%d)%s", p->kernel, p->where, cl->base.info.name,
                            scl_cl_error_name(state), state, scl_cl_error_advice(state));
        if (w->n != left)
            waited = 0, pause_ns = 20000;
        /* A look counts for a second at most: a process that was stopped meanwhile has not waited for the device. */
        const int64_t now = scl_now_ns(), step = now - last;
        waited += step < 1000000000 ? step : 1000000000;
        last = now;
        if (waited > limit_ns)
            return too_long(cl, p, w->n - 1, err);
        nanosleep(&(struct timespec){ .tv_nsec = pause_ns }, NULL);
        pause_ns = pause_ns < 5000000 ? pause_ns * 2 : pause_ns;
    }
}

void scl_limit_free(scl_limit *w)
{
    if (!w)
        return;
    for (int i = 0; i < w->n; i++)
        clReleaseEvent(at(w, i)->event);
    free(w->of);
    free(w);
}
