/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_TRACE_H
#define OPERATORS_DIFFERENTIAL_TRACE_H

/** @file
 * A trace: all updates of an arrangement, as few sealed batches of geometric sizes (a
 * log-structured merge tree; differential dataflow's spine).
 *
 * Batches stand in the order of their descriptions, each beginning where the one before ends.
 * Neighbours of which the earlier is not of a higher order of size are merged, piece by piece: each
 * batch that comes pays every merge that is under way eight times its own size, so a merge is done
 * before the next of its size is due, and nobody ever waits for a large one.
 *
 * Readers keep a trace from doing what they could see. Each has two holds: `since`, at or after
 * which it will ask, so that times before may be compacted; and `accepted`, up to where it has
 * taken batches, so that batches beyond it are not merged with those before. Without readers
 * nothing is kept.
 *
 * Belongs to a worker. Batches that were handed out stay what they are, whatever the trace does.
 */

#include "operators/differential/trace_merge.h"
#include "runtime/base/vector.h"

typedef struct nd_trace nd_trace;
typedef struct nd_trace_reader nd_trace_reader;

/** An empty trace, whose upper is the zero time. One reference, the caller's. Errors: NULL. */
nd_trace *nd_trace_create(const nd_trace_shape *shape);

/** Gives the writer's reference back; the trace lives on as long as it has readers. */
void nd_trace_release(nd_trace *trace);

/** Adds a batch, which moves to the trace, and pays for merging. Its lower is the upper of the last
 * batch that was added; it has updates. Errors: ND_NOMEM; ND_FAILED: a difference becomes too
 * large. The batch is released then. */
ND_CHECKED nd_err nd_trace_insert(nd_trace *trace, nd_trace_batch *batch);

/** Up to where everything has been added: the last batch's upper, or later, where nothing was to be
 * added. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_trace_set_upper(nd_trace *trace, const nd_antichain *upper);
const nd_antichain *nd_trace_upper(const nd_trace *trace);

/** The times from which on it can be asked. */
const nd_antichain *nd_trace_since(const nd_trace *trace);

/** Merges on, as far as `fuel` updates go; whether there is more to be merged. For idle moments.
 * Errors: as nd_trace_insert. */
ND_CHECKED nd_err nd_trace_exert(nd_trace *trace, uint64_t fuel, bool *has_more);

/** Appends the batches whose uppers are not beyond `through` (NULL: all) to `batches`
 * (nd_trace_batch *), in order, each retained for the caller. Errors: ND_NOMEM, and none was
 * appended. */
ND_CHECKED nd_err nd_trace_batches(const nd_trace *trace, const nd_antichain *through,
                                   nd_vector *batches);

/** Number of updates, and of batches, that are kept. */
uint64_t nd_trace_len(const nd_trace *trace);
size_t nd_trace_n_batches(const nd_trace *trace);

/* --- Readers --- */

/** A reader that asks about everything that the trace still has, and has accepted all that is
 * there. NULL without memory. Keeps the trace alive. */
nd_trace_reader *nd_trace_reader_create(nd_trace *trace);
void nd_trace_reader_release(nd_trace_reader *reader);

/** It will ask at or after some of `since`, or, if that is empty, no more. Not before what it has
 * said earlier. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_trace_reader_set_since(nd_trace_reader *reader, const nd_antichain *since);
/** It has taken all batches whose uppers are not beyond `accepted`. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_trace_reader_set_accepted(nd_trace_reader *reader,
                                               const nd_antichain *accepted);

#endif
