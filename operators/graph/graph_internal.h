/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_OPERATORS_GRAPH_GRAPH_INTERNAL_H
#define NEREID_OPERATORS_GRAPH_GRAPH_INTERNAL_H

/* What a graph is made of, for those who build one. */

#include <nereid/graph.h>

#include "operators/graph/edge_sort.h"

/* Neighbour lists that their graph owns. */
typedef struct neighbour_lists {
    uint64_t *offsets;
    uint32_t *targets;
    double *weights;
} neighbour_lists;

struct nd_graph {
    nd_graph_counts counts;
    uint64_t *ids;
    neighbour_lists out, in; /* undirected: `in` stays empty */
};

/* Whose lists: those of a key's first end, of its second, or of both. */
enum list_ends { LIST_BY_FIRST = 1, LIST_BY_SECOND = 2, LIST_BY_BOTH = 3 };

/* Lists the edges of `buckets` by the ends that `ends` names, with n_threads threads; each list
 * comes out ascending. Errors: ND_NOMEM; the lists are then still to be freed. */
ND_CHECKED nd_err neighbour_lists_init(neighbour_lists *lists, const edge_buckets *buckets,
                                       uint32_t n_vertices, enum list_ends ends,
                                       unsigned n_threads);

/* As above without the lists themselves: offsets, that is, lengths. */
ND_CHECKED nd_err neighbour_counts_init(neighbour_lists *lists, const edge_buckets *buckets,
                                        uint32_t n_vertices, enum list_ends ends,
                                        unsigned n_threads);
void neighbour_lists_deinit(neighbour_lists *lists);

#endif
