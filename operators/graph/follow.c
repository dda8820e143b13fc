/* SPDX-License-Identifier: Apache-2.0 */
/* Edges, as they come, to links and vertices. Both are made distinct right away, so that only the
 * first of equal edges that comes, and the last that goes, are seen any further. */
#include "operators/graph/follow.h"

const nd_type nd_edge_type =
    ND_TYPE(nd_edge, 1, ND_FIELD(nd_edge, src), ND_FIELD(nd_edge, dst), ND_FIELD(nd_edge, weight));
const nd_type follow_link_type =
    ND_TYPE(follow_link, 1, ND_FIELD(follow_link, from), ND_FIELD(follow_link, to));
const nd_type follow_vertex_type = ND_TYPE(follow_vertex, 1, ND_FIELD(follow_vertex, id));

static void link_forth(void *user, const void *records, size_t len, nd_changes *out)
{
    const nd_edge *const edges = records;
    (void)user;
    for (size_t i = 0; i < len; i++)
        if (edges[i].src != edges[i].dst)
            *(follow_link *)nd_changes_slot(out, i) = (follow_link){edges[i].src, edges[i].dst};
}

static void link_both_ways(void *user, const void *records, size_t len, nd_changes *out)
{
    const nd_edge *const edges = records;
    (void)user;
    for (size_t i = 0; i < len; i++)
        if (edges[i].src != edges[i].dst) {
            *(follow_link *)nd_changes_slot(out, i) = (follow_link){edges[i].src, edges[i].dst};
            *(follow_link *)nd_changes_slot(out, i) = (follow_link){edges[i].dst, edges[i].src};
        }
}

static void both_ends(void *user, const void *records, size_t len, nd_changes *out)
{
    const nd_edge *const edges = records;
    (void)user;
    for (size_t i = 0; i < len; i++) {
        *(follow_vertex *)nd_changes_slot(out, i) = (follow_vertex){edges[i].src};
        *(follow_vertex *)nd_changes_slot(out, i) = (follow_vertex){edges[i].dst};
    }
}

nd_collection follow_links(nd_collection edges)
{
    return nd_distinct(nd_collection_flat_map(edges, &follow_link_type, link_forth, nd_no_user));
}

nd_collection follow_links_both_ways(nd_collection edges)
{
    return nd_distinct(
        nd_collection_flat_map(edges, &follow_link_type, link_both_ways, nd_no_user));
}

nd_collection follow_vertices(nd_collection edges)
{
    return nd_distinct(nd_collection_flat_map(edges, &follow_vertex_type, both_ends, nd_no_user));
}
