/* For the cl room alone: an opened OpenCL device and its error names. */
#ifndef SCL_CL_OPENCL_H
#define SCL_CL_OPENCL_H

#ifndef CL_TARGET_OPENCL_VERSION
#define CL_TARGET_OPENCL_VERSION 120
#endif
#include <CL/cl.h>

#include "graph/backend.h"

typedef struct scl_programs scl_programs;
typedef struct scl_ring scl_ring;
typedef struct scl_cl_watch scl_cl_watch;
typedef struct scl_kernels scl_kernels;
typedef struct scl_limit scl_limit;

typedef struct scl_cl {
    scl_backend base;             /* first: a scl_backend * of this kind is a scl_cl * */
    cl_platform_id platform;
    cl_device_id device;
    cl_context context;
    cl_command_queue queue;       /* in order */
    char identity[1024];          /* device, driver, platform version: part of every cache key */
    scl_programs *programs;       /* built programs; program.h */
    scl_ring *ring;               /* staging of small writes; memory.c */
    scl_cl_watch *watch;          /* of base.watch; watch.c */
    scl_cl_watch *notes;          /* the same while commands are noted, else NULL */
    bool gemm_ready;              /* CLBlast has its parameters */
    scl_builder builder;          /* for plans: which choices this device takes */
    scl_limit *limit;             /* launches that have not ended, where their time is limited; limit.c */
    bool lost;                    /* one of them hangs: nothing may be waited for or released any more */
    const scl_launch *hung;       /* for which; NULL: one of no schedule */
    scl_kernels *kernels;         /* that have been created and looked at once; kernel.c */
} scl_cl;

/* NULL when b is not an OpenCL device. */
scl_cl *scl_cl_of(scl_backend *b);

/* "CL_OUT_OF_RESOURCES"; "error -9999" for an unknown one. */
const char *scl_cl_error_name(cl_int code);

/* "; " and what may be done about an error; "" where its name says it. */
const char *scl_cl_error_advice(cl_int code);

/* SCL_OK, or SCL_FAILED with "clFoo: CL_NAME (-5)" and what: the object in question (may be NULL). */
scl_status scl_cl_check(cl_int code, const char *call, const char *what, scl_err *err);
#define SCL_CL(err, what, function, ...) SCL_TRY(scl_cl_check(function(__VA_ARGS__), #function, what, err))

/* The i-th device of the list of device.h. */
scl_status scl_cl_device_at(int index, cl_platform_id *platform, cl_device_id *device, scl_device_info *info,
                            scl_err *err);

/* Opens a device with everything in scl_cl. */
scl_status scl_cl_open(int index, scl_backend **out, scl_err *err);

#endif
