/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of a graph that stay up to date: airports are its nodes, and there is an edge where a
 * route leads, over the history of the table of routes.
 *
 *     flight_network [-w WORKERS] FILE
 *
 * prints, for each change, `DIFFERENCE (epoch) number|NAME|VALUE`, and for the number of airports
 * that a journey from one of them reaches with so many flights and not with fewer, `DIFFERENCE
 * (epoch) level|FLIGHTS|AIRPORTS`. FILE is as flights.c reads it.
 *
 *     vertices arcs edges        nodes, pairs from and to, pairs without a direction
 *     wcc largest_wcc            connected components, and the nodes of the largest
 *     triangles                  three edges that close
 *
 * Two of them are loops: labels that spread along edges, and distances that grow along arcs.
 */
#include <string.h>

#include "examples/table_file.h"
#include "examples/view.h"

enum { HOME = 3682 }; /* where journeys begin */

typedef struct {
    uint32_t from, to;
} edge;
static const nd_type edge_type = ND_TYPE(edge, 1, ND_FIELD(edge, from), ND_FIELD(edge, to));
static const nd_type whole_edge_type = ND_TYPE(edge, 2, ND_FIELD(edge, from), ND_FIELD(edge, to));

typedef struct {
    uint32_t node;
} node;
static const nd_type node_type = ND_TYPE(node, 1, ND_FIELD(node, node));

/* The least node of its component, or the number of flights to it. */
typedef struct {
    uint32_t node, value;
} label;
static const nd_type label_type = ND_TYPE(label, 1, ND_FIELD(label, node), ND_FIELD(label, value));

typedef struct {
    int64_t value;
} value;
static const nd_type value_type = ND_TYPE(value, 1, ND_FIELD(value, value));

typedef struct {
    int64_t value, n;
} tally;
static const nd_type tally_type = ND_TYPE(tally, 1, ND_FIELD(tally, value), ND_FIELD(tally, n));

/* --- Numbers: each record becomes its name, and names are counted --- */

typedef struct {
    nd_bytes name;
} called;
static const nd_type called_type = ND_TYPE(called, 1, ND_FIELD(called, name));

typedef struct {
    nd_bytes name;
    int64_t n;
} number;
static const nd_type number_type = ND_TYPE(number, 1, ND_FIELD(number, name), ND_FIELD(number, n));

static void become_name(void *user, const void *records, size_t len, void *out)
{
    (void)records;
    for (size_t i = 0; i < len; i++)
        ((called *)out)[i] = (called){{user, strlen(user)}};
}

static nd_collection number_of(nd_collection collection, char *name)
{
    nd_collection names =
        nd_collection_map(collection, &called_type, become_name, (nd_user){name, NULL});
    return nd_count(names, &number_type);
}

/* --- Nodes and edges --- */

static void turn_round(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const edge *edges = records;
    for (size_t i = 0; i < len; i++)
        ((edge *)out)[i] = (edge){edges[i].to, edges[i].from};
}

static void put_in_order(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const edge *edges = records;
    for (size_t i = 0; i < len; i++) {
        const bool is_ordered = edges[i].from < edges[i].to;
        ((edge *)out)[i] = is_ordered ? edges[i] : (edge){edges[i].to, edges[i].from};
    }
}

static void begin_of(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((node *)out)[i] = (node){((const edge *)records)[i].from};
}

/* Arranged, each read by several. */
struct graph {
    nd_collection arcs;
    nd_collection edges; /* from the lesser node to the greater */
    nd_collection both;  /* and back */
    nd_collection nodes;
};

static struct graph graph_of(nd_collection routes)
{
    struct graph graph;
    graph.arcs = nd_arrange(nd_distinct(routes));
    graph.edges = nd_arrange(
        nd_distinct(nd_collection_map(graph.arcs, &edge_type, put_in_order, nd_no_user)));
    nd_collection back = nd_collection_map(graph.edges, &edge_type, turn_round, nd_no_user);
    graph.both = nd_arrange(nd_collection_concat(graph.edges, back));
    graph.nodes = nd_distinct(nd_collection_map(graph.both, &node_type, begin_of, nd_no_user));
    return graph;
}

/* --- Components --- */

struct spreading {
    nd_collection edges, start;
    nd_join_fn *along;
};

static nd_collection spread(nd_scope *loop, nd_collection labels, void *arg)
{
    const struct spreading *self = arg;
    nd_collection edges = nd_collection_enter(loop, self->edges);
    nd_collection start = nd_collection_enter(loop, self->start);
    nd_collection next = nd_join(labels, edges, &label_type, self->along, nd_no_user);
    return nd_min(nd_collection_concat(next, start));
}

static void hand_over(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    const label *labels = left;
    const edge *edges = right;
    for (size_t i = 0; i < len; i++)
        ((label *)out)[i] = (label){edges[i].to, labels[i].value};
}

static void label_by_itself(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const node *nodes = records;
    for (size_t i = 0; i < len; i++)
        ((label *)out)[i] = (label){nodes[i].node, nodes[i].node};
}

static void value_of(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((value *)out)[i] = (value){((const label *)records)[i].value};
}

/* How many nodes have each value. */
static nd_collection count_values(nd_collection labels)
{
    return nd_count(nd_collection_map(labels, &value_type, value_of, nd_no_user), &tally_type);
}

static nd_collection component_sizes(const struct graph *graph)
{
    struct spreading labels = {
        .edges = graph->both,
        .start = nd_collection_map(graph->nodes, &label_type, label_by_itself, nd_no_user),
        .along = hand_over};
    return count_values(nd_iterate(labels.start, spread, &labels));
}

static void name_size(void *user, const void *records, size_t len, void *out)
{
    const tally *sizes = records;
    for (size_t i = 0; i < len; i++)
        ((number *)out)[i] = (number){{user, strlen(user)}, sizes[i].n};
}

/* --- Levels of a search, breadth first --- */

static void is_home(void *user, const void *records, size_t len, bool *keep)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        keep[i] = ((const node *)records)[i].node == HOME;
}

static void at_distance_zero(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((label *)out)[i] = (label){((const node *)records)[i].node, 0};
}

static void one_further(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    const label *distances = left;
    const edge *arcs = right;
    for (size_t i = 0; i < len; i++)
        ((label *)out)[i] = (label){arcs[i].to, distances[i].value + 1};
}

static nd_collection levels(const struct graph *graph)
{
    nd_collection home = nd_collection_filter(graph->nodes, is_home, nd_no_user);
    struct spreading distances = {
        .edges = graph->arcs,
        .start = nd_collection_map(home, &label_type, at_distance_zero, nd_no_user),
        .along = one_further};
    return count_values(nd_iterate(distances.start, spread, &distances));
}

/* --- Triangles --- */

/* Two edges from one node: the third that would close a triangle, or one that leads back. */
static void third_edge(void *user, const void *left, const void *right, size_t len, void *out)
{
    (void)user;
    const edge *first = left, *second = right;
    for (size_t i = 0; i < len; i++)
        ((edge *)out)[i] = (edge){first[i].to, second[i].to};
}

static void same(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    memcpy(out, records, len * sizeof(edge));
}

/* Edges lead upwards: of a triangle's three, in one way, a pair begins at the least node. */
static nd_collection triangles(const struct graph *graph)
{
    nd_collection thirds =
        nd_join(graph->edges, graph->edges, &whole_edge_type, third_edge, nd_no_user);
    nd_collection edges = nd_collection_map(graph->edges, &whole_edge_type, same, nd_no_user);
    return nd_semijoin(thirds, edges);
}

/* --- Feeding --- */

/* The route of a line, if it is one, and both ends are known and not the same. */
static bool read_route(table_file *file, edge *route)
{
    if (!table_is(table_text(file, 1), "routes"))
        return false;
    if (table_text(file, 6).size == 0 || table_text(file, 8).size == 0)
        return false;
    *route = (edge){table_id(file, 6), table_id(file, 8)};
    return route->from != route->to;
}

static nd_err feed(nd_input *input, const views *all, nd_worker *worker, table_file *file)
{
    const unsigned index = nd_worker_index(worker), peers = nd_worker_peers(worker);
    uint64_t epoch = 0;
    while (table_next(file)) {
        edge route;
        const uint64_t next = table_id(file, 0);
        if (next < epoch)
            table_mistake(file, "an epoch that is over");
        nd_input_advance(input, next > epoch ? next : epoch);
        if (next > epoch)
            ND_TRY(views_wait(all, worker, next));
        epoch = next;
        if (file->line % peers == index && read_route(file, &route))
            nd_collection_update(input, &route, table_number(file, 2));
    }
    nd_input_close(input);
    return ND_OK;
}

static void print_views(views *all, const struct graph *graph)
{
    static char vertices[] = "vertices", arcs[] = "arcs", edges[] = "edges", wcc[] = "wcc",
                largest[] = "largest_wcc", closed[] = "triangles";
    nd_collection sizes = component_sizes(graph);
    nd_collection named =
        nd_collection_map(sizes, &number_type, name_size, (nd_user){largest, NULL});
    view_print(all, number_of(graph->nodes, vertices), "number");
    view_print(all, number_of(graph->arcs, arcs), "number");
    view_print(all, number_of(graph->edges, edges), "number");
    view_print(all, number_of(sizes, wcc), "number");
    view_print(all, nd_max(named), "number");
    view_print(all, number_of(triangles(graph), closed), "number");
    view_print(all, levels(graph), "level");
}

static nd_err program(nd_worker *worker, void *arg)
{
    char **paths = arg;
    table_file file;
    nd_input *input;
    views all = {.n = 0};
    if (paths[0] == NULL)
        return nd_worker_fail(worker, ND_USAGE, "usage: flight_network [-w WORKERS] FILE");
    nd_dataflow *flow = nd_dataflow_new(worker, "flight network");
    const struct graph graph = graph_of(nd_collection_input_new(flow, &edge_type, &input));
    print_views(&all, &graph);
    ND_TRY(nd_dataflow_start(flow));

    table_open(&file, NULL, paths[0], '\t');
    nd_err err = feed(input, &all, worker, &file);
    const nd_err mistake = table_close(&file, worker);
    if (err == ND_OK)
        err = mistake;
    return err != ND_OK ? err : nd_worker_run(worker);
}

int main(int argc, char **argv) { return nd_main(argc, argv, program, argv + 1); }
