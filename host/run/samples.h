/* Pictures of samples over training (log.samples_every): STAGE/samples/step-00005000.png. */
#ifndef SCL_RUN_SAMPLES_H
#define SCL_RUN_SAMPLES_H

#include "run/events.h"
#include "run/trainer.h"

/* *how: the sample stage that draws for this train stage; NULL: none does, and where the config asks for pictures the
 * log says why.  SCL_FAILED where they do not fit the device beside the training. */
scl_status scl_samples_open(const scl_stage_config **how, scl_stage_context *c, scl_backend *b, scl_trainer *t,
                            scl_err *err);

/* log.samples of them with the weights behind `step`, as the stage `how` draws them, with the same random numbers each
 * time: pictures of different steps differ by the weights alone.  Runs on the training's device, whose own memory it
 * only reads.  events may be NULL.  What goes wrong is a warning in the log; there is no picture then, nor where the
 * run is stopped meanwhile. */
void scl_samples_draw(scl_stage_context *c, scl_backend *b, scl_trainer *t, const scl_stage_config *how, long step,
                      scl_events *events);

#endif
