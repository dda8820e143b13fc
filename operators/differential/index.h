/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_INDEX_H
#define OPERATORS_DIFFERENTIAL_INDEX_H

/** @file
 * An index: what a vertex has arranged, for everybody who reads it. It is the trace, what its keys
 * and values are, and who wants to hear of each batch that is added, in other dataflows of the
 * worker.
 *
 * A reader that stands in a loop which the index is not in reads the same batches, whose times have
 * counters of zero there. It tells the trace what it will ask as the trace's own scope sees it.
 *
 * Belongs to a worker.
 */

#include <nereid/collection.h>

#include "operators/differential/record_code.h"
#include "operators/differential/trace.h"

/** Who hears of what is added. Each is given every batch, retained, in order; and after each time
 * that the trace's upper has moved, `on_moved` is called. */
typedef struct nd_listener {
    nd_vector *batches; /* nd_trace_batch * */
    void (*on_moved)(void *context);
    void *context;
} nd_listener;

struct nd_index {
    size_t refs;
    const nd_type *type;       /* of records */
    nd_record_code key, value; /* the key's is closed */
    unsigned n_loops;          /* around the vertex that arranges */
    nd_trace *trace;           /* without a reader it keeps nothing */
    nd_vector listeners;       /* nd_listener */
    bool is_abandoned;         /* nothing will be added any more */
};

/** The index of records of `type` by their first `n_key` fields, with an empty trace. One
 * reference, the caller's. NULL without memory. */
nd_index *nd_index_create(const nd_type *type, unsigned n_key, unsigned n_loops);
nd_index *nd_index_retain(nd_index *index);
void nd_index_release(nd_index *index);

/** Adds a batch, which moves to the trace, and tells the listeners. Errors: as nd_trace_insert. */
ND_CHECKED nd_err nd_index_insert(nd_index *index, nd_trace_batch *batch);

/** Up to where everything has been added. Tells the listeners. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_index_set_upper(nd_index *index, const nd_antichain *upper);

/** A reader stands where its other inputs, or itself, can still be at `frontier`, and asks at or
 * after that. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_index_set_since(const nd_index *index, nd_trace_reader *reader,
                                     const nd_antichain *frontier);

/** Whoever adds to it is gone. Tells the listeners. */
void nd_index_abandon(nd_index *index);

/** Adds a listener, and what is there already to its batches; removes the one of `context`. Errors:
 * ND_NOMEM. */
ND_CHECKED nd_err nd_index_listen(nd_index *index, const nd_listener *listener);
void nd_index_forget(nd_index *index, const void *context);

#endif
