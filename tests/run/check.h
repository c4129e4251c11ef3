/* What tests with files share: checks that count, a folder of their own, small files. */
#ifndef TESTS_RUN_CHECK_H
#define TESTS_RUN_CHECK_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "failures.h"

static char root[] = "/tmp/scl-run-XXXXXX";
static scl_arena test_arena;

__attribute__((format(printf, 1, 2))) static inline const char *in_root(const char *format, ...)
{
    char name[512];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    return scl_arena_printf(&test_arena, "%s/%s", root, name);
}

static inline void put_file(const char *path, const void *bytes, size_t count)
{
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(bytes, 1, count, f) == count, "cannot write %s", path);
    if (f)
        fclose(f);
}

static inline const char *get_file(const char *path)
{
    char *text;
    size_t size;
    if (scl_file_read(path, &text, &size, NULL) != SCL_OK)
        return "";
    const char *copy = scl_arena_strdup(&test_arena, text);
    free(text);
    return copy;
}

/* The end of such a test: its exit code. */
static inline int finish(const char *what)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    CHECK(system(command) == 0, "cannot remove %s", root);
    scl_arena_free(&test_arena);
    if (!failures)
        printf("%s: all checks passed\n", what);
    return failures != 0;
}

#endif
