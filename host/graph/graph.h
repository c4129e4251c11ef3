/* A graph of values and operators (docs/design/architecture.md, section 3).
 *
 * A value is a dense tensor; a node applies an operator to values.  Nodes are numbered as they are created, and that order is
 * an order of execution.  Nothing here knows a device.  Everything is allocated in the graph's arena and lives as long as it. */
#ifndef SCL_GRAPH_GRAPH_H
#define SCL_GRAPH_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { SCL_MAX_RANK = 6, SCL_MAX_IN = 16, SCL_MAX_OUT = 8, SCL_MAX_ATTR = 8 };

typedef enum scl_dtype { SCL_F32, SCL_I32, SCL_U32, SCL_U8 } scl_dtype;

typedef enum scl_role {
    SCL_INTERMEDIATE, /* made by a node; lives in the plan's slab while it is needed */
    SCL_INPUT,        /* written by the host between runs (batch, labels, counters, coefficients) */
    SCL_PARAM,        /* a weight */
    SCL_STATE,        /* optimiser state, EMA, flags: updated in place */
    SCL_ACCUM,        /* the open leaf and the stack of a sum over micro-batches: lives across runs of a plan */
    SCL_CONST,        /* written once: noise tables, data set */
} scl_role;           /* all but the first are persistent: they live in a store (graph/store.h), found by name */

typedef struct scl_op scl_op;
typedef struct scl_node scl_node;
typedef struct scl_graph scl_graph;

typedef struct scl_value {
    int id;
    const char *name;
    scl_dtype dtype;
    int rank, dim[SCL_MAX_RANK];
    scl_role role;
    bool output;              /* must survive to the end of the run (a plan keeps it readable) */
    scl_node *producer;       /* NULL for persistent values */
    int producer_out;
    struct scl_value *storage;/* an in-place update lives in this persistent value's memory; else NULL */
} scl_value;

/* How a node reads an input of a pointwise expression whose result has shape [N,...,C]. */
typedef enum scl_index {
    SCL_INDEX_FULL,           /* same number of elements */
    SCL_INDEX_SAMPLE,         /* [N] */
    SCL_INDEX_SAMPLE_CHANNEL, /* [N,S], S >= offset + C: element n*S + offset + c */
    SCL_INDEX_CHANNEL,        /* [S], S >= offset + C: element offset + c */
    SCL_INDEX_SCALAR,         /* [S]: element offset */
} scl_index;

typedef struct scl_attr_value { long i; double f; const char *text; } scl_attr_value;

struct scl_node {
    int id;
    const scl_op *op;
    scl_graph *graph;
    const char *scope;                    /* where in the network: "refine1.adapt_convs.0" */
    int n_in, n_out;
    scl_value *in[SCL_MAX_IN];            /* NULL: an optional input that is absent */
    scl_value *out[SCL_MAX_OUT];
    scl_attr_value attr[SCL_MAX_ATTR];    /* in the order of the operator's table */
    int letter[26];                       /* what 'A' ... 'Z' of the signature are bound to; 0: unbound */
    int star_rank, star_dim[SCL_MAX_RANK]; /* the dimensions that a letter with '*' stands for */
    unsigned want;                        /* bit i: autodiff needs the cotangent of in[i] (valid inside vjp and jvp) */
    /* pointwise only */
    const char *in_name[SCL_MAX_IN];
    scl_index in_index[SCL_MAX_IN];
    int in_offset[SCL_MAX_IN];
    const void *expr;                     /* parsed scl_expr; graph/expr.h */
    /* What a plan has fused into the node (graph/fuse_sides.c), over x, y and the inputs pre0 ..., post0 ... appended to in: */
    const void *pre;                      /* scl_expr of x = in[0], computed where it is read */
    const void *post;                     /* scl_expr of y = the operator's result, computed where out[0] is written */
};

struct scl_graph {
    scl_arena *arena;                     /* borrowed; outlives the graph */
    const char *name;                     /* "train", "sample" ... */
    scl_value **value; int n_value, cap_value;
    scl_node **node; int n_node, cap_node;
    const char *scope;                    /* scope given to new nodes; set by scl_scope_push */
    int global_batch;                     /* most samples of a global batch: sizes the trees over samples; 0: the N of the values */
    bool accumulate;                      /* micro-batches: trees over samples live in accumulators */
    int micro_batch;                      /* samples of every run of a batch but its last; 0: not known */
};

/* The step's counters, value "counters" u32[SCL_COUNTERS] with role SCL_INPUT: what changes from run to run and what the
 * generator and the trees over samples are keyed by.  Kernels get them as a buffer, refs as the value's data. */
enum {
    SCL_CNT_SEED_LO, SCL_CNT_SEED_HI,     /* key of Philox */
    SCL_CNT_STEP,                         /* global step, or level*T + t when sampling */
    SCL_CNT_POSITION,                     /* position in the global batch of this run's first sample (micro-batches) */
    SCL_CNT_BATCH,                        /* samples in this global batch */
    SCL_CNT_FIRST,                        /* entry of `order` that is position 0 of the global batch */
    SCL_CNT_SAMPLE,                       /* Philox's sample number of position 0 (0 when training; first output index when sampling) */
    SCL_CNT_SLOT,                         /* row of the metrics ring that this step writes */
    SCL_COUNTERS = 16
};

scl_graph *scl_graph_new(scl_arena *arena, const char *name);

/* A persistent value, found again by name: asking for the same name returns the same value (the shape must be the same: else
 * SCL_FAILED).  dims: rank numbers > 0. */
scl_status scl_value_get(scl_graph *g, scl_value **out, scl_role role, const char *name, scl_dtype dtype, int rank,
                         const int *dims, scl_err *err);
#define SCL_DIMS(...) ((int)(sizeof((int[]){ __VA_ARGS__ }) / sizeof(int))), (const int[]){ __VA_ARGS__ }

/* The graph's "counters" input, made at first use. */
scl_value *scl_counters(scl_graph *g);

/* The accumulator of a sum over samples in micro-batch mode (a persistent SCL_ACCUM value, unique to its user), or NULL when the
 * whole batch is one run and the stack may live in the slab. */
scl_value *scl_accumulator(scl_graph *g, int rank, const int *dims);
/* Does every run start at a multiple of so many samples of its batch, and end at one or with the batch? */
bool scl_runs_aligned(const scl_graph *g, int samples);
/* Slots of the stack of a tree over samples with Q samples a leaf and the given number of segments a leaf (1: none). */
int scl_tree_slots(const scl_graph *g, int n_samples, int samples_per_leaf, int segments_per_leaf);
/* The canonical sum over the batch of v [N,...]: batch_sum then batch_root. */
scl_status scl_sum_over_batch(scl_graph *g, scl_value **out, scl_value *v, scl_err *err);

size_t scl_dtype_bytes(scl_dtype dtype);
const char *scl_dtype_name(scl_dtype dtype);      /* "f32" ... */
size_t scl_value_count(const scl_value *v);       /* elements */
size_t scl_value_bytes(const scl_value *v);

/* Marks a value as an output under a name. */
void scl_output(scl_value *v, const char *name);
scl_value *scl_find_value(const scl_graph *g, const char *name);   /* by name, newest first; NULL: none */

/* Scopes nest: push "res1.0", then "conv1" gives "res1.0.conv1".  pop restores what push returned. */
const char *scl_scope_push(scl_graph *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
void scl_scope_pop(scl_graph *g, const char *before);

/* One argument of scl_apply: an input or an attribute, by the name that stands in the operator's table. */
typedef struct scl_arg {
    const char *name;
    scl_value *value;             /* an input, when kind is 0 */
    int kind;                     /* 0 input, 1 integer, 2 real, 3 text */
    scl_index index; int offset;  /* pointwise inputs only; SCL_INDEX_FULL: chosen by rank (1: sample, 2 under a larger one: sample-channel) */
    scl_attr_value attr;
} scl_arg;
#define SCL_IN(n, v) ((scl_arg){ .name = (n), .value = (v) })
#define SCL_CHANNEL(n, v, o) ((scl_arg){ .name = (n), .value = (v), .index = SCL_INDEX_CHANNEL, .offset = (o) })
#define SCL_SAMPLE_CHANNEL(n, v, o) ((scl_arg){ .name = (n), .value = (v), .index = SCL_INDEX_SAMPLE_CHANNEL, .offset = (o) })
#define SCL_SCALAR(n, v, o) ((scl_arg){ .name = (n), .value = (v), .index = SCL_INDEX_SCALAR, .offset = (o) })
#define SCL_INT(n, x) ((scl_arg){ .name = (n), .kind = 1, .attr = { .i = (x) } })
#define SCL_REAL(n, x) ((scl_arg){ .name = (n), .kind = 2, .attr = { .f = (x) } })
#define SCL_TEXT(n, x) ((scl_arg){ .name = (n), .kind = 3, .attr = { .text = (x) } })

/* Appends a node that applies the operator called op (found in the registry) and stores its outputs in out[0 ...].
 * Errors: no such operator, a missing or unknown argument, shapes that do not fit the signature. */
scl_status scl_apply(scl_graph *g, scl_value **out, scl_err *err, const char *op, const scl_arg *args, int n_args);
#define SCL_APPLY(g, out, err, op, ...)                                                                      \
    scl_apply(g, out, err, op, (const scl_arg[]){ __VA_ARGS__ },                                             \
              (int)(sizeof((scl_arg[]){ __VA_ARGS__ }) / sizeof(scl_arg)))

/* A pointwise expression over named inputs (graph/expr.h has the language); the result has the shape of the largest input. */
#define SCL_POINTWISE(g, out, err, expression, ...)                                                                    \
    SCL_APPLY(g, out, err, "pointwise", SCL_TEXT("expr", expression), __VA_ARGS__)

/* Prints the graph (scorecl dump graph): format "text", "dot" or "json".  The text is in arena. */
char *scl_graph_text(const scl_graph *g, const char *format, scl_arena *arena);

#endif
