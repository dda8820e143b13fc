/* SPDX-License-Identifier: Apache-2.0 */
/* Breadth-first search: an edge takes one a hop further. */
#include "operators/graph/follow_search.h"

const nd_type nd_hops_type = ND_TYPE(nd_hops, 1, ND_FIELD(nd_hops, id), ND_FIELD(nd_hops, hops));

static void find_source(void *user, const void *records, size_t len, nd_changes *out)
{
    const follow_vertex *const vertices = records;
    const uint64_t source = *(const uint64_t *)user;
    for (size_t i = 0; i < len; i++)
        if (vertices[i].id == source)
            *(nd_hops *)nd_changes_slot(out, i) = (nd_hops){source, 0};
}

static void far_away(void *user, const void *records, size_t len, void *out)
{
    const follow_vertex *const vertices = records;
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((nd_hops *)out)[i] = (nd_hops){vertices[i].id, ND_UNREACHABLE};
}

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
                                  .find_source = find_source,
                                  .far_away = far_away,
                                  .go_along = hop};
    return follow_search_from(&search, edges, source, rounds);
}
