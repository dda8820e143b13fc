/* SPDX-License-Identifier: Apache-2.0 */
/* Degrees: each link is a tally at either end, and each vertex has one that says it is there. How
 * often a key has each tally is the answer, so a change costs three counts, however many neighbours
 * there are. */
#include "operators/graph/follow.h"

/* What a vertex has some number of. */
enum { IS_THERE, LEAVES, ENTERS };

typedef struct tally {
    uint64_t id, kind;
} tally;
static const nd_type tally_type = ND_TYPE(tally, 1, ND_FIELD(tally, id), ND_FIELD(tally, kind));

static void tally_ends(void *user, const void *records, size_t len, nd_changes *out)
{
    const follow_link *const links = records;
    (void)user;
    for (size_t i = 0; i < len; i++) {
        *(tally *)nd_changes_slot(out, i) = (tally){links[i].from, LEAVES};
        *(tally *)nd_changes_slot(out, i) = (tally){links[i].to, ENTERS};
    }
}

/* Of each edge, as often as it is there: of a vertex it matters only that there is one. */
static void tally_vertices(void *user, const void *records, size_t len, nd_changes *out)
{
    const nd_edge *const edges = records;
    (void)user;
    for (size_t i = 0; i < len; i++) {
        *(tally *)nd_changes_slot(out, i) = (tally){edges[i].src, IS_THERE};
        *(tally *)nd_changes_slot(out, i) = (tally){edges[i].dst, IS_THERE};
    }
}

static void add_up(void *user, const void *records, const int64_t *counts, size_t len,
                   nd_reduction *out)
{
    const tally *const tallies = records;
    nd_degree *const degree = nd_reduction_slot(out, 1);
    (void)user;
    for (size_t i = 0; i < len; i++)
        if (tallies[i].kind == LEAVES)
            degree->out = (uint64_t)counts[i];
        else if (tallies[i].kind == ENTERS)
            degree->in = (uint64_t)counts[i];
}

nd_collection nd_degrees_follow(nd_collection edges)
{
    const nd_collection ends =
        nd_collection_flat_map(follow_links(edges), &tally_type, tally_ends, nd_no_user);
    const nd_collection vertices =
        nd_collection_flat_map(edges, &tally_type, tally_vertices, nd_no_user);
    return nd_reduce(nd_collection_concat(ends, vertices), &nd_degree_type, add_up, nd_no_user);
}
