/* SPDX-License-Identifier: Apache-2.0 */
/* Plain algorithms: what the definition says, in the plainest loops, on one thread. They are what
 * other answers are checked against, so they share nothing with them. */
#include <math.h>
#include <string.h>

#include <nereid/graph.h>
#include <nereid/memory.h>

#include "operators/graph/pagerank_internal.h"

static uint64_t degree_of(const nd_adjacency *lists, uint32_t vertex)
{
    return lists->offsets[vertex + 1] - lists->offsets[vertex];
}

/* Sets sums[v] to the shares that reach v; returns the mass of vertices without out-edges. */
static double add_shares(const nd_graph *graph, const double *ranks, double *sums)
{
    const uint32_t n = nd_graph_get_counts(graph)->n_vertices;
    const nd_adjacency out = nd_graph_out(graph), in = nd_graph_in(graph);
    long double dangling = 0;
    memset(sums, 0, n * sizeof *sums);
    for (uint32_t v = 0; v < n; v++)
        if (degree_of(&out, v) == 0)
            dangling += ranks[v];
    for (uint32_t v = 0; v < n && out.targets != NULL; v++)
        for (uint64_t i = out.offsets[v]; i < out.offsets[v + 1]; i++)
            sums[out.targets[i]] += ranks[v] / (double)degree_of(&out, v);
    for (uint32_t v = 0; v < n && out.targets == NULL; v++)
        for (uint64_t i = in.offsets[v]; i < in.offsets[v + 1]; i++)
            sums[v] += ranks[in.targets[i]] / (double)degree_of(&out, in.targets[i]);
    return (double)dangling;
}

nd_err nd_plain_pagerank(const nd_graph *graph, const nd_pagerank_options *options, double *ranks,
                         uint32_t *rounds)
{
    const nd_pagerank_options chosen = pagerank_defaults(options);
    const uint32_t n = nd_graph_get_counts(graph)->n_vertices;
    double *const sums = nd_alloc(n, sizeof *sums);
    uint32_t round = 0;
    bool goes_on = n > 0;
    if (sums == NULL)
        return ND_NOMEM;
    for (uint32_t v = 0; v < n; v++)
        ranks[v] = 1.0 / n;
    for (; goes_on && round < chosen.iterations; round++) {
        long double change = 0;
        const double dangling = add_shares(graph, ranks, sums);
        const double base = (1 - chosen.damping) / n + chosen.damping * dangling / n;
        for (uint32_t v = 0; v < n; v++) {
            const double rank = base + chosen.damping * sums[v];
            change += fabs(rank - ranks[v]);
            ranks[v] = rank;
        }
        goes_on = chosen.tolerance == 0 || change >= chosen.tolerance;
    }
    nd_free(sums);
    if (rounds != NULL)
        *rounds = round;
    return ND_OK;
}

void nd_plain_degrees(const nd_graph *graph, uint64_t *out, uint64_t *in)
{
    const uint32_t n = nd_graph_get_counts(graph)->n_vertices;
    const nd_adjacency from = nd_graph_out(graph), to = nd_graph_in(graph);
    const nd_adjacency *const listed = from.targets != NULL ? &from : &to;
    uint64_t *const listed_degrees = from.targets != NULL ? out : in;
    uint64_t *const other_degrees = from.targets != NULL ? in : out;
    memset(other_degrees, 0, n * sizeof *other_degrees);
    for (uint32_t v = 0; v < n; v++) {
        listed_degrees[v] = degree_of(listed, v);
        for (uint64_t i = listed->offsets[v]; i < listed->offsets[v + 1]; i++)
            other_degrees[listed->targets[i]]++;
    }
}
