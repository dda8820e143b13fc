/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PageRank as a vertex with two inputs, in a loop: edges come once, shares come round.
 *
 *     pagerank [-w WORKERS] GRAPH        prints `id rank` for each id; ranks are 1 on average
 *
 * GRAPH is an edge list, read as undirected; ids are small numbers. Ranks are counted in units of
 * 2^-32, since sums of whole numbers do not depend on the order in which shares arrive: any number
 * of workers prints the same.
 */
#include <inttypes.h>
#include <stdio.h>

#include <nereid.h>

typedef struct {
    uint64_t src, dst;
} edge;
static const nd_type edge_type = ND_TYPE(edge, 1, ND_FIELD(edge, src), ND_FIELD(edge, dst));

typedef struct {
    uint64_t id, amount;
} share;
static const nd_type share_type = ND_TYPE(share, 1, ND_FIELD(share, id), ND_FIELD(share, amount));

enum { EDGES, SHARES };     /* inputs */
enum { SHARES_OUT, RANKS }; /* outputs */
enum { ROUNDS = 30, MOST_IDS = 1 << 20 };
static const uint64_t one = UINT64_C(1) << 32;

typedef struct {
    edge *edges; /* those that begin on this worker */
    size_t n_edges, capacity;
    uint64_t *degree, *rank; /* by id; an id of degree zero is another worker's, or no one's */
    uint64_t *arrived[2];    /* by id: the shares of even and of odd rounds */
    size_t n_ids;
} pagerank;

static nd_err init(nd_vertex *vertex)
{
    pagerank *self = nd_vertex_state(vertex);
    self->degree = nd_alloc_zero(MOST_IDS, sizeof *self->degree);
    self->rank = nd_alloc_zero(MOST_IDS, sizeof *self->rank);
    bool is_complete = self->degree != NULL && self->rank != NULL;
    for (unsigned i = 0; i < 2; i++) {
        self->arrived[i] = nd_alloc_zero(MOST_IDS, sizeof *self->arrived[i]);
        is_complete = is_complete && self->arrived[i] != NULL;
    }
    return is_complete ? ND_OK : ND_NOMEM;
}

static void deinit(nd_vertex *vertex)
{
    pagerank *self = nd_vertex_state(vertex);
    nd_free(self->edges);
    nd_free(self->degree);
    nd_free(self->rank);
    nd_free(self->arrived[0]);
    nd_free(self->arrived[1]);
}

static void add_edges(nd_vertex *vertex, const edge *edges, size_t len)
{
    pagerank *self = nd_vertex_state(vertex);
    if (self->n_edges + len > self->capacity) {
        const size_t capacity = 2 * (self->n_edges + len);
        edge *grown = nd_realloc(self->edges, capacity, sizeof *grown);
        if (grown == NULL) {
            nd_fail(vertex, "out of memory");
            return;
        }
        self->edges = grown;
        self->capacity = capacity;
    }
    for (size_t i = 0; i < len; i++) {
        self->edges[self->n_edges++] = edges[i];
        self->degree[edges[i].src]++;
        self->rank[edges[i].src] = one;
        if (self->n_ids <= edges[i].src)
            self->n_ids = edges[i].src + 1;
    }
}

/* A worker that is told early that a round is over sends the next one's shares: they may come here
 * before the same news does. They are kept apart, by time. More than one round ahead it cannot be,
 * for it waits for our shares. */
static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    pagerank *self = nd_vertex_state(vertex);
    const size_t len = nd_batch_len(batch);
    const share *shares = nd_batch_records(batch);
    if (port == EDGES)
        add_edges(vertex, nd_batch_records(batch), len);
    else
        for (size_t i = 0; i < len; i++)
            self->arrived[time->loop[0] % 2][shares[i].id] += shares[i].amount;
    nd_notify_at(vertex, time);
}

/* The shares of a round have all arrived: make them ranks, and send the next round's. */
static void on_notify(nd_vertex *vertex, const nd_time *time)
{
    pagerank *self = nd_vertex_state(vertex);
    const uint32_t round = time->loop[0];
    uint64_t *arrived = self->arrived[round % 2];
    for (size_t id = 0; round > 0 && id < self->n_ids; id++) {
        self->rank[id] = (15 * one + 85 * arrived[id]) / 100;
        arrived[id] = 0;
    }
    if (round == ROUNDS) {
        for (uint64_t id = 0; id < self->n_ids; id++)
            if (self->degree[id] != 0)
                nd_send_by(vertex, RANKS, time, &(share){id, self->rank[id]});
        return;
    }
    nd_emit *out = nd_vertex_emit(vertex, SHARES_OUT, time);
    for (size_t i = 0; i < self->n_edges; i++) {
        const edge *e = &self->edges[i];
        *(share *)nd_emit_slot(out) = (share){e->dst, self->rank[e->src] / self->degree[e->src]};
    }
    nd_notify_at(vertex, &(nd_time){time->epoch, {round + 1}}); /* also where no share arrives */
}

static void print(void *user, const nd_type *type, const nd_time *time, const void *records,
                  size_t len)
{
    (void)user, (void)type, (void)time;
    const share *ranks = records;
    for (size_t i = 0; i < len; i++)
        printf("%" PRIu64 " %.6f\n", ranks[i].id, (double)ranks[i].amount / (double)one);
}

/* Sends each edge in both directions. */
static nd_err read_edges(nd_worker *worker, nd_input *input, const char *path)
{
    nd_edge read[1024];
    size_t len = 0;
    nd_message message;
    nd_edge_reader *reader;
    nd_err err = nd_edge_reader_open(path, &reader, &message);
    if (err != ND_OK)
        return nd_worker_fail(worker, err, "%s", message.text);
    while ((err = nd_edge_reader_next(reader, read, 1024, &len, &message)) == ND_OK && len != 0)
        for (size_t i = 0; i < len; i++) {
            if (read[i].src >= MOST_IDS || read[i].dst >= MOST_IDS) {
                nd_edge_reader_close(reader);
                return nd_worker_fail(worker, ND_INPUT, "%s: an id is not below %d", path,
                                      MOST_IDS);
            }
            nd_input_send(input, &(edge){read[i].src, read[i].dst});
            nd_input_send(input, &(edge){read[i].dst, read[i].src});
        }
    nd_edge_reader_close(reader);
    return err == ND_OK ? ND_OK : nd_worker_fail(worker, err, "%s", message.text);
}

static nd_err program(nd_worker *worker, void *arg)
{
    char **paths = arg;
    if (paths[0] == NULL)
        return nd_worker_fail(worker, ND_USAGE, "which graph? pagerank [-w WORKERS] GRAPH");
    nd_dataflow *flow = nd_dataflow_new(worker, "pagerank");
    nd_input *input;
    nd_stream edges = nd_input_new(flow, &edge_type, &input);
    nd_scope *loop = nd_loop_new(nd_root(flow), "rounds");
    nd_feedback *back;
    nd_stream shares = nd_feedback_new(loop, &share_type, &back), out[2];
    nd_vertex_new(
        loop,
        &(nd_vertex_def){.name = "pagerank",
                         .state_size = sizeof(pagerank),
                         .init = init,
                         .deinit = deinit,
                         .inputs = {nd_exchange(nd_enter(loop, edges)), nd_exchange(shares)},
                         .outputs = {&share_type, &share_type},
                         .on_recv = on_recv,
                         .on_notify = on_notify},
        out);
    nd_feedback_connect(back, out[SHARES_OUT]);
    nd_inspect(nd_leave(out[RANKS]), print, nd_no_user);
    ND_TRY(nd_dataflow_start(flow));

    if (nd_worker_index(worker) == 0)
        ND_TRY(read_edges(worker, input, paths[0]));
    nd_input_close(input);
    return nd_worker_run(worker);
}

int main(int argc, char **argv) { return nd_main(argc, argv, program, argv + 1); }
