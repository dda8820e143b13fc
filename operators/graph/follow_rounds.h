/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_OPERATORS_GRAPH_FOLLOW_ROUNDS_H
#define NEREID_OPERATORS_GRAPH_FOLLOW_ROUNDS_H

/* In which rounds of a loop something changes. */

#include <nereid/collection.h>

/* Watches a collection inside its loop: sets `*rounds` (NULL: does nothing) to a stream, outside of
 * the loop, of the numbers (uint64_t) of the rounds that have an update, in whatever epoch; each
 * once, on worker 0. */
void follow_rounds(nd_collection changing, nd_stream *rounds);

#endif
