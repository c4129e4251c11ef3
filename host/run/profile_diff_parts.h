/* Inside the comparison of profiles: profile_diff.c (times), profile_diff_environment.c, profile_diff_html.c.
 */
#ifndef SCL_RUN_PROFILE_DIFF_PARTS_H
#define SCL_RUN_PROFILE_DIFF_PARTS_H

#include "run/profile_diff.h"

/* A text of an object; "" where it has none. */
const char *scl_diff_text(const json_t *o, const char *key);
/* [{"key": "device.driver", "a": text or null, "b": ...}, ...]: what differs of version, device, config and
 * stages. */
json_t *scl_diff_environment(const json_t *a, const json_t *b, scl_arena *arena);

#endif
