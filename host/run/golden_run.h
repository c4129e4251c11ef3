/* Inside run/golden*.c: a file's network on a device, and what was computed. */
#ifndef SCL_RUN_GOLDEN_RUN_H
#define SCL_RUN_GOLDEN_RUN_H

#include "data/safetensors.h"
#include "graph/plan.h"
#include "score/sampling.h"

typedef struct golden {
    scl_arena arena;
    scl_backend *b;
    scl_safetensors *file;
    const char *const *tune;            /* of scl_plan_options */
    scl_net_config net;
    int n;                              /* samples of in.x; 0: there is none */
    int n_chain;                        /* samples of a chain: of ald.x0 or in.x0; 0 */
    double *sigma;                      /* levels */
    bool unweighted;                    /* every level's loss counts alike, else as sigma^2 */
    double ism_scale;                   /* largest term of the implicit loss */
    double W;                           /* widens gates: 4 where a convolution is winograd4, else 1 */
    /* Results, layout of the file; NULL: not computed.  One entry for each tensor of the file. */
    double **result;
} golden;

/* A step graph, planned and loaded, with the file's weights and noise table in its store. */
typedef struct golden_runner {
    scl_graph *graph;
    scl_plan *plan;
    scl_store *store;
    scl_exec *exec;
} golden_runner;
typedef golden_runner scl_golden_runner;
scl_status scl_golden_start(golden *g, golden_runner *r, scl_err *err);      /* r->graph is there */
void scl_golden_stop(golden_runner *r);
/* Writes a persistent value; ignored when the graph has none of that name. */
scl_status scl_golden_put(const golden_runner *r, const char *name, const void *data, size_t bytes, scl_err *err);
scl_status scl_golden_fetch(golden *g, const golden_runner *r, const scl_value *v, float **out, scl_err *err);
/* The outputs grad.NAME as results PREFIX_grad.NAME. */
scl_status scl_golden_keep_gradients(golden *g, const golden_runner *r, const char *prefix, scl_err *err);

/* The tensor's number; -1: none. */
int scl_golden_find(const golden *g, const char *name);
double *scl_golden_tensor(golden *g, const char *name);          /* as doubles, in the arena; NULL: none */
float *scl_golden_images(golden *g, const char *name, size_t first, size_t count); /* NCHW of the file as NHWC */
void scl_golden_set(golden *g, const char *name,
                const double *values); /* ignored when the file has no such tensor */
void scl_golden_set_images(golden *g, const char *name, const float *nhwc, int samples, int height, int width,
                       int channels);

scl_status scl_golden_gradients(golden *g,
                            scl_err *err); /* out.perturbed, out.score, stage.*, out.dsm_loss, dsm_grad.* */
scl_status scl_golden_adam(golden *g, scl_err *err);             /* out.adam_losses, adam3.* */
scl_status scl_golden_sliced(golden *g, scl_err *err);           /* out.ssm_loss, out.ssm_terms, out.jvp, ssm_grad.* */
scl_status scl_golden_points(golden *g, scl_err *err);           /* the toy: out.score, and every loss with its gradient */
/* out.ald, out.ald_denoised, and out.NAME of the samplers and of inpainting: those that the file has; run/golden_samplers.c */
scl_status scl_golden_chains(golden *g, scl_err *err);
bool scl_golden_is_chain(const char *name);

#endif
