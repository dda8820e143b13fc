/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_ARRANGE_H
#define OPERATORS_DIFFERENTIAL_ARRANGE_H

/** @file
 * Arranging: updates are sealed into batches as their times become complete, in order of their
 * keys; each batch goes to the index and, the same one, down the stream.
 *
 * When the input's frontier moves to G, the updates at complete times are divided among the times
 * that are held for them, since a batch travels under one time: of times c1, c2, .. in total order
 * the i-th gets what is at or after ci and none of those behind it, and its batch ends at G and
 * these. Batches follow each other; where nothing happened there is none, and the next one begins
 * where the last one ended.
 */

#include "operators/differential/index.h"
#include "operators/differential/outgoing.h"

/** The collection, arranged by the first `n_key` fields of its type, at least those that are its
 * key; as it is, if it is arranged so. Without an index after a mistake. */
nd_collection nd_arrange_by(nd_collection collection, unsigned n_key);

/** The type of the stream of batches: nd_trace_batch objects. */
extern const nd_type nd_trace_batch_type;

#endif
