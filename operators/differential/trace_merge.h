/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_TRACE_MERGE_H
#define OPERATORS_DIFFERENTIAL_TRACE_MERGE_H

/** @file
 * Merging two batches into one, in pieces, and compacting them on the way: times that cannot be
 * told apart from `since` on become one (advance.h), and what cancels is gone. A batch alone may be
 * compacted in the same way.
 *
 * A piece is paid in updates read, not written, or a merge in which all cancels would be one long
 * piece. What is not divided: beginning, which looks at each distinct time; the sort of one value's
 * updates, if compaction has changed their order; taking the result, which copies it.
 *
 * One thread at a time. The batches are retained until the end, and may be read meanwhile.
 */

#include "operators/differential/trace_batch.h"
#include "runtime/antichain.h"

typedef struct nd_trace_merge nd_trace_merge;

/** Begins to merge two batches of one shape; `b` follows `a`, so that a's upper is b's lower, or is
 * NULL, and `a` is rewritten alone. The result's since is the join of theirs and `since`, which is
 * read now. Errors: ND_NOMEM; ND_FAILED for too many times. Linear in distinct times (times their
 * logarithm). */
ND_CHECKED nd_err nd_trace_merge_begin(nd_trace_batch *a, nd_trace_batch *b,
                                       const nd_antichain *since, nd_trace_merge **merge);

/** Ends it, wherever it is; what was not taken is freed. NULL is fine. */
void nd_trace_merge_destroy(nd_trace_merge *merge);

/** Reads at most `*fuel` updates of the two, and takes those read from it. Errors, after which the
 * merge can but be destroyed: ND_NOMEM; ND_FAILED: a difference becomes too large, or a batch. */
ND_CHECKED nd_err nd_trace_merge_work(nd_trace_merge *merge, uint64_t *fuel);

/** Whether all has been read: as many updates as both have together. */
bool nd_trace_merge_is_done(const nd_trace_merge *merge);

/** The result of a merge that is done, from a's lower to b's upper; the caller's. Once. Errors,
 * after which it may be tried again: ND_NOMEM; ND_FAILED: the join has more than
 * ND_TRACE_WIDTH_MOST times. */
ND_CHECKED nd_err nd_trace_merge_take(nd_trace_merge *merge, nd_trace_batch **batch);

#endif
