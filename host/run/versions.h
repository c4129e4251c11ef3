/* What a result was computed with: versions of this program and of what it stands on.  In environment.json, in the reports of
 * verify, in `scorecl version`. */
#ifndef SCL_RUN_VERSIONS_H
#define SCL_RUN_VERSIONS_H

#include <jansson.h>

#include "base/arena.h"

/* scorecl, arithmetic, compiler, clblast, opencl_loader, libyaml, jansson, zlib: texts (arithmetic: a number); and
 * kernels_sha256, of every kernel source.  New reference. */
json_t *scl_versions(void);

/* "Linux 6.1.0 x86_64, Debian GNU/Linux 12 (bookworm)".  In arena. */
const char *scl_system_text(scl_arena *arena);

#endif
