/* For replay_save.c, replay_readme.c and replay_load.c: the words of replay.json. */
#ifndef SCL_RUN_REPLAY_JSON_H
#define SCL_RUN_REPLAY_JSON_H

#include "run/replay.h"

/* replay.json:
 * {"scorecl": version, "versions": {...}, "fault": "bits" | "build" | "hang", "message",
 *  "reproduces": true | false | null (not tried), "system",
 *  "device": {"platform", "platform_version", "name", "vendor", "driver", "version", "extensions"},
 *  "about": {...}, "memory": bytes of the image,
 *  "buffers": [{"name", "offset", "bytes", "before": FILE}],
 *  "launches": [{"operator", "kernel", "source": FILE, "options", "build_options", "global": [3], "local": [3],
 *                "arguments": [{"name", "kind": "buffer" | "null" | "local" | "i32" | "u32" | "f32", "buffer", "offset", "bytes", "value"}]}],
 *  "checks": [{"name", "buffer", "offset", "type", "shape", "expected": FILE, "got": FILE}]}
 * Of a build launches have source, options and build_options alone, and there is no memory.
 * An offset of an argument or a check counts from the beginning of its buffer; a float's value is its bits in hexadecimal. */

extern const char *const scl_replay_faults[3];     /* by scl_replay_fault */

/* Files of the folder, in arena; what: "expected" or "got". */
const char *scl_replay_block_file(const scl_replay *r, int block, scl_arena *arena);
const char *scl_replay_check_file(const scl_replay *r, int check, const char *what, scl_arena *arena);

/* Leaves launch k alone, and the buffers that it reaches. */
void scl_replay_alone(scl_replay *r, int k);

/* README.txt; owned, NULL without memory.  kernels: hash of the kernel sources. */
char *scl_replay_readme(const scl_replay *r, scl_backend *b, const char *kernels, size_t *size);

/* The buffer in which a place of the image lies; -1: none. */
int scl_replay_block_of(const scl_replay *r, size_t offset);

/* Memory of an image that a check covers. */
static inline size_t scl_replay_check_bytes(const scl_replay_check *c)
{
    size_t bytes = scl_dtype_bytes(c->dtype);
    for (int d = 0; d < c->rank; d++)
        bytes *= (size_t)c->dim[d];
    return bytes;
}

#endif
