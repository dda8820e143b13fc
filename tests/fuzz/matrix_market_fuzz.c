/* SPDX-License-Identifier: Apache-2.0 */
/* Graph files of any kind, compressed ones included, built into a graph: an error or a graph that
 * holds together. */
#include <stdlib.h>
#include <string.h>

#include <nereid/graph.h>

#include "tests/support/fuzz.h"

enum { MOST_BYTES = 1 << 16 };

static void check(bool is_right)
{
    if (!is_right)
        abort();
}

/* Every list ascending, every neighbour a vertex, nobody its own. */
static void check_lists(const nd_graph_counts *counts, nd_adjacency lists)
{
    for (uint32_t v = 0; v < counts->n_vertices; v++)
        for (uint64_t i = lists.offsets[v]; i < lists.offsets[v + 1]; i++) {
            check(lists.targets[i] < counts->n_vertices && lists.targets[i] != v);
            check(i == lists.offsets[v] || lists.targets[i - 1] < lists.targets[i]);
        }
    check(lists.offsets[counts->n_vertices] == (counts->is_directed ? 1 : 2) * counts->n_edges);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    nd_reader *bytes;
    nd_graph_builder *builder;
    nd_graph *graph = NULL;
    nd_message message = {""};
    const nd_graph_options options = {.keep_weights = true, .lists = ND_BOTH_LISTS};
    if (size > MOST_BYTES)
        return 0;
    check(nd_graph_builder_create(&options, &builder) == ND_OK);
    nd_err err = nd_reader_open_memory("fuzz", data, size, &bytes, &message);
    if (err == ND_OK)
        err = nd_graph_builder_read_bytes(builder, bytes, &message);
    if (err == ND_OK)
        err = nd_graph_builder_finish(builder, &graph, &message);
    check(err == ND_OK || (err == ND_INPUT && strncmp(message.text, "fuzz", 4) == 0));
    if (err == ND_OK) {
        check_lists(nd_graph_get_counts(graph), nd_graph_out(graph));
        check_lists(nd_graph_get_counts(graph), nd_graph_in(graph));
    }
    nd_graph_destroy(graph);
    nd_graph_builder_destroy(builder);
    return 0;
}
