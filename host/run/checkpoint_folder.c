/* The checkpoints of a run: which are there, which is newest, which may go. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "run/checkpoint.h"

typedef struct steps {
    long *step;
    int n;
} steps;

/* The step in "step-00005000.safetensors"; -1 for any other name. */
static long step_of(const char *name)
{
    if (strncmp(name, "step-", 5) != 0 || name[5] < '0' || name[5] > '9')
        return -1;
    char *end;
    const long step = strtol(name + 5, &end, 10);
    return strcmp(end, ".safetensors") ? -1 : step;
}

static int newest_first(const void *a, const void *b)
{
    const long s = *(const long *)a, t = *(const long *)b;
    return s > t ? -1 : s < t;
}

static scl_status list(const char *folder, scl_arena *arena, steps *out, scl_err *err)
{
    *out = (steps){ 0 };
    DIR *d = opendir(folder);
    if (!d && errno == ENOENT)
        return SCL_OK;
    if (!d)
        return scl_fail(err, SCL_FAILED, "cannot read folder '%s': %s", folder, strerror(errno));
    int room = 16;
    out->step = SCL_NEW_ARRAY(arena, long, room);
    for (const struct dirent *e; (e = readdir(d));) {
        const long step = step_of(e->d_name);
        if (step < 0)
            continue;
        if (out->n == room) {
            long *more = SCL_NEW_ARRAY(arena, long, room *= 2);
            memcpy(more, out->step, (size_t)out->n * sizeof *more);
            out->step = more;
        }
        out->step[out->n++] = step;
    }
    closedir(d);
    if (out->n)
        qsort(out->step, (size_t)out->n, sizeof *out->step, newest_first);
    return SCL_OK;
}

static char *path_of(const char *folder, long step, scl_arena *arena)
{
    return scl_arena_printf(arena, "%s/step-%08ld.safetensors", folder, step);
}

/* Removes what is neither among the newest `keep` nor best.  A file that cannot be removed is only a waste of
 * room. */
static void rotate(const char *folder, int keep, long best, scl_arena *arena)
{
    steps have;
    if (keep <= 0 || list(folder, arena, &have, NULL) != SCL_OK)
        return;
    for (int i = keep; i < have.n; i++)
        if (have.step[i] != best && unlink(path_of(folder, have.step[i], arena)))
            scl_warn("cannot remove the old checkpoint of step %ld in '%s': %s", have.step[i], folder,
                     strerror(errno));
}

static scl_status link_to(const char *folder, const char *name, long step, scl_arena *arena, scl_err *err)
{
    return scl_file_link(scl_arena_printf(arena, "step-%08ld.safetensors", step),
                         scl_arena_printf(arena, "%s/%s.safetensors", folder, name), err);
}

static scl_status save(const char *folder, scl_store *store, const scl_checkpoint_info *info, int keep,
                       char checksum[65], scl_arena *arena, scl_err *err)
{
    SCL_TRY(scl_file_make_folder(folder, err));
    SCL_TRY(scl_checkpoint_write(path_of(folder, info->step, arena), store, info, checksum, err));
    SCL_TRY(link_to(folder, "latest", info->step, arena, err));
    if (info->best_step == info->step)
        SCL_TRY(link_to(folder, "best", info->step, arena, err));
    /* The best one's file, as its link says: training may have found a better step of which no checkpoint was
     * written. */
    char target[64] = "";
    const ssize_t length =
        readlink(scl_arena_printf(arena, "%s/best.safetensors", folder), target, sizeof target - 1);
    rotate(folder, keep, length > 0 ? step_of(target) : -1, arena);
    return SCL_OK;
}

scl_status scl_checkpoints_save(const char *folder, scl_store *store, const scl_checkpoint_info *info,
                                int keep, char checksum[65], scl_err *err)
{
    scl_arena arena = { 0 };
    const scl_status status = save(folder, store, info, keep, checksum, &arena, err);
    scl_arena_free(&arena);
    return status;
}

scl_status scl_checkpoints_newest(const char *folder, long most, scl_checkpoint **out, scl_err *err)
{
    scl_arena arena = { 0 };
    steps have;
    *out = NULL;
    const scl_status status = list(folder, &arena, &have, err);
    for (int i = 0; status == SCL_OK && i < have.n && !*out; i++) {
        if (most >= 0 && have.step[i] > most)
            continue;
        scl_err why = { 0 };
        if (scl_checkpoint_open(out, path_of(folder, have.step[i], &arena), &why) != SCL_OK)
            scl_warn("%s; the checkpoint before it is used", why.message);
        scl_err_clear(&why);
    }
    scl_arena_free(&arena);
    return status;
}

scl_status scl_checkpoints_find(const char *folder, const char *which, scl_arena *arena, const char **path,
                                scl_err *err)
{
    steps have;
    SCL_TRY(list(folder, arena, &have, err));
    char *end;
    const long step = !strncmp(which, "step-", 5) ? strtol(which + 5, &end, 10) : -1;
    *path = step >= 0 ? path_of(folder, step, arena)
                      : scl_arena_printf(arena, "%s/%s.safetensors", folder, which);
    if (scl_file_exists(*path))
        return SCL_OK;
    char text[512] = "";
    for (int i = 0, used = 0; i < have.n && used < (int)sizeof text - 32; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, "%sstep-%ld", i ? ", " : "", have.step[i]);
    return scl_fail(err, SCL_FAILED, "no checkpoint '%s' in '%s' (there %s: %s)", which, folder,
                    have.n == 1 ? "is" : "are", have.n ? text : "none");
}
