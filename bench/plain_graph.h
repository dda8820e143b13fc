/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_PLAIN_GRAPH_H
#define BENCH_PLAIN_GRAPH_H

/** @file
 * Random edges, each told by its number, and the adjacency that plain C sorts them into.
 */

#include <stddef.h>
#include <stdint.h>

typedef struct bench_edge {
    uint32_t from, to;
} bench_edge;

/** A graph: the edges numbered `first` to `first + n_edges - 1`. It changes by moving on: as many
 * come as go. An edge may be there twice. */
typedef struct bench_graph {
    uint32_t n_vertices;
    uint64_t first;
    size_t n_edges;
} bench_graph;

/** Writes edges numbered `first`, `first + step`, ... to `edges`, `len` of them. */
void bench_edges(uint32_t n_vertices, uint64_t first, uint64_t step, size_t len, bench_edge *edges);

/** The targets of the edges from `v` are `targets[offsets[v]]` to those before
 * `targets[offsets[v + 1]]`. */
typedef struct bench_adjacency {
    uint32_t n_vertices;
    size_t *offsets;
    uint32_t *targets;
} bench_adjacency;

/** Whether the targets of a vertex shall be in ascending order. */
typedef enum bench_order { BENCH_ANY_ORDER, BENCH_IN_ORDER } bench_order;

/** Sorts the edges of a graph, by radix; the result belongs to the caller. */
bench_adjacency bench_adjacency_create(const bench_graph *graph, bench_order order);
void bench_adjacency_destroy(bench_adjacency *adjacency);

/** A number from a record, such that those of many records can be added up and compared. */
static inline uint64_t bench_mix(uint64_t sum, uint32_t word)
{
    sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return sum ^ (sum >> 32);
}

static inline uint64_t bench_mix_two(uint32_t a, uint32_t b)
{
    return bench_mix(bench_mix(0, a), b);
}

#endif
