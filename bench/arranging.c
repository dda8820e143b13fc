/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeping edges in order, counting them, and joining them: what every other query is made of. The
 * limits sort by radix, and build one hash table.
 */
#include <string.h>

#include <nereid/memory.h>

#include "bench/query.h"

/* --- Arranging --- */

static nd_collection arranged(const bench_tables *tables) { return nd_arrange(tables->edges); }

static uint64_t plain_arranged(const bench_graph *graph)
{
    bench_adjacency out = bench_adjacency_create(graph, BENCH_IN_ORDER);
    uint64_t sum = 0;
    for (uint32_t v = 0; v < out.n_vertices; v++)
        for (size_t i = out.offsets[v]; i < out.offsets[v + 1]; i++)
            sum += bench_mix_two(v, out.targets[i]);
    bench_adjacency_destroy(&out);
    return sum;
}

/* --- Counting --- */

static nd_collection degrees(const bench_tables *tables)
{
    return nd_count(tables->edges, &bench_tally_type);
}

static uint64_t plain_degrees(const bench_graph *graph)
{
    bench_adjacency out = bench_adjacency_create(graph, BENCH_ANY_ORDER);
    uint64_t sum = 0;
    for (uint32_t v = 0; v < out.n_vertices; v++) {
        const uint32_t n = (uint32_t)(out.offsets[v + 1] - out.offsets[v]);
        sum += n ? bench_mix_two(v, n) : 0;
    }
    bench_adjacency_destroy(&out);
    return sum;
}

/* --- Joining --- */

static void pair_ends(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    const bench_edge *from_left = left, *from_right = right;
    for (size_t i = 0; i < len; i++)
        ((bench_edge *)out)[i] = (bench_edge){from_left[i].to, from_right[i].to};
}

static nd_collection joined(const bench_tables *tables)
{
    return nd_join(tables->edges, tables->other_edges, &bench_edge_type, pair_ends, nd_no_user);
}

static const uint32_t none = UINT32_MAX;

/* The first edge of each key, and of each edge the next of its key, by number; or none. */
typedef struct chains {
    const bench_edge *edges;
    uint32_t *first, *next;
    unsigned shift;
} chains;

static inline size_t chain_of(const chains *table, uint32_t key)
{
    return (size_t)((uint64_t)key * UINT64_C(0x9e3779b97f4a7c15) >> table->shift);
}

/* A hash table of as many chains as edges, or up to twice as many. */
static chains make_chains(const bench_edge *edges, size_t len)
{
    unsigned bits = 1;
    while ((size_t)1 << bits < len)
        bits++;
    chains table = {edges, bench_alloc((size_t)1 << bits, sizeof *table.first),
                    bench_alloc(len, sizeof *table.next), 64 - bits};
    memset(table.first, 0xff, ((size_t)1 << bits) * sizeof *table.first);
    for (uint32_t i = 0; i < len; i++) {
        uint32_t *const first = &table.first[chain_of(&table, edges[i].from)];
        table.next[i] = *first;
        *first = i;
    }
    return table;
}

static uint64_t probe(const chains *table, const bench_edge *edges, size_t len)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < len; i++)
        for (uint32_t at = table->first[chain_of(table, edges[i].from)]; at != none;
             at = table->next[at])
            if (table->edges[at].from == edges[i].from)
                sum += bench_mix_two(table->edges[at].to, edges[i].to);
    return sum;
}

static uint64_t plain_joined(const bench_graph *graph)
{
    const size_t n = graph->n_edges / 2;
    bench_edge *left = bench_alloc(n, sizeof *left), *right = bench_alloc(n, sizeof *right);
    bench_edges(graph->n_vertices, graph->first, 2, n, left);
    bench_edges(graph->n_vertices, graph->first + 1, 2, n, right);
    chains table = make_chains(left, n);
    const uint64_t sum = probe(&table, right, n);
    nd_free(table.first);
    nd_free(table.next);
    nd_free(left);
    nd_free(right);
    return sum;
}

const bench_query bench_arranging_queries[] = {
    {.name = "arrange edges",
     .n_vertices = 1000000,
     .n_edges = 10000000,
     .build = arranged,
     .is_arranged = true,
     .plain = plain_arranged,
     .stages = {{"load", 0, 0, {450, 250}, true},
                {"b=1", 1, 400, {1.5, 0}, false},
                {"b=10,000", 10000, 20, {500, 0}, false}},
     .megabytes = 160},
    {.name = "out-degrees",
     .n_vertices = 1000000,
     .n_edges = 10000000,
     .build = degrees,
     .plain = plain_degrees,
     .stages = {{"load", 0, 0, {400, 220}, true},
                {"b=1", 1, 400, {4, 0}, false},
                {"b=100", 100, 100, {60, 0}, false},
                {"b=10,000", 10000, 20, {2500, 0}, false}},
     .megabytes = 200},
    {.name = "join",
     .n_vertices = 5000000,
     .n_edges = 10000000,
     .is_halved = true,
     .build = joined,
     .plain = plain_joined,
     .stages = {{"load", 0, 0, {800, 450}, true}}},
    {.name = NULL},
};
