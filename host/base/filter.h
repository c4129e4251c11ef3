/* Another program as a function: bytes in at its standard input, bytes out at its standard output. */
#ifndef SCL_BASE_FILTER_H
#define SCL_BASE_FILTER_H

#include <stddef.h>

#include "base/err.h"

typedef struct scl_filtered {
    int code;              /* exit code; 127: there is no such program; 128 + N: ended by signal N */
    char *output, *errors; /* standard output and standard error, each with a NUL behind it; owned (free) */
    size_t n;              /* bytes of output */
} scl_filtered;

/* argv ends with NULL; argv[0] is looked for in PATH.  Waits.  SCL_FAILED: it could not be run, or not be
 * listened to; whether it liked its input only out->code tells. */
scl_status scl_filter(const char *const *argv, const void *input, size_t n, scl_filtered *out, scl_err *err);
void scl_filtered_free(scl_filtered *f); /* accepts a zeroed one */

#endif
