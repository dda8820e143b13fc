/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Degrees that stay up to date: how many edges leave each node of a graph, and how many nodes have
 * how many, while edges come and go.
 *
 *     degrees [-w WORKERS]        prints `DIFFERENCE (epoch) degree|node|edges` for each change of
 *                                 a node, and `DIFFERENCE (epoch) nodes|edges|nodes` for each
 *                                 change of how many nodes have so many edges
 *
 * The second answer is made from the first: of every change only what it changes is computed again.
 * Each worker feeds the edges of its share.
 */
#include "examples/view.h"

typedef struct {
    uint64_t from, to;
} edge;
static const nd_type edge_type = ND_TYPE(edge, 1, ND_FIELD(edge, from), ND_FIELD(edge, to));

typedef struct {
    uint64_t node;
    int64_t n; /* edges */
} degree;
static const nd_type degree_type = ND_TYPE(degree, 1, ND_FIELD(degree, node), ND_FIELD(degree, n));

typedef struct {
    int64_t n; /* edges */
} having;
static const nd_type having_type = ND_TYPE(having, 1, ND_FIELD(having, n));

typedef struct {
    int64_t n, nodes;
} spread;
static const nd_type spread_type = ND_TYPE(spread, 1, ND_FIELD(spread, n), ND_FIELD(spread, nodes));

static void number_of(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    for (size_t i = 0; i < len; i++)
        ((having *)out)[i] = (having){((const degree *)records)[i].n};
}

/* Each node has an edge to every one that its number divides; but node n loses all of its edges in
 * epoch n, and has them back in the next. */
static bool is_there(uint64_t from, uint64_t to, uint64_t epoch)
{
    return from < to && to % from == 0 && (epoch == 0 || from != epoch);
}

enum { NODES = 24, EPOCHS = 6 };

static void feed(nd_worker *worker, nd_input *edges, uint64_t epoch)
{
    const unsigned index = nd_worker_index(worker), peers = nd_worker_peers(worker);
    for (uint64_t from = 1; from <= NODES; from++)
        for (uint64_t to = 1; to <= NODES && from % peers == index; to++) {
            const bool was = epoch > 0 && is_there(from, to, epoch - 1);
            const bool is = is_there(from, to, epoch);
            nd_collection_update(edges, &(edge){from, to}, is - was);
        }
}

static nd_err program(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_input *input;
    views all = {.n = 0};
    nd_dataflow *flow = nd_dataflow_new(worker, "degrees");
    nd_collection edges = nd_collection_input_new(flow, &edge_type, &input);
    nd_collection degrees = nd_count(edges, &degree_type);
    nd_collection numbers = nd_collection_map(degrees, &having_type, number_of, nd_no_user);
    nd_collection spreads = nd_count(numbers, &spread_type);
    view_print(&all, degrees, "degree");
    view_print(&all, spreads, "nodes");
    ND_TRY(nd_dataflow_start(flow));

    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        feed(worker, input, epoch);
        nd_input_advance(input, epoch + 1);
    }
    nd_input_close(input);
    return nd_worker_run(worker);
}

int main(int argc, char **argv) { return nd_main(argc, argv, program, NULL); }
