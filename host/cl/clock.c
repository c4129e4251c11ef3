/* The device's clock: judged by launches that the host times too, and laid beside the host's clock. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cl/program.h"
#include "cl/watch.h"

enum { AGAIN = 5, LONGER = 4, TRIES = 12, SAMPLES = 8, MOST_LOOKS = 100, LONG_NS = 10000000, NARROW_NS = 20000 };

typedef struct ticker {
    cl_command_queue queue;
    cl_kernel kernel;
    cl_mem x;
} ticker;

/* Of OpenCL 2.1; these headers are asked for 1.2. */
typedef cl_int timers(cl_device_id device, cl_ulong *device_ns, cl_ulong *host_ns);

static timers *timers_of(const scl_cl *cl)
{
    int major = 0, minor = 0;
    if (sscanf(cl->base.info.version, "OpenCL %d.%d", &major, &minor) != 2 || major * 10 + minor < 21)
        return NULL;
    void *found = dlsym(RTLD_DEFAULT, "clGetDeviceAndHostTimer");
    timers *function;
    memcpy(&function, &found, sizeof function);
    return function;
}

static scl_status open_ticker(scl_cl *cl, cl_command_queue queue, ticker *t, scl_err *err)
{
    cl_program program;
    cl_int code;
    *t = (ticker){.queue = queue};
    SCL_TRY(scl_program_get(cl, "probe/clock.cl", NULL, "", &program, err));
    t->kernel = clCreateKernel(program, "tick", &code);
    SCL_TRY(scl_cl_check(code, "clCreateKernel", "tick", err));
    t->x = clCreateBuffer(cl->context, CL_MEM_READ_WRITE, sizeof(float), NULL, &code);
    SCL_TRY(scl_cl_check(code, "clCreateBuffer", "tick", err));
    SCL_CL(err, "tick", clSetKernelArg, t->kernel, 0, sizeof t->x, &t->x);
    return SCL_OK;
}

static void close_ticker(ticker *t)
{
    if (t->kernel)
        clReleaseKernel(t->kernel);
    if (t->x)
        clReleaseMemObject(t->x);
}

/* One launch on an idle queue, between two looks at the host's clock.  Stamps of 0: the device has none. */
static scl_status tick(const ticker *t, int rounds, int64_t host[2], int64_t stamp[SCL_STAMPS], scl_err *err)
{
    static const cl_profiling_info info[SCL_STAMPS] = {CL_PROFILING_COMMAND_QUEUED,
                                                       CL_PROFILING_COMMAND_SUBMIT,
                                                       CL_PROFILING_COMMAND_START, CL_PROFILING_COMMAND_END};
    const size_t one = 1;
    cl_event event;
    SCL_CL(err, "tick", clSetKernelArg, t->kernel, 1, sizeof rounds, &rounds);
    host[0] = scl_now_ns();
    SCL_CL(err, "tick", clEnqueueNDRangeKernel, t->queue, t->kernel, 1, NULL, &one, &one, 0, NULL, &event);
    const cl_int code = clFinish(t->queue);
    host[1] = scl_now_ns();
    for (int i = 0; i < SCL_STAMPS; i++) {
        cl_ulong at = 0;
        if (clGetEventProfilingInfo(event, info[i], sizeof at, &at, NULL) != CL_SUCCESS)
            at = 0;
        stamp[i] = (int64_t)at;
    }
    clReleaseEvent(event);
    return scl_cl_check(code, "clFinish", "tick", err);
}

/* Does the host wait for less than 10 ms?  Other work on the machine makes a wait longer, never shorter. */
static scl_status is_short(const ticker *t, int rounds, bool *yes, scl_err *err)
{
    int64_t at[2], stamp[SCL_STAMPS];
    *yes = false;
    for (int i = 0; i < AGAIN && !*yes; i++) {
        SCL_TRY(tick(t, rounds, at, stamp, err));
        *yes = at[1] - at[0] < LONG_NS;
    }
    return SCL_OK;
}

/* Rounds are doubled until the host waits for 10 ms. */
static scl_status choose_rounds(const ticker *t, int *rounds, scl_err *err)
{
    int64_t at[2], stamp[SCL_STAMPS];
    SCL_TRY(tick(t, 1, at, stamp, err)); /* compiles, on some devices */
    *rounds = 1 << 10;
    for (bool more = true; more && *rounds < 1 << 26;) {
        *rounds *= 2;
        SCL_TRY(is_short(t, *rounds, &more, err));
    }
    return SCL_OK;
}

/* A few launches are timed by both. */
static scl_status compare(const ticker *t, int rounds, int64_t device[TRIES], int64_t host[TRIES], scl_err *err)
{
    int64_t at[2], stamp[SCL_STAMPS];
    for (int i = 0; i < TRIES; i++) {
        SCL_TRY(tick(t, rounds, at, stamp, err));
        host[i] = at[1] - at[0];
        device[i] = stamp[SCL_STAMP_END] - stamp[SCL_STAMP_START];
    }
    return SCL_OK;
}

static void say_why(scl_watch *w, const int64_t *device, const int64_t *host)
{
    int worst = 0;
    for (int i = 1; i < TRIES; i++)
        if (host[i] < host[worst])
            worst = i;
    snprintf(w->reason, sizeof w->reason,
             "the device says that a launch which the host waited %.2f ms for took %.6f ms",
             1e-6 * (double)host[worst], 1e-6 * (double)device[worst]);
}

/* A look at both clocks by the device's own function; false: it has none, or one that fails. */
static bool look(const scl_cl *cl, timers *function, scl_clock_sample *out)
{
    cl_ulong device = 0, host = 0;
    out->before = scl_now_ns();
    const bool works = function && function(cl->device, &device, &host) == CL_SUCCESS && device;
    out->after = scl_now_ns();
    out->first = out->last = (int64_t)device;
    return works;
}

/* What a sample leaves open, ns. */
static int64_t width(const scl_clock_sample *s)
{
    return (s->after - s->before) - (s->last - s->first);
}

/* Of many looks, or launches where there is no such function, the narrowest: another process may come
 * between. */
static scl_status sample(scl_cl *cl, const ticker *t, bool timer, scl_clock_sample out[SAMPLES], int *n,
                         scl_err *err)
{
    int64_t narrowest = INT64_MAX;
    *n = 0;
    for (int i = 0; i < MOST_LOOKS && (*n < SAMPLES || narrowest > NARROW_NS); i++) {
        scl_clock_sample now;
        int64_t stamp[SCL_STAMPS], at[2];
        int worst = 0;
        if (!timer || !look(cl, timers_of(cl), &now)) {
            SCL_TRY(tick(t, 1, at, stamp, err));
            now = (scl_clock_sample){at[0], at[1], stamp[SCL_STAMP_QUEUED], stamp[SCL_STAMP_END]};
        }
        narrowest = width(&now) < narrowest ? width(&now) : narrowest;
        for (int k = 1; k < *n; k++)
            worst = width(&out[k]) > width(&out[worst]) ? k : worst;
        if (*n < SAMPLES)
            out[(*n)++] = now;
        else if (width(&now) < width(&out[worst]))
            out[worst] = now;
    }
    return SCL_OK;
}

static scl_status judge(scl_cl *cl, const ticker *t, scl_err *err)
{
    scl_watch *w = cl->base.watch;
    int64_t device[TRIES], host[TRIES];
    scl_clock_sample by[2 * SAMPLES];
    scl_clock clock;
    timers *function = timers_of(cl);
    int n, rounds, more = 0;
    bool plausible = false;
    SCL_TRY(choose_rounds(t, &rounds, err));
    /* Where every launch had to wait for a processor, longer ones have less of that. */
    for (int i = 0; i < LONGER && !plausible; i++) {
        SCL_TRY(compare(t, rounds << i, device, host, err));
        plausible = scl_clock_plausible(device, host, TRIES);
    }
    if (!plausible) {
        say_why(w, device, host);
        w->host_clock = true;
        return SCL_OK;
    }
    SCL_TRY(sample(cl, t, false, by, &n, err));
    if (!scl_clock_fit(&clock, by, n, NULL, 0)) {
        snprintf(w->reason, sizeof w->reason,
                 "the stamps of launches one after the other do not fit one clock");
        w->host_clock = true;
        return SCL_OK;
    }
    w->alignment = "launch";
    while (more < SAMPLES && look(cl, function, &by[n + more]))
        more++;
    if (more == SAMPLES && scl_clock_fit(&clock, by, n + more, NULL, 0))
        w->alignment = "timer";
    return SCL_OK;
}

scl_status scl_cl_clock_judge(scl_cl *cl, cl_command_queue queue, scl_err *err)
{
    ticker t;
    scl_status status = open_ticker(cl, queue, &t, err);
    if (status == SCL_OK)
        status = judge(cl, &t, err);
    close_ticker(&t);
    return status;
}

scl_status scl_cl_clock_sample(scl_cl *cl, cl_command_queue queue, scl_err *err)
{
    scl_watch *w = cl->base.watch;
    scl_clock_sample by[SAMPLES];
    ticker t;
    int n = 0;
    scl_status status = open_ticker(cl, queue, &t, err);
    if (status == SCL_OK)
        status = sample(cl, &t, !strcmp(w->alignment, "timer"), by, &n, err);
    close_ticker(&t);
    for (int i = 0; i < n && status == SCL_OK; i++)
        w->clock(w->user, &by[i]);
    return status;
}
