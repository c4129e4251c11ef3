/* The signature strings of an operator's table, taken apart (graph/op.h has the language). */
#ifndef SCL_GRAPH_SIGNATURE_H
#define SCL_GRAPH_SIGNATURE_H

#include "graph/op.h"

/* One dimension: number, letter, mul*letter, letter/div, or letter* (product of all further dimensions). */
typedef struct scl_sig_dim {
    char letter;               /* 0: a number */
    int number, mul, div;      /* mul, div: 1 when absent */
    bool star;
} scl_sig_dim;

typedef struct scl_sig {
    char name[32];
    scl_dtype dtype;
    int rank;
    scl_sig_dim dim[SCL_MAX_RANK];
    bool optional;
    char inplace[32];          /* "theta" of "@theta"; "" when there is none */
    char range[48];            /* "> 0", "< L"; "" when there is none */
} scl_sig;

typedef struct scl_attr_sig {
    char name[32];
    enum { SCL_ATTR_INT = 1, SCL_ATTR_REAL, SCL_ATTR_TEXT } kind;   /* numbers of scl_arg.kind */
    double lo, hi;
    bool has_default;
    scl_attr_value value;      /* the default; text points into the table's string */
} scl_attr_sig;

/* These read tables that were written by us: a malformed string is a broken invariant (assert). */
scl_sig scl_sig_parse(const char *text);
scl_attr_sig scl_attr_sig_parse(const char *text);

int scl_op_inputs(const scl_op *op);
int scl_op_outputs(const scl_op *op);
int scl_op_attrs(const scl_op *op);
int scl_op_input_index(const scl_op *op, const char *name);    /* -1: none */

/* The dimensions of an output (or of an input whose letters are all bound): rank, dims filled. */
void scl_sig_dims(const scl_sig *sig, const scl_node *n, int *rank, int *dims);

/* Value of a cost formula ("4*N*H*W*C") in the node's letters and integer attributes ("size*size*N"): products joined by + and
 * -, with / too. */
double scl_cost(const scl_node *n, const char *formula);

#endif
