/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_PILE_H
#define OPERATORS_DIFFERENTIAL_PILE_H

/** @file
 * Updates of one time whose codes are numbers (number.h), waiting to be taken out in order.
 *
 * They wait in chunks that are each sorted in the cache. When they are taken out, chunks are cut at
 * the same numbers into ranges that fit the cache, and the slices of each range are sorted
 * together: a merge of any number of chunks that looks at each update once. A difference of one,
 * which nearly all have, takes no room. One thread at a time.
 */

#include <stdbool.h>
#include <stdint.h>

#include <nereid/time.h>

#include "runtime/base/vector.h"

typedef struct nd_pile {
    nd_time time;             /* of all; whoever adds the first one sets it */
    nd_vector chunks;         /* private to pile.c */
    size_t n_joined;          /* chunks, the first ones, that follow each other */
    size_t len;               /* of all chunks */
    size_t join_at;           /* how long they become before they are joined, if much cancels */
    nd_vector numbers, diffs; /* numbers, int64_t: as they came; no diffs: all are one */
    nd_vector scratch;        /* pairs of a number and a difference */
    uint64_t sum;             /* of all differences, modulo 2^64 */
    unsigned words;           /* of a number */
} nd_pile;

/** Takes updates of increasing numbers, which stand side by side; without `diffs` each has a
 * difference of one. */
typedef nd_err nd_pile_sink(void *context, const uint64_t *numbers, const int64_t *diffs,
                            size_t len);

/** A pile of numbers of one word, or of two. */
void nd_pile_init(nd_pile *pile, unsigned words);
void nd_pile_deinit(nd_pile *pile);

/** Whether nothing was added since it was last drained. What was may cancel. */
static inline bool nd_pile_is_empty(const nd_pile *pile)
{
    return pile->numbers.len == 0 && pile->chunks.len == 0;
}

/** Adds updates; without `diffs` each has a difference of one. What cancels takes no more room than
 * what is left, and a constant. Errors: ND_NOMEM; ND_FAILED: a difference becomes too large. */
ND_CHECKED nd_err nd_pile_add(nd_pile *pile, const uint64_t *numbers, const int64_t *diffs,
                              size_t len);

/** Whether anything is left when all is added up. Errors: likewise. */
ND_CHECKED nd_err nd_pile_has_any(nd_pile *pile, bool *has_any);

/** Gives all that is left when it is added up to `sink`, in order, and removes it, also where there
 * is an error. Errors: likewise, and those of `sink`. */
ND_CHECKED nd_err nd_pile_drain(nd_pile *pile, nd_pile_sink *sink, void *context);

#endif
