/* Programs: kernel files with their includes resolved, built once per options, kept on disk where that helps.
 *
 * Kernel files travel in the binary; names are relative to cl/ ("ops/conv.cl", "lib/sum.cl"). */
#ifndef SCL_CL_PROGRAM_H
#define SCL_CL_PROGRAM_H

#include "base/arena.h"
#include "cl/opencl.h"

enum { SCL_MAX_PARAMETERS = 32 };

/* Text of a kernel file (SCL_KERNEL_DIR first, else the one in the binary); NULL: there is none.  In arena or static. */
const char *scl_source_find(const char *name, scl_arena *arena);

/* text with every `#include "..."` line replaced by the file it names, and #line so that messages keep file and line.
 * Errors: a file that does not exist, includes nested too deep (a cycle); both with file and line. */
scl_status scl_source_resolve(char **out, scl_arena *arena, const char *name, const char *text, scl_err *err);

/* sha256 of all kernel files, 64 hex digits: part of cache keys. */
void scl_source_hash(char out[65]);

/* What the environment adds to the build of a program, for tests: SCL_CL_OPTIONS, and on device I alone SCL_CL_OPTIONS_I, of the form
 * "OPTIONS", or "FAMILY:OPTIONS" for the programs of one kernel file.  name "ops/X.cl" or "generated/X.cl"; NULL: all that may be
 * added to any.  In arena. */
const char *scl_program_extra_options(const scl_cl *cl, const char *name, scl_arena *arena);

/* Built program; borrowed until the backend closes.  text NULL: the file `name`; else generated source that messages call
 * name.  Errors: SCL_FAILED with kernel file and line, the offending line in the message, and the build log. */
scl_status scl_program_get(scl_cl *cl, const char *name, const char *text, const char *options,
                           cl_program *out, scl_err *err);

/* Names of a kernel's parameters, by clGetKernelArgInfo or, where a driver does not know them, from the source.
 * Returns their number; *address[i]: 'g'lobal or constant, 'l'ocal, 'p'rivate, '?' unknown. */
scl_status scl_program_parameters(scl_cl *cl, cl_kernel kernel, const char *name, const char *text,
                                  const char *function, char (*parameter)[64], char *address, int *n,
                                  scl_err *err);

/* The same from source text alone: -1 when the function is not there. */
int scl_source_parameters(const char *source, const char *function, char (*parameter)[64], char *address);

/* First error of a build log: file, line, column as the log gives them; false: none found. */
bool scl_log_position(const char *log, char *file, size_t size, int *line, int *col, const char **message);

/* File and line that a line of a resolved source came from: for drivers that do not read #line. */
bool scl_source_origin(const char *source, int line, char *file, size_t size, int *origin);

/* The line of a resolved source that came from there; false: none did. */
bool scl_source_line(const char *source, const char *file, int line, char *out, size_t size);

/* How messages call a program: "cl/NAME", or what the first line of its text says: #line 1 "FILE". */
void scl_source_called(const char *name, const char *text, char *out, size_t size);

void scl_programs_free(scl_programs *programs);      /* NULL is accepted */

/* ---- the cache on disk (cache.c) ---- */

/* Folder of ours under the user's cache folder ("" when there is none), made when missing. */
void scl_cache_folder(const char *sub, char *out, size_t size);

/* Stores or loads a block of bytes under a key (any text).  A missing, damaged or foreign file loads as false; a failure to
 * store is silent: a cache is never needed. */
void scl_cache_store(const char *sub, const char *key, const void *data, size_t bytes);
bool scl_cache_load(const char *sub, const char *key, void **data, size_t *bytes);      /* *data: owned, free */
void scl_cache_path(const char *sub, const char *key, char *out, size_t size);

#endif
