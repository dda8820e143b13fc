/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_IO_H
#define NEREID_IO_H

/** @file
 * Bytes in and bytes out: files read whole or by pieces, decompressed by what they contain, and
 * output files that appear whole or not at all. One thread at a time per object.
 */

#include <stdbool.h>
#include <stddef.h>

#include <nereid/error.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/** A source of bytes. Owned by whoever opened it. */
typedef struct nd_reader nd_reader;

/** Opens `path` for reading; `-` is standard input. gzip (several members too) and zstd are
 * recognised by their first bytes, whatever the name, and decompressed on the way. Errors: ND_INPUT
 * when the file is missing or unreadable (the message begins with the path), ND_NOMEM. */
ND_CHECKED nd_err nd_reader_open(const char *path, nd_reader **reader, nd_message *message);

/** A reader over `size` bytes at `data` (lent until close): what a test or a fuzzer reads. `name`
 * stands in messages. */
ND_CHECKED nd_err nd_reader_open_memory(const char *name, const void *data, size_t size,
                                        nd_reader **reader, nd_message *message);

/** Reads up to `size` bytes into `buffer` and sets `*got`; zero means the end. Fewer than asked for
 * is not the end. Errors: ND_INPUT for an unreadable file or a broken or truncated compressed
 * stream, with the path in the message. */
ND_CHECKED nd_err nd_reader_read(nd_reader *reader, void *buffer, size_t size, size_t *got,
                                 nd_message *message);

/** The name messages use: the path, or `standard input`. Borrowed until close. */
const char *nd_reader_name(const nd_reader *reader);

/** Closes and frees; NULL is fine. */
void nd_reader_close(nd_reader *reader);

/** A buffered sink of bytes. Owned by whoever opened it. */
typedef struct nd_writer nd_writer;

/** Opens a sink: NULL or `-` is standard output, anything else a file that appears by rename,
 * complete, at nd_writer_commit, or not at all. Errors: ND_IO with the path in the message,
 * ND_NOMEM. */
ND_CHECKED nd_err nd_writer_open(const char *path, nd_writer **writer, nd_message *message);

/** Appends `size` bytes. A failure sticks: later writes do nothing, and commit reports the first
 * one. */
void nd_writer_write(nd_writer *writer, const void *data, size_t size);

/** Appends a formatted text, at most 1,023 bytes of it. */
void nd_writer_printf(nd_writer *writer, const char *format, ...) ND_PRINTF(2, 3);

/** Hands what is buffered to the operating system now (standard output in a pipe). */
void nd_writer_flush(nd_writer *writer);

/** Flushes, gives a file its final name, and frees the writer, also on failure. Errors: ND_IO with
 * the path and the cause of the first failed write; then the file does not exist (an older one of
 * that name is untouched). */
ND_CHECKED nd_err nd_writer_commit(nd_writer *writer, nd_message *message);

/** Throws away what was written and frees the writer; NULL is fine. */
void nd_writer_abandon(nd_writer *writer);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
