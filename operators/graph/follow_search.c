/* SPDX-License-Identifier: Apache-2.0 */
/* The frame of a search. Every vertex is also as far away as can be, which counts where nothing
 * less does. */
#include "operators/graph/follow_search.h"

#include <nereid/memory.h>

#include "operators/graph/follow_rounds.h"

_Static_assert(sizeof(follow_way) == sizeof(nd_hops) && sizeof(follow_way) == sizeof(nd_distance),
               "records of searches look like a way");

static void find_source(void *user, const void *records, size_t len, nd_changes *out)
{
    const follow_way *const source = user;
    const follow_vertex *const vertices = records;
    for (size_t i = 0; i < len; i++)
        if (vertices[i].id == source->id)
            *(follow_way *)nd_changes_slot(out, i) = *source;
}

static void stay_unreached(void *user, const void *records, size_t len, void *out)
{
    const follow_vertex *const vertices = records;
    follow_way *const ways = out;
    for (size_t i = 0; i < len; i++) {
        ways[i] = *(const follow_way *)user;
        ways[i].id = vertices[i].id;
    }
}

/* A function's data that holds a way. Without memory for it, a mistake is noted. */
static nd_user keep_way(nd_collection edges, follow_way way)
{
    follow_way *const data = nd_alloc(1, sizeof *data);
    if (data == NULL)
        nd_dataflow_mistake(nd_scope_dataflow(nd_stream_scope(edges.stream)), ND_NOMEM, "%s",
                            nd_err_text(ND_NOMEM));
    else
        *data = way;
    return (nd_user){data, nd_free};
}

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
    const nd_collection start = nd_collection_flat_map(vertices, search->type, find_source,
                                                       keep_way(edges, (follow_way){.id = source}));
    frame outside = {search, start, rounds};
    const nd_collection reached = nd_iterate(start, search_round, &outside);
    const nd_collection unreached = nd_collection_map(vertices, search->type, stay_unreached,
                                                      keep_way(edges, search->unreached));
    return nd_min(nd_collection_concat(reached, unreached));
}
