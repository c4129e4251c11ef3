/* The test harness of the operators: cases, oracles, and what every case goes through.
 *
 * tests/ops/<family>.c holds, for each operator of the family, an oracle (the mathematics, double precision,
 * plain loops) and cases (each names the mistake it catches).  The harness fills the inputs, runs the
 * definition in C (`ref`) on the reference device and compares it with the oracle by tolerance; runs every
 * implementation and tuning candidate on the device through a real plan and compares bits with ref; twice;
 * with a finite pattern round every buffer and NaN in every output before; and checks the vjp rule, run on
 * the reference device, against central differences of the oracle.
 *
 * Families are linked into the binary: `scorecl verify` and `scorecl bench` use the same cases.
 * `scorecl verify --op conv2d --case one_pixel` repeats one. */
#ifndef SCL_TESTS_OP_HARNESS_H
#define SCL_TESTS_OP_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "graph/op.h"

enum { T_MAX_RANGE = 6, T_MAX_INDEX = 8 };

typedef struct t_case t_case;
struct t_case {
    const char *name;
    /* Every letter of the signature that has to be given: "N=2 H=5 W=7 C=3 K=4 R=3 S=3 T=2".  Attributes that
     * are one capital letter are passed from here.  A letter with a star may be a shape: "D=5x7x2" (D alone:
     * one dimension). */
    const char *dims;
    const char *attrs;          /* "dilation=2 algorithm=direct": everything that is not at its default */
    bool grad;                  /* check the operator's vjp against central differences of the oracle */
    bool bench;                 /* for `scorecl bench`; `verify` runs it with --all only */
    /* Floats are uniform in [-1, 1) or as the signature's range says ("> 0": [0.25, 1.25)); these override
     * it. */
    struct { const char *name; double lo, hi; } range[T_MAX_RANGE];
    struct {
        const char *name;
        double value;
    } fill[T_MAX_RANGE]; /* every element of an input, integers too */
    /* Optional inputs that are left out ("bias before"), or "*": all.  Given otherwise, except `acc`, which
     * `split` gives. */
    const char *absent;
    /* "position=3 batch=8 step=7 sample=0 first=0 slot=1 seed=5"; defaults: batch = N (position+N when
     * larger), step 3, seed 0x9e3779b97f4a7c15, the rest 0. */
    const char *counters;
    double tol; /* accepted error of ref against the oracle, relative to max|oracle| of the output; 0: the
                   operator's */
    double grad_tol;            /* of the derivative, relative to max|gradient|; 0: 2e-4 */
    const char *grad_of;        /* inputs whose cotangent must exist ("x w"); "x?": where there is none, the
                                 * output must not depend on x; NULL: at least one must */
    /* For sums over samples ("-> stack f32[T,...] @acc").  root "Q=4 G=1": the harness appends batch_root
     * with these attributes and its result is the output "root" (the oracle fills it: the sum over all
     * samples; the stack itself is compared in bits only).  split 3: the same batch is also dealt into runs
     * of 3 samples (the last may be smaller) with an accumulator; the root must have the same bits.  Inputs
     * whose first letter is N are cut by sample. */
    const char *root;
    int split;
    /* Changes the inputs after they were filled (statistics that belong to x, an index, a permutation); ends
     * with rounded floats. */
    void (*prepare)(const t_case *t);
    bool raw; /* outputs hold bits that are no floats among floats, or values that are not finite: any are
                 right */
    /* `pointwise` only: its inputs as signatures, its expression, and inputs that are not indexed by their
     * shape alone. */
    const char *in[SCL_MAX_IN];
    const char *expr;
    struct { const char *name; scl_index index; int offset; } index[T_MAX_INDEX];

    struct t_run *run;          /* the harness's own; leave out */
};

/* For oracles and prepare.  Arrays are in the order of the signature, borrowed until the oracle returns. */
int t_dim(const t_case *t, char letter);                       /* the number of a letter of the signature */
double *t_f64(const t_case *t, const char *name); /* a float input (a copy) or float output; NULL: an absent
                                                   * input, or "root" where the case has none */
const int32_t *t_i32(const t_case *t, const char *name); /* an integer input; integer outputs: t_i32_out */
int32_t *t_i32_out(const t_case *t, const char *name);
const uint32_t *t_u32(const t_case *t, const char *name);      /* "counters" and the like */
uint32_t *t_u32_out(const t_case *t, const char *name);
const uint8_t *t_u8(const t_case *t, const char *name);
bool t_has(const t_case *t, const char *name);                 /* is an optional input given? */
size_t t_count(const t_case *t, const char *name);             /* elements of an input or output */
long t_attr_int(const t_case *t, const char *name);
double t_attr_real(const t_case *t, const char *name);
const char *t_attr_text(const t_case *t, const char *name);

/* For prepare: the inputs themselves. */
float *t_f32_in(const t_case *t, const char *name);
int32_t *t_i32_in(const t_case *t, const char *name);
uint32_t *t_u32_in(const t_case *t, const char *name);
uint8_t *t_u8_in(const t_case *t, const char *name);

/* An oracle writes every output that the mathematics defines; what it leaves (outputs start as NaN, integers
 * as -1) is compared in bits only.  In-place outputs are separate arrays here. */
typedef struct t_op {
    const char *name;
    void (*oracle)(const t_case *t);
    const t_case *cases;
    int n_cases;
    double tol;                 /* default of the cases; 0: 2e-6 */
} t_op;
#define T_OP(op, oracle_, cases_) \
    { \
        .name = #op, .oracle = (oracle_), .cases = (cases_), \
        .n_cases = (int)(sizeof(cases_) / sizeof *(cases_)) \
    }
#define T_OP_TOL(op, oracle_, cases_, tol_) \
    { \
        .name = #op, .oracle = (oracle_), .cases = (cases_), \
        .n_cases = (int)(sizeof(cases_) / sizeof *(cases_)), .tol = (tol_) \
    }

typedef struct t_family { const char *name; const t_op *ops; int n_ops; } t_family;

/* At the end of tests/ops/<family>.c:
 *     static const t_op ops[] = { T_OP(conv2d, oracle, cases), T_OP(conv2d_dx, oracle_dx, cases_dx) };
 *     OP_TESTS(conv, ops)
 * or, for a family of one operator of the same name: OP_TEST(dsm_loss, oracle, cases). */
#define OP_TESTS(family, ops_) \
    const t_family t_family_##family = { .name = #family, \
                                         .ops = (ops_), \
                                         .n_ops = (int)(sizeof(ops_) / sizeof *(ops_)) };
#define OP_TEST(family, oracle_, cases_)                                     \
    static const t_op t_ops_##family[] = { T_OP(family, oracle_, cases_) }; \
    OP_TESTS(family, t_ops_##family)

const t_family *t_family_at(int i);      /* in the order of host/ops/ops.def; NULL after the last */

#endif
