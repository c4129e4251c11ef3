/* Commands that are printed for a shell. */
#ifndef SCL_BASE_SHELL_H
#define SCL_BASE_SHELL_H

#include "base/arena.h"

/* The text as one word, in quotes only where it needs them. */
const char *scl_shell_word(const char *text, scl_arena *arena);

#endif
