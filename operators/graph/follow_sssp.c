/* SPDX-License-Identifier: Apache-2.0 */
/* Shortest paths: an edge takes one as much further as it weighs. A sum is added up from the source
 * on, so its rounding does not depend on who adds up what. */
#include <math.h>

#include "operators/graph/follow_search.h"

const nd_type nd_distance_type =
    ND_TYPE(nd_distance, 1, ND_FIELD(nd_distance, id), ND_FIELD(nd_distance, distance));

static void leave_out_loops(void *user, const void *records, size_t len, bool *keep)
{
    const nd_edge *const edges = records;
    (void)user;
    for (size_t i = 0; i < len; i++)
        keep[i] = edges[i].src != edges[i].dst;
}

static void go_along(void *user, const void *left, const void *right, size_t len, void *out)
{
    const nd_distance *const reached = left;
    const nd_edge *const edges = right;
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((nd_distance *)out)[i] =
            (nd_distance){edges[i].dst, reached[i].distance + edges[i].weight};
}

nd_collection nd_sssp_follow(nd_collection edges, uint64_t source, nd_stream *rounds)
{
    const follow_search search = {
        .type = &nd_distance_type,
        .around = nd_distinct(nd_collection_filter(edges, leave_out_loops, nd_no_user)),
        .unreached = {.distance = INFINITY},
        .go_along = go_along};
    return follow_search_from(&search, edges, source, rounds);
}
