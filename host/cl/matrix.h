/* Which matrix unit does a device have?  Asked by compiling a small product for every unit whose vendor the device names, running it
 * on integers and comparing every value: a unit that is missing, or that lays out its values in another way, is not used. */
#ifndef SCL_CL_MATRIX_H
#define SCL_CL_MATRIX_H

#include "graph/backend.h"
#include "graph/matrix.h"

typedef struct scl_matrix_result {
    const scl_unit *unit; /* NULL: none for this precision; floats are used */
    char text[768];       /* a line for the log: which precision runs, by what, or why not */
} scl_matrix_result;

/* From now on plans for b->info may use matrix units for a precision ("f32", "tf32", "bf16", "f16"), if the device has one.  The
 * answer is kept in the user's cache folder, by device, driver and kernel source.  A probe that breaks the device's context breaks
 * one of its own.  SCL_MATRIX_EMULATE=NAME in the environment (a name of graph/matrix.c) has ordinary instructions do what that
 * unit does, on any device: for tests.
 * Errors: SCL_BAD_CONFIG for a name that is no unit, or a precision that it does not have. */
scl_status scl_matrix_use(scl_backend *b, const char *precision, scl_matrix_result *out, scl_err *err);

#endif
