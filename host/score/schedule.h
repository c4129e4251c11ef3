/* Learning-rate schedules, and the numbers that an optimiser's kernels read at each step (graph/optim.h). */
#ifndef SCL_SCORE_SCHEDULE_H
#define SCL_SCORE_SCHEDULE_H

#include "config/config.h"
#include "graph/optim.h"

/* lr * (step+1)/warmup while it warms up; then constant, or falling from lr to lr_end * lr at step steps-1, linearly or as half a
 * cosine. */
double scl_learning_rate(const scl_train_config *t, long step);

/* In double, each rounded once to float and flushed. */
void scl_optim_coefs(const scl_train_config *t, long step, float coef[SCL_COEFS]);

#endif
