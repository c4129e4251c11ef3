/* Text of a config before it is a tree: UTF-8, environment variables. */
#ifndef SCL_CONFIG_ENV_H
#define SCL_CONFIG_ENV_H

#include "config/errors.h"

/* ${NAME} and ${NAME:-default} replaced; a fault for an unset NAME without default.  The text is in the arena
 * of faults. */
const char *scl_env_expand(const char *text, scl_place place, scl_faults *faults);

/* A copy in which what YAML would take for structure inside ${...} is veiled, character by character, so that
 * a variable may stand unquoted in { } and [ ] and positions stay.  Unveil turns it back, in place. */
char *scl_env_veil(const char *text, size_t length, size_t *veiled, scl_arena *arena);
void scl_env_unveil(char *text);

/* The first byte that is not UTF-8 and where it stands (line and col count on from what they hold), or -1. */
int scl_utf8_fault(const char *text, size_t length, int *line, int *col);

#endif
