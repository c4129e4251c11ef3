#include "cl/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/phase.h"

enum { FIRST_NOTES = 8192 };

typedef struct note {
    cl_event event;
    scl_event what;
} note;

struct scl_cl_watch {
    cl_command_queue usual, noting; /* noting NULL: not made yet */
    bool judged;
    note *note; /* a ring of cap, n of them from head on */
    int head, n, cap;
};

static scl_status grow(scl_cl_watch *w, scl_err *err)
{
    const int cap = w->cap ? 2 * w->cap : FIRST_NOTES;
    void *memory;
    SCL_TRY(scl_alloc_bytes(&memory, sizeof(note) * (size_t)cap, "the events of a profile", err));
    note *bigger = memory;
    for (int i = 0; i < w->n; i++)
        bigger[i] = w->note[(w->head + i) % w->cap];
    free(w->note);
    w->note = bigger;
    w->head = 0;
    w->cap = cap;
    return SCL_OK;
}

/* Timed by the host: the command is waited for. */
static scl_status finish_now(scl_cl *cl, scl_event *e, scl_err *err)
{
    const int64_t since = scl_phase_begin();
    SCL_CL(err, "profile", clFinish, cl->queue);
    scl_phase_end(SCL_PHASE_WAIT, since);
    e->seen = scl_now_ns();
    e->stamp[SCL_STAMP_QUEUED] = e->enqueue[0];
    e->stamp[SCL_STAMP_SUBMIT] = e->stamp[SCL_STAMP_START] = e->enqueue[1];
    e->stamp[SCL_STAMP_END] = e->seen;
    return SCL_OK;
}

static scl_status add(scl_cl *cl, const scl_event *what, cl_event event, scl_err *err)
{
    scl_cl_watch *w = cl->notes;
    if (w->n == w->cap)
        SCL_TRY(grow(w, err));
    note *n = &w->note[(w->head + w->n) % w->cap];
    *n = (note){event, *what};
    n->what.enqueue[1] = scl_now_ns();
    w->n++;
    return cl->base.watch->host_clock ? finish_now(cl, &n->what, err) : SCL_OK;
}

scl_status scl_cl_note_launch(scl_cl *cl, int64_t since, const scl_loaded *loaded, int index, bool last_only,
                              cl_event event, scl_err *err)
{
    if (!since)
        return SCL_OK;
    const scl_event what = {.command = SCL_COMMAND_LAUNCH,
                            .loaded = loaded,
                            .index = index,
                            .enqueue = {since},
                            .last_only = last_only};
    return add(cl, &what, event, err);
}

scl_status scl_cl_note_transfer(scl_cl *cl, int64_t since, scl_command command, size_t bytes, bool keep,
                                cl_event event, scl_err *err)
{
    if (!since)
        return SCL_OK;
    if (keep)
        clRetainEvent(event);
    const scl_event what = {.command = command, .bytes = bytes, .enqueue = {since}};
    return add(cl, &what, event, err);
}

/* The stamps of a completed command; what a driver does not tell stays 0. */
static void read_stamps(note *n)
{
    static const cl_profiling_info info[SCL_STAMPS] = {CL_PROFILING_COMMAND_QUEUED,
                                                       CL_PROFILING_COMMAND_SUBMIT,
                                                       CL_PROFILING_COMMAND_START, CL_PROFILING_COMMAND_END};
    for (int i = 0; i < SCL_STAMPS; i++) {
        cl_ulong at = 0;
        if (clGetEventProfilingInfo(n->event, info[i], sizeof at, &at, NULL) == CL_SUCCESS)
            n->what.stamp[i] = (int64_t)at;
    }
}

static bool completed(const note *n)
{
    cl_int state = CL_COMPLETE;
    return clGetEventInfo(n->event, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state, NULL) !=
               CL_SUCCESS ||
           state <= CL_COMPLETE;
}

scl_status scl_cl_collect(scl_backend *b, scl_err *err)
{
    scl_cl_watch *w = scl_cl_of(b)->notes;
    (void)err;
    if (!w)
        return SCL_OK;
    const int64_t since = scl_phase_begin();
    while (w->n) {
        note *n = &w->note[w->head];
        if (n->event && !b->watch->host_clock) {
            if (!completed(n))
                break;
            n->what.seen = scl_now_ns();
            read_stamps(n);
        }
        if (n->event)
            clReleaseEvent(n->event);
        b->watch->event(b->watch->user, &n->what);
        w->head = (w->head + 1) % w->cap;
        w->n--;
    }
    scl_phase_end(SCL_PHASE_PROFILE, since);
    return SCL_OK;
}

/* A queue of its own: one that notes times pays for it on every command. */
static scl_status begin(scl_cl *cl, scl_err *err)
{
    scl_cl_watch *w = cl->watch;
    scl_watch *of = cl->base.watch;
    if (!w) {
        void *memory;
        SCL_TRY(scl_alloc_bytes(&memory, sizeof(scl_cl_watch), "a profile", err));
        w = cl->watch = memory;
    }
    w->usual = cl->queue;
    SCL_CL(err, "profile", clFinish, cl->queue);
    if (!w->judged) {
        cl_int code;
        w->noting = clCreateCommandQueue(cl->context, cl->device, CL_QUEUE_PROFILING_ENABLE, &code);
        w->judged = true;
        of->host_clock = code != CL_SUCCESS;
        of->alignment = "none";
        if (code != CL_SUCCESS) {
            w->noting = NULL;
            snprintf(of->reason, sizeof of->reason, "the device has no queue with profiling: %s",
                     scl_cl_error_name(code));
        } else {
            SCL_TRY(scl_cl_clock_judge(cl, w->noting, err));
        }
    }
    if (!of->host_clock) {
        SCL_TRY(scl_cl_clock_sample(cl, w->noting, err));
        cl->queue = w->noting;
    }
    if (!w->cap)
        SCL_TRY(grow(w, err));
    cl->notes = w;
    of->noting = true;
    return SCL_OK;
}

static scl_status end(scl_cl *cl, scl_err *err)
{
    scl_cl_watch *w = cl->watch;
    const cl_int code = clFinish(cl->queue);
    const scl_status status = scl_cl_collect(&cl->base, err);
    cl->notes = NULL;
    cl->base.watch->noting = false;
    cl->queue = w->usual;
    SCL_TRY(status);
    SCL_TRY(scl_cl_check(code, "clFinish", "profile", err));
    return cl->base.watch->host_clock ? SCL_OK : scl_cl_clock_sample(cl, w->noting, err);
}

scl_status scl_cl_watch_note(scl_backend *b, bool on, scl_err *err)
{
    scl_cl *cl = scl_cl_of(b);
    if (on == (cl->notes != NULL))
        return SCL_OK;
    return on ? begin(cl, err) : end(cl, err);
}

void scl_cl_watch_free(scl_cl *cl)
{
    scl_cl_watch *w = cl->watch;
    if (!w)
        return;
    if (cl->notes) {
        clFinish(cl->queue);
        cl->queue = w->usual;
    }
    for (int i = 0; i < w->n; i++)
        if (w->note[(w->head + i) % w->cap].event)
            clReleaseEvent(w->note[(w->head + i) % w->cap].event);
    if (w->noting)
        clReleaseCommandQueue(w->noting);
    free(w->note);
    free(w);
    cl->watch = cl->notes = NULL;
}
