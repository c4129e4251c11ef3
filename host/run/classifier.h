/* The classifier that a stage names: what it is, where its weights are, and what it makes of pictures. */
#ifndef SCL_RUN_CLASSIFIER_H
#define SCL_RUN_CLASSIFIER_H

#include "run/stage.h"

typedef struct scl_classifier {
    scl_net_config net;              /* outputs: its classes */
    scl_noise_config noise;          /* that it was trained with */
    bool dequantize;                 /* bytes were (k + u)/256, else k/255 */
    const char *path;                /* of its checkpoint; NULL: of a stage that may not have run */
    scl_checkpoint *from;            /* NULL: not opened */
} scl_classifier;

/* The classifier called name (scl_stage_classifier): out of a stage of the config, or of a checkpoint. shape:
 * height, width and channels of what it is to look at (a file: NULL: any).  Errors: no such stage or file,
 * another network, another shape.  Texts live in arena. */
scl_status scl_classifier_describe(scl_classifier *out, scl_arena *arena, const scl_config *config, const char *name,
                                   const int shape[3], scl_err *err);
/* The same with its checkpoint open: the newest of the stage.  Owned: scl_classifier_close. */
scl_status scl_classifier_open(scl_classifier *out, scl_stage_context *c, const char *name,
                               const int shape[3], scl_err *err);
void scl_classifier_close(scl_classifier *k);      /* a zeroed one is accepted */

/* Does it know the noise levels of a sample stage?  SCL_FAILED with the difference where not. */
scl_status scl_classifier_fits(const scl_classifier *k, const scl_stage_config *stage, scl_err *err);

/* x [count, D]: pictures as k/255, or points as they are.  class i32[count] and features f32[count, F], F in
 * *width: allocated, the caller's, also on failure (free).  On the stage's device, at the smallest noise
 * level that the classifier knows. */
scl_status scl_classifier_look(const scl_classifier *k, scl_stage_context *c, const float *x, size_t count,
                               bool bytes, int32_t **class, float **features, int *width, scl_err *err);

#endif
