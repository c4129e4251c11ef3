#include "cl/record.h"

#include <stdlib.h>
#include <string.h>

#include <CL/cl_ext.h>

struct scl_record {
    cl_command_buffer_khr buffer;
    clCommandNDRangeKernelKHR_fn launch;
    clFinalizeCommandBufferKHR_fn finalize;
    clEnqueueCommandBufferKHR_fn enqueue;
    clReleaseCommandBufferKHR_fn release;
};

/* The version whose functions these headers declare: the extension is provisional, and later ones changed
 * them. */
static bool has_version(const scl_cl *cl)
{
    enum { MOST = 512 };
    cl_name_version_khr *list = calloc(MOST, sizeof *list);
    size_t bytes = 0;
    bool found = false;
    if (list && clGetDeviceInfo(cl->device, CL_DEVICE_EXTENSIONS_WITH_VERSION_KHR, MOST * sizeof *list, list,
                                &bytes) == CL_SUCCESS)
        for (size_t i = 0; i < bytes / sizeof *list; i++)
            found |= !strcmp(list[i].name, CL_KHR_COMMAND_BUFFER_EXTENSION_NAME) &&
                     CL_VERSION_MAJOR_KHR(list[i].version) == 0 &&
                     CL_VERSION_MINOR_KHR(list[i].version) == 9 && CL_VERSION_PATCH_KHR(list[i].version) < 5;
    free(list);
    return found;
}

/* Steps are enqueued ahead, so a recording is enqueued again while it still runs. */
static bool may_overlap(const scl_cl *cl)
{
    cl_device_command_buffer_capabilities_khr can = 0;
    const cl_int code =
        clGetDeviceInfo(cl->device, CL_DEVICE_COMMAND_BUFFER_CAPABILITIES_KHR, sizeof can, &can, NULL);
    return code == CL_SUCCESS && can & CL_COMMAND_BUFFER_CAPABILITY_SIMULTANEOUS_USE_KHR;
}

static void *function(const scl_cl *cl, const char *name)
{
    return clGetExtensionFunctionAddressForPlatform(cl->platform, name);
}

scl_record *scl_record_begin(scl_cl *cl)
{
    if (!cl->base.info.has_command_buffer || !has_version(cl) || !may_overlap(cl))
        return NULL;
    scl_record *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    const clCreateCommandBufferKHR_fn create =
        (clCreateCommandBufferKHR_fn)function(cl, "clCreateCommandBufferKHR");
    r->launch = (clCommandNDRangeKernelKHR_fn)function(cl, "clCommandNDRangeKernelKHR");
    r->finalize = (clFinalizeCommandBufferKHR_fn)function(cl, "clFinalizeCommandBufferKHR");
    r->enqueue = (clEnqueueCommandBufferKHR_fn)function(cl, "clEnqueueCommandBufferKHR");
    r->release = (clReleaseCommandBufferKHR_fn)function(cl, "clReleaseCommandBufferKHR");
    const cl_command_buffer_properties_khr overlaps[] = {CL_COMMAND_BUFFER_FLAGS_KHR,
                                                         CL_COMMAND_BUFFER_SIMULTANEOUS_USE_KHR, 0};
    cl_int code = CL_SUCCESS;
    if (create && r->launch && r->finalize && r->enqueue && r->release)
        r->buffer = create(1, &cl->queue, overlaps, &code);
    if (r->buffer && code == CL_SUCCESS)
        return r;
    free(r);
    return NULL;
}

/* No sync points: the queue is in order, and so is what is recorded for it. */
bool scl_record_launch(scl_record *r, cl_kernel kernel, const scl_grid *grid)
{
    return r->launch(r->buffer, NULL, NULL, kernel, 3, NULL, grid->global, grid->local, 0, NULL, NULL,
                     NULL) == CL_SUCCESS;
}

bool scl_record_end(scl_record *r)
{
    return r->finalize(r->buffer) == CL_SUCCESS;
}

scl_status scl_record_run(scl_record *r, scl_err *err)
{
    return scl_cl_check(r->enqueue(0, NULL, r->buffer, 0, NULL, NULL), "clEnqueueCommandBufferKHR",
                        "a recorded schedule", err);
}

void scl_record_free(scl_record *r)
{
    if (!r)
        return;
    r->release(r->buffer);
    free(r);
}
