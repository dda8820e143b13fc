/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The edges are sorted by digits of eight bits from the least, stably, and only by the bits that
 * vary. Any thread.
 */
#include "bench/plain_graph.h"

#include <string.h>

#include <nereid/memory.h>

#include "bench/harness.h"

enum { DIGIT_BITS = 8, DIGITS = 1 << DIGIT_BITS };

/* Uniform in both ends, by multiplying instead of dividing. */
static inline bench_edge edge_of(uint32_t n_vertices, uint64_t number)
{
    uint64_t state = number * UINT64_C(0x9e3779b97f4a7c15);
    const uint64_t random = bench_random(&state);
    return (bench_edge){(uint32_t)((random >> 32) * n_vertices >> 32),
                        (uint32_t)((random & UINT32_MAX) * n_vertices >> 32)};
}

void bench_edges(uint32_t n_vertices, uint64_t first, uint64_t step, size_t len, bench_edge *edges)
{
    for (size_t i = 0; i < len; i++)
        edges[i] = edge_of(n_vertices, first + i * step);
}

static inline uint32_t end_of(const bench_edge *edge, bool is_from)
{
    return is_from ? edge->from : edge->to;
}

static void sort_by_digit(const bench_edge *edges, size_t len, bool is_from, unsigned shift,
                          bench_edge *sorted)
{
    size_t places[DIGITS] = {0}, place = 0;
    for (size_t i = 0; i < len; i++)
        places[end_of(&edges[i], is_from) >> shift & (DIGITS - 1)]++;
    for (size_t digit = 0; digit < DIGITS; digit++) {
        const size_t n = places[digit];
        places[digit] = place;
        place += n;
    }
    for (size_t i = 0; i < len; i++)
        sorted[places[end_of(&edges[i], is_from) >> shift & (DIGITS - 1)]++] = edges[i];
}

/* Sorts by one of the ends; either array may hold the result, which `*edges` is afterwards. */
static void sort_by_end(bench_edge **edges, bench_edge **room, size_t len, bool is_from,
                        uint32_t n_vertices)
{
    for (unsigned shift = 0; (n_vertices - 1) >> shift != 0; shift += DIGIT_BITS) {
        bench_edge *const sorted = *room;
        sort_by_digit(*edges, len, is_from, shift, sorted);
        *room = *edges;
        *edges = sorted;
    }
}

bench_adjacency bench_adjacency_create(const bench_graph *graph, bench_order order)
{
    const size_t len = graph->n_edges;
    const uint32_t n = graph->n_vertices;
    bench_adjacency made = {.n_vertices = n,
                            .offsets = bench_alloc((size_t)n + 1, sizeof *made.offsets),
                            .targets = bench_alloc(len, sizeof *made.targets)};
    bench_edge *edges = bench_alloc(len, sizeof *edges), *room = bench_alloc(len, sizeof *room);
    bench_edges(n, graph->first, 1, len, edges);
    if (order == BENCH_IN_ORDER)
        sort_by_end(&edges, &room, len, false, n);
    sort_by_end(&edges, &room, len, true, n);
    size_t at = 0;
    for (uint32_t v = 0; v <= n; v++) {
        while (at < len && edges[at].from < v)
            at++;
        made.offsets[v] = at;
    }
    for (size_t i = 0; i < len; i++)
        made.targets[i] = edges[i].to;
    nd_free(edges);
    nd_free(room);
    return made;
}

void bench_adjacency_destroy(bench_adjacency *adjacency)
{
    nd_free(adjacency->offsets);
    nd_free(adjacency->targets);
}
