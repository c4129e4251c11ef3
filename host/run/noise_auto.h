/* What `auto` in the noise section stands for: the rules of NCSNv2 on a stage's data. */
#ifndef SCL_RUN_NOISE_AUTO_H
#define SCL_RUN_NOISE_AUTO_H

#include "config/config.h"
#include "data/distance.h"

typedef struct scl_noise_rules {
    int height, width, channels;
    size_t images;               /* of the training split */
    scl_diameter diameter;       /* sigma_begin is its distance */
    double sigma_end;            /* the config's */
    double ratio;                /* of neighbouring levels */
    int levels;
    int steps_per_level;
    double step_lr;              /* of annealed Langevin dynamics, official rule */
} scl_noise_rules;

/* Reads the stage's data.  steps_per_level 0: no step size. */
scl_status scl_noise_rules_of(scl_noise_rules *out, const scl_stage_config *stage, int steps_per_level, scl_err *err);

/* Puts numbers where noise.sigma_begin and noise.levels are auto, in every stage of the config: the one thing of a config that
 * changes after it was read.  Reads data only where sigma_begin is auto or only the data tell the shape. */
scl_status scl_noise_resolve(const scl_config *config, scl_err *err);

#endif
