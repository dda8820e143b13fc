/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_OPERATORS_GRAPH_FOLLOW_H
#define NEREID_OPERATORS_GRAPH_FOLLOW_H

/* What queries over a collection of edges have in common. */

#include <nereid/graph.h>

/* An edge that counts: from one vertex to another, whatever its weight. The key is `from`. */
typedef struct follow_link {
    uint64_t from, to;
} follow_link;
extern const nd_type follow_link_type;

/* A vertex. */
typedef struct follow_vertex {
    uint64_t id;
} follow_vertex;
extern const nd_type follow_vertex_type;

/* The links of edges, each once: as they point, or both ways. */
nd_collection follow_links(nd_collection edges);
nd_collection follow_links_both_ways(nd_collection edges);

/* The ends of edges, each once. */
nd_collection follow_vertices(nd_collection edges);

#endif
