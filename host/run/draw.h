/* Inside the sample stage: what its files share.  run/sample.c is the stage, draw_chain.c runs a sampler's
 * updates on the device, draw_flow.c the probability-flow ODE, draw_known.c prepares what is known of the
 * samples, draw_compare.c compares them with it, draw_guide.c has the classifier that guides them, draw_save.c
 * writes them; samples.c draws them while a training goes on. */
#ifndef SCL_RUN_DRAW_H
#define SCL_RUN_DRAW_H

#include "base/progress.h"
#include "run/build.h"
#include "run/classifier.h"
#include "run/stage.h"
#include "score/sampler.h"

enum { SCL_DRAW_AHEAD = 2 };

/* Executor for batches of n samples. */
typedef struct scl_draw_batch { int n; scl_graph *graph; scl_plan *plan; scl_store *store; scl_exec *exec; } scl_draw_batch;

typedef struct scl_draw {
    scl_stage_context *c;
    const scl_sample_config *config;
    scl_backend *b;
    scl_device_info device;           /* what the stage may use of it */
    scl_checkpoint *from;
    const scl_store *training;        /* in place of a checkpoint: weights of a training on this device; nothing is noted then */
                                      /* (environment.json).  NULL: none */
    scl_step_spec spec;
    scl_sampling how;
    scl_noise noise;
    scl_sampler sampler;              /* not of an adaptive solver */
    scl_tuning tuning;
    size_t pixels;                    /* floats of one picture */
    float *x;                         /* [count, pixels] */
    int rows, columns;                /* of the trajectory */
    float *trajectory;                /* [rows, columns, pixels]; NULL: not asked for */
    scl_ticket *kept;                 /* of each row, on its way */
    size_t peak_bytes;                /* of the largest batch */
    scl_progress progress;
    long done;                        /* score evaluations of batches */
    long least, most;                 /* score evaluations of a sample */
    struct { bool pending; scl_ticket ticket; int update, first, n; float *sumsq; } slot[SCL_DRAW_AHEAD];
    float *known, *mask;              /* known pictures [.., pixels], 1 where one is known [pixels]; NULL */
    int n_known;
    scl_classifier guide;             /* net.outputs 0: none */
} scl_draw;

/* The network and the sampler of s->c->stage: spec, noise, how, sampler, rows, pixels.  shape: height, width, channels;
 * conv: what was resolved when it was trained, or NULL. */
scl_status scl_draw_set_up(scl_draw *s, const int shape[3], const char *conv, scl_err *err);
/* Samples drawn at once: as asked, or as many as fit beside what is taken already. */
scl_status scl_draw_choose_batch(scl_draw *s, int *n, size_t taken_bytes, scl_err *err);
/* All samples, at most n at once, into s->x, as the sampler leaves them. */
scl_status scl_draw_batches(scl_draw *s, int n, scl_err *err);
/* A logit model's samples become pixels: sigmoid.  SCL_FAILED where one is not finite. */
scl_status scl_draw_finish(scl_draw *s, scl_err *err);
/* samples.c: the weights of s->training into the batch. */
scl_status scl_draw_copy_weights(const scl_draw *s, scl_draw_batch *r, scl_err *err);

/* Persistent values of the batch, where its graph has them. */
scl_status scl_draw_put(scl_draw_batch *r, const char *name, const void *data, size_t bytes, scl_err *err);
scl_status scl_draw_set_level(const scl_draw *s, scl_draw_batch *r, int level, scl_err *err);
/* x0 of samples first ... first + n - 1, into x. */
void scl_draw_start(const scl_draw *s, int first, int n, float *x);
/* Of the first samples those in this batch, after a row's last update. */
scl_status scl_draw_keep(scl_draw *s, scl_draw_batch *r, int first, int row, scl_err *err);
/* Waits for reads that are under way, and looks at what they brought. */
scl_status scl_draw_settle(scl_draw *s, scl_err *err);

/* Samples first ... first + r->n - 1, into s->x. */
scl_status scl_draw_chain(scl_draw *s, scl_draw_batch *r, int first, scl_err *err);
scl_status scl_draw_flow(scl_draw *s, scl_draw_batch *r, int first, scl_err *err);

/* known [height, width]: where a mask is white; NULL: only looks whether it fits.  SCL_FAILED where size or
 * picture are no mask. */
scl_status scl_mask_read(const char *path, int height, int width, bool *known, scl_err *err);
/* Reads mask and known pictures.  SCL_FAILED with the reason where they do not fit the samples. */
scl_status scl_draw_open_known(scl_draw *s, scl_err *err);
void scl_draw_close_known(scl_draw *s);
/* The picture that sample number i has to agree with. */
const float *scl_draw_known_of(const scl_draw *s, int i);
/* What the batch's graph needs to know. */
scl_status scl_draw_put_known(scl_draw *s, scl_draw_batch *r, int first, scl_err *err);
/* Keys of the noise of what is known, for an update. */
scl_status scl_draw_put_known_counters(scl_draw *s, scl_draw_batch *r, int first, int update, int level, scl_err *err);

/* The classifier that the stage names, into s->guide and s->spec; nothing where it names none. */
scl_status scl_draw_open_guide(scl_draw *s, scl_err *err);
void scl_draw_close_guide(scl_draw *s);
/* Samples of each class that is asked for (a row of the grid), and the class of sample i. */
int scl_draw_of_class(const scl_draw *s);
/* Its weights and the scale; the classes of a batch.  Nothing where there is none. */
scl_status scl_draw_load_guide(scl_draw *s, scl_draw_batch *r, scl_err *err);
scl_status scl_draw_put_classes(scl_draw *s, scl_draw_batch *r, int first, scl_err *err);

/* How far the samples are from the known pictures, and from each other: into the log and environment.json.  Samples of the true
 * conditional distribution are sqrt(2) times their spread from the picture: it is one more of them. */
scl_status scl_draw_compare_known(const scl_draw *s, scl_err *err);

scl_status scl_draw_save(scl_draw *s, scl_err *err);

#endif
