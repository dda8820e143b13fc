/* SPDX-License-Identifier: Apache-2.0 */
/* A graph in memory: what can be asked of it. It never changes once built, so any thread may ask.
 */
#include <nereid/graph.h>
#include <nereid/memory.h>

#include "operators/graph/graph_internal.h"

void nd_graph_destroy(nd_graph *graph)
{
    if (graph == NULL)
        return;
    neighbour_lists_deinit(&graph->out);
    neighbour_lists_deinit(&graph->in);
    nd_free(graph->ids);
    nd_free(graph);
}

const nd_graph_counts *nd_graph_get_counts(const nd_graph *graph) { return &graph->counts; }

const uint64_t *nd_graph_ids(const nd_graph *graph) { return graph->ids; }

bool nd_graph_find(const nd_graph *graph, uint64_t id, uint32_t *dense)
{
    uint32_t low = 0, high = graph->counts.n_vertices;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (graph->ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == graph->counts.n_vertices || graph->ids[low] != id)
        return false;
    *dense = low;
    return true;
}

static nd_adjacency view(const neighbour_lists *lists)
{
    return (nd_adjacency){lists->offsets, lists->targets, lists->weights};
}

nd_adjacency nd_graph_out(const nd_graph *graph) { return view(&graph->out); }

nd_adjacency nd_graph_in(const nd_graph *graph)
{
    return view(graph->counts.is_directed ? &graph->in : &graph->out);
}
