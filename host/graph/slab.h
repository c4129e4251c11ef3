/* Where the values of a program lie, for the graph room alone. */
#ifndef SCL_GRAPH_SLAB_H
#define SCL_GRAPH_SLAB_H

#include "graph/passes.h"

typedef struct scl_slab {
    size_t bytes;
    size_t *offset_of;     /* value id: its place */
    const scl_block *work; /* of each node: its workspace */
    const scl_block
        *prepared; /* of each node: what it makes of its weights; kept through all runs where they rest */
} scl_slab;

/* choice: of each node.  Results may be written over inputs that die there (no_in_place: never); the smaller
 * of both placements. */
scl_slab scl_slab_place(const scl_program *p, const scl_device_info *device, const scl_choice *choice,
                        const scl_plan_options *options);
/* Nothing shares bytes with anything: every block has its own through the whole run, and options->guard_bytes
 * at least between any two, before the first and behind the last. */
scl_slab scl_slab_place_apart(const scl_program *p, const scl_device_info *device, const scl_choice *choice,
                              const scl_plan_options *options);

#endif
