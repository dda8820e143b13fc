/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_OPERATORS_GRAPH_FOLLOW_SEARCH_H
#define NEREID_OPERATORS_GRAPH_FOLLOW_SEARCH_H

/* Searches from a source: who is reached from somewhere is, one edge further, at the neighbours;
 * the least way counts. */

#include "operators/graph/follow.h"

/* What differs between searches. */
typedef struct follow_search {
    const nd_type *type; /* of an id and how far away it is */
    nd_collection
        around; /* edges, each once, none from a vertex to itself; the key is where from */
    nd_collection_flat_map_fn *find_source; /* vertices to the source, no way from itself; `user`
                                               is that of follow_id */
    nd_collection_map_fn *far_away;         /* vertices to what counts where nothing less does */
    nd_join_fn *go_along;                   /* from what is reached along an edge */
} follow_search;

/* The search from `source`: how far away each end of `edges` is; sets `*rounds` as the public
 * functions do. */
nd_collection follow_search_from(const follow_search *search, nd_collection edges, uint64_t source,
                                 nd_stream *rounds);

#endif
