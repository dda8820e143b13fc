/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes out. A file is written under a temporary name in the directory it belongs to, synced, and
 * renamed: whoever opens it sees the whole or the old one. Pipes, terminals and devices have no
 * such moment and are written in place.
 *
 * Invariants: after the first failure (`error`) nothing is written any more; a temporary name
 * exists from open to commit or abandon, and never afterwards. One thread at a time per writer.
 */
#include <nereid/io.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <nereid/memory.h>

#include "runtime/base/file.h"

enum { BUFFER_SIZE = 256 << 10, PRINTF_SIZE = 1024 };

struct nd_writer {
    char *name;      /* what messages call it: the path, or standard output */
    char *final;     /* where a file goes in the end; NULL when written in place */
    char *temporary; /* where it is until then */
    int fd;          /* -1: not open */
    int error;       /* errno of the first failure, or zero */
    size_t size;     /* bytes in `buffer` */
    unsigned char *buffer;
};

static nd_err report(const char *name, int error, nd_message *message)
{
    char text[128];
    if (error == ENOMEM)
        return nd_message_set(message, ND_NOMEM, "%s: %s", name, nd_err_text(ND_NOMEM));
    return nd_message_set(message, ND_IO, "%s: %s", name, strerror_r(error, text, sizeof text));
}

/* Frees the writer. The caller has dealt with the descriptor and the temporary file. */
static void destroy(nd_writer *writer)
{
    nd_free(writer->buffer);
    nd_free(writer->temporary);
    nd_free(writer->final);
    nd_free(writer->name);
    nd_free(writer);
}

static nd_writer *create(const char *name)
{
    nd_writer *writer = nd_alloc_zero(1, sizeof *writer);
    if (writer == NULL)
        return NULL;
    writer->fd = -1;
    writer->name = nd_strdup(name);
    writer->buffer = nd_alloc(BUFFER_SIZE, 1);
    if (writer->name == NULL || writer->buffer == NULL) {
        destroy(writer);
        return NULL;
    }
    return writer;
}

/* Opens a fresh file in the directory of `final`. The name is short, since that of the final file
 * may be as long as the file system takes, and numbered, since a crashed process may have left one
 * behind. Returns 0 or an errno. */
static int open_temporary(nd_writer *writer)
{
    enum { SUFFIX_SIZE = 48, MOST_ATTEMPTS = 10000 };
    const char *slash = strrchr(writer->final, '/');
    const size_t directory = slash != NULL ? (size_t)(slash - writer->final) + 1 : 0;
    writer->temporary = nd_alloc(directory + SUFFIX_SIZE, 1);
    if (writer->temporary == NULL)
        return ENOMEM;
    memcpy(writer->temporary, writer->final, directory);
    for (int i = 0; i < MOST_ATTEMPTS; i++) {
        (void)snprintf(writer->temporary + directory, SUFFIX_SIZE, ".nereid-%ld-%d.tmp",
                       (long)getpid(), i);
        writer->fd = nd_file_open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL, 0666);
        if (writer->fd >= 0)
            return 0;
        if (errno != EEXIST)
            return errno;
    }
    return EEXIST;
}

/* Decides how `path` is written, and opens it. Returns 0 or an errno. */
static int open_path(nd_writer *writer, const char *path)
{
    const size_t path_size = strlen(path);
    if (path_size == 0 || path[path_size - 1] == '/')
        return path_size == 0 ? ENOENT : EISDIR;
    struct stat status;
    if (nd_file_stat(path, &status) == 0) {
        if (S_ISDIR(status.st_mode))
            return EISDIR;
        if (!S_ISREG(status.st_mode)) {
            writer->fd = nd_file_open(path, O_WRONLY | O_NOCTTY, 0);
            return writer->fd >= 0 ? 0 : errno;
        }
    } else if (errno != ENOENT) {
        return errno;
    }
    /* Through symbolic links, so that the file behind one is replaced, and not the link. */
    char resolved[PATH_MAX];
    writer->final = nd_strdup(nd_file_realpath(path, resolved) != NULL ? resolved : path);
    return writer->final != NULL ? open_temporary(writer) : ENOMEM;
}

nd_err nd_writer_open(const char *path, nd_writer **writer, nd_message *message)
{
    const bool is_standard = path == NULL || strcmp(path, "-") == 0;
    const char *name = is_standard ? "standard output" : path;
    nd_writer *opened = create(name);
    if (opened == NULL)
        return report(name, ENOMEM, message);
    if (is_standard) {
        opened->fd = STDOUT_FILENO;
    } else {
        const int error = open_path(opened, path);
        if (error != 0) {
            destroy(opened);
            return report(name, error, message);
        }
    }
    *writer = opened;
    return ND_OK;
}

static void write_out(nd_writer *writer, const void *data, size_t size)
{
    if (writer->error == 0 && nd_file_write_all(writer->fd, data, size) != 0)
        writer->error = errno;
}

void nd_writer_flush(nd_writer *writer)
{
    write_out(writer, writer->buffer, writer->size);
    writer->size = 0;
}

void nd_writer_write(nd_writer *writer, const void *data, size_t size)
{
    if (size > BUFFER_SIZE - writer->size) {
        nd_writer_flush(writer);
        if (size >= BUFFER_SIZE) {
            write_out(writer, data, size);
            return;
        }
    }
    if (size == 0)
        return;
    memcpy(writer->buffer + writer->size, data, size);
    writer->size += size;
}

void nd_writer_printf(nd_writer *writer, const char *format, ...)
{
    if (BUFFER_SIZE - writer->size < PRINTF_SIZE)
        nd_writer_flush(writer);
    va_list arguments;
    va_start(arguments, format);
    const int len =
        vsnprintf((char *)writer->buffer + writer->size, PRINTF_SIZE, format, arguments);
    va_end(arguments);
    if (len > 0)
        writer->size += len < PRINTF_SIZE ? (size_t)len : PRINTF_SIZE - 1;
}

/* Ends the descriptor, unless it is the process's own. */
static void close_file(nd_writer *writer)
{
    if (writer->fd != STDOUT_FILENO && nd_file_close(writer->fd) != 0 && writer->error == 0)
        writer->error = errno;
}

/* Syncs, closes and renames; keeps the first failure. */
static void finish(nd_writer *writer)
{
    nd_writer_flush(writer);
    /* Before the rename: otherwise a power cut may leave the new name on an empty file. EINVAL is a
     * file system that has nothing to sync. */
    if (writer->final != NULL && writer->error == 0 && nd_file_fsync(writer->fd) != 0 &&
        errno != EINVAL)
        writer->error = errno;
    close_file(writer);
    if (writer->final != NULL && writer->error == 0 &&
        nd_file_rename(writer->temporary, writer->final) != 0)
        writer->error = errno;
    if (writer->final != NULL && writer->error != 0)
        (void)nd_file_unlink(writer->temporary);
}

nd_err nd_writer_commit(nd_writer *writer, nd_message *message)
{
    finish(writer);
    const nd_err err = writer->error != 0 ? report(writer->name, writer->error, message) : ND_OK;
    destroy(writer);
    return err;
}

void nd_writer_abandon(nd_writer *writer)
{
    if (writer == NULL)
        return;
    close_file(writer);
    if (writer->final != NULL)
        (void)nd_file_unlink(writer->temporary);
    destroy(writer);
}
