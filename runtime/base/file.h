/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_BASE_FILE_H
#define RUNTIME_BASE_FILE_H

/** @file
 * The seam for files: every operation on one goes through this table, so that a test makes the n-th
 * fail, and a simulation keeps its files in memory. The functions mean what the system calls of the
 * same names mean: they return what those return, -1 with errno set on failure, and may be
 * interrupted or do less than asked.
 */

#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

typedef struct nd_file_ops {
    int (*open)(void *context, const char *path, int flags, mode_t mode);
    ssize_t (*read)(void *context, int fd, void *buffer, size_t size);
    ssize_t (*write)(void *context, int fd, const void *data, size_t size);
    int (*fsync)(void *context, int fd);
    int (*rename)(void *context, const char *from, const char *to);
    int (*unlink)(void *context, const char *path);
    int (*close)(void *context, int fd);
    int (*stat)(void *context, const char *path, struct stat *status);
    /* `resolved` has PATH_MAX bytes and is not NULL. */
    char *(*realpath)(void *context, const char *path, char *resolved);
    void *context;
} nd_file_ops;

/** The system's own operations: what a replacement passes on to. Lives for ever. */
const nd_file_ops *nd_file_system(void);

/** Replaces the operations (NULL: back to the system's). To be called while no file is open and no
 * other thread runs. `ops` is lent until it is replaced. */
void nd_file_use(const nd_file_ops *ops);

/** open(2), with O_CLOEXEC added; EINTR is tried again. */
int nd_file_open(const char *path, int flags, mode_t mode);

/** read(2); EINTR is tried again. */
ssize_t nd_file_read(int fd, void *buffer, size_t size);

/** Writes all of `size` bytes, in as many calls as it takes. Returns 0, or -1 with errno set. A
 * pipe without a reader is EPIPE and raises no signal. */
int nd_file_write_all(int fd, const void *data, size_t size);

int nd_file_fsync(int fd);
int nd_file_rename(const char *from, const char *to);
int nd_file_unlink(const char *path);

int nd_file_stat(const char *path, struct stat *status);

/** realpath(3) into `resolved`, PATH_MAX bytes; NULL with errno set on failure. */
char *nd_file_realpath(const char *path, char *resolved);

/** close(2); the descriptor is gone also on failure. */
int nd_file_close(int fd);

#endif
