/* The device probe (docs/design/arithmetic.md, section 7): does this device compute the bits of the C definitions? */
#ifndef SCL_CL_PROBE_H
#define SCL_CL_PROBE_H

#include "graph/backend.h"

typedef struct scl_probe_result {
    bool promised;             /* everything was equal */
    bool cached;               /* an earlier result for the same device, driver, options and kernel sources */
    int n_check, n_different;
    char differed[768];        /* "scl_exp at 0x1p+3: 0x... instead of 0x...; fma ..."; "" when nothing */
} scl_probe_result;

/* Runs the probe, or returns its stored result when !again.  The reference device passes by definition.  A device that
 * differs is not an error: say scl_probe_text.  Errors: a kernel that does not build or run. */
scl_status scl_probe_device(scl_backend *b, bool again, scl_probe_result *out, scl_err *err);

/* "bits not promised on this device: ..." or "bits promised on NAME (N checks)"; into text of size bytes. */
void scl_probe_text(const scl_backend *b, const scl_probe_result *r, char *text, size_t size);

#endif
