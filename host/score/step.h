/* The graphs of a training step and of a held-out evaluation (of sampling: score/sampling.h).
 *
 * Persistent values they share with the host (all of a graph's are in its store):
 *   data u8|f32[S,H,W,C], order i32[S]      the data set and this epoch's order of it; or the samples of a run (staged)
 *   counters u32[], coef f32[]              written before every run (graph/optim.h)
 *   sigma, inv_sigma, weight ... f32[L]     the tables of the noise levels and their weights in the loss
 *   (score/noise.h)
 *   <name>, adam.m.<name>, adam.v.<name>, ema.<name>          weights and optimiser state
 *   flag u32[1], ring f32[R,4]              the first step that was not finite (+1), and the last R steps' loss and norm
 *   given.x, given.label, given.z, given.v  instead of drawn ones, when `given`
 *   class, eval.class i32[S]                classes of the data (given.class i32[N]), where the loss is cross_entropy
 *   truth.*                                 the mixture that the data come from (score/objective.h) */
#ifndef SCL_SCORE_STEP_H
#define SCL_SCORE_STEP_H

#include "score/objective.h"

enum { SCL_RING_ROWS = 256, SCL_RING_COLUMNS = 4 };          /* loss, gradient norm, clip scale, step (as bits) */

typedef struct scl_step_spec {
    scl_net_config net;
    int n;                       /* samples of one run (a micro-batch) */
    int global_batch;            /* most samples of a global batch (>= n) */
    bool accumulate;             /* a batch is dealt into several runs */
    int micro_batch;             /* samples of every run but a batch's last; 0: not known */
    int data_count;              /* samples of the set */
    int staged;                  /* data and order hold so many samples, those of a run; 0: the whole set */
    bool data_float, dequantize, flip;
    scl_objective_spec objective;
    bool given;                  /* x, label and noise come from the host (verification, gradients only) */
    bool given_v;                /* and the projection of sliced score matching too */
    const char *optimizer;       /* adam | sgd | rmsprop; NULL: no update, gradients are outputs "grad.<name>" */
    bool ema;                    /* keep ema.<name> */
    const scl_net_config
        *guide; /* sampling: the classifier that guides it (score/sampling.h), borrowed; NULL: none */
} scl_step_spec;

/* One training step: batch, perturbation, score, loss, gradients, update.  Where `given`, what was computed on the way is an output:
 * perturbed, score, jvp, loss.first, loss.second. */
scl_status scl_step_train(scl_graph **out, scl_arena *arena, const scl_step_spec *spec, scl_err *err);

/* (cross_entropy: output "eval.accuracy" f32[1] too, the fraction that is classified right.)
 * Loss over a whole split, dealt into runs of n; prefix "" or "ema.": whose weights.  Output "eval.loss" f32[1], complete in the
 * run that ends the split. */
scl_status scl_step_eval(scl_graph **out, scl_arena *arena, const scl_step_spec *spec, const char *prefix, scl_err *err);

/* The loss of each sample, without gradients: spec->given; prefix "" or "ema.": whose weights.  Output "loss" f32[N]. */
scl_status scl_step_losses(scl_graph **out, scl_arena *arena, const scl_step_spec *spec, const char *prefix, scl_err *err);

#endif
