/* What is built for a device, for verification: sources and options of launches, and whether programs were built or loaded. */
#ifndef SCL_CL_KERNELS_H
#define SCL_CL_KERNELS_H

#include "base/arena.h"
#include "graph/backend.h"

/* The whole source of a launch's program, includes resolved, and its options: those of the launch with what the environment
 * adds, and (build, may be NULL) all that the compiler gets.  In arena.  SCL_FAILED: no OpenCL device, or a missing file. */
scl_status scl_kernel_text(scl_backend *b, const scl_launch *launch, scl_arena *arena, const char **source,
                           const char **options, const char **build, scl_err *err);

/* Does a device build a program?  It is compiled, whatever our caches hold.  source as scl_kernel_text gives it; its first line
 * may say how messages shall call it. */
scl_status scl_kernel_builds(scl_backend *b, const char *source, const char *options, scl_err *err);

/* Who watches builds from source, on every device: the source and its options, those that are ours and all, before the compiler
 * has them; and what came of it, fault NULL where it was built.  One at a time; NULL: nobody. */
typedef struct scl_build_watch {
    void (*begin)(void *user, scl_backend *b, const char *source, const char *options, const char *all);
    void (*end)(void *user, scl_backend *b, const scl_err *fault);
    void *user;
} scl_build_watch;
void scl_build_watch_by(const scl_build_watch *watch);

/* The launch for which a device was given up; NULL: none, or none of a schedule. */
const scl_launch *scl_kernel_hung(scl_backend *b);

/* Programs of an opened device that were compiled, and that were loaded as binaries from the cache on disk. */
typedef struct scl_program_counts { int built, loaded; } scl_program_counts;
scl_program_counts scl_program_counts_of(scl_backend *b);

/* From now on programs are kept in and loaded from this folder, on every device; NULL: where they usually are.  For one thread. */
void scl_program_cache_in(const char *folder);

#endif
