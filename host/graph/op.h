/* The contract of an operator.
 *
 * An operator is a pure function of values, described by a table.  A family (one file host/ops/X.c, its kernels cl/ops/X.cl,
 * its oracle and cases tests/ops/X.c, one row OP(X) in host/ops/ops.def) holds one or more operators.
 *
 * Signature strings:  "x f32[N,H,W,C]"     name, dtype, dimensions: a letter, a number, k*L, L/k
 *                     "bias f32[K]?"       may be absent
 *                     "sigma f32[N] > 0", "label i32[N] < L"      ranges, which the tests keep to
 *                     "x f32[N,D*]"        D is the product of all further dimensions (an output with D* gets the same ones)
 *                     out: "theta_out f32[D] @theta"              lives in the memory of input theta (in-place update)
 * Attribute strings:  "dilation int 1..64 = 1", "eps real 0..1 = 1e-5", "algorithm text = direct", "N int 1.. "
 *                     An attribute whose name is one capital letter binds that letter.  Without '=' it must be given.
 */
#ifndef SCL_GRAPH_OP_H
#define SCL_GRAPH_OP_H

#include "graph/device.h"
#include "graph/graph.h"

enum { SCL_MAX_IMPL = 8, SCL_MAX_TUNE = 6, SCL_MAX_LAUNCH_ARGS = 32, SCL_MAX_DEFINES = 12 };

/* The data of a node's values on the host, in the order of its table; an absent input is NULL. */
typedef struct scl_host_values {
    void *in[SCL_MAX_IN];
    void *out[SCL_MAX_OUT];
} scl_host_values;

/* A choice of tunable parameters: "WG=64 VEC=4" taken apart. */
typedef struct scl_tune {
    int n;
    char name[SCL_MAX_TUNE][16];
    int value[SCL_MAX_TUNE];
} scl_tune;
int scl_tune_get(const scl_tune *tune, const char *name);   /* asserts that it is there */

typedef struct scl_launcher scl_launcher;

enum { SCL_FUSE_INPUT = 1, SCL_FUSE_OUTPUT = 2, SCL_FUSE_ALONG = 4 };

/* One way to run an operator on a device.  All of one algorithm give the same bits as ref. */
typedef struct scl_impl {
    const char *name;
    const char *tune;          /* candidates: "WG=1|16|64 VEC=2|4|8"; NULL: nothing to tune */
    const char *cpu, *gpu;     /* defaults by device class: "WG=1 VEC=16"; NULL: the first candidate that fits */
    /* May this choice run this node on this device?  NULL: always. */
    bool (*fits)(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
    /* Bytes of scratch device memory that the launches share; NULL: none. */
    size_t (*workspace)(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
    /* Bytes of device memory for what the node makes of its weights alone (packed, transformed): SCL_PREPARED.  The launches that
     * fill it come first and are marked by scl_launch_prepares; a plan whose weights rest (graph/plan.h) runs them once. */
    size_t (*prepared)(const scl_node *n, const scl_device_info *device, const scl_tune *tune);
    unsigned prepared_from;    /* bit i: they read input i */
    /* Emits the launches, once per plan, with SCL_LAUNCH. */
    scl_status (*launch)(scl_launcher *q, const scl_node *n, scl_err *err);
    unsigned fuses;            /* where it takes a pointwise node in: SCL_FUSE_ ..., graph/fuse_sides.c */
    double tolerance;          /* this one adds in an order of its own (clblast): accepted relative error; 0: the bits of ref */
    bool matrix;               /* by matrix units, of any algorithm: tolerance is the precision's (scl_impl_tolerance) */
    bool for_gpus;             /* runs elsewhere too, but is no match there: the tuner leaves it out, unless it is the default */
} scl_impl;

struct scl_op {
    const char *name;                      /* "conv2d_dx" */
    const char *family;                    /* stem of its three files: "conv" */
    const char *brief, *formula;
    const char *in[SCL_MAX_IN], *out[SCL_MAX_OUT], *attr[SCL_MAX_ATTR];
    /* Binds letters that no input and no attribute binds, and checks what the signature cannot say.  NULL: nothing to do. */
    scl_status (*shape)(scl_node *n, scl_err *err);
    /* Appends the nodes that compute the cotangents dx[i] of the inputs from those of the outputs, dy[o] (NULL: zero).  Leave
     * dx[i] NULL where it is zero or scl_want(n, i) is false.  NULL: no rule; autodiff fails and names the operator. */
    scl_status (*vjp)(scl_graph *g, const scl_node *n, scl_value *const *dy, scl_value **dx, scl_err *err);
    /* The same for tangents: dy[o] of the outputs from dx[i] of the inputs (NULL: zero). */
    scl_status (*jvp)(scl_graph *g, const scl_node *n, scl_value *const *dx, scl_value **dy, scl_err *err);
    bool constant;                         /* the derivative is zero by definition (noise, labels, statistics; say why in the file) */
    bool total; /* the rules are total derivatives: through the statistics among its inputs too */
    /* The definition of the bits, in plain C, canonical order (docs/design/arithmetic.md). */
    void (*ref)(const scl_node *n, const scl_host_values *v);
    scl_impl impl[SCL_MAX_IMPL];           /* ends at the first without launch */
    const char *flops, *bytes;             /* cost in the letters and integer attributes: "4*N*D" */
    /* A pointwise operator: its expression over the names of `in`; ref and kernel are generated, and it is fused like any
     * pointwise node.  Inputs that the expression does not name are there for vjp. */
    const char *expr;
};

typedef const scl_op *scl_family[];

/* ---- for operator files ---- */

int scl_dim(const scl_node *n, char letter);                       /* asserts that it is bound */
long scl_attr_int(const scl_node *n, const char *name);
double scl_attr_real(const scl_node *n, const char *name);
const char *scl_attr_text(const scl_node *n, const char *name);
void scl_attr_set_text(scl_node *n, const char *name, const char *text);   /* in `shape`, to say what was resolved; borrowed */
static inline bool scl_want(const scl_node *n, int i) { return (n->want >> i) & 1u; }

/* ---- launches: what an implementation emits; graph/schedule.h has the records ---- */

typedef struct scl_launch_arg {
    enum { SCL_ARG_VALUE, SCL_ARG_WORK, SCL_ARG_PREPARED, SCL_ARG_LOCAL, SCL_ARG_I32, SCL_ARG_F32, SCL_ARG_U32, SCL_ARG_DEFINE, SCL_ARG_NONE } kind;
    const char *name;          /* of the kernel's parameter (or of the -D) */
    const char *value;         /* SCL_ARG_VALUE: name in the operator's signature */
    size_t offset, bytes;      /* WORK, PREPARED: first byte and size inside the workspace; LOCAL: bytes */
    int i; float f; unsigned u;
    const char *text;          /* DEFINE: text, or NULL for the number i */
} scl_launch_arg;

typedef struct scl_grid { size_t global[3], local[3]; } scl_grid;

/* A launch: the kernel's name in cl/ops/<family>.cl, its grid, its arguments by the names of the kernel's parameters.
 * Every tunable of the implementation is passed as a -D as well.  Texts and names must outlive the plan (literals do). */
scl_status scl_launch_add(scl_launcher *q, const scl_node *n, scl_err *err, const char *kernel, scl_grid grid,
                          const scl_launch_arg *args, int n_args);
#define SCL_LAUNCH(q, n, err, kernel, grid, ...)                                                                       \
    scl_launch_add(q, n, err, kernel, grid, (const scl_launch_arg[]){ __VA_ARGS__ },                                   \
                   (int)(sizeof((scl_launch_arg[]){ __VA_ARGS__ }) / sizeof(scl_launch_arg)))

/* The same with generated OpenCL source (in the plan's arena; its #include "lib/..." lines are resolved like a file's). */
scl_status scl_launch_add_source(scl_launcher *q, const scl_node *n, scl_err *err, const char *source, const char *kernel,
                                 scl_grid grid, const scl_launch_arg *args, int n_args);
/* The launch added last only prepares weights. */
void scl_launch_prepares(scl_launcher *q);
scl_arena *scl_launcher_arena(scl_launcher *q);

#define SCL_BUF(n) ((scl_launch_arg){ .kind = SCL_ARG_VALUE, .name = #n, .value = #n })          /* same name in both; */
#define SCL_BUF_AS(n, v) ((scl_launch_arg){ .kind = SCL_ARG_VALUE, .name = #n, .value = (v) })   /* absent input: a null pointer */
#define SCL_WORK(n, o, b) ((scl_launch_arg){ .kind = SCL_ARG_WORK, .name = #n, .offset = (o), .bytes = (b) })
#define SCL_PREPARED(n, b) ((scl_launch_arg){ .kind = SCL_ARG_PREPARED, .name = #n, .bytes = (b) })
#define SCL_LOCAL(n, b) ((scl_launch_arg){ .kind = SCL_ARG_LOCAL, .name = #n, .bytes = (b) })
#define SCL_I32(n, x) ((scl_launch_arg){ .kind = SCL_ARG_I32, .name = #n, .i = (int)(x) })
#define SCL_U32(n, x) ((scl_launch_arg){ .kind = SCL_ARG_U32, .name = #n, .u = (unsigned)(x) })
#define SCL_F32_ARG(n, x) ((scl_launch_arg){ .kind = SCL_ARG_F32, .name = #n, .f = (x) })
#define SCL_DEFINE(n, x) ((scl_launch_arg){ .kind = SCL_ARG_DEFINE, .name = #n, .i = (int)(x) })
#define SCL_DEFINE_TEXT(n, t) ((scl_launch_arg){ .kind = SCL_ARG_DEFINE, .name = #n, .text = (t) })

/* Work-groups of wg items each, in 1 to 3 dimensions (wg in the first). */
scl_grid scl_groups(size_t wg, size_t gx, size_t gy, size_t gz);

const scl_tune *scl_launcher_tune(const scl_launcher *q);
const scl_device_info *scl_launcher_device(const scl_launcher *q);

/* A matrix product by CLBlast (row-major, C = A B or with transposes), for algorithm clblast: not bit-defined. */
typedef struct scl_gemm {
    bool ta, tb; int m, n, k; float alpha, beta;
    scl_launch_arg a, b, c;        /* SCL_BUF or SCL_WORK */
    int lda, ldb, ldc; size_t a_offset, b_offset, c_offset;   /* in floats */
} scl_gemm;
scl_status scl_launch_gemm(scl_launcher *q, const scl_node *n, scl_err *err, const scl_gemm *gemm);

/* ---- the registry (host/ops/registry.c, filled from host/ops/ops.def) ---- */

const scl_op *scl_op_find(const char *name);        /* NULL: none */
const scl_op *scl_op_at(int i);                     /* in the order of ops.def; NULL after the last */

#endif
