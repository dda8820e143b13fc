/* SPDX-License-Identifier: Apache-2.0 */
/* Plain searches: a queue, a heap, and a walk through each component, on one thread. */
#include <math.h>

#include <nereid/graph.h>
#include <nereid/memory.h>

nd_err nd_plain_bfs(const nd_graph *graph, uint32_t source, uint64_t *hops)
{
    const uint32_t n = nd_graph_get_counts(graph)->n_vertices;
    const nd_adjacency out = nd_graph_out(graph);
    uint32_t *const queue = nd_alloc(n, sizeof *queue);
    uint32_t n_seen = 0;
    if (queue == NULL)
        return ND_NOMEM;
    for (uint32_t v = 0; v < n; v++)
        hops[v] = ND_UNREACHABLE;
    if (source < n) {
        hops[source] = 0;
        queue[n_seen++] = source;
    }
    for (uint32_t next = 0; next < n_seen; next++)
        for (uint64_t i = out.offsets[queue[next]]; i < out.offsets[queue[next] + 1]; i++)
            if (hops[out.targets[i]] == ND_UNREACHABLE) {
                hops[out.targets[i]] = hops[queue[next]] + 1;
                queue[n_seen++] = out.targets[i];
            }
    nd_free(queue);
    return ND_OK;
}

/* --- Dijkstra --- */

/* A binary heap of vertices, nearest first. A vertex stands in it once for each time it got nearer;
 * all but the nearest are passed over. */
typedef struct visit {
    double distance;
    uint32_t vertex;
} visit;

typedef struct visit_heap {
    visit *visits;
    size_t len;
} visit_heap;

static void push(visit_heap *heap, visit added)
{
    size_t place = heap->len++;
    while (place > 0 && heap->visits[(place - 1) / 2].distance > added.distance) {
        heap->visits[place] = heap->visits[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    heap->visits[place] = added;
}

static visit pop(visit_heap *heap)
{
    const visit first = heap->visits[0], last = heap->visits[--heap->len];
    size_t place = 0;
    for (;;) {
        size_t child = 2 * place + 1;
        if (child + 1 < heap->len &&
            heap->visits[child + 1].distance < heap->visits[child].distance)
            child++;
        if (child >= heap->len || heap->visits[child].distance >= last.distance)
            break;
        heap->visits[place] = heap->visits[child];
        place = child;
    }
    heap->visits[place] = last;
    return first;
}

/* A visit of a vertex may bring its neighbours nearer. */
static void go_on_from(const nd_adjacency *out, visit at, double *distances, visit_heap *heap)
{
    for (uint64_t i = out->offsets[at.vertex]; i < out->offsets[at.vertex + 1]; i++) {
        const uint32_t to = out->targets[i];
        const double distance = at.distance + (out->weights != NULL ? out->weights[i] : 1.0);
        if (distance < distances[to]) {
            distances[to] = distance;
            push(heap, (visit){distance, to});
        }
    }
}

nd_err nd_plain_sssp(const nd_graph *graph, uint32_t source, double *distances)
{
    const uint32_t n = nd_graph_get_counts(graph)->n_vertices;
    const nd_adjacency out = nd_graph_out(graph);
    visit_heap heap = {.len = 0};
    heap.visits = nd_alloc(out.offsets[n] + 1, sizeof *heap.visits);
    if (heap.visits == NULL)
        return ND_NOMEM;
    for (uint32_t v = 0; v < n; v++)
        distances[v] = INFINITY;
    if (source < n) {
        distances[source] = 0;
        push(&heap, (visit){0, source});
    }
    while (heap.len > 0) {
        const visit at = pop(&heap);
        if (at.distance == distances[at.vertex])
            go_on_from(&out, at, distances, &heap);
    }
    nd_free(heap.visits);
    return ND_OK;
}

/* --- Components --- */

/* The least vertex of v's set; on the way there, sets get flatter. */
static uint32_t find_least(uint32_t *parents, uint32_t v)
{
    while (parents[v] != v) {
        parents[v] = parents[parents[v]];
        v = parents[v];
    }
    return v;
}

nd_err nd_plain_wcc(const nd_graph *graph, uint64_t *components)
{
    const uint32_t n = nd_graph_get_counts(graph)->n_vertices;
    const nd_adjacency out = nd_graph_out(graph);
    uint32_t *const parents = nd_alloc(n, sizeof *parents);
    if (parents == NULL)
        return ND_NOMEM;
    for (uint32_t v = 0; v < n; v++)
        parents[v] = v;
    for (uint32_t v = 0; v < n; v++)
        for (uint64_t i = out.offsets[v]; i < out.offsets[v + 1]; i++) {
            const uint32_t a = find_least(parents, v), b = find_least(parents, out.targets[i]);
            parents[a > b ? a : b] = a > b ? b : a;
        }
    for (uint32_t v = 0; v < n; v++)
        components[v] = nd_graph_ids(graph)[find_least(parents, v)];
    nd_free(parents);
    return ND_OK;
}
