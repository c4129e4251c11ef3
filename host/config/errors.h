/* The faults of a config while it is read: all of them are collected. */
#ifndef SCL_CONFIG_ERRORS_H
#define SCL_CONFIG_ERRORS_H

#include "config/config.h"

typedef struct scl_place { const char *file; int line, col; } scl_place;

typedef struct scl_faults {
    scl_config_errors *errors;
    scl_err *err;                /* gets the first one; may be NULL */
    scl_arena *arena;            /* of the config */
    const char *hint;            /* path of keys for faults found while the tree is made */
    const char *folder;          /* relative paths are joined to it; NULL: left alone */
} scl_faults;

/* path may be "". */
void scl_fault(scl_faults *faults, scl_place place, const char *path, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The candidate that is nearest to a mistyped name, or NULL when none is near. */
const char *scl_nearest(const char *name, const char *const *candidates, int n);

#endif
