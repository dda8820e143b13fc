/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zstd (RFC 8878): frames one after the other, skippable ones among them. The window is bounded by
 * the library's default (128 MiB), so that a file's header cannot ask for any amount of memory. The
 * library's own allocations do not pass through nd_alloc: its stable interface has no place for an
 * allocator.
 */
#include <zstd.h>
#include <zstd_errors.h>

#include <nereid/memory.h>

#include "runtime/base/reader_internal.h"

typedef struct zstd {
    ZSTD_DStream *stream;
    bool is_between; /* a frame has ended, and no other has begun */
} zstd;

static nd_err fail_nomem(nd_reader *reader)
{
    return nd_reader_fail(reader, ND_NOMEM, nd_err_text(ND_NOMEM));
}

static nd_err zstd_start(nd_reader *reader)
{
    zstd *state = nd_alloc(1, sizeof *state);
    if (state == NULL)
        return fail_nomem(reader);
    *state = (zstd){.stream = ZSTD_createDStream()};
    if (state->stream == NULL) {
        nd_free(state);
        return fail_nomem(reader);
    }
    reader->state = state;
    return ND_OK;
}

static void zstd_stop(nd_reader *reader)
{
    zstd *state = reader->state;
    (void)ZSTD_freeDStream(state->stream);
    nd_free(state);
}

static nd_err fail_zstd(nd_reader *reader, size_t result)
{
    if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation)
        return fail_nomem(reader);
    if (ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge)
        return nd_reader_fail(
            reader, ND_INPUT,
            "zstd data with a window above 128 MiB; compress it without --long or --ultra");
    return nd_reader_fail(reader, ND_INPUT, "broken zstd data");
}

/* One call of the decoder: uses input, if there is any, and writes `*got` bytes, perhaps held back
 * from earlier input. */
static nd_err decompress_some(nd_reader *reader, void *buffer, size_t size, size_t *got)
{
    zstd *state = reader->state;
    ZSTD_inBuffer input = {reader->input, reader->input_size, 0};
    ZSTD_outBuffer output = {buffer, size, 0};
    const size_t result = ZSTD_decompressStream(state->stream, &output, &input);
    if (ZSTD_isError(result))
        return fail_zstd(reader, result);
    nd_reader_consume(reader, input.pos);
    state->is_between = result == 0;
    *got = output.pos;
    return ND_OK;
}

static nd_err zstd_read(nd_reader *reader, void *buffer, size_t size, size_t *got)
{
    const zstd *state = reader->state;
    size_t n = 0;
    /* What the decoder holds back comes first: only when it gives nothing is more input needed.
     * Between frames it holds nothing, and asking would begin the next. */
    if (!state->is_between)
        ND_TRY(decompress_some(reader, buffer, size, &n));
    while (n == 0) {
        ND_TRY(nd_reader_fill(reader));
        if (reader->input_size == 0 && state->is_between)
            break;
        if (reader->input_size == 0)
            return nd_reader_fail(reader, ND_INPUT, "zstd data ends too early");
        ND_TRY(decompress_some(reader, buffer, size, &n));
    }
    *got = n;
    return ND_OK;
}

const nd_decoder nd_decoder_zstd = {"zstd", zstd_start, zstd_read, zstd_stop};
