#include "cl/tuning_cache.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "cl/opencl.h"
#include "cl/program.h"
#include "graph/matrix.h"

/* What a measurement depends on besides the shape. */
static const char *cache_key(scl_cl *cl, scl_arena *arena)
{
    char sources[65];
    scl_source_hash(sources);
    const char *extra = scl_program_extra_options(cl, NULL, arena);
    const scl_matrix *m = &cl->base.info.matrix;
    return scl_arena_printf(arena, "tuning rows 1\n%s\n%s\n%s\n%s%s", cl->identity, extra, sources,
                            m->precision ? scl_precision_name(m->precision) : "", m->emulated ? " emulated\n" : "");
}

static void load(const char *key, scl_tuning *t)
{
    void *text;
    size_t bytes;
    if (!scl_cache_load("tuning", key, &text, &bytes))
        return;
    scl_tuning_read(t, text); /* reads a whole file or nothing */
    free(text);
}

void scl_tuning_load(scl_backend *b, scl_tuning *t)
{
    scl_cl *cl = scl_cl_of(b);
    scl_arena arena = {0};
    if (cl)
        load(cache_key(cl, &arena), t);
    scl_arena_free(&arena);
}

/* Reading, merging and writing by one process at a time; -1: it cannot be had, and a row of another may be
 * lost. */
static int lock_rows(scl_arena *arena)
{
    char folder[4096];
    scl_cache_folder("tuning", folder, sizeof folder);
    if (!folder[0])
        return -1;
    const int fd = open(scl_arena_printf(arena, "%s/lock", folder), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

void scl_tuning_store(scl_backend *b, const scl_tuning *rows)
{
    scl_cl *cl = scl_cl_of(b);
    if (!cl || !rows->n_row)
        return;
    scl_arena arena = {0};
    scl_tuning all = {0};
    const char *key = cache_key(cl, &arena);
    const int lock = lock_rows(&arena);
    load(key, &all);
    for (int i = 0; i < rows->n_row; i++)
        scl_tuning_put(&all, &rows->row[i]);
    const char *text = scl_tuning_text(&all, &arena);
    scl_cache_store("tuning", key, text, strlen(text));
    if (lock >= 0)
        close(lock);
    scl_tuning_free(&all);
    scl_arena_free(&arena);
}

void scl_tuning_path(scl_backend *b, char *out, size_t size)
{
    scl_cl *cl = scl_cl_of(b);
    scl_arena arena = {0};
    out[0] = 0;
    if (cl)
        scl_cache_path("tuning", cache_key(cl, &arena), out, size);
    scl_arena_free(&arena);
}
