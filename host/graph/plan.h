/* A plan: for one graph and one device description, the order, the fused kernels, the implementation and tuning of each
 * node, the memory of each value.  Immutable; printed by `scorecl dump plan|schedule`. */
#ifndef SCL_GRAPH_PLAN_H
#define SCL_GRAPH_PLAN_H

#include "graph/backend.h"
#include "graph/store.h"

typedef struct scl_plan_options {
    bool no_fuse;                    /* leave every pointwise node a kernel of its own (same bits) */
    bool no_fuse_output, fuse_input; /* pointwise nodes inside the operator before, behind (same bits); graph/fuse_sides.c */
    bool no_fuse_along;              /* normalisation never applied by the kernel of its statistics (same bits) */
    bool no_in_place;                /* never write a result over an input that dies (same bits) */
    bool no_order; /* nodes run in the order of the graph, not in one that needs less memory (same bits) */
    bool recompute;                  /* make cheap results again in the backward pass instead of keeping them (same bits) */
    bool record;                     /* launches become one recorded command buffer, where the device has them (same bits) */
    const char *const *tune;         /* forced candidates "conv2d.MR=4", NULL-terminated; may be NULL */
    bool weights_rest;               /* weights do not change after an exec's first run: what is made of them is made once */
    const struct scl_tuning *tuning; /* measured rows, used where they fit; may be NULL; outlives the plan */
    size_t guard_bytes;              /* every buffer keeps memory of its own, bands of so many bytes between them (same bits); 0: no */
    bool accumulate_only;            /* keep only what feeds accumulators: the plan of every micro-batch but the last */
    bool candidate_index;            /* tests: choose the i-th fitting candidate of every node */
    int candidate;
} scl_plan_options;

typedef struct scl_plan {
    const scl_graph *graph;          /* after the passes */
    scl_schedule schedule;
    size_t peak_bytes;               /* slab: what is really allocated */
    size_t persistent_bytes;
    scl_device_info device;
    const struct scl_choice *choice; /* of each step of the schedule; graph/choice.h */
} scl_plan;

/* Removes dead nodes, fuses, chooses, orders, places.  Fails (numbers in the message) where a buffer is larger than the device
 * allows.  On an opened device (device->builder) the programs are built, and a choice that the device cannot build is refused: a
 * warning names it and what is taken instead; an error when nothing is left.  Everything is in arena. */
scl_status scl_plan_make(scl_plan **out, scl_arena *arena, scl_graph *graph, const scl_device_info *device,
                         const scl_plan_options *options, scl_err *err);
/* The slab that this plan would have, without laying out a launch or asking whether it fits. */
scl_status scl_plan_measure(size_t *slab_bytes, scl_graph *graph, const scl_device_info *device,
                            const scl_plan_options *options, scl_err *err);
/* The measured row that chose for a step of the schedule; NULL: none. */
const struct scl_tuning_row *scl_plan_row(const scl_plan *plan, int step);
/* How many choices (implementations x tuning candidates that fit) a node has on a device. */
int scl_candidate_count(const scl_node *n, const scl_device_info *device);

char *scl_plan_text(const scl_plan *plan, const char *format, scl_arena *arena);
char *scl_schedule_text(const scl_plan *plan, const char *format, scl_arena *arena);

/* A plan with its slab, loaded on a device and bound to a store. */
typedef struct scl_exec scl_exec;
/* slab: shared with other execs of the same backend when not NULL (it must be large enough), else allocated and owned. */
scl_status scl_exec_create(scl_exec **out, scl_backend *b, const scl_plan *plan, scl_store *store, scl_memory *slab,
                           scl_err *err);
void scl_exec_free(scl_exec *exec);                                  /* NULL is accepted */
scl_status scl_exec_run(scl_exec *exec, scl_err *err);               /* enqueues; does not wait */
/* A run that waits: when each of its launches began and ended.  SCL_FAILED where the device cannot tell. */
scl_status scl_exec_run_timed(scl_exec *exec, scl_span *span, scl_err *err);
/* The place of a value marked output (or persistent); zero bytes when it does not exist. */
scl_region scl_exec_region(const scl_exec *exec, const char *value_name);
scl_status scl_exec_read(scl_exec *exec, const char *value_name, void *to, size_t bytes, scl_err *err);   /* waits */
/* For looking inside (graph/inspect.h): what it is made of, and steps [first, end) of its schedule alone. */
scl_backend *scl_exec_backend(const scl_exec *exec);
const scl_plan *scl_exec_plan(const scl_exec *exec);
scl_store *scl_exec_store(const scl_exec *exec);
scl_memory *scl_exec_slab(const scl_exec *exec);
scl_region scl_exec_place(const scl_exec *exec, const scl_place *place);
scl_status scl_exec_run_steps(scl_exec *exec, int first, int end, scl_err *err);
/* Runs node by node, reading every float output, until one is not finite: names it ("res1.0.conv1: conv2d y[5] = nan"). */
scl_status scl_exec_find_nonfinite(scl_exec *exec, char *text, size_t size, scl_err *err);

#endif
