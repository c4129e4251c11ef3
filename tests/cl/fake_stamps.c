/* In front of the OpenCL library (LD_PRELOAD): a device whose stamps are not what they should be, by SCL_FAKE_STAMPS.
 *
 *   one_ns     every command ends 1 ns after it started, as rusticl 22.3 says
 *   none       no command has stamps
 *   no_queue   there is no queue that notes them
 *   backwards  every 16th command ends before it started
 *   overlap    every 16th command starts 2 ms too early
 *   timer      clGetDeviceAndHostTimer works, on the clock of the stamps (CLOCK_MONOTONIC_RAW, as PoCL has it) */
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int fakes(const char *what)
{
    const char *fake = getenv("SCL_FAKE_STAMPS");
    return fake && !strcmp(fake, what);
}

cl_command_queue clCreateCommandQueue(cl_context context, cl_device_id device, cl_command_queue_properties properties, cl_int *code)
{
    cl_command_queue (*real)(cl_context, cl_device_id, cl_command_queue_properties, cl_int *);
    *(void **)&real = dlsym(RTLD_NEXT, "clCreateCommandQueue");
    if (properties & CL_QUEUE_PROFILING_ENABLE && fakes("no_queue")) {
        *code = CL_INVALID_QUEUE_PROPERTIES;
        return NULL;
    }
    return real(context, device, properties, code);
}

/* The same for all four questions about one command; not of the first ones, which judge the clock as a whole. */
static int chosen(cl_profiling_info what)
{
    enum { JUDGING = 150 };
    static unsigned commands;
    commands += what == CL_PROFILING_COMMAND_QUEUED;
    return commands > JUDGING && commands % 16 == 0;
}

cl_int clGetEventProfilingInfo(cl_event event, cl_profiling_info what, size_t size, void *value, size_t *written)
{
    cl_int (*real)(cl_event, cl_profiling_info, size_t, void *, size_t *);
    cl_ulong start = 0, *to = value;
    *(void **)&real = dlsym(RTLD_NEXT, "clGetEventProfilingInfo");
    if (fakes("none"))
        return CL_PROFILING_INFO_NOT_AVAILABLE;
    const cl_int code = real(event, what, size, value, written);
    const int this = chosen(what);
    if (code != CL_SUCCESS || real(event, CL_PROFILING_COMMAND_START, sizeof start, &start, NULL) != CL_SUCCESS)
        return code;
    if (what == CL_PROFILING_COMMAND_END && fakes("one_ns"))
        *to = start + 1;
    if (what == CL_PROFILING_COMMAND_END && fakes("backwards") && this)
        *to = start - 1000;
    if (what == CL_PROFILING_COMMAND_START && fakes("overlap") && this)
        *to = start - 2000000;
    return code;
}

cl_int clGetDeviceAndHostTimer(cl_device_id device, cl_ulong *device_ns, cl_ulong *host_ns)
{
    struct timespec t;
    (void)device;
    if (!fakes("timer"))
        return CL_INVALID_OPERATION;
    clock_gettime(CLOCK_MONOTONIC_RAW, &t);
    *device_ns = *host_ns = (cl_ulong)t.tv_sec * 1000000000 + (cl_ulong)t.tv_nsec;
    return CL_SUCCESS;
}
