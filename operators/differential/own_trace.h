/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_OWN_TRACE_H
#define OPERATORS_DIFFERENTIAL_OWN_TRACE_H

/** @file
 * A trace of a vertex's own, which nobody else reads: what it has given out, or its state. It is
 * read and added to round by round:
 *
 *     nd_own_trace_open     seekers show what there was before the round
 *     builder               gets what the round adds, in its order
 *     nd_own_trace_seal     a batch of that
 *     nd_own_trace_advance  all that is before the frontier may be compacted
 *
 * Belongs to the worker of its vertex.
 */

#include <nereid/vertex.h>

#include "operators/differential/trace.h"
#include "operators/differential/trace_builder.h"
#include "operators/differential/trace_seeker.h"

typedef struct nd_own_trace {
    nd_trace *trace;
    nd_trace_reader *reader;
    nd_trace_builder builder;
    nd_antichain lower; /* where the next batch begins */
    nd_vector views;    /* nd_trace_view, owned, */
    nd_vector seekers;  /* nd_trace_seeker: into these, while it is open */
} nd_own_trace;

/** An empty one. Errors: ND_NOMEM; it may be deinitialised then, as may a zeroed one. */
ND_CHECKED nd_err nd_own_trace_init(nd_own_trace *own, const nd_trace_shape *shape);
void nd_own_trace_deinit(nd_own_trace *own);

/** Puts a seeker into each batch, at its first key. It is closed first if it was open. Errors:
 * ND_NOMEM. */
ND_CHECKED nd_err nd_own_trace_open(nd_own_trace *own);
/** Removes the seekers, and gives their batches back. */
void nd_own_trace_close(nd_own_trace *own);

/** Makes a batch that ends at `upper` of what was built, if anything was, and adds it. `batch`,
 * unless NULL, is set to it, for the caller to release, or to NULL. Seekers show nothing of it.
 * Errors: as nd_trace_builder_seal and nd_trace_insert; `batch` is set likewise. */
ND_CHECKED nd_err nd_own_trace_seal(nd_own_trace *own, const nd_antichain *upper,
                                    nd_trace_batch **batch);

/** Everything before `frontier` has been added, and nothing before it will be asked. Errors:
 * ND_NOMEM. */
ND_CHECKED nd_err nd_own_trace_advance(nd_own_trace *own, const nd_antichain *frontier);

/** Merges a trace on, this or another, in an idle moment of a vertex: in on_activate. Asks for the
 * next such moment if there is more to be done; fails the run if it cannot. */
void nd_idle_merge(nd_vertex *vertex, nd_trace *trace);

#endif
