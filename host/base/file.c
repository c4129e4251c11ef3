#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1 << 18 };

/* A full disk is the fault people meet; it says so, and that nothing was lost. */
static scl_status fail_errno(scl_err *err, const char *path, const char *what)
{
    const int code = errno;
    if (code == ENOSPC || code == EDQUOT || code == EFBIG)
        return scl_fail_at(err, SCL_FAILED, path, 0, 0,
                           "%s: no space left (%s); the file that was there before is unchanged", what,
                           strerror(code));
    return scl_fail_at(err, SCL_FAILED, path, 0, 0, "%s: %s", what, strerror(code));
}

static scl_status write_all(int fd, const unsigned char *bytes, size_t count, const char *path, scl_err *err)
{
    while (count > 0) {
        const ssize_t n = write(fd, bytes, count);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(err, path, "cannot write");
        bytes += n;
        count -= (size_t)n;
    }
    return SCL_OK;
}

/* Where a rename may go: the file behind a link, so that the link stays.  Owned.  *through: no file but a device or a pipe
 * (/dev/null), which a rename would replace: it is written to as it is. */
static char *place_of(const char *path, bool *through)
{
    struct stat there, link;
    const bool exists = !stat(path, &there);
    *through = exists && !S_ISREG(there.st_mode) && !S_ISDIR(there.st_mode);
    char *target = !*through && exists && !lstat(path, &link) && S_ISLNK(link.st_mode) ? realpath(path, NULL) : NULL;
    return target ? target : strdup(path);
}

scl_status scl_file_create(scl_file_writer *w, const char *path, const char *fault, scl_err *err)
{
    static int serial;
    *w = (scl_file_writer){ .fd = -1, .fault = fault };
    bool through;
    w->path = place_of(path, &through);
    const size_t size = w->path ? strlen(w->path) + 48 : 0;
    w->temporary = malloc(size);
    w->buffer = malloc(BUFFER_BYTES);
    if (!w->path || !w->temporary || !w->buffer) {
        scl_file_abandon(w);
        return scl_fail(err, SCL_FAILED, "not enough host memory to write %s", path);
    }
    snprintf(w->temporary, size, "%s.tmp-%ld-%d", w->path, (long)getpid(),
             __atomic_fetch_add(&serial, 1, __ATOMIC_RELAXED));
    if (through) {
        free(w->temporary);
        w->temporary = NULL;
    }
    w->fd = through ? open(path, O_WRONLY | O_CLOEXEC)
                    : open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (w->fd < 0) {
        const scl_status status = fail_errno(err, path, "cannot create");
        scl_file_abandon(w);
        return status;
    }
    return SCL_OK;
}

static scl_status flush(scl_file_writer *w, scl_err *err)
{
    size_t first = 0;
    if (w->fault && w->written == 0 && w->used > 0) {
        first = w->used / 2;
        SCL_TRY(write_all(w->fd, w->buffer, first, w->path, err));
        scl_file_fault(w->fault);
    }
    SCL_TRY(write_all(w->fd, w->buffer + first, w->used - first, w->path, err));
    w->written += w->used;
    w->used = 0;
    return SCL_OK;
}

scl_status scl_file_append(scl_file_writer *w, const void *bytes, size_t count, scl_err *err)
{
    const unsigned char *from = bytes;
    while (count > 0) {
        const size_t room = BUFFER_BYTES - w->used, n = count < room ? count : room;
        memcpy(w->buffer + w->used, from, n);
        w->used += n;
        from += n;
        count -= n;
        if (w->used == BUFFER_BYTES)
            SCL_TRY(flush(w, err));
    }
    return SCL_OK;
}

scl_status scl_file_patch(scl_file_writer *w, unsigned long long offset, const void *bytes, size_t count, scl_err *err)
{
    SCL_TRY(flush(w, err));
    const unsigned char *from = bytes;
    while (count > 0) {
        const ssize_t n = pwrite(w->fd, from, count, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_errno(err, w->path, "cannot write");
        from += n;
        offset += (unsigned long long)n;
        count -= (size_t)n;
    }
    return SCL_OK;
}

/* Makes a rename durable.  Some file systems cannot sync a folder; that is no fault of the file. */
static void sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    if (slash)
        snprintf(folder, sizeof folder, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    else
        snprintf(folder, sizeof folder, ".");
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    close(fd);
}

static scl_status finish(scl_file_writer *w, scl_err *err)
{
    SCL_TRY(flush(w, err));
    if (w->temporary && fsync(w->fd) < 0)
        return fail_errno(err, w->path, "cannot write");
    const int closed = close(w->fd);
    w->fd = -1;
    if (closed < 0)
        return fail_errno(err, w->path, "cannot write");
    if (!w->temporary)
        return SCL_OK;
    if (rename(w->temporary, w->path) < 0)
        return fail_errno(err, w->path, "cannot rename the finished file");
    free(w->temporary);
    w->temporary = NULL;
    sync_folder(w->path);
    return SCL_OK;
}

scl_status scl_file_commit(scl_file_writer *w, scl_err *err)
{
    const scl_status status = finish(w, err);
    scl_file_abandon(w);
    return status;
}

void scl_file_abandon(scl_file_writer *w)
{
    if (w->path && w->fd >= 0)
        close(w->fd);
    if (w->temporary)
        unlink(w->temporary);
    free(w->path);
    free(w->temporary);
    free(w->buffer);
    *w = (scl_file_writer){ .fd = -1 };
}

scl_status scl_file_write(const char *path, const void *bytes, size_t count, const char *fault, scl_err *err)
{
    scl_file_writer w;
    SCL_TRY(scl_file_create(&w, path, fault, err));
    const scl_status status = scl_file_append(&w, bytes, count, err);
    if (status != SCL_OK) {
        scl_file_abandon(&w);
        return status;
    }
    return scl_file_commit(&w, err);
}

static scl_status read_fd(int fd, const char *path, char **bytes, size_t *count, scl_err *err)
{
    size_t size = 1 << 16, used = 0;
    char *buffer = malloc(size);
    while (buffer) {
        const ssize_t n = read(fd, buffer + used, size - used - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            free(buffer);
            return fail_errno(err, path, "cannot read");
        }
        if (n == 0) {
            buffer[used] = 0;
            *bytes = buffer;
            *count = used;
            return SCL_OK;
        }
        used += (size_t)n;
        if (size - used < 2) {
            char *larger = realloc(buffer, size *= 2);
            if (!larger)
                free(buffer);
            buffer = larger;
        }
    }
    return scl_fail_at(err, SCL_FAILED, path, 0, 0, "not enough host memory to read it");
}

scl_status scl_file_read(const char *path, char **bytes, size_t *count, scl_err *err)
{
    *bytes = NULL;
    *count = 0;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail_errno(err, path, "cannot open");
    const scl_status status = read_fd(fd, path, bytes, count, err);
    close(fd);
    return status;
}

scl_status scl_file_make_folder(const char *path, scl_err *err)
{
    char *copy = strdup(path);
    if (!copy)
        return scl_fail(err, SCL_FAILED, "not enough host memory");
    scl_status status = SCL_OK;
    for (char *p = copy + 1; status == SCL_OK; p++) {
        const char c = *p;
        if (c && c != '/')
            continue;
        *p = 0;
        struct stat info;
        if (mkdir(copy, 0777) < 0 && !(stat(copy, &info) == 0 && S_ISDIR(info.st_mode)))
            status = fail_errno(err, copy, "cannot make the folder");
        *p = c;
        if (!c)
            break;
    }
    free(copy);
    return status;
}

bool scl_file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

scl_status scl_file_link(const char *target, const char *path, scl_err *err)
{
    char temporary[PATH_MAX];
    if (snprintf(temporary, sizeof temporary, "%s.tmp-%ld", path, (long)getpid()) >= (int)sizeof temporary)
        return scl_fail_at(err, SCL_FAILED, path, 0, 0, "path too long");
    unlink(temporary);
    if (symlink(target, temporary) < 0)
        return fail_errno(err, path, "cannot make the link");
    if (rename(temporary, path) < 0) {
        const scl_status status = fail_errno(err, path, "cannot replace the link");
        unlink(temporary);
        return status;
    }
    sync_folder(path);
    return SCL_OK;
}

void scl_file_fault(const char *kind)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static long count;
    const char *wanted = getenv("SCL_FAULT");
    const size_t length = strlen(kind);
    if (!wanted || strncmp(wanted, kind, length) || wanted[length] != ':')
        return;
    pthread_mutex_lock(&lock);
    count++;
    if (count == strtol(wanted + length + 1, NULL, 10))
        kill(getpid(), SIGKILL);
    pthread_mutex_unlock(&lock);
}
