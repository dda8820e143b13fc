/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_OPERATORS_GRAPH_FOLLOW_SEARCH_H
#define NEREID_OPERATORS_GRAPH_FOLLOW_SEARCH_H

/* Searches from a source: who is reached from somewhere is, one edge further, at the neighbours;
 * the least way counts. */

#include "operators/graph/follow.h"

/* A vertex and how far away it is, in whichever way a search measures that. */
typedef struct follow_way {
    uint64_t id;
    union {
        uint64_t hops;
        double distance;
    };
} follow_way;

/* What differs between searches. */
typedef struct follow_search {
    const nd_type *type; /* of records that look like a follow_way */
    nd_collection
        around; /* edges, each once, none from a vertex to itself; the key is where from */
    follow_way unreached; /* how far away who is not reached is, whatever its id */
    nd_join_fn *go_along; /* from what is reached along an edge */
} follow_search;

/* The search from `source`: how far away each end of `edges` is; sets `*rounds` as the public
 * functions do. */
nd_collection follow_search_from(const follow_search *search, nd_collection edges, uint64_t source,
                                 nd_stream *rounds);

#endif
