/* What a stage depends on, as text: config keys, files, the stages it needs. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "data/reader.h"
#include "run/engine.h"

enum { MAX_FILES = 6, BUFFER_BYTES = 1 << 18 };

static int data_paths(const scl_data_config *d, const char **path)
{
    int n = 0;
    if (!scl_data_in_files(d))
        return 0;
    path[n++] = d->path;
    if (d->test_path)
        path[n++] = d->test_path;
    return n;
}

static bool is_path(const char *text) { return text && (strchr(text, '/') || strstr(text, ".npy")); }

/* The file of a classifier that a stage names. */
static int classifier_path(const scl_stage_config *stage, const char **path)
{
    const char *name = scl_stage_classifier(stage);
    if (!name || !scl_checkpoint_is_file(name))
        return 0;
    *path = name;
    return 1;
}

static int sample_paths(const scl_stage_config *stage, const char **path)
{
    const scl_sample_config *s = &stage->sample;
    int n = 0;
    if (s->checkpoint && strchr(s->checkpoint, '/'))
        path[n++] = s->checkpoint;
    if (s->condition.task == SCL_CONDITION_INPAINT && s->condition.mask)
        path[n++] = s->condition.mask;
    if (scl_sample_reads_data(s))
        path[n++] = stage->data.test_path ? stage->data.test_path : stage->data.path;
    else if (s->condition.task != SCL_CONDITION_NOTHING && s->condition.images)
        path[n++] = s->condition.images;
    return n + classifier_path(stage, path + n);
}

/* The files and folders that a stage reads besides what other stages made. */
static int paths_of(const scl_stage_config *stage, const char *path[MAX_FILES])
{
    int n = 0;
    switch (stage->kind) {
    case SCL_STAGE_TRAIN:
        n = data_paths(&stage->data, path);
        if (stage->train.init)
            path[n++] = stage->train.init;
        return n;
    case SCL_STAGE_EVALUATE:
        n = data_paths(&stage->data, path);
        if (is_path(stage->evaluate.samples))
            path[n++] = stage->evaluate.samples;
        n += classifier_path(stage, path + n);
        break;
    case SCL_STAGE_SAMPLE: return sample_paths(stage, path);
    case SCL_STAGE_LIKELIHOOD: n = data_paths(&stage->data, path); break;
    case SCL_STAGE_PLOT: break;
    }
    if (scl_stage_uses_device(stage) && stage->sample.checkpoint && strchr(stage->sample.checkpoint, '/'))
        path[n++] = stage->sample.checkpoint;
    return n;
}

scl_status scl_inputs_check(const scl_stage_config *stage, bool early, scl_err *err)
{
    const char *path[MAX_FILES];
    const int n = paths_of(stage, path);
    for (int i = 0; i < n; i++) {
        struct stat st;
        if (!stat(path[i], &st))
            continue;
        const char *weights = stage->kind == SCL_STAGE_TRAIN ? stage->train.init : stage->sample.checkpoint;
        const bool checkpoint = path[i] == weights || path[i] == scl_stage_classifier(stage);
        if (checkpoint && early)
            continue;
        return checkpoint ? scl_fail(err, SCL_FAILED, "checkpoint '%s' does not exist", path[i]) : scl_path_missing(&stage->data, path[i], err);
    }
    return SCL_OK;
}

static int by_path(const FTSENT **a, const FTSENT **b) { return strcmp((*a)->fts_name, (*b)->fts_name); }

/* Calls visit for every regular file under path, in byte order; links to files count, links to folders do
 * not. */
typedef scl_status visitor(void *user, const char *path, const struct stat *st, scl_err *err);
static scl_status each_file(const char *path, visitor *visit, void *user, scl_err *err)
{
    char *const roots[] = { (char *)path, NULL };
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_path);
    if (!tree)
        return scl_fail(err, SCL_FAILED, "cannot read '%s': %s", path, strerror(errno));
    scl_status status = SCL_OK;
    for (FTSENT *e; status == SCL_OK && (e = fts_read(tree));) {
        struct stat st;
        if ((e->fts_info == FTS_F || e->fts_info == FTS_SL) && !stat(e->fts_accpath, &st) &&
            S_ISREG(st.st_mode))
            status = visit(user, e->fts_path, &st, err);
        else if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR)
            status = scl_fail(err, SCL_FAILED, "cannot read '%s': %s", e->fts_path, strerror(e->fts_errno));
    }
    fts_close(tree);
    return status;
}

static scl_status see_file(void *user, const char *path, const struct stat *st, scl_err *err)
{
    (void)err;
    char text[96];
    const int n = snprintf(text, sizeof text, "%" PRIdMAX " %" PRIdMAX ".%09ld", (intmax_t)st->st_size,
                           (intmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
    scl_sha256_add(user, path, strlen(path) + 1);
    scl_sha256_add(user, text, (size_t)n + 1);
    return SCL_OK;
}

/* The name inside the folder is not part of it, nor where the folder is: the bytes are, and how many files.
 */
static scl_status read_file(void *user, const char *path, const struct stat *st, scl_err *err)
{
    static __thread unsigned char buffer[BUFFER_BYTES];
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return scl_fail(err, SCL_FAILED, "cannot read '%s': %s", path, strerror(errno));
    char size[32];
    scl_sha256_add(user, size, (size_t)snprintf(size, sizeof size, "%" PRIdMAX, (intmax_t)st->st_size) + 1);
    ssize_t n;
    while ((n = read(fd, buffer, sizeof buffer)) > 0)
        scl_sha256_add(user, buffer, (size_t)n);
    close(fd);
    return n < 0 ? scl_fail(err, SCL_FAILED, "cannot read '%s': %s", path, strerror(errno)) : SCL_OK;
}

static scl_status walk(const char *const *path, int n, visitor *visit, scl_arena *arena, const char **hex,
                       scl_err *err)
{
    scl_sha256 sum;
    char *digits = scl_arena_alloc(arena, 65);
    scl_sha256_init(&sum);
    for (int i = 0; i < n; i++) {
        scl_sha256_add(&sum, "", 1);
        SCL_TRY(each_file(path[i], visit, &sum, err));
    }
    scl_sha256_end(&sum, digits);
    *hex = digits;
    return SCL_OK;
}

/* Files are read again only when a size or time has changed. */
static scl_status hash_files(scl_run *run, const scl_stage_config *stage, const scl_stage_state *before,
                             scl_stage_state *out, scl_err *err)
{
    const char *path[MAX_FILES];
    const int n = paths_of(stage, path);
    out->files = out->files_seen = "";
    if (n == 0)
        return SCL_OK;
    SCL_TRY(scl_inputs_check(stage, false, err));
    SCL_TRY(walk(path, n, see_file, &run->arena, &out->files_seen, err));
    if (!strcmp(out->files_seen, before->files_seen) && before->files[0]) {
        out->files = before->files;
        return SCL_OK;
    }
    return walk(path, n, read_file, &run->arena, &out->files, err);
}

scl_status scl_inputs_of(scl_run *run, const scl_stage_config *stage, scl_stage_state *out, scl_err *err)
{
    scl_arena *arena = &run->arena;
    const int index = scl_stage_index(run->config, stage->name);
    SCL_TRY(hash_files(run, stage, &run->state[index], out, err));
    const char *text = scl_config_stage_inputs(run->config, stage, false, arena);
    const size_t length = strlen(text);
    text = scl_arena_printf(arena, "%s%s", text, length && text[length - 1] != '\n' ? "\n" : "");
    if (out->files[0])
        text = scl_arena_printf(arena, "%scontent of its files = %s\n", text, out->files);
    for (int i = 0; i < stage->n_needs; i++) {
        const scl_stage_state *need = &run->state[scl_stage_index(run->config, stage->needs[i])];
        text = scl_arena_printf(arena, "%sinputs of %s = %s\nresult of %s = %s\n", text, stage->needs[i],
                                need->inputs_hash, stage->needs[i], need->result);
    }
    out->inputs = text;
    out->steps = stage->kind == SCL_STAGE_TRAIN ? stage->train.steps : 0;
    char *hex = scl_arena_alloc(arena, 65);
    scl_sha256_of(text, strlen(text), hex);
    out->inputs_hash = hex;
    return SCL_OK;
}

/* The value behind a key in lines of "key = value"; its length in *length.  NULL: no such line. */
static const char *value_of(const char *lines, const char *key, size_t key_length, size_t *length)
{
    for (const char *line = lines; *line; line = strchr(line, '\n') + 1) {
        const char *end = strchr(line, '\n');
        if (!strncmp(line, key, key_length) && !strncmp(line + key_length, " = ", 3)) {
            *length = (size_t)(end - line) - key_length - 3;
            return line + key_length + 3;
        }
    }
    return NULL;
}

void scl_inputs_difference(const char *before, const char *now, char *text, size_t size)
{
    size_t used = 0;
    int n = 0;
    text[0] = '\0';
    for (int pass = 0; pass < 2; pass++) { /* what is new or other; then what is gone */
        const char *lines = pass ? before : now, *there = pass ? now : before;
        for (const char *line = lines, *end; *line && (end = strchr(line, '\n')) && used < size;
             line = end + 1) {
            const char *equal = strstr(line, " = ");
            if (!equal || equal > end)
                continue;
            const size_t key = (size_t)(equal - line), here = (size_t)(end - equal) - 3;
            size_t length = 0;
            const char *value = value_of(there, line, key, &length);
            if ((value && pass) || (value && length == here && !memcmp(value, equal + 3, here)))
                continue;
            if (n++ == 3) {
                snprintf(text + used, size - used, ", ...");
                return;
            }
            const char *a = pass ? equal + 3 : value ? value : "nothing", *b = pass ? "nothing" : equal + 3;
            const int la = pass ? (int)here : value ? (int)length : 7, lb = pass ? 7 : (int)here;
            used += (size_t)snprintf(text + used, size - used, "%s%.*s was %.*s, is %.*s", n > 1 ? ", " : "",
                                     (int)key, line, la > 40 ? 16 : la, a, lb > 40 ? 16 : lb, b);
        }
    }
}
