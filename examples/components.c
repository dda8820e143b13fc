/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connected components that stay up to date: of each node, the least node that can be reached from
 * it along edges, which is the same for all nodes of a component and for no others; while edges
 * come and go.
 *
 *     components [-w WORKERS] [FILE]        prints `DIFFERENCE (epoch) component|NODE|LEAST` for
 *                                           each change; FILE has an edge a line, `NODE NODE`
 *
 * A query over collections, in a loop: in each round a node takes the least label of its neighbours
 * and its own. That an edge has gone is as good a change as that one has come: labels that came
 * over it go, round by round, as they came.
 *
 * Edges come in epochs 0 to 9, a tenth of them at a time, and go again in epochs 10 to 19, in the
 * order in which they came.
 */
#include <string.h>

#include "examples/table_file.h"
#include "examples/view.h"

typedef struct {
    uint32_t from, to;
} edge;
static const nd_type edge_type = ND_TYPE(edge, 1, ND_FIELD(edge, from), ND_FIELD(edge, to));

typedef struct {
    uint32_t node, least;
} label;
static const nd_type label_type = ND_TYPE(label, 1, ND_FIELD(label, node), ND_FIELD(label, least));

static void turn_round(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const edge *edges = records;
    for (size_t i = 0; i < len; i++)
        ((edge *)out)[i] = (edge){edges[i].to, edges[i].from};
}

static void label_by_itself(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const edge *edges = records;
    for (size_t i = 0; i < len; i++)
        ((label *)out)[i] = (label){edges[i].from, edges[i].from};
}

/* The label of a node, for the node at the other end of an edge. */
static void hand_over(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    const label *labels = left;
    const edge *edges = right;
    for (size_t i = 0; i < len; i++)
        ((label *)out)[i] = (label){edges[i].to, labels[i].least};
}

/* The collections that the loop brings in. */
struct graph {
    nd_collection edges, nodes;
};

static nd_collection spread(nd_scope *loop, nd_collection labels, void *arg)
{
    const struct graph *graph = arg;
    nd_collection edges = nd_collection_enter(loop, graph->edges);
    nd_collection nodes = nd_collection_enter(loop, graph->nodes);
    nd_collection next = nd_join(labels, edges, &label_type, hand_over, nd_no_user);
    return nd_min(nd_collection_concat(next, nodes)); /* the least of each node */
}

static nd_collection components(nd_collection edges)
{
    nd_collection back = nd_collection_map(edges, &edge_type, turn_round, nd_no_user);
    nd_collection both = nd_arrange(nd_collection_concat(edges, back)); /* once, for all rounds */
    nd_collection own = nd_collection_map(both, &label_type, label_by_itself, nd_no_user);
    struct graph graph = {both, nd_distinct(own)};
    return nd_iterate(graph.nodes, spread, &graph);
}

/* --- Edges --- */

enum { TENTHS = 10, MOST_EDGES = 4096 };

typedef struct {
    size_t n;
    edge edges[MOST_EDGES];
} edge_list;

/* Three rings of five; then the first is tied to the second, and the second to the third. */
static void make_rings(edge_list *list)
{
    list->n = 0;
    for (uint32_t i = 0; i < 15; i++)
        list->edges[list->n++] = (edge){i, i / 5 * 5 + (i + 1) % 5};
    list->edges[list->n++] = (edge){3, 8};
    list->edges[list->n++] = (edge){7, 11};
}

static nd_err read_edges(nd_worker *worker, const char *path, edge_list *list)
{
    table_file file;
    list->n = 0;
    table_open(&file, NULL, path, ' ');
    while (table_next(&file)) {
        const nd_bytes first = table_text(&file, 0);
        if (first.size == 0 || memcmp(first.data, "#", 1) == 0)
            continue;
        if (list->n == MOST_EDGES)
            table_mistake(&file, "more edges than this example takes");
        else
            list->edges[list->n++] = (edge){table_id(&file, 0), table_id(&file, 1)};
    }
    return table_close(&file, worker);
}

static nd_err program(nd_worker *worker, void *arg)
{
    char **paths = arg;
    nd_input *input;
    views all = {.n = 0};
    edge_list list;
    nd_dataflow *flow = nd_dataflow_new(worker, "components");
    nd_collection edges = nd_collection_input_new(flow, &edge_type, &input);
    view_print(&all, components(edges), "component");
    ND_TRY(nd_dataflow_start(flow));

    if (paths[0] == NULL)
        make_rings(&list);
    else
        ND_TRY(read_edges(worker, paths[0], &list));
    for (size_t epoch = 0; epoch < 2 * TENTHS; epoch++) {
        const size_t tenth = epoch % TENTHS, end = list.n * (tenth + 1) / TENTHS;
        for (size_t i = list.n * tenth / TENTHS; i < end; i++)
            if (i % nd_worker_peers(worker) == nd_worker_index(worker))
                nd_collection_update(input, &list.edges[i], epoch < TENTHS ? 1 : -1);
        nd_input_advance(input, epoch + 1);
    }
    nd_input_close(input);
    return nd_worker_run(worker);
}

int main(int argc, char **argv) { return nd_main(argc, argv, program, argv + 1); }
