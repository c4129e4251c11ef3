/* Continuous time in a graph: a time of the process for each sample, and what follows from it. */
#ifndef SCL_SCORE_TIME_H
#define SCL_SCORE_TIME_H

#include "score/objective.h"

/* The level of each of n samples at a time t drawn uniformly from [eps, 1), eps the smallest time of the process: one number of the
 * stream that else draws the label (of held-out noise, where held_out).  Every quantity of it is given, the weight as spec says. */
scl_status scl_time_draw(scl_graph *g, scl_level *out, const scl_objective_spec *spec, int n, bool held_out, scl_err *err);

/* The same at given times f32[n]. */
scl_status scl_time_level(scl_graph *g, scl_level *out, const scl_objective_spec *spec, scl_value *time, scl_err *err);

#endif
