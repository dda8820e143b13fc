/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_TRACE_H
#define OPERATORS_DIFFERENTIAL_TRACE_H

/** @file
 * A trace: all updates of an arrangement, in few sealed batches (trace_spine.h), and what its
 * readers keep it from doing.
 *
 * A reader keeps a trace from doing what it could see. Each has two holds: `since`, at or after
 * which it will ask, so that times before may be compacted; and `accepted`, up to where it has
 * taken batches, so that batches beyond it are not merged with those before. Holds only move on:
 * one that is told an earlier frontier keeps what it has. Without readers, and where no reader asks
 * any more, nothing is kept; who comes later finds what was added from then on.
 *
 * Belongs to a worker. Batches and views that were handed out stay what they are, whatever the
 * trace does; other threads read snapshots (trace_snapshot.h).
 */

#include "operators/differential/record_code.h"
#include "operators/differential/trace_snapshot.h"
#include "operators/differential/trace_spine.h"

typedef struct nd_trace nd_trace;
typedef struct nd_trace_reader nd_trace_reader;

/** The shape of batches whose keys and values have these codes. */
nd_trace_shape nd_trace_shape_of(const nd_record_code *key, const nd_record_code *value);

/** An empty trace, whose upper is the zero time. One reference, the caller's. Errors: NULL. */
nd_trace *nd_trace_create(const nd_trace_shape *shape);

/** Gives the writer's reference back; the trace lives on as long as it has readers. */
void nd_trace_release(nd_trace *trace);

/** Adds a batch, which moves to the trace, and pays for merging. Its lower is the upper of the last
 * batch that was added; it has updates. Errors: ND_NOMEM; ND_FAILED: a difference becomes too
 * large. The batch has moved then, too. */
ND_CHECKED nd_err nd_trace_insert(nd_trace *trace, nd_trace_batch *batch);

/** Up to where everything has been added: the last batch's upper, or later, where nothing was to be
 * added. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_trace_set_upper(nd_trace *trace, const nd_antichain *upper);
const nd_antichain *nd_trace_upper(const nd_trace *trace);

/** From when on it can be asked, as far as was found out when something was done last; empty:
 * nobody asks any more. Readers' holds are not before it. */
const nd_antichain *nd_trace_since(const nd_trace *trace);

/** Merges, and rewrites what would shrink, as far as `fuel` updates go; whether there is more to be
 * done. For idle moments: with any fuel but none it comes to an end. Errors: as nd_trace_insert. */
ND_CHECKED nd_err nd_trace_exert(nd_trace *trace, uint64_t fuel, bool *has_more);
/** Whether nd_trace_exert has anything to do. Linear in batches, and in readers that moved. */
bool nd_trace_has_work(nd_trace *trace);

/** Appends the batches whose uppers are not beyond `through` (NULL: all) to `batches`
 * (nd_trace_batch *), in order, each retained for the caller. Errors: ND_NOMEM, and none was
 * appended. */
ND_CHECKED nd_err nd_trace_batches(const nd_trace *trace, const nd_antichain *through,
                                   nd_vector *batches);
/** As nd_trace_batches, with times as they stand from the readers' holds on, as far as it is worth
 * it: appends nd_trace_views, each for the caller to release. */
ND_CHECKED nd_err nd_trace_views(nd_trace *trace, const nd_antichain *through, nd_vector *views);

/** What is kept. */
nd_trace_figures nd_trace_measure(const nd_trace *trace);

/** Where the trace publishes a snapshot of itself from now on, whenever batches or its upper have
 * changed; one reference, for the caller. When all that were given out have come back, it ceases.
 * What a snapshot covers is up to readers' holds: whoever publishes keeps one, from the beginning;
 * what was lost for want of readers is in no snapshot, and that one covers nothing. NULL without
 * memory. */
nd_trace_publisher *nd_trace_publish(nd_trace *trace);

/* --- Readers --- */

/** A reader that asks about everything that the trace still has, and has accepted all that is
 * there. NULL without memory. Keeps the trace alive. */
nd_trace_reader *nd_trace_reader_create(nd_trace *trace);
void nd_trace_reader_release(nd_trace_reader *reader);

/** It will ask at or after some of `since`, and of what it has said earlier, or, if that is empty,
 * no more. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_trace_reader_set_since(nd_trace_reader *reader, const nd_antichain *since);
/** From when on it will ask. */
const nd_antichain *nd_trace_reader_since(const nd_trace_reader *reader);
/** It has taken all batches whose uppers are not beyond `accepted`, nor beyond what it has said
 * earlier. Empty: all. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_trace_reader_set_accepted(nd_trace_reader *reader,
                                               const nd_antichain *accepted);

/** Number of updates, and of batches, that are kept. */
static inline uint64_t nd_trace_len(const nd_trace *trace)
{
    return nd_trace_measure(trace).n_updates;
}
static inline size_t nd_trace_n_batches(const nd_trace *trace)
{
    return nd_trace_measure(trace).n_batches;
}

#endif
