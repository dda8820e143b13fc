/* SPDX-License-Identifier: Apache-2.0 */
/* A graph in memory, fed into a collection: each worker feeds the vertices of its range with their
 * out-edges. */
#include <nereid/graph.h>
#include <nereid/stream.h>
#include <nereid/worker.h>

#include "operators/graph/vertex_blocks.h"

enum { EDGES_AT_ONCE = 512 };

/* Edges on their way into the input. */
typedef struct outgoing {
    nd_input *input;
    size_t len;
    nd_edge edges[EDGES_AT_ONCE];
} outgoing;

static void flush(outgoing *edges)
{
    nd_collection_update_many(edges->input, edges->edges, edges->len, 1);
    edges->len = 0;
}

static void add(outgoing *edges, nd_edge edge)
{
    if (edges->len == EDGES_AT_ONCE)
        flush(edges);
    edges->edges[edges->len++] = edge;
}

void nd_graph_feed(nd_worker *worker, const nd_graph *graph, nd_input *edges)
{
    outgoing share = {.input = edges};
    const uint64_t *const ids = nd_graph_ids(graph);
    const nd_adjacency lists = nd_graph_out(graph);
    const vertex_span own = vertex_span_of(graph, nd_worker_index(worker), nd_worker_peers(worker));
    for (uint32_t v = own.begin; v < own.end; v++) {
        add(&share, (nd_edge){ids[v], ids[v], 1.0});
        for (uint64_t i = lists.offsets[v]; i < lists.offsets[v + 1]; i++)
            add(&share, (nd_edge){ids[v], ids[lists.targets[i]],
                                  lists.weights != NULL ? lists.weights[i] : 1.0});
    }
    flush(&share);
}
