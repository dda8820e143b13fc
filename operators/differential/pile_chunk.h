/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_PILE_CHUNK_H
#define OPERATORS_DIFFERENTIAL_PILE_CHUNK_H

/** @file
 * What a pile is made of: sorted numbers with differences, adding them up, and writing them. A
 * chunk whose differences are all one has none, and may have a number more than once, each for one.
 */

#include "operators/differential/number_sort.h"
#include "operators/differential/pile.h"

typedef struct nd_pile_chunk {
    uint64_t *numbers; /* in order */
    int64_t *diffs;    /* or NULL: all are one */
    size_t len;
} nd_pile_chunk;

/** Frees what a chunk has. */
void nd_pile_drop_chunk(nd_pile_chunk *one);
/** Frees chunks, and the vector's items. */
void nd_pile_drop_chunks(nd_vector *chunks);

/** Gives numbers in order to `sink`, one of each: as often as it stands there is its difference. */
ND_CHECKED nd_err nd_pile_emit_numbers(const uint64_t *numbers, size_t len, nd_pile_sink *sink,
                                       void *context);

/** Adds up pairs of a number and a difference, in order, in place; `*left` are left. Errors:
 * ND_FAILED: a difference becomes too large. */
ND_CHECKED nd_err nd_pile_add_up(nd_number_pair *pairs, size_t len, size_t *left);

/** Adds pairs up, in place, and gives what is left to `sink`. Errors: likewise. */
ND_CHECKED nd_err nd_pile_emit_pairs(nd_number_pair *pairs, size_t len, nd_pile_sink *sink,
                                     void *context);

/** Makes chunks of what it is given. Zeroed but for the first two it is at its beginning. */
typedef struct nd_pile_writer {
    nd_vector *chunks; /* nd_pile_chunk; appended to */
    size_t room;       /* of a chunk */
    nd_pile_chunk open;
    size_t len; /* of all */
} nd_pile_writer;

/** Writes updates in order; `context` is the writer. A sink. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_pile_write(void *context, const uint64_t *numbers, const int64_t *diffs,
                                size_t len);
/** Appends the last chunk. Errors: likewise; it is dropped then. */
ND_CHECKED nd_err nd_pile_write_end(nd_pile_writer *out);

#endif
