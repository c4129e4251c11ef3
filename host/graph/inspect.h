/* Looking inside an executor: for verification (`scorecl verify`).
 *
 * A plan with guard_bytes, on a store with guards, keeps a pattern between all buffers: what is written outside of one shows
 * there.  A node's outputs can be had from its C definition for any inputs; launches can be run one at a time. */
#ifndef SCL_GRAPH_INSPECT_H
#define SCL_GRAPH_INSPECT_H

#include "graph/plan.h"

/* Bytes of device memory that belong to no buffer, and the buffers that they part ("" at an end of memory). */
typedef struct scl_band { scl_region region; const char *before, *behind; } scl_band;

/* The bands of an executor's slab and of its store, in arena. */
void scl_bands_of(const scl_exec *exec, scl_arena *arena, scl_band **out, int *n);
/* Fills bands with the pattern; enqueues. */
scl_status scl_bands_fill(scl_backend *b, const scl_band *band, int n, scl_err *err);
/* The first band that does not hold the pattern any more (*which; -1: all do), and the byte in it.  Waits. */
scl_status scl_bands_check(scl_backend *b, const scl_band *band, int n, int *which, size_t *byte, scl_err *err);
/* "byte 3 behind buffer 'y of conv2d at res1'" */
void scl_band_text(const scl_band *band, size_t byte, char *text, size_t size);

/* The same launches, each of them a step of its own; those that prepare weights that rest stay behind.  In arena; borrows from s. */
scl_schedule *scl_schedule_by_launch(const scl_schedule *s, scl_arena *arena);

/* What the C definitions make of a node (and of what is fused into it): in[i] and out[o] are host memory in the order of the
 * node's values; out holds on entry what stood in the outputs' memory, as a stack of partial sums is written in part. */
scl_status scl_node_define(const scl_node *n, void *const *in, void *const *out, scl_err *err);

/* "y f32[12,8,8,4]" of an output, "x ..." of an input (out < 0: input -1 - out). */
void scl_node_value_text(const scl_node *n, int out, char *text, size_t size);
/* "[1,0,3]" of an element of a value. */
void scl_element_text(const scl_value *v, size_t element, char *text, size_t size);

#endif
