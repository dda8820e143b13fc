/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_TRACE_VIEW_H
#define OPERATORS_DIFFERENTIAL_TRACE_VIEW_H

/** @file
 * A batch and its times as they stand for who asks from some frontier on.
 *
 * A batch never changes, but of its times more and more become one as readers go on (advance.h).
 * What they become is a table beside the batch, by the batch's own numbers: advancing a batch costs
 * as much as it has distinct times, however many updates. A table never changes either; a later
 * frontier gets a new one.
 *
 * A view is plain data that counts as one reference to the batch and to the table. Any thread that
 * has one may read it and make another of it.
 */

#include "operators/differential/trace_batch.h"
#include "runtime/antichain.h"

/** What the times of a batch have become. Shared. */
typedef struct nd_trace_redirection {
    _Atomic size_t refs; /* written by any holder; the last release pairs with all earlier ones */
    nd_time times[];     /* as many as the batch has */
} nd_trace_redirection;

typedef struct nd_trace_view {
    nd_trace_batch *batch;             /* owned */
    nd_trace_redirection *redirection; /* owned; NULL: times are the batch's own */
} nd_trace_view;

/** How many times there are. */
typedef struct nd_trace_spread {
    uint32_t n_times; /* different ones */
    uint32_t n_apart; /* of those, with different counters of loops: no progress of epochs alone
                       * makes fewer of them */
} nd_trace_spread;

/** Another view of the same. */
nd_trace_view nd_trace_view_retain(const nd_trace_view *view);
/** Gives both references back; the view is empty then. An empty one is fine. */
void nd_trace_view_release(nd_trace_view *view);

/** The times by number. Valid as long as the view. */
static inline const nd_time *nd_trace_view_times(const nd_trace_view *view)
{
    return view->redirection ? view->redirection->times : view->batch->times.items;
}

/** Advances the view's times by `since` if that makes fewer of them, and counts them: `*spread` is
 * how many the view shows before, and afterwards. Views that were made of this one stay as they
 * are. Errors: ND_NOMEM, and nothing has changed. Linear in the batch's times (times their
 * logarithm). */
ND_CHECKED nd_err nd_trace_view_advance(nd_trace_view *view, const nd_antichain *since,
                                        nd_trace_spread *spread);

#endif
