/* SPDX-License-Identifier: Apache-2.0 */
/* Dealing out vertices. */
#include "operators/graph/vertex_blocks.h"

enum { WANTED_BLOCKS = 512, EDGES_A_VERTEX = 3 /* what a vertex costs, in edges */ };

uint32_t vertex_block_size(uint32_t n_vertices)
{
    uint32_t size = VERTEX_BLOCK_MIN;
    while (size < VERTEX_BLOCK_MAX && size < n_vertices / WANTED_BLOCKS)
        size *= 2;
    return size;
}

/* The work of all vertices below `vertex`. */
static uint64_t work_before(const uint64_t *offsets, uint32_t vertex)
{
    return offsets[vertex] + (uint64_t)vertex * EDGES_A_VERTEX;
}

/* The first border of a block with at least a given part of all work before it. */
static uint32_t find_cut(const nd_graph *graph, unsigned index, unsigned n_workers)
{
    const uint32_t n = nd_graph_get_counts(graph)->n_vertices, size = vertex_block_size(n);
    const uint64_t *const in = nd_graph_in(graph).offsets;
    const uint64_t *const offsets = in != NULL ? in : nd_graph_out(graph).offsets;
    const long double wanted = (long double)work_before(offsets, n) * index / n_workers;
    uint32_t low = 0, high = n / size + (n % size != 0);
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if ((long double)work_before(offsets, middle * size) < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return low * size < n ? low * size : n;
}

vertex_span vertex_span_of(const nd_graph *graph, unsigned index, unsigned n_workers)
{
    const uint32_t n = nd_graph_get_counts(graph)->n_vertices;
    return (vertex_span){find_cut(graph, index, n_workers),
                         index + 1 < n_workers ? find_cut(graph, index + 1, n_workers) : n};
}
