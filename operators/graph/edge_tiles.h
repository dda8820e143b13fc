/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_OPERATORS_GRAPH_EDGE_TILES_H
#define NEREID_OPERATORS_GRAPH_EDGE_TILES_H

/* In-edges cut into tiles for the cache: which shares add up where.
 *
 * Destinations are cut into strips, sources into blocks; a tile holds the edges from one block to
 * one strip, four bytes each, the numbers within block and strip. While a strip's tiles are run one
 * after the other, the strip's sums stay in the second-level cache and the shares come block by
 * block; within a tile edges are ordered by destination, then source, so sums are met in order and
 * only shares are looked up out of order. Each sum therefore adds its shares in ascending order of
 * source. */

#include <stddef.h>
#include <stdint.h>

#include <nereid/graph.h>

#include "operators/graph/vertex_blocks.h"

enum { STRIP_BITS = 14, STRIP_SIZE = 1 << STRIP_BITS, SOURCE_BITS = 16 };

typedef struct tile_edge {
    uint16_t src, dst;
} tile_edge;

typedef struct edge_tiles {
    tile_edge *edges;
    uint64_t *ends; /* of each tile's edges, strip by strip, n_blocks a strip */
    uint32_t n_strips, n_blocks;
} edge_tiles;

/* Cuts the in-edges of the vertices in `span`. Errors: ND_NOMEM; deinit is to be called in any
 * case. */
ND_CHECKED nd_err edge_tiles_init(edge_tiles *tiles, const nd_graph *graph, vertex_span span);
void edge_tiles_deinit(edge_tiles *tiles);

/* Adds to sums[0 .. STRIP_SIZE) what reaches strip number `strip`. */
void edge_tiles_add(const edge_tiles *tiles, uint32_t strip, const double *shares, double *sums);

#endif
