/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_BASE_READER_INTERNAL_H
#define RUNTIME_BASE_READER_INTERNAL_H

/** @file
 * What a reader and its decoders share: the raw bytes not yet used, and the first failure.
 */

#include <stdbool.h>
#include <stddef.h>

#include <nereid/io.h>

/** How the raw bytes become the caller's. */
typedef struct nd_decoder {
    const char *name;
    /** Makes the state, once, before the first read. On failure nothing is left to stop. */
    nd_err (*start)(nd_reader *reader);
    /** As nd_reader_read with `size` above zero. A failure is told through nd_reader_fail. */
    nd_err (*read)(nd_reader *reader, void *buffer, size_t size, size_t *got);
    /** Frees the state. */
    void (*stop)(nd_reader *reader);
} nd_decoder;

enum { ND_MAGIC_SIZE = 4 };

struct nd_reader {
    char *name;
    int fd;        /* -1: memory */
    bool is_ended; /* no raw bytes behind `input` */
    const unsigned char
        *input;        /* raw bytes not yet used, in `magic`, `buffer` or the lender's memory */
    size_t input_size; /* how many */
    unsigned char
        magic[ND_MAGIC_SIZE];  /* the first raw bytes of a file, which choose the decoder */
    unsigned char *buffer;     /* raw bytes for a decoder; NULL until one needs them */
    const nd_decoder *decoder; /* NULL until the first read */
    void *state;               /* the decoder's */
    nd_err error;              /* the first failure: it is what every later read returns */
    nd_message message;
};

extern const nd_decoder nd_decoder_gzip, nd_decoder_zstd;

/** Makes `input` hold at least a byte, unless the raw bytes have ended (`is_ended` and an empty
 * `input`). */
ND_CHECKED nd_err nd_reader_fill(nd_reader *reader);

/** Marks `size` bytes of `input` as used. */
void nd_reader_consume(nd_reader *reader, size_t size);

/** Keeps a failure, `NAME: what`, and returns `err`. */
nd_err nd_reader_fail(nd_reader *reader, nd_err err, const char *what);

#endif
