/* Files: whole reads, atomic writes, folders. */
#ifndef SCL_BASE_FILE_H
#define SCL_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* A file being written beside its final name: nobody sees it before scl_file_commit, which syncs and renames it. */
typedef struct scl_file_writer {
    int fd;
    char *path, *temporary;      /* temporary NULL: a device or pipe, written to as it is */
    unsigned char *buffer;
    size_t used;
    const char *fault;           /* kind of file for SCL_FAULT; NULL: none */
    unsigned long long written;
} scl_file_writer;

/* fault: kind of file, such as "checkpoint" (see scl_file_fault); NULL: none.  The folder must exist. */
scl_status scl_file_create(scl_file_writer *w, const char *path, const char *fault, scl_err *err);
scl_status scl_file_append(scl_file_writer *w, const void *bytes, size_t count, scl_err *err);
/* Writes count bytes at offset, which lies inside what was appended (a header that is known last). */
scl_status scl_file_patch(scl_file_writer *w, unsigned long long offset, const void *bytes, size_t count, scl_err *err);
/* fsync, rename, fsync of the folder.  Ends the writer, also on failure (then the old file, if any, is untouched). */
scl_status scl_file_commit(scl_file_writer *w, scl_err *err);
/* Removes the temporary file.  Accepts a zeroed or ended writer. */
void scl_file_abandon(scl_file_writer *w);

/* All of the above for bytes that lie in memory. */
scl_status scl_file_write(const char *path, const void *bytes, size_t count, const char *fault, scl_err *err);

/* The whole file, with a NUL behind it.  *bytes is owned (free). */
scl_status scl_file_read(const char *path, char **bytes, size_t *count, scl_err *err);

/* mkdir -p. */
scl_status scl_file_make_folder(const char *path, scl_err *err);
bool scl_file_exists(const char *path);
/* Replaces the symbolic link at path by one to target, atomically. */
scl_status scl_file_link(const char *target, const char *path, scl_err *err);

/* SCL_FAULT=checkpoint:N in the environment kills the process (SIGKILL) in the middle of the N-th write of that kind, from 1.
 * scl_file_append calls it for writers with a kind once half of a first buffer is on disk; others may call it where it hurts. */
void scl_file_fault(const char *kind);

#endif
