/* SPDX-License-Identifier: Apache-2.0 */
/* Breadth-first search: who is reached in some number of hops is, one hop further, at the
 * neighbours; the least number counts. Every vertex is also as far away as can be, which counts
 * where nothing less does. */
#include "operators/graph/follow.h"

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

/* What the loop brings in. */
typedef struct search {
    nd_collection links, start;
} search;

static nd_collection search_round(nd_scope *loop, nd_collection reached, void *arg)
{
    const search *const outside = arg;
    const nd_collection links = nd_collection_enter(loop, outside->links);
    const nd_collection start = nd_collection_enter(loop, outside->start);
    const nd_collection further = nd_join(reached, links, &nd_hops_type, hop, nd_no_user);
    return nd_min(nd_collection_concat(start, further));
}

nd_collection nd_bfs_follow(nd_collection edges, uint64_t source)
{
    const nd_collection vertices = follow_vertices(edges);
    const nd_user user = follow_id(edges, source);
    search outside = {follow_links(edges),
                      nd_collection_flat_map(vertices, &nd_hops_type, find_source, user)};
    const nd_collection reached = nd_iterate(outside.start, search_round, &outside);
    const nd_collection unreached =
        nd_collection_map(vertices, &nd_hops_type, far_away, nd_no_user);
    return nd_min(nd_collection_concat(reached, unreached));
}
