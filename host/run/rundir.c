/* The run directory: who may use it, and what stands in it besides the stages' folders. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "run/engine.h"

const char *scl_run_path(scl_run *run, const char *format, ...)
{
    char name[512];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    return scl_arena_printf(&run->arena, "%s/%s", run->folder, name);
}

/* The lock belongs to the open file, so it is gone with the process, however that ends. */
static scl_status take_lock(scl_run *run, scl_err *err)
{
    const char *path = scl_run_path(run, "lock");
    run->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (run->lock_fd < 0)
        return scl_fail(err, SCL_FAILED, "run directory '%s' is not writable: %s", run->folder,
                        strerror(errno));
    char pid[32] = "";
    if (flock(run->lock_fd, LOCK_EX | LOCK_NB)) {
        const ssize_t n = pread(run->lock_fd, pid, sizeof pid - 1, 0);
        pid[n > 0 ? strcspn(pid, "\n") : 0] = '\0';
        return scl_fail(err, SCL_FAILED, "run directory '%s' is in use by another process%s%s", run->folder,
                        pid[0] ? ": " : "", pid);
    }
    const int length = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(run->lock_fd, 0) || pwrite(run->lock_fd, pid, (size_t)length, 0) != length)
        return scl_fail(err, SCL_FAILED, "run directory '%s' is not writable: %s", run->folder,
                        strerror(errno));
    return SCL_OK;
}

/* Halves of files that a killed process left: nobody else writes here, as the lock is ours. */
static void sweep(const char *folder, int depth)
{
    DIR *d = opendir(folder);
    if (!d)
        return;
    for (const struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        scl_arena arena = { 0 };
        const char *path = scl_arena_printf(&arena, "%s/%s", folder, e->d_name);
        if (strstr(e->d_name, ".tmp-"))
            unlink(path);
        else if (depth > 0 && e->d_type == DT_DIR)
            sweep(path, depth - 1);
        scl_arena_free(&arena);
    }
    closedir(d);
}

scl_status scl_run_refuse(scl_run *run, scl_err *err)
{
    if (run->options->resume || run->options->n_force > 0 ||
        !scl_file_exists(scl_run_path(run, "state.json")))
        return SCL_OK;
    return scl_fail(err, SCL_BAD_CONFIG,
                    "'%s' holds a run already: --resume goes on with it, --force STAGE runs a stage again, "
                    "--out DIR goes elsewhere",
                    run->folder);
}

scl_status scl_run_open_folder(scl_run *run, scl_err *err)
{
    SCL_TRY(scl_run_refuse(run, err));
    SCL_TRY(scl_file_make_folder(run->folder, err));
    SCL_TRY(take_lock(run, err));
    /* Once more: another process may have begun and ended between the first look and the lock. */
    SCL_TRY(scl_run_refuse(run, err));
    sweep(run->folder, 2);
    SCL_TRY(scl_log_to(scl_run_path(run, "log.txt"), err));
    const char *text = scl_config_text(run->config, &run->arena);
    return scl_file_write(scl_run_path(run, "config.yaml"), text, strlen(text), NULL, err);
}

/* The config's text with the record of a stage; *out is owned, NULL: the record is there already. */
static scl_status with_record(scl_stage_context *c, const char *path, const char *conv, char **out, scl_err *err)
{
    char *before;
    size_t size;
    *out = NULL;
    SCL_TRY(scl_file_read(path, &before, &size, err));
    const char *head = scl_arena_printf(c->arena, "\n# Convolutions of stage %s, resolved:\n", c->stage->name);
    if (memmem(before, size, head, strlen(head))) {
        free(before);
        return SCL_OK;
    }
    FILE *f = open_memstream(out, &(size_t){ 0 });
    if (f) {
        fwrite(before, 1, size, f);
        fputs(head, f);
        for (const char *p = conv; *p; p += strcspn(p, " "), p += *p == ' ')
            fprintf(f, "#   %.*s\n", (int)strcspn(p, " "), p);
        fclose(f);
    }
    free(before);
    return *out ? SCL_OK : scl_fail(err, SCL_FAILED, "not enough host memory for the config's text");
}

scl_status scl_stage_record_conv(scl_stage_context *c, const char *conv, scl_err *err)
{
    const char *path = scl_run_path(c->run, "config.yaml");
    char *text;
    pthread_mutex_lock(&c->run->lock);
    scl_status status = with_record(c, path, conv, &text, err);
    if (status == SCL_OK && text)
        status = scl_file_write(path, text, strlen(text), NULL, err);
    pthread_mutex_unlock(&c->run->lock);
    free(text);
    return status;
}

void scl_run_close_folder(scl_run *run)
{
    if (run->lock_fd < 0)
        return;
    scl_log_to(NULL, NULL);
    close(run->lock_fd);
    run->lock_fd = -1;
}

/* Is there anything in a folder? */
static bool holds_something(const char *folder)
{
    DIR *d = opendir(folder);
    bool any = false;
    for (const struct dirent *e; d && !any && (e = readdir(d));)
        any = strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    if (d)
        closedir(d);
    return any;
}

scl_status scl_run_set_aside(scl_run *run, const scl_stage_config *stage, scl_err *err)
{
    const char *folder = scl_run_path(run, "%s", stage->name), *aside = folder;
    if (!holds_something(folder))
        return SCL_OK;
    for (int i = 1; scl_file_exists(aside); i++)
        aside = scl_run_path(run, "%s.before-%d", stage->name, i);
    if (rename(folder, aside))
        return scl_fail(err, SCL_FAILED, "cannot set '%s' aside: %s", folder, strerror(errno));
    scl_info("%s: what it made before is now in %s", stage->name, aside);
    return SCL_OK;
}
