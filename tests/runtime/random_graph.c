/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scope is a chain of locations, some steps of which lead through an inner scope. Backward edges
 * advance the scope's own counter, or one further out.
 */
#include "tests/runtime/random_graph.h"

enum { CROWDED = 40, CHAIN = 4 };

static uint32_t add_location(closure_graph *graph, unsigned n_loops)
{
    graph->n_loops[graph->n_locations] = n_loops;
    return graph->n_locations++;
}

static closure_edge *add_edge(closure_graph *graph, uint32_t from, uint32_t to)
{
    closure_edge *edge = &graph->edges[graph->n_edges++];
    *edge = (closure_edge){.from = from, .to = to};
    return edge;
}

static bool one_in(nd_random *random, unsigned n) { return nd_random_below(random, n) == 0; }

/* Shortcuts, and steps that delay a coordinate of the scope. */
static void add_forward(nd_random *random, closure_graph *graph, const uint32_t *chain, size_t len,
                        unsigned n_loops)
{
    for (uint64_t n = nd_random_below(random, 3); n > 0; n--) {
        const size_t from = nd_random_below(random, len - 1);
        const size_t to = from + 1 + nd_random_below(random, len - 1 - from);
        closure_edge *edge = add_edge(graph, chain[from], chain[to]);
        if (one_in(random, 4))
            edge->adds[nd_random_below(random, n_loops + 1)] = 1 + nd_random_below(random, 3);
    }
}

static void add_backward(nd_random *random, closure_graph *graph, const uint32_t *chain, size_t len,
                         unsigned n_loops)
{
    const size_t a = nd_random_below(random, len);
    const size_t b = nd_random_below(random, len);
    closure_edge *edge = add_edge(graph, chain[a > b ? a : b], chain[a > b ? b : a]);
    const unsigned k = one_in(random, 8) ? (unsigned)nd_random_below(random, n_loops + 1) : n_loops;
    edge->adds[k] = one_in(random, 4) ? 2 : 1;
}

static void add_scope(nd_random *random, closure_graph *graph, unsigned n_loops, uint32_t *first,
                      uint32_t *last);

/* From `here` into a loop and out of it again: returns where. As deep as loops nest, so at most
 * four calls inside one another. */
static uint32_t pass_through_loop(nd_random *random, closure_graph *graph, uint32_t here,
                                  unsigned n_loops)
{
    uint32_t first;
    uint32_t last;
    add_scope(random, graph, n_loops + 1, &first, &last);
    add_edge(graph, here, first);
    const uint32_t after = add_location(graph, n_loops);
    add_edge(graph, last, after)->clears[n_loops + 1] = true;
    return after;
}

static void add_scope(nd_random *random, closure_graph *graph, unsigned n_loops, uint32_t *first,
                      uint32_t *last)
{
    uint32_t chain[CHAIN];
    size_t len = 1 + nd_random_below(random, CHAIN - 1);
    uint32_t here = *first = chain[0] = add_location(graph, n_loops);
    for (size_t i = 1; i <= len; i++) {
        const bool nests = n_loops < ND_MAX_LOOPS && graph->n_locations < CROWDED;
        if (nests && !one_in(random, 3)) {
            here = pass_through_loop(random, graph, here, n_loops);
            if (one_in(random, 3) && graph->n_locations < CROWDED)
                here = pass_through_loop(random, graph, here, n_loops);
        } else {
            const uint32_t after = add_location(graph, n_loops);
            closure_edge *edge = add_edge(graph, here, after);
            edge->adds[n_loops] = one_in(random, 6);
            here = after;
        }
        chain[i] = here;
    }
    len++;
    *last = here;
    add_forward(random, graph, chain, len, n_loops);
    for (uint64_t n = n_loops > 0 ? 1 + nd_random_below(random, 2) : one_in(random, 8); n > 0; n--)
        add_backward(random, graph, chain, len, n_loops);
}

void random_graph_nested(nd_random *random, closure_graph *graph)
{
    *graph = (closure_graph){.n_locations = 0};
    uint32_t first;
    uint32_t last;
    add_scope(random, graph, 0, &first, &last);
}

void random_graph_any(nd_random *random, closure_graph *graph)
{
    *graph = (closure_graph){.n_locations = 0};
    const uint32_t n = 1 + (uint32_t)nd_random_below(random, 8);
    for (uint32_t i = 0; i < n; i++)
        add_location(graph, ND_MAX_LOOPS);
    for (uint64_t n_edges = nd_random_below(random, 2 * n + 1); n_edges > 0; n_edges--) {
        closure_edge *edge = add_edge(graph, (uint32_t)nd_random_below(random, n),
                                      (uint32_t)nd_random_below(random, n));
        for (unsigned k = 0; k < ND_COORDINATES; k++) {
            edge->clears[k] = k > 0 && one_in(random, 8);
            edge->adds[k] = one_in(random, 4) ? 1 + nd_random_below(random, 2) : 0;
        }
    }
}

nd_time random_graph_time(nd_random *random, unsigned n_loops, uint64_t most, bool near_end)
{
    const uint64_t epoch = nd_random_below(random, most);
    nd_time time = {.epoch = near_end ? UINT64_MAX - epoch : epoch};
    for (unsigned k = 0; k < n_loops; k++) {
        const uint32_t counter = (uint32_t)nd_random_below(random, most);
        time.loop[k] = near_end ? UINT32_MAX - counter : counter;
    }
    return time;
}
