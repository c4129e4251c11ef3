/* An OpenCL device as a backend: one context, one queue in order. */
#include <stdio.h>
#include <stdlib.h>

#include "base/phase.h"
#include "cl/limit.h"
#include "cl/load.h"
#include "cl/lost.h"
#include "cl/program.h"
#include "cl/watch.h"

static scl_status cl_finish(scl_backend *b, scl_err *err)
{
    const int64_t since = scl_phase_begin();
    SCL_TRY(scl_cl_settle(scl_cl_of(b), err));
    const cl_int code = clFinish(scl_cl_of(b)->queue);
    scl_phase_end(SCL_PHASE_WAIT, since);
    return scl_cl_check(code, "clFinish", b->info.name, err);
}

static void cl_close(scl_backend *b)
{
    scl_cl *cl = (scl_cl *)b;
    scl_err late = { 0 };
    if (cl->queue)
        scl_cl_settle(cl, &late);
    scl_err_clear(&late);
    if (cl->lost)
        return;      /* its queue would be waited for */
    if (cl->queue && clFinish(cl->queue) != CL_SUCCESS)
        return;      /* a device that is gone: commands may still read the ring */
    scl_limit_free(cl->limit);
    scl_cl_watch_free(cl);
    scl_ring_free(cl->ring);
    scl_programs_free(cl->programs);
    scl_kernels_free(cl->kernels);
    free(cl->builder.refused);
    if (cl->queue)
        clReleaseCommandQueue(cl->queue);
    if (cl->context)
        clReleaseContext(cl->context);
    free(cl);
}

static const scl_backend_vtable vtable = {
    .alloc = scl_cl_alloc, .release = scl_cl_release, .write = scl_cl_write, .read = scl_cl_read,
    .read_start = scl_cl_read_start, .write_start = scl_cl_write_start, .wait = scl_cl_wait, .fill = scl_cl_fill,
    .copy = scl_cl_copy, .load = scl_cl_load, .unload = scl_cl_unload, .run = scl_cl_run, .prepare = scl_cl_prepare,
    .run_timed = scl_cl_run_timed, .finish = cl_finish,
    .note = scl_cl_watch_note, .collect = scl_cl_collect, .close = cl_close,
};

scl_cl *scl_cl_of(scl_backend *b) { return b->v == &vtable ? (scl_cl *)b : NULL; }

static scl_status open_queue(scl_cl *cl, scl_err *err)
{
    const cl_context_properties properties[] = { CL_CONTEXT_PLATFORM, (cl_context_properties)cl->platform, 0 };
    cl_int code;
    cl->context = clCreateContext(properties, 1, &cl->device, NULL, NULL, &code);
    SCL_TRY(scl_cl_check(code, "clCreateContext", cl->base.info.name, err));
    cl->queue = clCreateCommandQueue(cl->context, cl->device, 0, &code);
    return scl_cl_check(code, "clCreateCommandQueue", cl->base.info.name, err);
}

scl_status scl_cl_open(int index, scl_backend **out, scl_err *err)
{
    void *memory;
    SCL_TRY(scl_alloc_bytes(&memory, sizeof(scl_cl), "a device", err));
    scl_cl *cl = memory;
    cl->base.v = &vtable;
    scl_status status = scl_cl_device_at(index, &cl->platform, &cl->device, &cl->base.info, err);
    char version[256] = "";
    if (status == SCL_OK && scl_device_hangs(index))
        status = scl_fail(err, SCL_FAILED, "%s hangs: it was given up", cl->base.info.name);
    if (status == SCL_OK) {
        clGetPlatformInfo(cl->platform, CL_PLATFORM_VERSION, sizeof version - 1, version, NULL);
        snprintf(cl->identity, sizeof cl->identity, "scorecl %s|%s|%s|%s|%s", SCL_VERSION, cl->base.info.name,
                 cl->base.info.driver, cl->base.info.version, version);
        const char *limit = getenv("SCL_LAUNCH_LIMIT");
        cl->base.launch_limit = limit ? atoi(limit) : 0;
        status = open_queue(cl, err);
        cl->builder.builds = scl_cl_builds;
        cl->base.info.builder = &cl->builder;
    }
    if (status != SCL_OK) {
        cl_close(&cl->base);
        return status;
    }
    *out = &cl->base;
    return SCL_OK;
}
