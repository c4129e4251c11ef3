/* From a config's stage to the graphs that it runs: for training, sampling, `scorecl dump` and `scorecl bench`. */
#ifndef SCL_RUN_BUILD_H
#define SCL_RUN_BUILD_H

#include "config/config.h"
#include "data/dataset.h"
#include "graph/plan.h"
#include "graph/tuning.h"
#include "score/sampling.h"

/* Height, width and channels of the pictures as far as the config tells: transform.size and channels, else the format's own.
 * SCL_BAD_CONFIG where only the data tell (the message names the key to set). */
scl_status scl_build_shape(const scl_config *config, const scl_stage_config *stage, int shape[3], scl_err *err);

/* The network of a stage.  shape: height, width, channels.  Borrows from the config. */
scl_net_config scl_build_net(const scl_config *config, const scl_stage_config *stage, const int shape[3]);

/* What the graphs of a stage depend on.  shape: height, width, channels.  The result borrows from the config. */
scl_step_spec scl_build_spec(const scl_config *config, const scl_stage_config *stage, const int shape[3], int data_count);

/* The classifier that guides a sample stage, into spec->guide (in arena); nothing where there is none.
 * Errors: it is not there, is of other shape or other noise levels. */
scl_status scl_build_guide(scl_step_spec *spec, scl_arena *arena, const scl_config *config,
                           const scl_stage_config *stage, scl_err *err);

/* How the graphs of a stage are planned: fusion, in-place results, recomputing.  tune: as scl_plan_options has it.  rows: what was
 * measured on the stage's device, or NULL; `tuning: off` keeps them out of the plans.  The result borrows both. */
scl_plan_options scl_build_plan_options(const scl_config *config, const scl_stage_config *stage, const char *const *tune,
                                        const scl_tuning *rows);
/* The device as the stage may use it: memory.limit lowers what it has. */
scl_device_info scl_build_device(const scl_stage_config *stage, const scl_device_info *device);
/* Operations a second that a stage may expect of a device, by its kind and compute units alone: right within a factor of a few. */
double scl_build_rate(const scl_device_info *device);

/* What a sample stage needs of its updates, and the graph that it runs: an update, or the score alone for an adaptive solver. */
scl_sampling scl_build_sampling_of(const scl_stage_config *stage);
scl_status scl_build_sampling(scl_graph **out, scl_arena *arena, const scl_stage_config *stage, const scl_step_spec *spec,
                              scl_err *err);

/* Of a likelihood stage: the samples that go through the ODE together, the vectors of each, the graph of their scores
 * and traces. */
int scl_build_group(const scl_stage_config *stage);
int scl_build_vectors(const scl_stage_config *stage, const scl_step_spec *spec);
scl_status scl_build_likelihood(scl_graph **out, scl_arena *arena, const scl_stage_config *stage,
                                const scl_step_spec *spec, scl_err *err);
/* Runs of that graph, a guess: what an adaptive solver takes. */
double scl_build_likelihood_runs(const scl_stage_config *stage);

/* The graph of a stage without its data: which is "train", "eval", "sample" or "likelihood"; NULL: the stage's own.  As
 * `dump` shows it. */
scl_status scl_build_graph(scl_graph **out, scl_arena *arena, const scl_config *config, const scl_stage_config *stage,
                           const char *which, scl_err *err);

/* tune.OP.PARAM as scl_plan_options wants it.  In arena. */
const char *const *scl_tune_list(const scl_config *config, scl_arena *arena);

/* Samples that a sample stage draws at once, where they fit its device; where norms are taken over a group: the group. */
int scl_build_sample_batch(const scl_stage_config *stage);

/* Is this stage's average of the weights kept and used? */
static inline bool scl_build_ema(const scl_stage_config *stage) { return stage->train.ema > 0; }

#endif
