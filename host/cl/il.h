/* Programs as SPIR-V: what another compiler makes of their source, for devices that take it (OpenCL 2.1, cl_khr_il_program). */
#ifndef SCL_CL_IL_H
#define SCL_CL_IL_H

#include "base/arena.h"
#include "cl/opencl.h"

/* The command in SCL_SPIRV, or NULL: it reads OpenCL C from standard input and writes SPIR-V to standard output, with the build
 * options as arguments (tools/spirv). */
const char *scl_il_compiler(void);

/* A program, not yet built, of the source; name: for messages.  SCL_FAILED: the device takes no SPIR-V, or the command does not
 * take the source. */
scl_status scl_il_create(scl_cl *cl, const char *name, const char *source, const char *options, cl_program *out, scl_err *err);

/* Those of the options that are for whoever compiles the SPIR-V; in arena. */
const char *scl_il_options(const char *options, scl_arena *arena);

#endif
