/* A schedule: the launches of a plan, in order, with every buffer resolved to a place.  A backend loads it once and replays it. */
#ifndef SCL_GRAPH_SCHEDULE_H
#define SCL_GRAPH_SCHEDULE_H

#include "graph/op.h"

typedef struct scl_place {
    enum { SCL_PLACE_NONE, SCL_PLACE_SLAB, SCL_PLACE_STORE } in;
    size_t offset, bytes;        /* SLAB: in the plan's slab */
    const scl_value *value;      /* STORE: the persistent value, bound by name */
} scl_place;

typedef struct scl_launch {
    const scl_node *node;
    const char *family;          /* kernel file cl/ops/<family>.cl */
    const char *source;          /* generated OpenCL source instead of the file; NULL: the file */
    const char *kernel;          /* name; NULL: a CLBlast gemm */
    scl_grid grid;
    int n_arg;
    scl_launch_arg arg[SCL_MAX_LAUNCH_ARGS];   /* without defines, in the order given; bound by name */
    scl_place place[SCL_MAX_LAUNCH_ARGS];      /* of VALUE and WORK arguments */
    const char *options;         /* "-DWG=64 -DVEC=4" */
    const scl_gemm *gemm;        /* with kernel NULL; a, b, c have places 0, 1, 2 */
    bool prepares;               /* reads weights alone */
} scl_launch;

typedef struct scl_schedule {
    int n_launch;
    scl_launch *launch;
    int n_prepare;               /* the last launches of all, no part of a run: what is made of weights that rest */
    size_t slab_bytes;
    bool record;                 /* the launches are to be recorded, where the device can */
    int n_node;                  /* nodes in execution order, for the reference backend and for replay by node */
    struct scl_step { const scl_node *node; int first_launch, n_launch; scl_place in[SCL_MAX_IN], out[SCL_MAX_OUT]; } *step;
} scl_schedule;

#endif
