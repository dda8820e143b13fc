/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_BATCHER_H
#define OPERATORS_DIFFERENTIAL_BATCHER_H

/** @file
 * Updates that wait until their times are complete. Those whose codes are numbers (number.h),
 * of one of a few times, wait in piles, one a time. All others are kept consolidated in a
 * chain of sorted runs, each at least twice as long as the next, so that adding costs a logarithmic
 * number of merges an update; once it has turned out that they must wait, they do so by time
 * (later.h). What cancels takes no room.
 */

#include "operators/differential/later.h"
#include "operators/differential/pile.h"
#include "operators/differential/trace_builder.h"
#include "operators/differential/updates.h"
#include "runtime/antichain.h"

enum { ND_BATCHER_PILES = 16 };

typedef struct nd_batcher {
    const nd_record_code *code; /* lent */
    nd_pile piles[ND_BATCHER_PILES];
    nd_updates fresh; /* as they came */
    nd_vector runs;   /* nd_updates, consolidated, the longest first */
    nd_later later;
} nd_batcher;

/** Of updates in a scope inside so many loops. */
void nd_batcher_init(nd_batcher *batcher, const nd_record_code *code, unsigned n_loops);
void nd_batcher_deinit(nd_batcher *batcher);

/** Adds rows. Errors: as nd_updates_consolidate. */
ND_CHECKED nd_err nd_batcher_add(nd_batcher *batcher, const nd_row *row, const void *rows,
                                 size_t len);

/** Adds one update by its code. Errors: likewise. */
ND_CHECKED nd_err nd_batcher_add_code(nd_batcher *batcher, const unsigned char *code, size_t size,
                                      const nd_time *time, int64_t diff);

/** Takes out the updates at times that are complete, those at or after none of `frontier`, and
 * appends them, consolidated, to `done`, which is empty. Sets `left`, which is empty, to the
 * minimal times of the others: of those that do not cancel. Errors: likewise. */
ND_CHECKED nd_err nd_batcher_seal(nd_batcher *batcher, const nd_antichain *frontier,
                                  nd_updates *done, nd_antichain *left);

/** Whether nd_batcher_build will do in place of nd_batcher_seal: the common case, where all that is
 * complete has one time, and codes are small. */
bool nd_batcher_can_build(const nd_batcher *batcher, const nd_antichain *frontier);

/** As nd_batcher_seal, straight into a builder, which is empty. */
ND_CHECKED nd_err nd_batcher_build(nd_batcher *batcher, const nd_antichain *frontier,
                                   nd_trace_builder *builder, nd_antichain *left);

#endif
