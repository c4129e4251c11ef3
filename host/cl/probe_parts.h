/* The parts of the device probe; for the cl room alone. */
#ifndef SCL_CL_PROBE_PARTS_H
#define SCL_CL_PROBE_PARTS_H

#include "cl/opencl.h"
#include "cl/probe.h"

/* Notes that `what` differs (formatted), with room for the first few; counts it. */
void scl_probe_differs(scl_probe_result *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

scl_status scl_probe_arith(scl_cl *cl, scl_probe_result *r, scl_err *err);       /* primitives, lib/ */
scl_status scl_probe_operators(scl_backend *b, scl_probe_result *r, scl_err *err);  /* a convolution, a normalisation, an Adam step */

#endif
