/* Pictures of graphs, drawn by Graphviz's program dot. */
#ifndef SCL_RUN_GRAPHVIZ_H
#define SCL_RUN_GRAPHVIZ_H

#include <jansson.h>

#include "base/arena.h"
#include "config/config.h"
#include "graph/graph.h"

/* The stages and their needs as a program for dot. */
const char *scl_stages_dot(const scl_config *config, scl_arena *arena);
/* A graph of operators that is to be drawn.  Texts are borrowed. */
typedef struct scl_drawn_node {
    const char *plan, *scope, *operator, *tooltip;     /* tooltip may be NULL */
    double time_s;
} scl_drawn_node;
typedef struct scl_drawn {
    scl_drawn_node *node; int n;
    int (*edge)[2]; int n_edge;      /* from, to: indices into node */
    bool timed;                      /* boxes show times, from nearly white to red, the longest */
} scl_drawn;

/* Boxes that dot lays out within seconds, and that an eye can follow. */
enum { SCL_DRAWN_MOST = 150 };

/* A program for dot, in the arena.  Of more nodes than SCL_DRAWN_MOST those that belong together share a box: of a scope
 * and an operator, of a scope, of an outer block, whatever is the first that is few enough; a title says so.  block: the
 * nodes of this block of the network alone ("res1", "res1.0"), NULL: all.  SCL_BAD_CONFIG: it has none. */
scl_status scl_blocks_dot(const scl_drawn *g, const char *block, const char **dot, scl_arena *arena, scl_err *err);
/* The same of a graph that nobody measured. */
scl_status scl_graph_blocks_dot(const scl_graph *graph, const char *block, const char **dot, scl_arena *arena,
                                scl_err *err);
/* The same of the nodes that a profile (docs/profile.md) measured in a stage (NULL: its first), with their times.
 * SCL_BAD_CONFIG: there is no such stage. */
scl_status scl_profile_dot(const json_t *profile, const char *stage, const char *block, const char **dot, scl_arena *arena,
                           scl_err *err);

/* A program for dot as SVG, in the arena.  SCL_FAILED: dot is not installed (the message names the package),
 * or refuses it. */
scl_status scl_graphviz_svg(const char *dot, char **svg, scl_arena *arena, scl_err *err);

#endif
