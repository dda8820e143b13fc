/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PageRank in whole numbers: each vertex has so many surfers, of whom five in six go on along its
 * edges, as many along each, and a sixth comes anew. How many are at a vertex is how often it is in
 * the collection. The limit pushes them along out-edges, with the same rounding.
 */
#include <nereid/memory.h>

#include "bench/query.h"

enum { ROUNDS = 10, AT_FIRST = 6000000, ANEW = 1000000 };

static int64_t share(int64_t n_surfers, int64_t degree) { return 5 * n_surfers / (6 * degree); }

/* --- Nereid --- */

static void repeat(const bench_vertex *vertices, size_t len, bench_vertex *out, int64_t *weights,
                   int64_t weight)
{
    for (size_t i = 0; i < len; i++) {
        out[i] = vertices[i];
        weights[i] = weight;
    }
}

static void be_there_at_first(void *user, const void *records, size_t len, void *out,
                              int64_t *weights)
{
    (void)user;
    repeat(records, len, out, weights, AT_FIRST);
}

static void come_anew(void *user, const void *records, size_t len, void *out, int64_t *weights)
{
    (void)user;
    repeat(records, len, out, weights, ANEW);
}

static void with_degree(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user, (void)right;
    const bench_tally *degrees = left;
    for (size_t i = 0; i < len; i++)
        ((bench_tally *)out)[i] = degrees[i];
}

static int64_t share_of(void *user, const void *record, int64_t n_surfers)
{
    (void)user;
    const bench_tally *degree = record;
    return share(n_surfers, degree->n);
}

static void vertex_of(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const bench_tally *degrees = records;
    for (size_t i = 0; i < len; i++)
        ((bench_vertex *)out)[i] = (bench_vertex){degrees[i].vertex};
}

static void target(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user, (void)right;
    const bench_edge *edges = left;
    for (size_t i = 0; i < len; i++)
        ((bench_vertex *)out)[i] = (bench_vertex){edges[i].to};
}

/* What the loop brings in. */
typedef struct surfing {
    nd_collection edges, degrees, anew;
} surfing;

static nd_collection one_round(nd_scope *loop, nd_collection surfers, void *arg)
{
    const surfing *all = arg;
    nd_collection degrees = nd_collection_enter(loop, all->degrees);
    nd_collection edges = nd_collection_enter(loop, all->edges);
    nd_collection at = nd_join(degrees, surfers, &bench_tally_type, with_degree, nd_no_user);
    nd_collection going = nd_collection_map(nd_threshold(at, share_of, nd_no_user),
                                            &bench_vertex_type, vertex_of, nd_no_user);
    nd_collection gone = nd_join(edges, going, &bench_vertex_type, target, nd_no_user);
    return nd_collection_concat(gone, nd_collection_enter(loop, all->anew));
}

static nd_collection surfers(const bench_tables *tables)
{
    nd_collection first =
        nd_collection_explode(tables->vertices, &bench_vertex_type, be_there_at_first, nd_no_user);
    surfing all = {
        .edges = nd_arrange(tables->edges),
        .degrees = nd_arrange(nd_count(tables->edges, &bench_tally_type)),
        .anew = nd_collection_explode(tables->vertices, &bench_vertex_type, come_anew, nd_no_user)};
    return nd_iterate_at_most(first, one_round, &all, ROUNDS, ND_AT_LIMIT_RETURN);
}

/* --- The limit --- */

static void push(const bench_adjacency *out, const int64_t *now, int64_t *next)
{
    for (uint32_t v = 0; v < out->n_vertices; v++)
        next[v] = ANEW;
    for (uint32_t v = 0; v < out->n_vertices; v++) {
        const size_t begin = out->offsets[v], end = out->offsets[v + 1];
        const int64_t n = begin == end ? 0 : share(now[v], (int64_t)(end - begin));
        for (size_t i = begin; i < end; i++)
            next[out->targets[i]] += n;
    }
}

static uint64_t plain_surfers(const bench_graph *graph)
{
    bench_adjacency out = bench_adjacency_create(graph, BENCH_ANY_ORDER);
    const uint32_t n = out.n_vertices;
    int64_t *now = bench_alloc(n, sizeof *now), *next = bench_alloc(n, sizeof *next);
    uint64_t sum = 0;
    for (uint32_t v = 0; v < n; v++)
        now[v] = AT_FIRST;
    for (unsigned round = 0; round < ROUNDS; round++) {
        push(&out, now, next);
        int64_t *const before = now;
        now = next;
        next = before;
    }
    for (uint32_t v = 0; v < n; v++)
        sum += (uint64_t)now[v] * bench_mix(0, v);
    nd_free(now);
    nd_free(next);
    bench_adjacency_destroy(&out);
    return sum;
}

const bench_query bench_surfing_queries[] = {
    {.name = "PageRank, 10 rounds",
     .n_vertices = 100000,
     .n_edges = 1000000,
     .given = BENCH_ALL_VERTICES,
     .build = surfers,
     .plain = plain_surfers,
     .stages = {{"load", 0, 0, {600, 0}, true}, {"b=1", 1, 10, {200000, 0}, true}}},
    {.name = NULL},
};
