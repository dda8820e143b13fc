/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes in. A reader has raw bytes, from a descriptor or from memory, and a decoder chosen by the
 * first of them. Choosing waits for the first read, so that opening standard input does not wait
 * for somebody to type; and it takes no more bytes than can belong to a magic number, so that a
 * line of two bytes in a pipe is seen when it is written.
 *
 * A plain file is read straight into the caller's buffer; only compressed bytes pass through one of
 * ours.
 *
 * Invariants: `input` is empty or lies in `magic`, `buffer` or lent memory; after a failure nothing
 * is read any more. One thread at a time per reader.
 */
#include "runtime/base/reader_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <nereid/memory.h>

#include "runtime/base/file.h"

enum { BUFFER_SIZE = 1 << 20 };

nd_err nd_reader_fail(nd_reader *reader, nd_err err, const char *what)
{
    reader->error = err;
    return nd_message_set(&reader->message, err, "%s: %s", reader->name, what);
}

void nd_reader_consume(nd_reader *reader, size_t size)
{
    reader->input += size;
    reader->input_size -= size;
}

/* Up to `size` raw bytes from the descriptor; none is the end. */
static nd_err read_raw(nd_reader *reader, void *buffer, size_t size, size_t *got)
{
    const ssize_t result = reader->is_ended ? 0 : nd_file_read(reader->fd, buffer, size);
    if (result < 0) {
        char text[128];
        return nd_reader_fail(reader, ND_INPUT, strerror_r(errno, text, sizeof text));
    }
    reader->is_ended = result == 0;
    *got = (size_t)result;
    return ND_OK;
}

nd_err nd_reader_fill(nd_reader *reader)
{
    if (reader->input_size != 0 || reader->is_ended)
        return ND_OK;
    if (reader->buffer == NULL)
        reader->buffer = nd_alloc(BUFFER_SIZE, 1);
    if (reader->buffer == NULL)
        return nd_reader_fail(reader, ND_NOMEM, nd_err_text(ND_NOMEM));
    reader->input = reader->buffer;
    return read_raw(reader, reader->buffer, BUFFER_SIZE, &reader->input_size);
}

static nd_err start_plain(nd_reader *reader)
{
    (void)reader;
    return ND_OK;
}

static nd_err read_plain(nd_reader *reader, void *buffer, size_t size, size_t *got)
{
    if (reader->input_size == 0)
        return read_raw(reader, buffer, size, got);
    const size_t n = size < reader->input_size ? size : reader->input_size;
    memcpy(buffer, reader->input, n);
    nd_reader_consume(reader, n);
    *got = n;
    return ND_OK;
}

static void stop_plain(nd_reader *reader) { (void)reader; }

static const nd_decoder plain = {"plain", start_plain, read_plain, stop_plain};

/* A format is known by its first bytes: where `mask` has a bit, `bytes` says its value. */
typedef struct format {
    const nd_decoder *decoder;
    size_t size;
    unsigned char bytes[ND_MAGIC_SIZE], mask[ND_MAGIC_SIZE];
} format;

/* The third is zstd's skippable frame (RFC 8878, section 3.1.2), with which some compressors begin.
 */
static const format formats[] = {
    {&nd_decoder_gzip, 2, {0x1f, 0x8b}, {0xff, 0xff}},
    {&nd_decoder_zstd, 4, {0x28, 0xb5, 0x2f, 0xfd}, {0xff, 0xff, 0xff, 0xff}},
    {&nd_decoder_zstd, 4, {0x50, 0x2a, 0x4d, 0x18}, {0xf0, 0xff, 0xff, 0xff}},
};

/* The decoder for what begins with the `size` bytes at `first`: NULL if that takes more of them,
 * and plain if none fits. */
static const nd_decoder *recognise(const unsigned char *first, size_t size)
{
    bool is_open = false;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        const format *known = &formats[i];
        size_t n = 0;
        while (n < size && n < known->size && (first[n] & known->mask[n]) == known->bytes[n])
            n++;
        if (n == known->size)
            return known->decoder;
        is_open |= n == size;
    }
    return is_open ? NULL : &plain;
}

static nd_err choose_decoder(nd_reader *reader)
{
    const nd_decoder *decoder = recognise(reader->input, reader->input_size);
    while (decoder == NULL && !reader->is_ended) {
        const size_t had = reader->input_size;
        size_t got = 0;
        ND_TRY(read_raw(reader, reader->magic + had, sizeof reader->magic - had, &got));
        reader->input_size = had + got;
        decoder = recognise(reader->input, reader->input_size);
    }
    if (decoder == NULL)
        decoder = &plain;
    ND_TRY(decoder->start(reader));
    reader->decoder = decoder;
    return ND_OK;
}

static nd_err read_decoded(nd_reader *reader, void *buffer, size_t size, size_t *got)
{
    if (reader->error != ND_OK)
        return reader->error;
    if (reader->decoder == NULL)
        ND_TRY(choose_decoder(reader));
    return reader->decoder->read(reader, buffer, size, got);
}

nd_err nd_reader_read(nd_reader *reader, void *buffer, size_t size, size_t *got,
                      nd_message *message)
{
    size_t n = 0;
    const nd_err err = size != 0 ? read_decoded(reader, buffer, size, &n) : ND_OK;
    if (err != ND_OK)
        return nd_message_set(message, err, "%s", reader->message.text);
    *got = n;
    return ND_OK;
}

/* A reader with a name and nothing to read, or NULL. */
static nd_reader *create(const char *name)
{
    nd_reader *reader = nd_alloc(1, sizeof *reader);
    char *copy = nd_strdup(name);
    if (reader == NULL || copy == NULL) {
        nd_free(reader);
        nd_free(copy);
        return NULL;
    }
    *reader = (nd_reader){.name = copy, .fd = -1};
    reader->input = reader->magic;
    return reader;
}

nd_err nd_reader_open(const char *path, nd_reader **reader, nd_message *message)
{
    const bool is_standard = strcmp(path, "-") == 0;
    nd_reader *opened = create(is_standard ? "standard input" : path);
    if (opened == NULL)
        return nd_message_set(message, ND_NOMEM, "%s: %s", path, nd_err_text(ND_NOMEM));
    opened->fd = is_standard ? STDIN_FILENO : nd_file_open(path, O_RDONLY | O_NOCTTY, 0);
    if (opened->fd < 0) {
        char text[128];
        nd_message_set(message, ND_INPUT, "%s: %s", path, strerror_r(errno, text, sizeof text));
        nd_reader_close(opened);
        return ND_INPUT;
    }
    *reader = opened;
    return ND_OK;
}

nd_err nd_reader_open_memory(const char *name, const void *data, size_t size, nd_reader **reader,
                             nd_message *message)
{
    nd_reader *opened = create(name);
    if (opened == NULL)
        return nd_message_set(message, ND_NOMEM, "%s: %s", name, nd_err_text(ND_NOMEM));
    opened->is_ended = true;
    if (size != 0) {
        opened->input = data;
        opened->input_size = size;
    }
    *reader = opened;
    return ND_OK;
}

const char *nd_reader_name(const nd_reader *reader) { return reader->name; }

void nd_reader_close(nd_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->decoder != NULL)
        reader->decoder->stop(reader);
    if (reader->fd > STDIN_FILENO)
        (void)nd_file_close(reader->fd);
    nd_free(reader->buffer);
    nd_free(reader->name);
    nd_free(reader);
}
