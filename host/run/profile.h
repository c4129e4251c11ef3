/* Where the time of a stage goes (docs/profile.md): the stage runs as it always does, with blocks of steps
 * that are noted and blocks that are not in turns, and what was noted is joined with the graphs that were
 * run. */
#ifndef SCL_RUN_PROFILE_H
#define SCL_RUN_PROFILE_H

#include <jansson.h>

#include "config/config.h"

typedef struct scl_profile_options {
    const char *out; /* folder of the files; NULL: runs/NAME/profile */
    const char *const *stage;
    int n_stage;  /* none: the first train stage, else the first that can be profiled */
    int steps;    /* profiled ones of each stage; 0: as many as a few seconds hold */
    int warm_up;  /* steps before them */
    bool csv;     /* events.csv too */
    bool measure; /* the device's ceilings anew, not those of the cache */
    const scl_override *overrides;
    int n_overrides; /* for the record: they are in the config already */
    double config_s; /* what reading the config took */
} scl_profile_options;

/* Writes profile.json, trace.json and, if asked for, events.csv.  The config is changed (numbers of steps).
 * *profile: the content of profile.json, owned (json_decref); *folder: where the files are, owned (free).
 * Errors: SCL_BAD_CONFIG for a stage that there is not, or that computes nothing on a device;
 * SCL_INTERRUPTED; else the stage's. */
scl_status scl_profile_run(scl_config *config, const scl_profile_options *options, json_t **profile,
                           char **folder, scl_err *err);

#endif
