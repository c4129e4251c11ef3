/* An opened device: OpenCL (cl/backend.c) or the C definitions (graph/reference.c).  What runs graphs sees only this.
 *
 * All commands go in order.  A backend is used by one thread at a time. */
#ifndef SCL_GRAPH_BACKEND_H
#define SCL_GRAPH_BACKEND_H

#include "graph/clock.h"
#include "graph/device.h"
#include "graph/schedule.h"

typedef struct scl_memory scl_memory;     /* a block of device memory; opaque */
typedef struct scl_loaded scl_loaded;     /* a schedule made ready to run; opaque */
typedef struct scl_ticket { void *event; } scl_ticket;
typedef struct scl_backend scl_backend;

/* Where a persistent value lives. */
typedef struct scl_region { scl_memory *memory; size_t offset, bytes; } scl_region;
/* When a launch of a schedule began and ended, seconds on the device's own clock. */
typedef struct scl_span { double begin, end; } scl_span;
typedef struct scl_binding { const scl_value *value; scl_region region; } scl_binding;

typedef enum scl_command {
    SCL_COMMAND_LAUNCH,
    SCL_COMMAND_WRITE,
    SCL_COMMAND_READ,
    SCL_COMMAND_FILL,
    SCL_COMMAND_COPY,
    SCL_COMMANDS
} scl_command;

/* A command that has completed. */
typedef struct scl_event {
    scl_command command;
    const scl_loaded *loaded;         /* LAUNCH: of which schedule, */
    int index;                        /* and which launch of it; of the reference device: which step */
    size_t bytes;                     /* others: moved */
    int64_t enqueue[2];               /* host ns, around the call */
    int64_t seen;                     /* host ns: by then it had ended */
    int64_t stamp[SCL_STAMPS];        /* of the device's clock, or, with host_clock, of the host's; 0: none */
    bool last_only;                   /* several kernels, of which only the last is stamped: it began when the one before it ended */
} scl_event;

struct scl_plan;
/* Who watches a device.  All calls come from the thread that uses it; what they point to is borrowed. */
typedef struct scl_watch {
    void *user;
    void (*loaded)(void *user, const struct scl_plan *plan, const scl_loaded *loaded);
    void (*memory)(void *user, long long bytes);                       /* allocated; released when negative */
    /* Between note(on) and the end of note(off): */
    void (*clock)(void *user, const scl_clock_sample *sample);         /* when noting begins, and once more when it ends */
    void (*event)(void *user, const scl_event *event);                 /* in the order of the queue */
    /* Filled by the device when noting begins. */
    bool noting;
    bool host_clock;                  /* every command is waited for and timed by the host */
    const char *alignment;            /* "timer", "launch", "none" */
    char reason[256];                 /* why the device's stamps are not taken; "" */
} scl_watch;

typedef struct scl_backend_vtable {
    scl_status (*alloc)(scl_backend *b, size_t bytes, scl_memory **out, scl_err *err);
    void (*release)(scl_backend *b, scl_memory *memory);                    /* NULL is accepted */
    /* The source may be reused on return.  Up to 64 KiB does not wait for the device. */
    scl_status (*write)(scl_backend *b, scl_region to, const void *from, scl_err *err);
    scl_status (*read)(scl_backend *b, scl_region from, void *to, scl_err *err);    /* waits */
    /* Starts a write; `from` must stay until wait has returned (tickets as of read_start). */
    scl_status (*write_start)(scl_backend *b, scl_region to, const void *from, scl_ticket *ticket, scl_err *err);
    /* Starts a read; `to` must stay until wait has returned.  wait with *done != NULL only asks. */
    scl_status (*read_start)(scl_backend *b, scl_region from, void *to, scl_ticket *ticket, scl_err *err);
    scl_status (*wait)(scl_backend *b, scl_ticket *ticket, bool *done, scl_err *err);
    scl_status (*fill)(scl_backend *b, scl_region to, unsigned char byte, scl_err *err);
    scl_status (*copy)(scl_backend *b, scl_region to, scl_region from, scl_err *err);
    /* Builds kernels, binds every argument.  The schedule and its graph must outlive the result. */
    scl_status (*load)(scl_backend *b, const scl_schedule *s, scl_memory *slab, const scl_binding *binding,
                       int n_binding, scl_loaded **out, scl_err *err);
    void (*unload)(scl_backend *b, scl_loaded *loaded);
    /* Enqueues steps [first, end) of the schedule (0, n_node: all).  Allocates nothing, opens nothing, does not wait. */
    scl_status (*run)(scl_backend *b, scl_loaded *loaded, int first, int end, scl_err *err);
    /* Enqueues the schedule's last n_prepare launches.  NULL: the backend has none. */
    scl_status (*prepare)(scl_backend *b, scl_loaded *loaded, scl_err *err);
    /* Enqueues all steps and waits; span: of each of their launches.  NULL: the device has no such clock. */
    scl_status (*run_timed)(scl_backend *b, scl_loaded *loaded, scl_span *span, scl_err *err);
    scl_status (*finish)(scl_backend *b, scl_err *err);
    /* Begins or ends noting every command for b->watch; waits.  Recordings are not used meanwhile. */
    scl_status (*note)(scl_backend *b, bool on, scl_err *err);
    /* Hands completed commands to b->watch.  To be called between steps. */
    scl_status (*collect)(scl_backend *b, scl_err *err);
    void (*close)(scl_backend *b);                                          /* frees b */
} scl_backend_vtable;

struct scl_backend {
    const scl_backend_vtable *v;
    scl_device_info info;
    int launch_limit;          /* seconds that a launch may take before the device is given up; 0: any time.  Of OpenCL devices */
    scl_watch *watch;          /* NULL: none.  Borrowed; set before anything is allocated or loaded */
};

/* The C definitions as a device: --device reference. */
scl_status scl_reference_open(scl_backend **out, scl_err *err);

#endif
