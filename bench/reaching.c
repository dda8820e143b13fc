/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loops that follow edges until nothing changes: distances from a vertex, and connected components.
 * The limits are a search with a queue, and union-find.
 */
#include <string.h>

#include <nereid/memory.h>

#include "bench/query.h"

/* Of a vertex: its distance from vertex 0, or the least vertex that is connected with it. */
typedef struct label {
    uint32_t vertex, value;
} label;
static const nd_type label_type =
    ND_TYPE(label, 1, ND_FIELD(label, vertex), ND_FIELD(label, value));

static uint64_t sum_labels(const uint32_t *values, uint32_t n_vertices)
{
    uint64_t sum = 0;
    for (uint32_t v = 0; v < n_vertices; v++)
        sum += values[v] == UINT32_MAX ? 0 : bench_mix_two(v, values[v]);
    return sum;
}

/* --- Distances --- */

static void one_further(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    const label *reached = left;
    const bench_edge *edges = right;
    for (size_t i = 0; i < len; i++)
        ((label *)out)[i] = (label){edges[i].to, reached[i].value + 1};
}

static nd_collection shortest(nd_scope *loop, nd_collection distances, void *arg)
{
    const nd_collection *tables = arg; /* the edges, and the start */
    nd_collection edges = nd_collection_enter(loop, tables[0]);
    nd_collection start = nd_collection_enter(loop, tables[1]);
    nd_collection next = nd_join(distances, edges, &label_type, one_further, nd_no_user);
    return nd_min(nd_collection_concat(next, start));
}

static void begin_at(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const bench_vertex *vertices = records;
    for (size_t i = 0; i < len; i++)
        ((label *)out)[i] = (label){vertices[i].id, 0};
}

static nd_collection distances(const bench_tables *tables)
{
    nd_collection start = nd_collection_map(tables->vertices, &label_type, begin_at, nd_no_user);
    nd_collection brought_in[] = {nd_arrange(tables->edges), start};
    return nd_iterate(start, shortest, brought_in);
}

static uint64_t plain_distances(const bench_graph *graph)
{
    bench_adjacency out = bench_adjacency_create(graph, BENCH_ANY_ORDER);
    uint32_t *distance = bench_alloc(out.n_vertices, sizeof *distance);
    uint32_t *queue = bench_alloc(out.n_vertices, sizeof *queue);
    uint32_t n_queued = 1;
    memset(distance, 0xff, out.n_vertices * sizeof *distance);
    distance[0] = queue[0] = 0;
    for (uint32_t at = 0; at < n_queued; at++)
        for (size_t i = out.offsets[queue[at]]; i < out.offsets[queue[at] + 1]; i++) {
            const uint32_t target = out.targets[i];
            if (distance[target] != UINT32_MAX)
                continue;
            distance[target] = distance[queue[at]] + 1;
            queue[n_queued++] = target;
        }
    const uint64_t sum = sum_labels(distance, out.n_vertices);
    nd_free(distance);
    nd_free(queue);
    bench_adjacency_destroy(&out);
    return sum;
}

/* --- Connected components --- */

static void own_label(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const bench_vertex *vertices = records;
    for (size_t i = 0; i < len; i++)
        ((label *)out)[i] = (label){vertices[i].id, vertices[i].id};
}

/* The least labels come first, and have got everywhere before the many great ones come, of which
 * few then get any further. */
static void by_logarithm(void *user, const void *records, size_t len, uint32_t *rounds)
{
    enum { ROUNDS = 256 };
    (void)user;
    const label *labels = records;
    for (size_t i = 0; i < len; i++) {
        rounds[i] = 0;
        for (uint32_t rest = labels[i].value; rest != 0; rest >>= 1)
            rounds[i] += ROUNDS;
    }
}

static void hand_on(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    const label *labels = left;
    const bench_edge *edges = right;
    for (size_t i = 0; i < len; i++)
        ((label *)out)[i] = (label){edges[i].to, labels[i].value};
}

static nd_collection components(const bench_tables *tables)
{
    nd_scope *loop = nd_loop_new(nd_stream_scope(tables->edges.stream), "components");
    nd_collection turned =
        nd_collection_map(tables->edges, &bench_edge_type, bench_turn, nd_no_user);
    nd_collection edges = nd_arrange(nd_collection_concat(tables->edges, turned));
    nd_collection own = nd_collection_map(tables->vertices, &label_type, own_label, nd_no_user);
    nd_variable variable;
    nd_collection proposals = nd_variable_new(loop, &label_type, &variable);
    nd_collection late = nd_collection_enter_at(loop, own, by_logarithm, nd_no_user);
    nd_collection labels = nd_min(nd_collection_concat(proposals, late));
    nd_variable_set(&variable, nd_join(labels, nd_collection_enter(loop, edges), &label_type,
                                       hand_on, nd_no_user));
    return nd_collection_leave(labels);
}

static uint32_t find(uint32_t *parents, uint32_t v)
{
    while (parents[v] != v)
        v = parents[v] = parents[parents[v]];
    return v;
}

/* The lesser of two roots stays one, so a root is the least of its component. */
static uint64_t plain_components(const bench_graph *graph)
{
    enum { PIECE = 4096 };
    bench_edge edges[PIECE];
    uint32_t *parents = bench_alloc(graph->n_vertices, sizeof *parents);
    for (uint32_t v = 0; v < graph->n_vertices; v++)
        parents[v] = v;
    for (size_t at = 0, len; at < graph->n_edges; at += len) {
        len = graph->n_edges - at < PIECE ? graph->n_edges - at : PIECE;
        bench_edges(graph->n_vertices, graph->first + at, 1, len, edges);
        for (size_t i = 0; i < len; i++) {
            const uint32_t a = find(parents, edges[i].from), b = find(parents, edges[i].to);
            parents[a < b ? b : a] = a < b ? a : b;
        }
    }
    for (uint32_t v = 0; v < graph->n_vertices; v++)
        parents[v] = find(parents, v);
    const uint64_t sum = sum_labels(parents, graph->n_vertices);
    nd_free(parents);
    return sum;
}

const bench_query bench_reaching_queries[] = {
    {.name = "BFS",
     .n_vertices = 1000000,
     .n_edges = 10000000,
     .given = BENCH_VERTEX_0,
     .build = distances,
     .plain = plain_distances,
     .stages = {{"load", 0, 0, {1300, 750}, true},
                {"b=1", 1, 200, {25, 0}, false},
                {"b=10", 10, 100, {100, 0}, false},
                {"b=1,000", 1000, 20, {8000, 0}, false}},
     .megabytes = 200},
    {.name = "WCC",
     .n_vertices = 1000000,
     .n_edges = 10000000,
     .given = BENCH_ALL_VERTICES,
     .build = components,
     .plain = plain_components,
     .stages = {{"load", 0, 0, {3500, 0}, true},
                {"b=1", 1, 200, {50, 0}, false},
                {"b=100", 100, 50, {2000, 0}, false}},
     .megabytes = 600},
    {.name = NULL},
};
