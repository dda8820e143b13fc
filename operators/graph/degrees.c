/* SPDX-License-Identifier: Apache-2.0 */
/* Degrees: a source that reads them off the graph's offsets, each worker those of its range. */
#include <nereid/batch.h>
#include <nereid/graph.h>
#include <nereid/vertex.h>
#include <nereid/worker.h>

#include "operators/graph/vertex_blocks.h"

const nd_type nd_degree_type = ND_TYPE(nd_degree, 1, ND_FIELD(nd_degree, id),
                                       ND_FIELD(nd_degree, out), ND_FIELD(nd_degree, in));

static void on_activate(nd_vertex *vertex)
{
    const nd_time zero = {0, {0}};
    const nd_graph *const *const graph = nd_vertex_state(vertex);
    const nd_worker *const worker = nd_vertex_worker(vertex);
    const vertex_span own =
        vertex_span_of(*graph, nd_worker_index(worker), nd_worker_peers(worker));
    const uint64_t *const ids = nd_graph_ids(*graph);
    const uint64_t *const out_offsets = nd_graph_out(*graph).offsets, *const in_offsets =
                                                                          nd_graph_in(*graph)
                                                                              .offsets;
    nd_emit *const out = nd_vertex_emit(vertex, 0, &zero);
    for (uint32_t v = own.begin; v < own.end; v++)
        *(nd_degree *)nd_emit_slot(out) = (nd_degree){ids[v], out_offsets[v + 1] - out_offsets[v],
                                                      in_offsets[v + 1] - in_offsets[v]};
    nd_release(vertex, &zero);
}

nd_stream nd_degrees(nd_scope *scope, const nd_graph *graph)
{
    nd_stream out = {NULL};
    if (nd_graph_in(graph).offsets == NULL) {
        nd_dataflow_mistake(nd_scope_dataflow(scope), ND_INVAL,
                            "degrees needs a graph with in-lists");
        return out;
    }
    nd_graph_agree(nd_scope_dataflow(scope), graph);
    nd_vertex *const vertex = nd_vertex_new(scope,
                                            &(nd_vertex_def){.name = "degrees",
                                                             .state_size = sizeof graph,
                                                             .outputs = {&nd_degree_type},
                                                             .on_activate = on_activate},
                                            &out);
    if (vertex != NULL)
        *(const nd_graph **)nd_vertex_state(vertex) = graph;
    return out;
}
