/* SPDX-License-Identifier: Apache-2.0 */
/* Entering and leaving loops: the rows stay as they are (row.h), and it is noted which of their
 * counters count. What is arranged stays so inside a loop, where its times have one counter more,
 * of zero; behind a loop times are others, and what was in order is not. */
#include "operators/differential/row.h"

nd_probe *nd_collection_probe_new(nd_collection collection)
{
    return nd_probe_new(collection.index ? collection.batches : collection.stream);
}

nd_collection nd_collection_enter(nd_scope *loop, nd_collection collection)
{
    collection.stream = nd_enter(loop, collection.stream);
    if (collection.index)
        collection.batches = nd_enter(loop, collection.batches);
    return collection;
}

nd_collection nd_collection_leave(nd_collection collection)
{
    collection.stream = nd_leave(collection.stream);
    collection.index = NULL;
    collection.since = 0;
    const unsigned n_loops = nd_scope_n_loops(nd_stream_scope(collection.stream));
    if (collection.n_loops > n_loops)
        collection.n_loops = n_loops;
    return collection;
}
