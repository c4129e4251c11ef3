#include "base/filter.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static scl_status write_all(int fd, const char *bytes, size_t n, scl_err *err)
{
    while (n > 0) {
        const ssize_t now = write(fd, bytes, n);
        if (now < 0 && errno == EINTR)
            continue;
        if (now < 0)
            return scl_fail(err, SCL_FAILED, "cannot keep %zu bytes for another program: %s", n,
                            strerror(errno));
        bytes += now;
        n -= (size_t)now;
    }
    return SCL_OK;
}

static scl_status read_all(int fd, char **text, size_t *n, scl_err *err)
{
    struct stat s;
    if (fstat(fd, &s) || !(*text = malloc((size_t)s.st_size + 1)))
        return scl_fail(err, SCL_FAILED, "not enough host memory for what another program says");
    *n = 0;
    while (*n < (size_t)s.st_size) {
        const ssize_t now = pread(fd, *text + *n, (size_t)s.st_size - *n, (off_t)*n);
        if (now < 0 && errno == EINTR)
            continue;
        if (now <= 0)
            break;
        *n += (size_t)now;
    }
    (*text)[*n] = 0;
    return SCL_OK;
}

static scl_status run(const char *const *argv, const int fd[3], int *code, scl_err *err)
{
    posix_spawn_file_actions_t actions;
    pid_t child;
    int state = 0;
    posix_spawn_file_actions_init(&actions);
    for (int i = 0; i < 3; i++)
        posix_spawn_file_actions_adddup2(&actions, fd[i], i);
    const int failed = posix_spawnp(&child, argv[0], &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    *code = 127;
    if (failed == ENOENT || failed == EACCES)
        return SCL_OK;
    if (failed)
        return scl_fail(err, SCL_FAILED, "%s cannot be started: %s", argv[0], strerror(failed));
    while (waitpid(child, &state, 0) != child)
        if (errno != EINTR)
            return scl_fail(err, SCL_FAILED, "cannot wait for %s: %s", argv[0], strerror(errno));
    *code = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
    return SCL_OK;
}

/* All three are files in memory: with pipes, both sides could wait for each other. */
scl_status scl_filter(const char *const *argv, const void *input, size_t n, scl_filtered *out, scl_err *err)
{
    int fd[3] = {memfd_create("input", MFD_CLOEXEC), memfd_create("output", MFD_CLOEXEC),
                 memfd_create("errors", MFD_CLOEXEC)};
    size_t ignored;
    *out = (scl_filtered){0};
    scl_status status = SCL_OK;
    if (fd[0] < 0 || fd[1] < 0 || fd[2] < 0)
        status = scl_fail(err, SCL_FAILED, "no memory for talking to %s: %s", argv[0], strerror(errno));
    if (status == SCL_OK)
        status = write_all(fd[0], input, n, err);
    if (status == SCL_OK && lseek(fd[0], 0, SEEK_SET) != 0)
        status = scl_fail(err, SCL_FAILED, "cannot talk to %s: %s", argv[0], strerror(errno));
    if (status == SCL_OK)
        status = run(argv, fd, &out->code, err);
    if (status == SCL_OK)
        status = read_all(fd[1], &out->output, &out->n, err);
    if (status == SCL_OK)
        status = read_all(fd[2], &out->errors, &ignored, err);
    for (int i = 0; i < 3; i++)
        if (fd[i] >= 0)
            close(fd[i]);
    if (status != SCL_OK)
        scl_filtered_free(out);
    return status;
}

void scl_filtered_free(scl_filtered *f)
{
    free(f->output);
    free(f->errors);
    *f = (scl_filtered){0};
}
