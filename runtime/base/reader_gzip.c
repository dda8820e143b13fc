/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gzip (RFC 1952): members one after the other, as `cat a.gz b.gz` leaves them, and zeros behind
 * the last, as tapes do. Anything else behind it is an error, and so is an end before a member's
 * checksum.
 *
 * Invariant: between calls zlib holds no output back that it could have written without more input.
 */
#include <limits.h>
#include <zlib.h>

#include <nereid/memory.h>

#include "runtime/base/reader_internal.h"

typedef struct gzip {
    z_stream stream;
    bool is_between; /* a member has ended, and no other has begun */
} gzip;

static void *allocate(void *opaque, uInt n, uInt size)
{
    (void)opaque;
    return nd_alloc(n, size);
}

static void release(void *opaque, void *block)
{
    (void)opaque;
    nd_free(block);
}

static nd_err fail_nomem(nd_reader *reader)
{
    return nd_reader_fail(reader, ND_NOMEM, nd_err_text(ND_NOMEM));
}

static nd_err gzip_start(nd_reader *reader)
{
    enum { WINDOW_BITS = 15, GZIP_ONLY = 16 };
    gzip *state = nd_alloc(1, sizeof *state);
    if (state == NULL)
        return fail_nomem(reader);
    *state = (gzip){.stream = {.zalloc = allocate, .zfree = release}};
    if (inflateInit2(&state->stream, WINDOW_BITS + GZIP_ONLY) != Z_OK) {
        nd_free(state);
        return fail_nomem(reader);
    }
    reader->state = state;
    return ND_OK;
}

static void gzip_stop(nd_reader *reader)
{
    gzip *state = reader->state;
    (void)inflateEnd(&state->stream);
    nd_free(state);
}

/* Passes zeros between members; `input` is empty afterwards only at the end of the raw bytes. */
static nd_err skip_zeros(nd_reader *reader)
{
    do {
        ND_TRY(nd_reader_fill(reader));
        while (reader->input_size != 0 && *reader->input == 0)
            nd_reader_consume(reader, 1);
    } while (reader->input_size == 0 && !reader->is_ended);
    return ND_OK;
}

/* One call of inflate: uses input, writes `*got` bytes. */
static nd_err inflate_some(nd_reader *reader, void *buffer, size_t size, size_t *got)
{
    gzip *state = reader->state;
    z_stream *stream = &state->stream;
    const uInt input_size = (uInt)(reader->input_size < UINT_MAX ? reader->input_size : UINT_MAX);
    const uInt output_size = (uInt)(size < UINT_MAX ? size : UINT_MAX);
    /* zlib reads only, but is declared without const unless ZLIB_CONST is defined for every file
     * alike. */
    union {
        const unsigned char *given;
        unsigned char *wanted;
    } input = {.given = reader->input};
    stream->next_in = input.wanted;
    stream->avail_in = input_size;
    stream->next_out = buffer;
    stream->avail_out = output_size;

    const int result = inflate(stream, Z_NO_FLUSH);
    nd_reader_consume(reader, input_size - stream->avail_in);
    *got = output_size - stream->avail_out;
    if (result == Z_MEM_ERROR)
        return fail_nomem(reader);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
        return nd_reader_fail(reader, ND_INPUT, "broken gzip data");
    state->is_between = result == Z_STREAM_END;
    return ND_OK;
}

static nd_err gzip_read(nd_reader *reader, void *buffer, size_t size, size_t *got)
{
    gzip *state = reader->state;
    size_t n = 0;
    while (n == 0) {
        if (state->is_between) {
            ND_TRY(skip_zeros(reader));
            if (reader->input_size == 0)
                break;
            (void)inflateReset(&state->stream);
            state->is_between = false;
        }
        ND_TRY(nd_reader_fill(reader));
        if (reader->input_size == 0)
            return nd_reader_fail(reader, ND_INPUT, "gzip data ends too early");
        ND_TRY(inflate_some(reader, buffer, size, &n));
    }
    *got = n;
    return ND_OK;
}

const nd_decoder nd_decoder_gzip = {"gzip", gzip_start, gzip_read, gzip_stop};
