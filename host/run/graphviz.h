/* Pictures of graphs, drawn by Graphviz's program dot. */
#ifndef SCL_RUN_GRAPHVIZ_H
#define SCL_RUN_GRAPHVIZ_H

#include <jansson.h>

#include "base/arena.h"
#include "config/config.h"

/* The stages and their needs as a program for dot. */
const char *scl_stages_dot(const scl_config *config, scl_arena *arena);
/* The nodes that a profile (docs/profile.md) measured in a stage (NULL: its first), with their times: from nearly white to red, the
 * longest.  In the arena.  SCL_BAD_CONFIG: there is no such stage. */
scl_status scl_profile_dot(const json_t *profile, const char *stage, const char **dot, scl_arena *arena,
                           scl_err *err);

/* A program for dot as SVG, in the arena.  SCL_FAILED: dot is not installed (the message names the package),
 * or refuses it. */
scl_status scl_graphviz_svg(const char *dot, char **svg, scl_arena *arena, scl_err *err);

#endif
