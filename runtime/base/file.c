/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system's file operations behind the replaceable table, and the loops that every caller would
 * otherwise repeat. Any thread; nd_file_use only while there is one.
 *
 * The table in use is the one mutable global: like memory, the file system is the process's.
 */
#include "runtime/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int system_open(void *context, const char *path, int flags, mode_t mode)
{
    (void)context;
    return open(path, flags, mode);
}

static ssize_t system_read(void *context, int fd, void *buffer, size_t size)
{
    (void)context;
    return read(fd, buffer, size);
}

static ssize_t system_write(void *context, int fd, const void *data, size_t size)
{
    (void)context;
    return write(fd, data, size);
}

static int system_fsync(void *context, int fd)
{
    (void)context;
    return fsync(fd);
}

static int system_rename(void *context, const char *from, const char *to)
{
    (void)context;
    return rename(from, to);
}

static int system_unlink(void *context, const char *path)
{
    (void)context;
    return unlink(path);
}

static int system_close(void *context, int fd)
{
    (void)context;
    return close(fd);
}

static int system_stat(void *context, const char *path, struct stat *status)
{
    (void)context;
    return stat(path, status);
}

static char *system_realpath(void *context, const char *path, char *resolved)
{
    (void)context;
    return realpath(path, resolved);
}

static const nd_file_ops system_ops = {
    .open = system_open,
    .read = system_read,
    .write = system_write,
    .fsync = system_fsync,
    .rename = system_rename,
    .unlink = system_unlink,
    .close = system_close,
    .stat = system_stat,
    .realpath = system_realpath,
};
static const nd_file_ops *used_ops = &system_ops;

const nd_file_ops *nd_file_system(void) { return &system_ops; }

void nd_file_use(const nd_file_ops *ops) { used_ops = ops != NULL ? ops : &system_ops; }

int nd_file_open(const char *path, int flags, mode_t mode)
{
    int fd;
    do
        fd = used_ops->open(used_ops->context, path, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

ssize_t nd_file_read(int fd, void *buffer, size_t size)
{
    ssize_t got;
    do
        got = used_ops->read(used_ops->context, fd, buffer, size);
    while (got < 0 && errno == EINTR);
    return got;
}

static int write_in_pieces(int fd, const void *data, size_t size)
{
    const char *rest = data;
    while (size != 0) {
        const ssize_t written = used_ops->write(used_ops->context, fd, rest, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -1;
        if (written == 0) { /* a device that takes nothing and does not say why */
            errno = EIO;
            return -1;
        }
        rest += written;
        size -= (size_t)written;
    }
    return 0;
}

/* SIGPIPE goes to the thread that writes, so that thread blocks it for the length of the write and,
 * if the write raised one, takes it away before letting it through again. The process's own choice
 * about the signal is left alone. */
int nd_file_write_all(int fd, const void *data, size_t size)
{
    sigset_t pipe_only, before, pending;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigemptyset(&pending);
    (void)sigpending(&pending);
    const bool was_pending = sigismember(&pending, SIGPIPE) == 1;
    if (pthread_sigmask(SIG_BLOCK, &pipe_only, &before) != 0)
        return write_in_pieces(fd, data, size);

    const int result = write_in_pieces(fd, data, size);
    const int write_errno = errno;
    if (result < 0 && write_errno == EPIPE && !was_pending) {
        const struct timespec at_once = {0};
        while (sigtimedwait(&pipe_only, NULL, &at_once) < 0 && errno == EINTR)
            continue;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = write_errno;
    return result;
}

int nd_file_fsync(int fd)
{
    int result;
    do
        result = used_ops->fsync(used_ops->context, fd);
    while (result < 0 && errno == EINTR);
    return result;
}

int nd_file_rename(const char *from, const char *to)
{
    return used_ops->rename(used_ops->context, from, to);
}

int nd_file_unlink(const char *path) { return used_ops->unlink(used_ops->context, path); }

int nd_file_stat(const char *path, struct stat *status)
{
    return used_ops->stat(used_ops->context, path, status);
}

char *nd_file_realpath(const char *path, char *resolved)
{
    return used_ops->realpath(used_ops->context, path, resolved);
}

int nd_file_close(int fd) { return used_ops->close(used_ops->context, fd); }
