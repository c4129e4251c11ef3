/* Arenas: memory that is freed as a whole.  One arena per lifetime (config and graph, plan, step).
 *
 * Small allocations never return NULL: a host without memory for them ends the process (abort, with a line on standard
 * error), as there is nothing sensible left to do.  Large blocks, whose size follows from a config or a file, are taken
 * with scl_arena_take or scl_alloc_bytes, which report failure. */
#ifndef SCL_BASE_ARENA_H
#define SCL_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "base/err.h"

typedef struct scl_arena_block scl_arena_block;
typedef struct scl_arena {
    scl_arena_block *newest;
} scl_arena;

/* Zeroed memory, aligned to 16 bytes, valid until scl_arena_free. */
void *scl_arena_alloc(scl_arena *arena, size_t bytes);
char *scl_arena_strdup(scl_arena *arena, const char *text);
char *scl_arena_printf(scl_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for count elements of `size` bytes each; NULL where there is no memory for them, with err filled.  what: names
 * them in the error. */
void *scl_arena_take(scl_arena *arena, size_t count, size_t size, const char *what, scl_err *err);

/* Frees everything.  Accepts a zeroed arena, may be called twice. */
void scl_arena_free(scl_arena *arena);

#define SCL_NEW(arena, type) ((type *)scl_arena_alloc((arena), sizeof(type)))
#define SCL_NEW_ARRAY(arena, type, count) ((type *)scl_arena_alloc((arena), sizeof(type) * (size_t)(count)))
/* *out = count elements of its type, or SCL_FAILED. */
#define SCL_TAKE_ARRAY(out, arena, count, what, err) \
    ((*(out) = scl_arena_take((arena), (size_t)(count), sizeof **(out), (what), (err))) ? SCL_OK : SCL_FAILED)

/* Heap memory (owned by the caller, freed with free), zeroed; what: names the block in the error. */
scl_status scl_alloc_bytes(void **out, size_t bytes, const char *what, scl_err *err);

#endif
