/* SPDX-License-Identifier: Apache-2.0 */
/* Breadth-first search: an edge takes one a hop further. */
#include "operators/graph/follow_search.h"

const nd_type nd_hops_type = ND_TYPE(nd_hops, 1, ND_FIELD(nd_hops, id), ND_FIELD(nd_hops, hops));

static void hop(void *user, const void *left, const void *right, size_t len, void *out)
{
    const nd_hops *const reached = left;
    const follow_link *const links = right;
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((nd_hops *)out)[i] = (nd_hops){links[i].to, reached[i].hops + 1};
}

nd_collection nd_bfs_follow(nd_collection edges, uint64_t source, nd_stream *rounds)
{
    const follow_search search = {.type = &nd_hops_type,
                                  .around = follow_links(edges),
                                  .unreached = {.hops = ND_UNREACHABLE},
                                  .go_along = hop};
    return follow_search_from(&search, edges, source, rounds);
}
