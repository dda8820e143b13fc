/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_CHANGE_BATCH_H
#define RUNTIME_CHANGE_BATCH_H

/** @file
 * Change batches: changes to counts of pointstamps, added up. What cancels disappears.
 *
 * A batch of up to ND_CHANGES_SMALL changes is always added up; a longer one is when it has grown
 * by half, and when asked. Updating a warm batch allocates nothing. One thread at a time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/error.h>
#include <nereid/time.h>

/** `delta` more of (location, time). */
typedef struct nd_change {
    uint32_t location;
    nd_time time;
    int64_t delta;
} nd_change;

enum { ND_CHANGES_SMALL = 8 };

/** `items` may be read by others after nd_change_batch_compact. A zeroed batch is empty. */
typedef struct nd_change_batch {
    nd_change *items;
    size_t len, capacity;
    size_t clean; /* items[0 .. clean) are sorted by (location, time), distinct and not zero */
} nd_change_batch;

/** An empty batch. Allocates nothing. */
void nd_change_batch_init(nd_change_batch *batch);

/** Frees the changes; the batch is empty afterwards. */
void nd_change_batch_deinit(nd_change_batch *batch);

/** Adds `delta` to the change of (location, time). Constant time in a small batch, amortised
 * logarithmic otherwise. A sum beyond 64 bits wraps around: what is added up here is what one
 * process did itself, which does not count so far. Errors: ND_NOMEM, and nothing has changed. */
ND_CHECKED nd_err nd_change_batch_update(nd_change_batch *batch, uint32_t location,
                                         const nd_time *time, int64_t delta);

/** Whether all changes have cancelled. May compact. */
bool nd_change_batch_is_empty(nd_change_batch *batch);

/** Adds up and sorts: afterwards items[0 .. len) are sorted by (location, time), distinct and not
 * zero. */
void nd_change_batch_compact(nd_change_batch *batch);

/** Forgets all changes; memory is kept. */
void nd_change_batch_clear(nd_change_batch *batch);

/** Whether the invariants hold. For tests. */
bool nd_change_batch_validate(const nd_change_batch *batch);

#endif
