/* Pictures of graphs, drawn by Graphviz's program dot. */
#ifndef SCL_RUN_GRAPHVIZ_H
#define SCL_RUN_GRAPHVIZ_H

#include "base/arena.h"
#include "config/config.h"

/* The stages and their needs as a program for dot. */
const char *scl_stages_dot(const scl_config *config, scl_arena *arena);
/* A program for dot as SVG, in the arena.  SCL_FAILED: dot is not installed (the message names the package),
 * or refuses it. */
scl_status scl_graphviz_svg(const char *dot, char **svg, scl_arena *arena, scl_err *err);

#endif
