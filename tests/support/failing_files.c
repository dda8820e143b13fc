/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system's file operations with a counter in front.
 */
#include "tests/support/failing_files.h"

#include <errno.h>

#include "tests/support/cmocka.h"

/* Counts an operation; true, with errno set, if it is to fail. */
static bool is_refused(failing_files *files)
{
    const size_t before = files->n_operations++;
    const bool refused = files->refuses_once ? before == files->allowed : before >= files->allowed;
    if (refused)
        errno = files->error;
    return refused;
}

/* Whether this read or write is interrupted: the first time, and then every other time. */
static bool is_interrupted(failing_files *files)
{
    if (!files->is_interrupting || files->n_interrupted++ % 2 != 0)
        return false;
    errno = EINTR;
    return true;
}

static size_t shorten(const failing_files *files, size_t size)
{
    return files->largest != 0 && size > files->largest ? files->largest : size;
}

static int failing_open(void *context, const char *path, int flags, mode_t mode)
{
    failing_files *files = context;
    if (is_refused(files))
        return -1;
    const int fd = nd_file_system()->open(NULL, path, flags, mode);
    if (fd >= 0)
        files->n_open++;
    return fd;
}

static ssize_t failing_read(void *context, int fd, void *buffer, size_t size)
{
    failing_files *files = context;
    if (is_interrupted(files) || is_refused(files))
        return -1;
    return nd_file_system()->read(NULL, fd, buffer, shorten(files, size));
}

static ssize_t failing_write(void *context, int fd, const void *data, size_t size)
{
    failing_files *files = context;
    if (is_interrupted(files) || is_refused(files))
        return -1;
    return nd_file_system()->write(NULL, fd, data, shorten(files, size));
}

static int failing_fsync(void *context, int fd)
{
    return is_refused(context) ? -1 : nd_file_system()->fsync(NULL, fd);
}

static int failing_rename(void *context, const char *from, const char *to)
{
    return is_refused(context) ? -1 : nd_file_system()->rename(NULL, from, to);
}

static int failing_unlink(void *context, const char *path)
{
    return is_refused(context) ? -1 : nd_file_system()->unlink(NULL, path);
}

static int failing_close(void *context, int fd)
{
    failing_files *files = context;
    files->n_open--;
    const int result = nd_file_system()->close(NULL, fd);
    return is_refused(files) ? -1 : result;
}

static int failing_stat(void *context, const char *path, struct stat *status)
{
    return is_refused(context) ? -1 : nd_file_system()->stat(NULL, path, status);
}

static char *failing_realpath(void *context, const char *path, char *resolved)
{
    return is_refused(context) ? NULL : nd_file_system()->realpath(NULL, path, resolved);
}

void failing_files_start(failing_files *files, size_t allowed, int error)
{
    *files = (failing_files){
        .ops =
            {
                .open = failing_open,
                .read = failing_read,
                .write = failing_write,
                .fsync = failing_fsync,
                .rename = failing_rename,
                .unlink = failing_unlink,
                .close = failing_close,
                .stat = failing_stat,
                .realpath = failing_realpath,
                .context = files,
            },
        .allowed = allowed,
        .error = error,
    };
    nd_file_use(&files->ops);
}

bool failing_files_stop(failing_files *files)
{
    nd_file_use(NULL);
    assert_int_equal(files->n_open, 0);
    return files->n_operations > files->allowed;
}
