/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_OPERATORS_GRAPH_VERTEX_BLOCKS_H
#define NEREID_OPERATORS_GRAPH_VERTEX_BLOCKS_H

/* How vertices are dealt out to workers: in ranges of dense numbers, cut at the borders of blocks
 * whose size depends on the graph alone. Totals that are added up block by block, then over blocks
 * in order, come out the same for any number of workers. */

#include <stdint.h>

#include <nereid/graph.h>

enum { VERTEX_BLOCK_MIN = 8, VERTEX_BLOCK_MAX = 4096 };

typedef struct vertex_span {
    uint32_t begin, end;
} vertex_span;

/* Vertices a block: a power of two. */
uint32_t vertex_block_size(uint32_t n_vertices);

/* The vertices of worker `index` of `n_workers`, so chosen that workers have about equal numbers of
 * in-edges and vertices; of out-edges, where in-edges are not listed. */
vertex_span vertex_span_of(const nd_graph *graph, unsigned index, unsigned n_workers);

#endif
