#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scl_arena_block {
    scl_arena_block *older;
    size_t used, size;
    _Alignas(16) unsigned char bytes[];
};

enum { BLOCK_BYTES = 1 << 16 };

/* NULL: no memory. */
static void *take(scl_arena *arena, size_t bytes)
{
    const size_t need = (bytes + 15) & ~(size_t)15;
    scl_arena_block *block = arena->newest;
    if (!block || block->size - block->used < need) {
        const size_t size = need > BLOCK_BYTES ? need : BLOCK_BYTES;
        block = calloc(1, sizeof *block + size);
        if (!block)
            return NULL;
        block->older = arena->newest;
        block->size = size;
        arena->newest = block;
    }
    void *memory = block->bytes + block->used;
    block->used += need;
    return memory;
}

void *scl_arena_alloc(scl_arena *arena, size_t bytes)
{
    void *memory = take(arena, bytes);
    if (!memory) {
        fprintf(stderr, "scorecl: out of host memory (%zu bytes)\n", bytes);
        abort();
    }
    return memory;
}

void *scl_arena_take(scl_arena *arena, size_t count, size_t size, const char *what, scl_err *err)
{
    size_t bytes;
    void *memory =
        __builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX - BLOCK_BYTES ? NULL : take(arena, bytes);
    if (!memory)
        scl_fail(err, SCL_FAILED, "not enough host memory for %s (%zu times %zu bytes)", what, count, size);
    return memory;
}

char *scl_arena_strdup(scl_arena *arena, const char *text)
{
    const size_t length = strlen(text) + 1;
    return memcpy(scl_arena_alloc(arena, length), text, length);
}

char *scl_arena_printf(scl_arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int length = vsnprintf(NULL, 0, format, args);
    char *text = scl_arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    va_end(args);
    return text;
}

void scl_arena_free(scl_arena *arena)
{
    for (scl_arena_block *block = arena->newest, *older; block; block = older) {
        older = block->older;
        free(block);
    }
    arena->newest = NULL;
}

scl_status scl_alloc_bytes(void **out, size_t bytes, const char *what, scl_err *err)
{
    *out = calloc(1, bytes ? bytes : 1);
    if (!*out)
        return scl_fail(err, SCL_FAILED, "not enough host memory for %s (%zu bytes)", what, bytes);
    return SCL_OK;
}
