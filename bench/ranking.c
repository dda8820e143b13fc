/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PageRank on a uniform random graph of ten edges a vertex. The limit pushes along the out-edges,
 * in two plain loops. Only whole iterations are measured, not making the graph; an item is an edge
 * of an iteration, so 833 M/s are 12 ms an iteration of ten million edges.
 */
#include <math.h>
#include <stdatomic.h>

#include <nereid/graph.h>
#include <nereid/memory.h>
#include <nereid/stream.h>

#include "bench/harness.h"
#include "bench/pair.h"

enum { ROUNDS = 25, WARM_UP = 5 };

static const double damping = 0.85;

typedef struct ranking_job {
    nd_graph *graph;
    uint64_t begin_ns, end_ns;
    _Atomic uint64_t n_ranks, millionths; /* of vertices, of their sum; added to at the end */
} ranking_job;

static nd_graph *make_graph(const bench_plan *plan)
{
    enum { PIECE = 4096 };
    const nd_generator generator = {.kind = ND_UNIFORM,
                                    .scale = plan->is_full ? 20 : 17,
                                    .degree = plan->is_full ? 10 : 8,
                                    .seed = 1};
    const nd_graph_options options = {.direction = ND_DIRECTED, .lists = ND_BOTH_LISTS};
    const uint64_t n = nd_generator_size(&generator);
    nd_edge edges[PIECE];
    nd_graph_builder *builder;
    nd_graph *graph = NULL;
    nd_message message = {"out of memory"};
    nd_err err = nd_graph_builder_create(&options, &builder);
    bench_check(err == ND_OK, message.text);
    for (uint64_t at = 0; at < n && err == ND_OK; at += PIECE) {
        const size_t len = n - at < PIECE ? (size_t)(n - at) : PIECE;
        nd_generator_edges(&generator, at, len, edges);
        err = nd_graph_builder_add(builder, edges, len);
    }
    if (err == ND_OK)
        err = nd_graph_builder_finish(builder, &graph, &message);
    bench_check(err == ND_OK, message.text);
    nd_graph_builder_destroy(builder);
    return graph;
}

static double edge_ns(const ranking_job *ranking)
{
    const double n_edges = (double)nd_graph_get_counts(ranking->graph)->n_edges;
    return (double)(ranking->end_ns - ranking->begin_ns) / (ROUNDS - WARM_UP) / n_edges;
}

static void mark(void *user, uint32_t round)
{
    ranking_job *times = user;
    if (round == WARM_UP)
        times->begin_ns = bench_now_ns();
    if (round == ROUNDS)
        times->end_ns = bench_now_ns();
}

/* --- Nereid --- */

static void add_ranks(void *user, const nd_type *type, const nd_time *time, const void *records,
                      size_t len)
{
    (void)type, (void)time;
    ranking_job *all = user;
    const nd_rank *ranks = records;
    double sum = 0;
    for (size_t i = 0; i < len; i++)
        sum += ranks[i].rank;
    atomic_fetch_add(&all->n_ranks, len);
    atomic_fetch_add(&all->millionths, (uint64_t)llround(sum * 1e6));
}

static nd_err ranking_program(nd_worker *worker, void *arg)
{
    ranking_job *all = arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "ranking");
    const nd_pagerank_options options = {
        .iterations = ROUNDS, .damping = damping, .progress = mark, .user = arg};
    nd_stream ranks = nd_pagerank(nd_root(flow), all->graph, &options);
    nd_inspect(ranks, add_ranks, (nd_user){arg, NULL});
    ND_TRY(nd_dataflow_start(flow));
    return nd_worker_run(worker);
}

static double pagerank_ns(const bench_plan *plan)
{
    ranking_job ranking = {.graph = make_graph(plan)};
    bench_execute(plan, ranking_program, &ranking);
    ranking.n_ranks = bench_total(plan, ranking.n_ranks);
    ranking.millionths = bench_total(plan, ranking.millionths);
    bench_check(ranking.n_ranks == nd_graph_get_counts(ranking.graph)->n_vertices,
                "PageRank: not every vertex came out once");
    bench_check(ranking.millionths > 990000 && ranking.millionths < 1010000,
                "PageRank: the ranks do not add up to one");
    const double ns = edge_ns(&ranking);
    nd_graph_destroy(ranking.graph);
    return ns;
}

/* --- The limit --- */

/* One iteration; `ranks` become those of the next round, `shares` are room for as many. */
static void push(const nd_adjacency *out, uint32_t n, double *ranks, double *shares)
{
    double dangling = 0;
    for (uint32_t v = 0; v < n; v++) {
        const uint64_t degree = out->offsets[v + 1] - out->offsets[v];
        dangling += degree == 0 ? ranks[v] : 0;
        shares[v] = degree == 0 ? 0 : damping * ranks[v] / (double)degree;
    }
    const double base = (1 - damping + damping * dangling) / n;
    for (uint32_t v = 0; v < n; v++)
        ranks[v] = base;
    for (uint32_t v = 0; v < n; v++)
        for (uint64_t i = out->offsets[v]; i < out->offsets[v + 1]; i++)
            ranks[out->targets[i]] += shares[v];
}

static double push_ns(const bench_plan *plan)
{
    ranking_job ranking = {.graph = make_graph(plan)};
    const uint32_t n = nd_graph_get_counts(ranking.graph)->n_vertices;
    const nd_adjacency out = nd_graph_out(ranking.graph);
    double *ranks = bench_alloc(n, sizeof *ranks), *shares = bench_alloc(n, sizeof *shares);
    double sum = 0;
    for (uint32_t v = 0; v < n; v++)
        ranks[v] = 1.0 / n;
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        push(&out, n, ranks, shares);
        mark(&ranking, round);
    }
    for (uint32_t v = 0; v < n; v++)
        sum += ranks[v];
    bench_check(fabs(sum - 1) < 1e-6, "push: the ranks do not add up to one");
    const double ns = edge_ns(&ranking);
    nd_free(ranks);
    nd_free(shares);
    nd_graph_destroy(ranking.graph);
    return ns;
}

const bench_row bench_ranking_rows[] = {
    {"PageRank, an edge", BENCH_ONE, 1, 0, pagerank_ns, push_ns, BENCH_RATE, 833},
    {"PageRank, an edge", BENCH_ONE, 2, 0, pagerank_ns, push_ns, BENCH_RATE, 1430},
    {"PageRank, an edge", BENCH_PAIR, 1, 0, pagerank_ns, push_ns, BENCH_RATE, 833},
    {.name = NULL},
};
