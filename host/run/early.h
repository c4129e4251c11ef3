/* What a config asks that cannot be, seen before anything is computed: `check` and `run` both look. */
#ifndef SCL_RUN_EARLY_H
#define SCL_RUN_EARLY_H

#include "config/config.h"

/* Network, objective and sampler of a stage against each other, as far as the config tells their numbers.
 * SCL_BAD_CONFIG at the place of the key. */
scl_status scl_early_config(const scl_config *config, const scl_stage_config *stage, scl_err *err);
/* The files that a stage names, as far as they are there: its mask has the samples' size, its classifier is
 * one that fits. SCL_FAILED with the reason. */
scl_status scl_early_files(const scl_config *config, const scl_stage_config *stage, scl_err *err);

#endif
