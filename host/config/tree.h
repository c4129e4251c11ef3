/* A YAML document as a tree whose nodes know where they stood.  Anchors, aliases and merge keys are resolved
 * (aliases are copies, so that an override changes one place), ${NAME} is replaced, duplicate keys are
 * faults. */
#ifndef SCL_CONFIG_TREE_H
#define SCL_CONFIG_TREE_H

#include "config/errors.h"

typedef enum scl_tree_kind { SCL_TREE_SCALAR, SCL_TREE_LIST, SCL_TREE_MAP } scl_tree_kind;

typedef struct scl_tree {
    scl_tree_kind kind;
    scl_place place;
    const char *text;            /* scalar */
    bool quoted;
    struct scl_tree **child;     /* list, map */
    const char **key;            /* map */
    scl_place *key_place;
    int n, cap;
} scl_tree;

/* NULL when the text has faults (all found are in errors) or is empty (which is a fault too). */
scl_tree *scl_tree_parse(const char *text, size_t length, const char *file, scl_faults *faults);
/* The value of an override: one node; col0 is added to the columns of its first line. */
scl_tree *scl_tree_parse_value(const char *text, const char *file, int col0, const char *path, scl_faults *faults);

scl_tree *scl_tree_get(const scl_tree *map, const char *key);       /* NULL: not there */
void scl_tree_set(scl_tree *map, const char *key, scl_place place, scl_tree *value, scl_arena *arena);
void scl_tree_remove(scl_tree *map, const char *key);
bool scl_tree_is_null(const scl_tree *node);                        /* nothing, ~ or null, not quoted */
const char *scl_tree_describe(const scl_tree *node, scl_arena *arena);   /* "a list", "'abc'" */

/* Sets key a.b.c to a value; faults when the path runs through something that is no map. */
void scl_tree_override(scl_tree *root, const char *key, const char *value, scl_faults *faults);

#endif
