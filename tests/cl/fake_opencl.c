/* A loader between the program and its OpenCL loader (LD_PRELOAD), which makes a good device a bad one.
 *
 *   FAKE_CL="fail=FUNCTION:N:CODE ..."   the N-th call from 1 of FUNCTION (N+: and all after it) returns CODE; FUNCTION is one of FUNCTIONS
 *           "build=TEXT"                  programs fail to build whose options or source contain TEXT, ~ for a blank ("build=": all)
 *           "log=TEXT"                    what the compiler said then
 *           "build_on=N"                  but only for the N-th device of its platform, from 0
 *           "crash=TEXT"                  the process ends (SIGABRT) in the build of such programs
 *           "gone=N"                      from the N-th launch on the device is not available to anything
 *           "hang=N"                      the N-th launch never begins, so nothing behind it does
 *           "hang_kernel=NAME"            the same for the first launch of a kernel
 *           "flip=N"                      the N-th read of a buffer brings one changed bit
 *           "flip_kernel=NAME"            so does the read behind each launch of that kernel
 *           "memory=BYTES"                buffers of more bytes in all fail to be made
 *           "max_group=N" "local=BYTES"   limits that the device tells, and keeps
 *           "engines=N"                   cl_intel_device_attribute_query: N compute units of a core
 *           "gpu=1"                       it calls itself a GPU
 *           "no_fp64=1" "in_order=1"      no cl_khr_fp64; a queue out of order cannot be made
 *           "slow=MS"                     launches wait so long before they are enqueued
 * Several words apart by blanks.  Counts are of the whole process. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <CL/cl.h>
#include <CL/cl_ext.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t taken;                     /* bytes of buffers */
static long launches, reads;
static int flip_next;
static cl_event never;

/* The text behind "key=" up to a blank; false: not there. */
static int word(const char *key, char *out, size_t size)
{
    const char *p = getenv("FAKE_CL");
    const size_t n = strlen(key);
    for (; p && *p; p += strcspn(p, " "), p += strspn(p, " "))
        if (!strncmp(p, key, n) && p[n] == '=') {
            snprintf(out, size, "%.*s", (int)strcspn(p + n + 1, " "), p + n + 1);
            return 1;
        }
    return 0;
}

static long number(const char *key)
{
    char text[64];
    return word(key, text, sizeof text) ? atol(text) : 0;
}

static void *real(const char *name)
{
    void *f = dlsym(RTLD_NEXT, name);
    if (!f) {
        fprintf(stderr, "fake_opencl: the loader has no %s\n", name);
        _exit(99);
    }
    return f;
}

static int is_gone(void)
{
    const long at = number("gone");
    return at && launches >= at;
}

/* What the next call of a function is to fail with; CL_SUCCESS: it is passed on. */
static cl_int fault_of(const char *function)
{
    static struct { char name[48]; long calls; } seen[64];
    const char *p = getenv("FAKE_CL");
    cl_int result = CL_SUCCESS;
    int k = 0;
    pthread_mutex_lock(&lock);
    while (k < 63 && seen[k].name[0] && strcmp(seen[k].name, function))
        k++;
    snprintf(seen[k].name, sizeof seen[k].name, "%s", function);
    const long call = ++seen[k].calls;
    for (; p && *p; p += strcspn(p, " "), p += strspn(p, " ")) {
        char name[48], n[24];
        int code;
        if (sscanf(p, "fail=%47[A-Za-z]:%23[0-9+]:%d", name, n, &code) != 3 || strcmp(name, function))
            continue;
        if (call == atol(n) || (strchr(n, '+') && call > atol(n)))
            result = code;
    }
    if (is_gone() && result == CL_SUCCESS)
        result = CL_DEVICE_NOT_AVAILABLE;
    pthread_mutex_unlock(&lock);
    return result;
}

#define FAULT()                                   \
    do {                                          \
        const cl_int fault = fault_of(__func__);  \
        if (fault != CL_SUCCESS)                  \
            return fault;                         \
    } while (0)
#define FAULT_MADE(code)                          \
    do {                                          \
        const cl_int fault = fault_of(__func__);  \
        if (fault != CL_SUCCESS) {                \
            if (code)                             \
                *(code) = fault;                  \
            return NULL;                          \
        }                                         \
    } while (0)

cl_context clCreateContext(const cl_context_properties *p, cl_uint n, const cl_device_id *d,
                           void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *user, cl_int *code)
{
    cl_context (*f)(const cl_context_properties *, cl_uint, const cl_device_id *,
                    void(CL_CALLBACK *)(const char *, const void *, size_t, void *), void *, cl_int *) = real(__func__);
    FAULT_MADE(code);
    return f(p, n, d, notify, user, code);
}

cl_command_queue clCreateCommandQueue(cl_context c, cl_device_id d, cl_command_queue_properties p, cl_int *code)
{
    cl_command_queue (*f)(cl_context, cl_device_id, cl_command_queue_properties, cl_int *) = real(__func__);
    FAULT_MADE(code);
    if ((p & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE) && number("in_order")) {
        *code = CL_INVALID_QUEUE_PROPERTIES;
        return NULL;
    }
    return f(c, d, p, code);
}

cl_mem clCreateBuffer(cl_context c, cl_mem_flags flags, size_t bytes, void *host, cl_int *code)
{
    cl_mem (*f)(cl_context, cl_mem_flags, size_t, void *, cl_int *) = real(__func__);
    const long most = number("memory");
    FAULT_MADE(code);
    if (most && (taken += bytes) > (size_t)most) {
        *code = CL_MEM_OBJECT_ALLOCATION_FAILURE;
        return NULL;
    }
    return f(c, flags, bytes, host, code);
}

static int is_built_on(cl_device_id device)
{
    cl_device_id all[64];
    cl_platform_id platform;
    cl_uint n = 0;
    char text[16];
    if (!word("build_on", text, sizeof text) ||
        clGetDeviceInfo(device, CL_DEVICE_PLATFORM, sizeof platform, &platform, NULL) != CL_SUCCESS ||
        clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 64, all, &n) != CL_SUCCESS)
        return 1;
    return (cl_uint)atol(text) < n && all[atol(text)] == device;
}

static int is_meant(const char *key, cl_program p, const char *options)
{
    char text[256];
    size_t bytes = 0;
    int found = 0;
    if (!word(key, text, sizeof text))
        return 0;
    for (char *c = text; *c; c++)
        *c = *c == '~' ? ' ' : *c;
    if (!text[0] || (options && strstr(options, text)))
        return 1;
    clGetProgramInfo(p, CL_PROGRAM_SOURCE, 0, NULL, &bytes);
    char *source = calloc(1, bytes + 1);
    if (source && bytes && clGetProgramInfo(p, CL_PROGRAM_SOURCE, bytes, source, NULL) == CL_SUCCESS)
        found = strstr(source, text) != NULL;
    free(source);
    return found;
}

cl_program clCreateProgramWithBinary(cl_context c, cl_uint n, const cl_device_id *d, const size_t *bytes,
                                     const unsigned char **binary, cl_int *status, cl_int *code)
{
    cl_program (*f)(cl_context, cl_uint, const cl_device_id *, const size_t *, const unsigned char **, cl_int *, cl_int *) =
        real(__func__);
    FAULT_MADE(code);
    return f(c, n, d, bytes, binary, status, code);
}

cl_int clBuildProgram(cl_program p, cl_uint n, const cl_device_id *d, const char *options,
                      void(CL_CALLBACK *notify)(cl_program, void *), void *user)
{
    cl_int (*f)(cl_program, cl_uint, const cl_device_id *, const char *, void(CL_CALLBACK *)(cl_program, void *), void *) =
        real(__func__);
    FAULT();
    if (is_meant("crash", p, options))
        abort();
    return is_meant("build", p, options) && is_built_on(d[0]) ? CL_BUILD_PROGRAM_FAILURE : f(p, n, d, options, notify, user);
}

cl_int clGetProgramBuildInfo(cl_program p, cl_device_id d, cl_program_build_info what, size_t size, void *out, size_t *bytes)
{
    cl_int (*f)(cl_program, cl_device_id, cl_program_build_info, size_t, void *, size_t *) = real(__func__);
    char text[256];
    if (what != CL_PROGRAM_BUILD_LOG || !word("log", text, sizeof text))
        return f(p, d, what, size, out, bytes);
    if (bytes)
        *bytes = strlen(text) + 1;
    if (out)
        snprintf(out, size, "%s", text);
    return CL_SUCCESS;
}

cl_kernel clCreateKernel(cl_program p, const char *name, cl_int *code)
{
    cl_kernel (*f)(cl_program, const char *, cl_int *) = real(__func__);
    FAULT_MADE(code);
    return f(p, name, code);
}

cl_int clGetKernelArgInfo(cl_kernel k, cl_uint i, cl_kernel_arg_info what, size_t size, void *out, size_t *bytes)
{
    cl_int (*f)(cl_kernel, cl_uint, cl_kernel_arg_info, size_t, void *, size_t *) = real(__func__);
    FAULT();
    return f(k, i, what, size, out, bytes);
}

static int is_named(const char *key, cl_kernel k)
{
    char text[128], name[128] = "";
    return word(key, text, sizeof text) &&
           clGetKernelInfo(k, CL_KERNEL_FUNCTION_NAME, sizeof name - 1, name, NULL) == CL_SUCCESS && !strcmp(name, text);
}

cl_int clEnqueueNDRangeKernel(cl_command_queue q, cl_kernel k, cl_uint dim, const size_t *offset, const size_t *global,
                              const size_t *local, cl_uint n, const cl_event *wait, cl_event *event)
{
    cl_int (*f)(cl_command_queue, cl_kernel, cl_uint, const size_t *, const size_t *, const size_t *, cl_uint, const cl_event *,
                cl_event *) = real(__func__);
    const long group = number("max_group");
    launches++;
    FAULT();
    if (group && local && local[0] * (dim > 1 ? local[1] : 1) * (dim > 2 ? local[2] : 1) > (size_t)group)
        return CL_INVALID_WORK_GROUP_SIZE;
    if (number("slow"))
        usleep((useconds_t)(1000 * number("slow")));
    const int hangs = (number("hang") && launches == number("hang")) || (!never && is_named("hang_kernel", k));
    flip_next |= is_named("flip_kernel", k);
    if (!hangs)
        return f(q, k, dim, offset, global, local, n, wait, event);
    cl_context context;
    cl_int code;
    clGetCommandQueueInfo(q, CL_QUEUE_CONTEXT, sizeof context, &context, NULL);
    never = clCreateUserEvent(context, &code);
    return code == CL_SUCCESS ? f(q, k, dim, offset, global, local, 1, &never, event) : code;
}

cl_int clEnqueueReadBuffer(cl_command_queue q, cl_mem b, cl_bool blocking, size_t offset, size_t bytes, void *to, cl_uint n,
                           const cl_event *wait, cl_event *event)
{
    cl_int (*f)(cl_command_queue, cl_mem, cl_bool, size_t, size_t, void *, cl_uint, const cl_event *, cl_event *) = real(__func__);
    FAULT();
    const int flips = (number("flip") && ++reads == number("flip")) || flip_next;
    flip_next = 0;
    const cl_int code = f(q, b, flips ? CL_TRUE : blocking, offset, bytes, to, n, wait, event);
    if (flips && code == CL_SUCCESS)
        *(unsigned char *)to ^= 1;
    return code;
}

cl_int clEnqueueWriteBuffer(cl_command_queue q, cl_mem b, cl_bool blocking, size_t offset, size_t bytes, const void *from,
                            cl_uint n, const cl_event *wait, cl_event *event)
{
    cl_int (*f)(cl_command_queue, cl_mem, cl_bool, size_t, size_t, const void *, cl_uint, const cl_event *, cl_event *) =
        real(__func__);
    FAULT();
    return f(q, b, blocking, offset, bytes, from, n, wait, event);
}

cl_int clFlush(cl_command_queue q)
{
    cl_int (*f)(cl_command_queue) = real(__func__);
    FAULT();
    return f(q);
}

cl_int clFinish(cl_command_queue q)
{
    cl_int (*f)(cl_command_queue) = real(__func__);
    FAULT();
    return f(q);
}

cl_int clWaitForEvents(cl_uint n, const cl_event *event)
{
    cl_int (*f)(cl_uint, const cl_event *) = real(__func__);
    FAULT();
    return f(n, event);
}

cl_int clGetDeviceInfo(cl_device_id d, cl_device_info what, size_t size, void *out, size_t *bytes)
{
    cl_int (*f)(cl_device_id, cl_device_info, size_t, void *, size_t *) = real(__func__);
    char text[32];
    const int engines = word("engines", text, sizeof text);
    if (what == CL_DEVICE_NUM_EUS_PER_SUB_SLICE_INTEL && engines && out && size >= sizeof(cl_uint)) {
        *(cl_uint *)out = (cl_uint)atol(text);
        return CL_SUCCESS;
    }
    const cl_int code = f(d, what, size, out, bytes);
    if (code != CL_SUCCESS || !out)
        return code;
    if (what == CL_DEVICE_EXTENSIONS && engines && strlen(out) + 40 < size)
        strcat(out, " cl_intel_device_attribute_query");
    if (what == CL_DEVICE_MAX_WORK_GROUP_SIZE && number("max_group"))
        *(size_t *)out = (size_t)number("max_group");
    if (what == CL_DEVICE_LOCAL_MEM_SIZE && number("local"))
        *(cl_ulong *)out = (cl_ulong)number("local");
    if (what == CL_DEVICE_TYPE && number("gpu"))
        *(cl_device_type *)out = CL_DEVICE_TYPE_GPU;
    if (what == CL_DEVICE_QUEUE_PROPERTIES && number("in_order"))
        *(cl_command_queue_properties *)out &= ~(cl_command_queue_properties)CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE;
    char *fp64 = what == CL_DEVICE_EXTENSIONS && number("no_fp64") ? strstr(out, "cl_khr_fp64") : NULL;
    if (fp64)
        memcpy(fp64, "cl_fake_fp0", 11);
    return code;
}
