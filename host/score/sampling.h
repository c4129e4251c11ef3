/* The graphs of sampling: one update of the pictures, and the score alone.
 *
 * Persistent values they share with the host:
 *   sample.x f32[N,H,W,C]                   the pictures, updated in place (an input of the score's graph)
 *   sample.label i32[N]                     the level of each
 *   sample.coef f32[SCL_SAMPLE_COEFS]       coefficients of the update (score/sampler.h), rounded once
 *   sigma, inv_sigma ... f32[L]             what the network reads of the levels (score/noise.h)
 *   counters u32[]                          keys of the noise (graph/optim.h)
 *   given.z f32[N,H,W,C]                    instead of drawn noise, when `given`
 * where something of the pictures is known:
 *   sample.known, sample.mask f32[N,H,W,C]  what it is, without noise; 1 where it is known, else 0
 *   sample.known_counters u32[]             keys of its noise; or given.known_z f32[N,H,W,C]
 *   sample.grey f32[1,1,C,C]                1/C everywhere: the mean colour of a pixel, where that alone is known
 * where samples lie between others:
 *   sample.cos, sample.sin f32[N]           shares of the two noises of a row
 * where a classifier guides them:
 *   sample.class i32[N], sample.scale f32[1]      the class that each is to be of; the factor of the gradient
 *   guide.<name>                            the classifier's weights
 *
 * Guidance: with p(class | x, sigma) the softmax of a classifier that knows the noise level, Bayes' rule gives
 *
 *     grad log p(x | class) = s(x, level) + scale * grad_x log p(class | x, level)
 *
 * with scale 1; a larger scale sharpens p(class | x) to p(class | x)^scale (Dhariwal & Nichol 2021, section 4;
 * Song et al. 2021, equation 14).  The gradient is reverse mode through the classifier, in the graph of the score. */
#ifndef SCL_SCORE_SAMPLING_H
#define SCL_SCORE_SAMPLING_H

#include "score/step.h"

enum {
    SCL_SAMPLE_STEP, SCL_SAMPLE_NOISE,      /* scale x + step s + noise z */
    SCL_SAMPLE_SNR,                         /* > 0: step and noise from the norms (a corrector) */
    SCL_SAMPLE_BEFORE, SCL_SAMPLE_AFTER,    /* noise level of what is known before and after the update */
    SCL_SAMPLE_AGAIN,                       /* 1: it is imposed after the update too; 0: before it only */
    SCL_SAMPLE_SCALE,                       /* of x; not read by the process ve, of which it is 1, */
    SCL_SAMPLE_ALPHA_BEFORE, SCL_SAMPLE_ALPHA_AFTER,      /* nor is what the data are scaled by before and after the update */
    SCL_SAMPLE_COEFS = 16
};

typedef struct scl_sampling {
    bool corrector;              /* there are updates with norms over the samples of the run */
    bool known;                  /* something of the pictures is known */
    bool grey;                   /* the mean colour of the masked pixels is known, not their colour */
    int columns;                 /* > 0: sample i has noise cos z_p + sin z_q of row i / columns */
} scl_sampling;

/* Names of the guiding classifier's weights begin with this; no network's own do. */
#define SCL_GUIDE_PREFIX "guide."

/* One update of sample.x: scale x + step s + noise z.  sampling NULL: nothing of the above.  Output "sample.sumsq"
 * f32[N]: the sum of squares of each picture after it. */
scl_status scl_step_sample(scl_graph **out, scl_arena *arena, const scl_step_spec *spec, const scl_sampling *sampling,
                           const char *prefix, scl_err *err);

/* The score of sample.x, guided or not, output "sample.score" f32[N,H,W,C]. */
scl_status scl_step_score(scl_graph **out, scl_arena *arena, const scl_step_spec *spec, const char *prefix, scl_err *err);
/* The energy of sample.x, output "sample.energy" f32[N]: of a network that gives one (spec->objective.energy). */
scl_status scl_step_energy(scl_graph **out, scl_arena *arena, const scl_step_spec *spec, const char *prefix, scl_err *err);

#endif
