/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_PILE_CHUNK_H
#define OPERATORS_DIFFERENTIAL_PILE_CHUNK_H

/** @file
 * What a pile is made of: sorted numbers with differences, adding them up, and writing them. A
 * chunk whose differences are all one has none, and may have a number more than once, each for one.
 * Pairs (number_sort.h) are of a number and a difference.
 */

#include "operators/differential/number_sort.h"
#include "operators/differential/pile.h"

typedef struct nd_pile_chunk {
    uint64_t *numbers; /* in order, of the pile's words */
    int64_t *diffs;    /* or NULL: all are one */
    size_t len;
} nd_pile_chunk;

/** Frees what a chunk has. */
void nd_pile_drop_chunk(nd_pile_chunk *one);
/** Frees chunks, and the vector's items. */
void nd_pile_drop_chunks(nd_vector *chunks);

/** The first place in a chunk from `at` on whose number is not below `cut`. */
size_t nd_pile_seek(const nd_pile_chunk *in, size_t at, const uint64_t *cut, unsigned words);

/** Whether numbers in order become much fewer if each stands there once. */
bool nd_pile_has_many_repeats(const uint64_t *numbers, size_t len, unsigned words);

/** Makes pairs; without `diffs` of differences of one. Then `pairs` may begin where `numbers` do.
 */
void nd_pile_pair(const uint64_t *numbers, const int64_t *diffs, size_t len, unsigned words,
                  uint64_t *pairs);

/** Appends those of a chunk whose numbers are in the sample, which is one in 64 numbers, to pairs.
 * Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_pile_sample(const nd_pile_chunk *from, unsigned words, nd_vector *pairs);

/** Gives numbers in order to `sink`, one of each: as often as it stands there is its difference. */
ND_CHECKED nd_err nd_pile_emit_numbers(const uint64_t *numbers, size_t len, unsigned words,
                                       nd_pile_sink *sink, void *context);

/** Adds up pairs in order, in place; `*left` are left. Errors: ND_FAILED: a difference becomes too
 * large. */
ND_CHECKED nd_err nd_pile_add_up(uint64_t *pairs, size_t len, unsigned words, size_t *left);

/** Adds pairs up, in place, and gives what is left to `sink`. Errors: likewise. */
ND_CHECKED nd_err nd_pile_emit_pairs(uint64_t *pairs, size_t len, unsigned words,
                                     nd_pile_sink *sink, void *context);

/** Makes chunks of what it is given. Zeroed but for the first three it is at its beginning. */
typedef struct nd_pile_writer {
    nd_vector *chunks; /* nd_pile_chunk; appended to */
    size_t room;       /* of a chunk */
    unsigned words;    /* of a number */
    nd_pile_chunk open;
    size_t len; /* of all */
} nd_pile_writer;

/** Writes updates in order; `context` is the writer. A sink. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_pile_write(void *context, const uint64_t *numbers, const int64_t *diffs,
                                size_t len);
/** Appends the last chunk. Errors: likewise; it is dropped then. */
ND_CHECKED nd_err nd_pile_write_end(nd_pile_writer *out);

#endif
