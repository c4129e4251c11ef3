/* The passes of a plan, for the graph room alone.  They work on a list of nodes; the graph itself is not changed (several
 * plans may be made of it), so fused nodes are copies and producers are looked up here. */
#ifndef SCL_GRAPH_PASSES_H
#define SCL_GRAPH_PASSES_H

#include "graph/choice.h"

typedef struct scl_program {
    scl_arena *arena;
    const scl_graph *graph;
    int n_node;
    scl_node **node;          /* in execution order */
    int n_value;
    scl_value **value;        /* by id: the graph's, and what passes add */
} scl_program;

/* Keeps what an output or an in-place update needs (accumulate_only: what an accumulator needs). */
void scl_pass_live(scl_program *p, bool accumulate_only);
/* Nodes that compute the same from the same become one. */
void scl_pass_common(scl_program *p);
/* Inlines pointwise nodes into their pointwise consumers; every inner result keeps its flush. */
void scl_pass_fuse(scl_program *p);

/* Takes pointwise nodes into the operators before and behind them, where the chosen implementation has code for it. */
void scl_pass_fuse_sides(scl_program *p, const scl_device_info *device, const scl_plan_options *options);
/* Has an operator compute a pointwise node along with its results.  Last of all: such a node is not made again elsewhere. */
void scl_pass_fuse_along(scl_program *p, const scl_device_info *device, const scl_plan_options *options);

/* Another order of execution, if fewer bytes are alive at once in it: then true. */
bool scl_pass_order(scl_program *p);

/* First and last position in the order at which each intermediate value (by id) is alive; -1: not in the program. */
typedef struct scl_life { int first, last; } scl_life;
scl_life *scl_lifetimes(const scl_program *p, scl_arena *arena);

/* Places blocks of given sizes and lifetimes; returns the bytes needed.  align: of every offset. */
typedef struct scl_block { size_t bytes, offset; scl_life life; } scl_block;
size_t scl_place_blocks(scl_block *blocks, int n, size_t align);

/* Makes cheap results a second time instead of keeping them while memory is scarcest.  choice: of each node; returns that of
 * each node afterwards. */
scl_choice *scl_pass_recompute(scl_program *p, scl_choice *choice, const scl_device_info *device);

#endif
