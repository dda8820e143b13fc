/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of a search. Every vertex is also as far away as can be, which counts where nothing
 * less does. */
#include "operators/graph/follow_search.h"

#include "operators/graph/follow_rounds.h"

/* What the loop brings in, and what it tells. */
typedef struct frame {
    const follow_search *search;
    nd_collection start;
    nd_stream *rounds;
} frame;

static nd_collection search_round(nd_scope *loop, nd_collection reached, void *arg)
{
    const frame *const outside = arg;
    const follow_search *const search = outside->search;
    const nd_collection around = nd_collection_enter(loop, search->around);
    const nd_collection start = nd_collection_enter(loop, outside->start);
    const nd_collection further =
        nd_join(reached, around, search->type, search->go_along, nd_no_user);
    const nd_collection least = nd_min(nd_collection_concat(start, further));
    follow_rounds(least, outside->rounds);
    return least;
}

nd_collection follow_search_from(const follow_search *search, nd_collection edges, uint64_t source,
                                 nd_stream *rounds)
{
    const nd_collection vertices = follow_vertices(edges);
    const nd_user user = follow_id(edges, source);
    frame outside = {
        search, nd_collection_flat_map(vertices, search->type, search->find_source, user), rounds};
    const nd_collection reached = nd_iterate(outside.start, search_round, &outside);
    const nd_collection unreached =
        nd_collection_map(vertices, search->type, search->far_away, nd_no_user);
    return nd_min(nd_collection_concat(reached, unreached));
}
