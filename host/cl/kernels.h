/* What is built for a device, for verification: sources and options of launches, and whether programs were built or loaded. */
#ifndef SCL_CL_KERNELS_H
#define SCL_CL_KERNELS_H

#include "base/arena.h"
#include "graph/backend.h"

/* The whole source of a launch's program, includes resolved, and its options: those of the launch with what the environment
 * adds, and (build, may be NULL) all that the compiler gets.  In arena.  SCL_FAILED: no OpenCL device, or a missing file. */
scl_status scl_kernel_text(scl_backend *b, const scl_launch *launch, scl_arena *arena, const char **source,
                           const char **options, const char **build, scl_err *err);

/* Programs of an opened device that were compiled, and that were loaded as binaries from the cache on disk. */
typedef struct scl_program_counts { int built, loaded; } scl_program_counts;
scl_program_counts scl_program_counts_of(scl_backend *b);

/* From now on programs are kept in and loaded from this folder, on every device; NULL: where they usually are.  For one thread. */
void scl_program_cache_in(const char *folder);

#endif
