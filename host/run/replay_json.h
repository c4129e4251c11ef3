/* For replay_save.c and replay_load.c: the words of replay.json. */
#ifndef SCL_RUN_REPLAY_JSON_H
#define SCL_RUN_REPLAY_JSON_H

#include "run/replay.h"

/* replay.json:
 * {"scorecl": version, "about": {...}, "memory": bytes of the image,
 *  "buffers": [{"name", "offset", "bytes", "before": FILE}],
 *  "launches": [{"operator", "kernel", "source": FILE, "options", "build_options", "global": [3], "local": [3],
 *                "arguments": [{"name", "kind": "buffer" | "null" | "local" | "i32" | "u32" | "f32", "buffer", "offset", "bytes", "value"}]}],
 *  "checks": [{"name", "buffer", "offset", "type", "shape", "expected": FILE, "got": FILE}]}
 * An offset of an argument or a check counts from the beginning of its buffer; a float's value is its bits in hexadecimal. */

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
