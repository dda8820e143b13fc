/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_TRACE_SPINE_H
#define OPERATORS_DIFFERENTIAL_TRACE_SPINE_H

/** @file
 * The batches of a trace, as few of geometric sizes (a log-structured merge tree; differential
 * dataflow's spine), in the order of their descriptions, each beginning where the one before ends.
 *
 * **While updates come**, neighbours of which the earlier is not of a higher order of size are
 * merged, piece by piece: each batch that comes pays every merge that is under way eight times its
 * own size, so a merge is done before the next of its size is due, and nobody ever waits for a
 * large one. Small ones are merged at once.
 *
 * **In idle moments** neighbours are merged too of which the earlier is up to four times as long:
 * so what was taken back by many small batches meets what it takes back. Whoever is in the smaller
 * part of a merge is in one at least twice as large afterwards, so an update is merged a logarithm
 * of times. And a batch of which a quarter might go, since its times have become fewer, is
 * rewritten alone. If that saved less than a quarter, it waits until its times are half as many:
 * so what is rewritten without gain is rewritten a logarithm of times as well.
 *
 * **Views** (trace_view.h) are advanced when somebody reads, if readers have moved on so often
 * that it costs but a constant a move, and batch. Most batches never are: all their times are one
 * already, or differ in counters of loops, which the progress of epochs leaves as they are.
 *
 * Belongs to the worker of its trace.
 */

#include "operators/differential/trace_merge.h"
#include "operators/differential/trace_view.h"
#include "runtime/base/vector.h"

/** What all readers together allow. */
typedef struct nd_trace_holds {
    nd_antichain since;    /* nobody asks before it any more; empty: nobody asks */
    nd_antichain accepted; /* everybody has taken the batches up to here; empty: all */
    uint64_t n_moves;      /* how often since has become another one */
    bool keeps_loops;      /* whether advancing by since changes epochs only */
} nd_trace_holds;

/** What there is. */
typedef struct nd_trace_figures {
    size_t n_batches, n_times; /* times as views show them, of each batch for itself */
    uint64_t n_updates;
    size_t size; /* bytes of batches and of tables beside them */
} nd_trace_figures;

typedef struct nd_trace_spine {
    nd_vector layers;   /* the earliest first */
    uint64_t n_changes; /* merges that have ended, and so on: batches are others than before */
} nd_trace_spine;

void nd_trace_spine_init(nd_trace_spine *spine);
void nd_trace_spine_deinit(nd_trace_spine *spine);
/** Gives all batches up. */
void nd_trace_spine_clear(nd_trace_spine *spine);

/** Adds a batch behind all others, and pays for merging. Errors: ND_NOMEM; ND_FAILED, a difference
 * becomes too large. The batch moves in any case. */
ND_CHECKED nd_err nd_trace_spine_add(nd_trace_spine *spine, const nd_trace_holds *holds,
                                     nd_trace_batch *batch);

/** Merges and rewrites what is worth it, as far as `fuel` updates go. Errors: likewise. */
ND_CHECKED nd_err nd_trace_spine_exert(nd_trace_spine *spine, const nd_trace_holds *holds,
                                       uint64_t fuel);
/** Whether nd_trace_spine_exert would do anything. Linear in batches. */
bool nd_trace_spine_has_work(const nd_trace_spine *spine, const nd_trace_holds *holds);

/** Advances views, where it is worth it. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_trace_spine_advance(nd_trace_spine *spine, const nd_trace_holds *holds);
/** The views of the batches whose uppers are not beyond `through` (NULL: all), one by one, in
 * order:
 * `*place` is zero at first. Lent until the spine changes. NULL: there are no more. */
const nd_trace_view *nd_trace_spine_next(const nd_trace_spine *spine, const nd_antichain *through,
                                         size_t *place);

/** Linear in batches. */
nd_trace_figures nd_trace_spine_measure(const nd_trace_spine *spine);

#endif
