/* Inside the harness: one case made concrete, and the ways to run it. */
#ifndef SCL_TESTS_OP_RUN_H
#define SCL_TESTS_OP_RUN_H

#include "graph/plan.h"
#include "graph/signature.h"
#include "op_check.h"

enum { T_MAX_TENSOR = SCL_MAX_IN + SCL_MAX_OUT + 1, T_MAX_DATA = 64 };

/* An input or output of the case. */
typedef struct t_tensor {
    scl_sig sig;
    bool out, given, by_sample;     /* by_sample: the first dimension is N */
    int rank, dims[SCL_MAX_RANK];
    size_t count, bytes;
    void *data;                     /* inputs: what the device gets; outputs: what ref computed */
    void *wide;                     /* double, or the integers again: what the oracle reads and writes */
} t_tensor;

/* The graph of a case. */
typedef struct t_built {
    scl_graph *graph;
    scl_node *node;
    scl_value *value[T_MAX_TENSOR]; /* of each tensor; NULL: not there */
} t_built;

struct t_run {
    scl_arena arena;
    const t_op *op;
    const scl_op *table;
    const t_case *c;
    int letter[26];
    int star_rank, star_dim[SCL_MAX_RANK];
    uint32_t counters[SCL_COUNTERS];
    int n_in, n;                    /* tensors: inputs, then outputs, then "root" if there is one */
    t_tensor tensor[T_MAX_TENSOR];
    bool has_root;
    t_built built;
};

/* Values by their graph value: inputs of an execution, or what came out. */
typedef struct t_data { const scl_value *value; void *data; } t_data;
typedef struct t_bundle { int n; t_data item[T_MAX_DATA]; } t_bundle;

/* op_harness_case.c: makes a case concrete (dimensions, graph, inputs, oracle's arrays).  Frees with
 * t_run_free. */
scl_status t_run_make(t_run *r, const t_op *op, const t_case *c, scl_err *err);
void t_run_free(t_run *r);
t_case t_case_of(t_run *r);                   /* the case with its run, for an oracle */
void t_run_oracle(t_run *r);                  /* clears the oracle's outputs and fills them */
int t_find(const t_run *r, const char *name); /* index of a tensor; -1 */

/* op_harness_fill.c */
void t_fill(t_run *r);
double t_random(uint64_t *state);             /* [0, 1) with 24 bits */
uint64_t t_seed(const char *a, const char *b, const char *c);

/* op_harness_graph.c: the case's graph over `samples` samples. */
typedef struct t_build_options { int samples; bool accumulate, root; } t_build_options;
scl_status t_build(t_run *r, t_built *out, const t_build_options *o, scl_err *err);
void t_inputs(const t_run *r, const t_built *b, int first_sample, t_bundle *in);

/* op_harness_device.c: one plan, guarded memory, two runs.  out: every value marked output and every
 * persistent value that is updated in place, in the arena.  What went wrong (a guard, an input that changed,
 * a second run that differs) is in fault; "" when nothing. */
scl_status t_execute(scl_arena *arena, scl_backend *b, scl_graph *g, const scl_plan_options *options,
                     const t_bundle *in, t_bundle *out, char *fault, size_t fault_size, scl_err *err);
void *t_bundle_find(const t_bundle *bundle, const scl_value *v);

/* op_harness_compare.c */
typedef struct t_difference { size_t count, first; uint32_t bits, expected; } t_difference;
t_difference t_compare_bits(const void *a, const void *b, const t_tensor *t);
void t_element(const t_tensor *t, size_t index, char *text, size_t size);     /* "y[1,0,3]" */
/* Error of ref against the oracle over all outputs, relative to each output's largest oracle value; false:
 * text says why. */
bool t_compare_oracle(const t_run *r, double *error, char *text, size_t size);
bool t_check_range(const t_run *r, char *text,
                   size_t size); /* finite, flushed, no -0, every element written */

/* op_harness_grad.c */
bool t_check_grad(t_run *r, scl_backend *device, scl_backend *reference, double *error, char *text,
                  size_t size, scl_err *err);
bool t_check_jvp(t_run *r, scl_backend *reference, double *error, char *text, size_t size, scl_err *err);

#define T_TRY(call) SCL_TRY(call)

#endif
