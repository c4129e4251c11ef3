/* The layout of `coef` f32[SCL_COEFS], the numbers of a training step that the host writes before it (host/score/schedule.h
 * computes them, in double, rounded once).
 *
 *   SCL_COEF_RATE        -lr                        sgd, rmsprop
 *   SCL_COEF_ADAM_RATE   -lr / (1 - beta1^t)        t = step + 1
 *   SCL_COEF_ADAM_ROOT   1 / sqrt(1 - beta2^t)
 *   SCL_COEF_EPS         eps >= 1e-12               adam, rmsprop
 *   SCL_COEF_M           1 - beta1
 *   SCL_COEF_V           1 - beta2                  (rmsprop: 1 - rho)
 *   SCL_COEF_MOMENTUM    mu                         sgd
 *   SCL_COEF_EMA         1 - decay
 *   SCL_COEF_CLIP        largest gradient norm; 0: no clipping */
#ifndef SCL_GRAPH_OPTIM_H
#define SCL_GRAPH_OPTIM_H

#include "lib/coef.h"

/* A row of the metrics ring (operator record): float bits, but for the step, which is an integer's bits. */
enum { SCL_RECORD_LOSS, SCL_RECORD_NORM, SCL_RECORD_SCALE, SCL_RECORD_STEP, SCL_RECORD_SIZE = 4 };

#endif
