/* SPDX-License-Identifier: Apache-2.0 */
/* That every process has the same graph: they read it by themselves, and an answer is right only if
 * they have read the same. */
#include <inttypes.h>
#include <stdio.h>

#include <nereid/graph.h>

static void agree_on_lists(nd_dataflow *flow, const char *what, nd_adjacency lists, size_t n)
{
    nd_dataflow_agree(flow, what, lists.offsets, (n + 1) * sizeof *lists.offsets);
    if (lists.targets != NULL)
        nd_dataflow_agree(flow, what, lists.targets, lists.offsets[n] * sizeof *lists.targets);
    if (lists.weights != NULL)
        nd_dataflow_agree(flow, what, lists.weights, lists.offsets[n] * sizeof *lists.weights);
}

void nd_graph_agree(nd_dataflow *flow, const nd_graph *graph)
{
    char what[112];
    const nd_graph_counts *const counts = nd_graph_get_counts(graph);
    const size_t n = counts->n_vertices;
    snprintf(what, sizeof what, "graph (here %" PRIu32 " vertices, %" PRIu64 " edges, %s%s)",
             counts->n_vertices, counts->n_edges, counts->is_directed ? "directed" : "undirected",
             nd_graph_out(graph).weights != NULL ? ", weighted" : "");
    nd_dataflow_agree(flow, what, &counts->is_directed, sizeof counts->is_directed);
    nd_dataflow_agree(flow, what, nd_graph_ids(graph), n * sizeof(uint64_t));
    agree_on_lists(flow, what, nd_graph_out(graph), n);
    if (counts->is_directed && nd_graph_in(graph).offsets != NULL)
        agree_on_lists(flow, what, nd_graph_in(graph), n);
}
