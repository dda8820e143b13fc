/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_LATER_H
#define OPERATORS_DIFFERENTIAL_LATER_H

/** @file
 * Updates that wait for their times, each time's on a shelf of its own: when some are complete,
 * nobody looks at the others, however many and however far they are.
 *
 * A shelf whose updates add up to nothing is taken away at once, so what is listed as left is left.
 * One thread at a time.
 */

#include "operators/differential/updates.h"
#include "runtime/antichain.h"

typedef struct nd_later {
    const nd_record_code *code; /* of whole records; lent */
    unsigned n_loops;           /* whose counters count; the others are zero */
    nd_vector lines;            /* private to later.c, as is all that follows */
    struct nd_shelf **slots;
    size_t n_slots, n_shelves;
} nd_later;

void nd_later_init(nd_later *later, const nd_record_code *code, unsigned n_loops);
void nd_later_deinit(nd_later *later);

/** Whether something waits at a time. Constant time. */
bool nd_later_has(const nd_later *later, const nd_time *time);

/** Adds an update. Errors: as nd_updates_consolidate. Logarithmic in how many times there are, but
 * for moving one pointer a line (later.c) where a line is new. */
ND_CHECKED nd_err nd_later_add(nd_later *later, const unsigned char *code, size_t size,
                               const nd_time *time, int64_t diff);

/** Whether something waits at a time that is complete, at or after none of `frontier`. Linear, as
 * the two below, in the times that differ in more than the innermost coordinate. */
bool nd_later_has_complete(const nd_later *later, const nd_antichain *frontier);

/** Takes out the updates at times that are complete, and appends them to `done`, which is not
 * consolidated afterwards. Errors: ND_NOMEM, ND_FAILED; some may have been taken then. */
ND_CHECKED nd_err nd_later_take(nd_later *later, const nd_antichain *frontier, nd_updates *done);

/** Adds to `left` the minimal times of what waits. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_later_list(const nd_later *later, nd_antichain *left);

#endif
