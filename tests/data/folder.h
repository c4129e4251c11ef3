/* For the tests of readers: a folder of their own, files in it, and data sets that open or must not. */
#ifndef TESTS_DATA_FOLDER_H
#define TESTS_DATA_FOLDER_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "data/dataset.h"
#include "failures.h"

static char root[] = "/tmp/scl-data-XXXXXX";
static scl_arena arena;

static inline const char *in_root(const char *format, ...)
{
    char name[512];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    return scl_arena_printf(&arena, "%s/%s", root, name);
}

static inline void put(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(data, 1, size, f) == size, "cannot write %s", path);
    if (f)
        fclose(f);
}

static inline scl_dataset *open_set(const scl_data_config *spec, scl_split split)
{
    scl_err err = { 0 };
    scl_dataset *d = NULL;
    CHECK(scl_dataset_open(&d, spec, split, &err) == SCL_OK, "%s: %s", spec->path, err.message);
    scl_err_clear(&err);
    return d;
}

static inline void must_fail(const scl_data_config *spec, scl_split split, const char *message)
{
    scl_err err = { 0 };
    scl_dataset *d = NULL;
    CHECK(scl_dataset_open(&d, spec, split, &err) == SCL_FAILED, "%s was read", spec->path);
    CHECK(strstr(err.message, message), "%s: expected \"%s\", got \"%s\"", spec->path, message, err.message);
    scl_err_clear(&err);
    scl_dataset_free(d);
}

/* The end of such a test: its exit code. */
static inline int leave(const char *what)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    CHECK(system(command) == 0, "cannot remove %s", root);
    scl_arena_free(&arena);
    if (!failures)
        printf("%s: all checks passed\n", what);
    return failures != 0;
}

#endif
