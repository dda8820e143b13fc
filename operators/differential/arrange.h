/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_ARRANGE_H
#define OPERATORS_DIFFERENTIAL_ARRANGE_H

/** @file
 * Arranging: updates are sealed into batches as their times become complete, in order of their
 * keys; each batch goes to the trace and, the same one, down the stream.
 *
 * When the input's frontier moves to G, the updates at complete times are divided among the times
 * that are held for them, since a batch travels under one time: of times c1, c2, .. in total order
 * the i-th gets what is at or after ci and none of those behind it, and its batch ends at G and
 * these. Batches follow each other; where nothing happened there is none, and the next one begins
 * where the last one ended.
 */

#include "operators/differential/outgoing.h"
#include "operators/differential/trace.h"

typedef struct nd_arrangement {
    nd_stream batches;   /* of nd_trace_batch objects, on the worker of their keys */
    nd_trace *trace;     /* the vertex's: readers are made before the dataflow runs. NULL after a
                            mistake */
    const nd_type *type; /* of records */
    nd_record_code key, value; /* the key's is closed */
} nd_arrangement;

/** Arranges a collection by the first `n_key` fields of its type; at least those that are its key.
 */
nd_arrangement nd_arrange_by(nd_collection collection, unsigned n_key);

/** The shape of a trace of such keys and values. */
nd_trace_shape nd_arrange_shape(const nd_record_code *key, const nd_record_code *value);

#endif
