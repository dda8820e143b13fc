/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load is the epoch 0, each round one more. Every worker feeds its share; worker 0 looks at the
 * clock. Nothing comes out for an epoch before every worker has ended it, so what a worker has
 * added up when the probe passes is its part of that epoch's answer.
 */
#include "bench/query.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <nereid/memory.h>
#include <nereid/stream.h>

const nd_type bench_edge_type =
    ND_TYPE(bench_edge, 1, ND_FIELD(bench_edge, from), ND_FIELD(bench_edge, to));
const nd_type bench_vertex_type = ND_TYPE(bench_vertex, 1, ND_FIELD(bench_vertex, id));
const nd_type bench_tally_type =
    ND_TYPE(bench_tally, 1, ND_FIELD(bench_tally, vertex), ND_FIELD(bench_tally, n));

void bench_turn(void *user, const void *records, size_t len, void *out)
{
    (void)user;
    const bench_edge *edges = records;
    for (size_t i = 0; i < len; i++)
        ((bench_edge *)out)[i] = (bench_edge){edges[i].to, edges[i].from};
}

unsigned bench_query_n_stages(const bench_query *query)
{
    unsigned n = 0;
    while (query->stages[n].name)
        n++;
    return n;
}

static bench_graph graph_of(const bench_query *query, const bench_plan *plan)
{
    return (bench_graph){.n_vertices = (uint32_t)bench_scaled(plan, query->n_vertices),
                         .n_edges = bench_scaled(plan, query->n_edges)};
}

/* The most memory that this process has had since it began to run this program: what getrusage says
 * counts the program that started it, too. */
static double peak_bytes(void)
{
    char line[256];
    double kilobytes = 0;
    FILE *status = fopen("/proc/self/status", "re");
    bench_check(status != NULL, "/proc/self/status cannot be read");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmHWM: %lf", &kilobytes) == 1)
            break;
    if (status)
        (void)fclose(status);
    return kilobytes * 1024;
}

/* --- Nereid --- */

typedef struct query_job {
    const bench_query *query;
    bench_graph graph;
    bench_result *result;                   /* the figures: worker 0's */
    _Atomic uint64_t answers[BENCH_STAGES]; /* added to by each worker, read after all */
} query_job;

/* A worker's own. */
typedef struct query_run {
    query_job *job;
    nd_worker *worker;
    nd_input *edges, *other_edges, *vertices; /* NULL if the query has none */
    nd_arrangement *hold;                     /* of an arranged one */
    const nd_probe *probe;
    bench_graph graph; /* as it is now */
    uint64_t epoch, sum;
} query_run;

static void add_records(void *user, const nd_type *type, const nd_update *updates, size_t len)
{
    uint64_t *sum = user;
    const size_t n_words = type->size / sizeof(uint32_t);
    for (size_t i = 0; i < len; i++) {
        const uint32_t *words = updates[i].record;
        uint64_t mixed = 0;
        for (size_t k = 0; k < n_words; k++)
            mixed = bench_mix(mixed, words[k]);
        *sum += (uint64_t)updates[i].diff * mixed;
    }
}

/* Feeds this worker's share of edges with numbers from `first`, of every second one if the query
 * halves them. */
static nd_err feed_edges(query_run *self, nd_input *input, uint64_t first, size_t n, int64_t diff)
{
    enum { PIECE = 4096 };
    bench_edge piece[PIECE];
    const uint64_t step = self->other_edges ? 2 : 1;
    const size_t index = nd_worker_index(self->worker), peers = nd_worker_peers(self->worker);
    const size_t end = n * (index + 1) / peers;
    for (size_t at = n * index / peers, len; at < end; at += len) {
        len = end - at < PIECE ? end - at : PIECE;
        bench_edges(self->graph.n_vertices, first + at * step, step, len, piece);
        nd_collection_update_many(input, piece, len, diff);
        if (len == PIECE)
            ND_TRY(nd_worker_step(self->worker, 256));
    }
    return ND_OK;
}

static void feed_vertices(query_run *self)
{
    const size_t index = nd_worker_index(self->worker), peers = nd_worker_peers(self->worker);
    if (!self->vertices)
        return;
    const size_t n = self->job->query->given == BENCH_VERTEX_0 ? 1 : (size_t)self->graph.n_vertices;
    for (size_t id = n * index / peers; id < n * (index + 1) / peers; id++)
        nd_collection_insert(self->vertices, &(bench_vertex){(uint32_t)id});
    nd_input_close(self->vertices);
}

/* Ends the epoch, and waits until it is complete. */
static nd_err end_epoch(query_run *self)
{
    self->epoch++;
    nd_input_advance(self->edges, self->epoch);
    if (self->other_edges)
        nd_input_advance(self->other_edges, self->epoch);
    if (self->hold)
        nd_arrangement_advance(self->hold, self->epoch - 1);
    return nd_worker_step_while(self->worker, nd_probe_behind, self->probe, self->epoch);
}

static nd_err load(query_run *self, double *ns)
{
    const size_t n = self->graph.n_edges;
    const uint64_t begin = bench_now_ns();
    feed_vertices(self);
    if (self->other_edges) {
        ND_TRY(feed_edges(self, self->edges, 0, n / 2, 1));
        ND_TRY(feed_edges(self, self->other_edges, 1, n / 2, 1));
    } else {
        ND_TRY(feed_edges(self, self->edges, 0, n, 1));
    }
    ND_TRY(end_epoch(self));
    *ns = (double)(bench_now_ns() - begin);
    return ND_OK;
}

static nd_err change(query_run *self, const bench_stage *stage, double *ns)
{
    bench_graph *const graph = &self->graph;
    uint64_t *moments = bench_alloc(stage->n_rounds + 1, sizeof *moments);
    nd_err err = ND_OK;
    moments[0] = bench_now_ns();
    for (size_t round = 1; round <= stage->n_rounds && err == ND_OK; round++) {
        const size_t n = stage->n_changes;
        err = feed_edges(self, self->edges, graph->first + graph->n_edges, n, 1);
        if (err == ND_OK)
            err = feed_edges(self, self->edges, graph->first, n, -1);
        if (err == ND_OK)
            err = end_epoch(self);
        graph->first += n;
        moments[round] = bench_now_ns();
    }
    *ns = err == ND_OK ? bench_percentile(moments, stage->n_rounds, 50) : 0;
    nd_free(moments);
    return err;
}

/* Reads what an arrangement holds. */
static nd_err read_arranged(query_run *self)
{
    nd_dataflow *flow = nd_dataflow_new(self->worker, "reading");
    nd_collection_inspect(nd_arrangement_import(flow, self->hold), add_records,
                          (nd_user){&self->sum, NULL});
    ND_TRY(nd_dataflow_start(flow));
    return nd_worker_run(self->worker);
}

static nd_err run_stages(query_run *self)
{
    query_job *const job = self->job;
    double unread[BENCH_STAGES];
    double *ns = nd_worker_index(self->worker) == 0 ? job->result->ns : unread;
    const unsigned n_stages = bench_query_n_stages(job->query);
    ND_TRY(load(self, &ns[0]));
    atomic_fetch_add(&job->answers[0], self->sum);
    for (unsigned i = 1; i < n_stages; i++) {
        ND_TRY(change(self, &job->query->stages[i], &ns[i]));
        atomic_fetch_add(&job->answers[i], self->sum);
    }
    if (nd_worker_index(self->worker) == 0)
        job->result->peak_bytes = peak_bytes();
    nd_input_close(self->edges);
    if (self->other_edges)
        nd_input_close(self->other_edges);
    if (self->hold)
        ND_TRY(read_arranged(self));
    atomic_fetch_add(&job->answers[n_stages - 1], self->hold ? self->sum : 0);
    return nd_worker_run(self->worker);
}

static void build(query_run *self, nd_dataflow *flow)
{
    const bench_query *const query = self->job->query;
    bench_tables tables = {.n_vertices = self->graph.n_vertices};
    tables.edges = nd_collection_input_new(flow, &bench_edge_type, &self->edges);
    if (query->is_halved)
        tables.other_edges = nd_collection_input_new(flow, &bench_edge_type, &self->other_edges);
    if (query->given != BENCH_NO_VERTICES)
        tables.vertices = nd_collection_input_new(flow, &bench_vertex_type, &self->vertices);
    nd_collection answer = query->build(&tables);
    if (query->is_arranged) {
        self->hold = nd_arrangement_create(answer);
        self->probe = nd_probe_new(answer.batches);
    } else {
        answer = nd_collection_inspect(answer, add_records, (nd_user){&self->sum, NULL});
        self->probe = nd_probe_new(answer.stream);
    }
}

static nd_err query_program(nd_worker *worker, void *arg)
{
    query_job *job = arg;
    query_run self = {.job = job, .worker = worker, .graph = job->graph};
    nd_dataflow *flow = nd_dataflow_new(worker, "query");
    build(&self, flow);
    nd_err err = nd_dataflow_start(flow);
    if (err == ND_OK)
        err = run_stages(&self);
    nd_arrangement_destroy(self.hold);
    return err;
}

void bench_query_nereid(const bench_query *query, const bench_plan *plan, bench_result *result)
{
    query_job job = {.query = query, .graph = graph_of(query, plan), .result = result};
    bench_execute(plan, query_program, &job);
    for (unsigned i = 0; i < BENCH_STAGES; i++)
        result->answers[i] = job.answers[i];
}

/* --- The limit --- */

void bench_query_plain(const bench_query *query, const bench_plan *plan, bench_result *result)
{
    bench_graph graph = graph_of(query, plan);
    const unsigned n_stages = bench_query_n_stages(query);
    for (unsigned i = 0; i < n_stages; i++) {
        graph.first += query->stages[i].n_changes * query->stages[i].n_rounds;
        const uint64_t begin = bench_now_ns();
        const uint64_t answer = query->plain(&graph);
        result->ns[i] = (double)(bench_now_ns() - begin);
        result->answers[i] = query->is_arranged && i + 1 < n_stages ? 0 : answer;
    }
    result->peak_bytes = peak_bytes();
}
