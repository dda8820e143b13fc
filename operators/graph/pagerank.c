/* SPDX-License-Identifier: Apache-2.0 */
/* PageRank: a vertex in a loop.
 *
 * Round k makes PR_k from the shares of PR_(k-1), a share being a vertex's rank divided by its
 * out-degree. Each worker owns a range of vertices and their in-edges, cut into tiles
 * (edge_tiles.h), so a vertex's sum is added by one worker in the order of sources, whatever the
 * number of workers. What goes round the loop is pages of eight shares, to every worker; a worker
 * ignores its own, which it has written where they belong. Dangling mass, and the change when there
 * is a tolerance, are added up by blocks of vertices, travel as pages too, and are then added over
 * blocks in order.
 *
 * Shares and totals are kept twice, by parity of their round: pages of round k + 1 are only
 * received after this worker's callback of round k has returned, since nobody is notified of k + 1
 * before; so they never overwrite what is still read. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <nereid/batch.h>
#include <nereid/memory.h>
#include <nereid/vertex.h>
#include <nereid/worker.h>

#include "operators/graph/edge_tiles.h"
#include "operators/graph/pagerank_internal.h"
#include "operators/graph/vertex_blocks.h"

const nd_type nd_rank_type = ND_TYPE(nd_rank, 1, ND_FIELD(nd_rank, id), ND_FIELD(nd_rank, rank));

enum { PAGE_SHARES = 8 };
_Static_assert(VERTEX_BLOCK_MIN % PAGE_SHARES == 0, "a page lies in one block");

/* Shares of vertices first to first + 7; or, with is_total, dangling mass and change of block
 * `first`. */
typedef struct page {
    uint32_t first, is_total;
    double value[PAGE_SHARES];
} page;

static const nd_type page_type =
    ND_TYPE(page, 0, ND_FIELD(page, first), ND_FIELD(page, is_total), ND_FIELD(page, value[0]),
            ND_FIELD(page, value[1]), ND_FIELD(page, value[2]), ND_FIELD(page, value[3]),
            ND_FIELD(page, value[4]), ND_FIELD(page, value[5]), ND_FIELD(page, value[6]),
            ND_FIELD(page, value[7]));

enum { PAGES_OUT, RANKS_OUT };

/* What all workers' instances are told. */
typedef struct pagerank_task {
    const nd_graph *graph;
    nd_pagerank_options options;
} pagerank_task;

typedef struct block_total {
    double dangling, change;
} block_total;

typedef struct pagerank {
    nd_graph_counts counts;
    nd_pagerank_options options;
    const uint64_t *out_offsets;
    vertex_span own;
    uint32_t block_size, n_blocks;
    edge_tiles tiles;
    double *ranks;     /* of own vertices */
    double *sums;      /* of one strip */
    double *shares[2]; /* of all vertices, whole pages; by parity of the round that reads them */
    block_total *totals[2]; /* of all blocks, likewise */
} pagerank;

/* Frees all that an instance owns, which may be only part of it. */
static void deinit(nd_vertex *vertex)
{
    pagerank *const self = nd_vertex_state(vertex);
    edge_tiles_deinit(&self->tiles);
    nd_free(self->ranks);
    nd_free(self->sums);
    for (int i = 0; i < 2; i++) {
        nd_free(self->shares[i]);
        nd_free(self->totals[i]);
    }
    *self = (pagerank){.ranks = NULL};
}

static nd_err make_arrays(pagerank *self)
{
    const size_t n_blocks = self->n_blocks;
    self->ranks = nd_alloc_zero(self->own.end - self->own.begin, sizeof *self->ranks);
    self->sums = nd_alloc(STRIP_SIZE, sizeof *self->sums);
    bool is_made = self->ranks != NULL && self->sums != NULL;
    for (int i = 0; i < 2; i++) {
        self->shares[i] = nd_alloc_zero(n_blocks * self->block_size, sizeof *self->shares[i]);
        self->totals[i] = nd_alloc_zero(n_blocks, sizeof *self->totals[i]);
        is_made = is_made && self->shares[i] != NULL && self->totals[i] != NULL;
    }
    return is_made ? ND_OK : ND_NOMEM;
}

static nd_err init(nd_vertex *vertex)
{
    pagerank *const self = nd_vertex_state(vertex);
    const pagerank_task *const task = nd_vertex_user(vertex);
    const nd_worker *const worker = nd_vertex_worker(vertex);
    self->counts = *nd_graph_get_counts(task->graph);
    self->options = task->options;
    self->out_offsets = nd_graph_out(task->graph).offsets;
    self->own = vertex_span_of(task->graph, nd_worker_index(worker), nd_worker_peers(worker));
    self->block_size = vertex_block_size(self->counts.n_vertices);
    self->n_blocks = self->counts.n_vertices / self->block_size +
                     (self->counts.n_vertices % self->block_size != 0);
    nd_err err = make_arrays(self);
    if (err == ND_OK)
        err = edge_tiles_init(&self->tiles, task->graph, self->own);
    if (err != ND_OK)
        deinit(vertex);
    return err;
}

/* --- Pages --- */

static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    pagerank *const self = nd_vertex_state(vertex);
    const page *const pages = nd_batch_records(batch);
    const size_t len = nd_batch_len(batch);
    double *const shares = self->shares[time->loop[0] & 1];
    block_total *const totals = self->totals[time->loop[0] & 1];
    (void)port;
    for (size_t i = 0; i < len; i++)
        if (pages[i].is_total)
            totals[pages[i].first] = (block_total){pages[i].value[0], pages[i].value[1]};
        else if (pages[i].first < self->own.begin || pages[i].first >= self->own.end)
            memcpy(shares + pages[i].first, pages[i].value, sizeof pages[i].value);
}

/* Sends the own shares and totals that round `round` reads, if anybody else is there to read them.
 */
static void send_pages(nd_vertex *vertex, const nd_time *time, uint32_t round)
{
    const pagerank *const self = nd_vertex_state(vertex);
    const double *const shares = self->shares[round & 1];
    const block_total *const totals = self->totals[round & 1];
    if (nd_worker_peers(nd_vertex_worker(vertex)) == 1)
        return;
    nd_emit *const out = nd_vertex_emit(vertex, PAGES_OUT, time);
    for (uint32_t v = self->own.begin; v < self->own.end; v += PAGE_SHARES) {
        page *const slot = nd_emit_slot(out);
        slot->first = v;
        slot->is_total = 0;
        memcpy(slot->value, shares + v, sizeof slot->value);
        if (v % self->block_size == 0) {
            const uint32_t block = v / self->block_size;
            *(page *)nd_emit_slot(out) =
                (page){block, 1, {totals[block].dangling, totals[block].change}};
        }
    }
}

/* --- Ranks --- */

/* Gives a vertex its rank: what others will see of it in the next round. */
static inline void set_rank(const pagerank *self, uint32_t vertex, double rank, double *shares,
                            block_total *total)
{
    const uint64_t degree = self->out_offsets[vertex + 1] - self->out_offsets[vertex];
    double *const place = &self->ranks[vertex - self->own.begin];
    total->change += fabs(rank - *place);
    *place = rank;
    if (degree == 0)
        total->dangling += rank;
    shares[vertex] = degree == 0 ? 0 : rank / (double)degree;
}

/* Makes the own ranks of vertices begin to end - 1, which lie in one strip, from sums; block by
 * block. */
static void set_ranks(pagerank *self, vertex_span span, double base, double factor,
                      const double *sums, uint32_t round)
{
    double *const shares = self->shares[round & 1];
    for (uint32_t v = span.begin; v < span.end;) {
        const uint32_t rest = span.end - v,
                       step = rest < self->block_size ? rest : self->block_size;
        block_total total = {0, 0};
        for (uint32_t i = v; i < v + step; i++)
            set_rank(self, i, base + factor * sums[i - span.begin], shares, &total);
        self->totals[round & 1][v / self->block_size] = total;
        v += step;
    }
}

/* Over all blocks in order. */
static block_total add_totals(const pagerank *self, uint32_t round)
{
    block_total sum = {0, 0};
    for (uint32_t b = 0; b < self->n_blocks; b++) {
        sum.dangling += self->totals[round & 1][b].dangling;
        sum.change += self->totals[round & 1][b].change;
    }
    return sum;
}

/* PR_round of the own vertices, and what round + 1 reads of them. */
static void run_round(pagerank *self, uint32_t round, double dangling)
{
    const double n = self->counts.n_vertices, damping = self->options.damping;
    const double base = round == 0 ? 1 / n : (1 - damping) / n + damping * dangling / n;
    for (uint32_t s = 0; s < self->tiles.n_strips; s++) {
        vertex_span strip = {self->own.begin + s * STRIP_SIZE, self->own.end};
        if (strip.end - strip.begin > STRIP_SIZE)
            strip.end = strip.begin + STRIP_SIZE;
        memset(self->sums, 0, STRIP_SIZE * sizeof *self->sums);
        if (round > 0)
            edge_tiles_add(&self->tiles, s, self->shares[round & 1], self->sums);
        set_ranks(self, strip, base, damping, self->sums, round + 1);
    }
}

static void send_ranks(nd_vertex *vertex, const nd_time *time)
{
    const pagerank *const self = nd_vertex_state(vertex);
    const pagerank_task *const task = nd_vertex_user(vertex);
    const uint64_t *const ids = nd_graph_ids(task->graph);
    nd_emit *const out = nd_vertex_emit(vertex, RANKS_OUT, time);
    for (uint32_t v = self->own.begin; v < self->own.end; v++)
        *(nd_rank *)nd_emit_slot(out) = (nd_rank){ids[v], self->ranks[v - self->own.begin]};
}

static void tell_progress(const nd_vertex *vertex, uint32_t round)
{
    const pagerank *const self = nd_vertex_state(vertex);
    const bool is_first = nd_worker_index(nd_vertex_worker(vertex)) == 0;
    if (round > 0 && is_first && self->options.progress != NULL)
        self->options.progress(self->options.user, round);
}

/* All pages of a round are here. */
static void on_notify(nd_vertex *vertex, const nd_time *time)
{
    pagerank *const self = nd_vertex_state(vertex);
    const uint32_t round = time->loop[0];
    const block_total total = add_totals(self, round);
    if (self->counts.n_vertices == 0 || (round > 1 && total.change < self->options.tolerance)) {
        send_ranks(vertex, time);
        return;
    }
    run_round(self, round, total.dangling);
    tell_progress(vertex, round);
    if (round == self->options.iterations) {
        send_ranks(vertex, time);
        return;
    }
    send_pages(vertex, time, round + 1);
    nd_notify_at(vertex, &(nd_time){time->epoch, {round + 1}});
}

/* The first round needs no pages. */
static void on_activate(nd_vertex *vertex)
{
    const nd_time zero = {0, {0}};
    nd_notify_at(vertex, &zero);
    nd_release(vertex, &zero);
}

/* Processes that differ in either would give an answer to neither. */
static void agree(nd_scope *scope, const pagerank_task *task)
{
    const struct {
        uint64_t iterations;
        double damping, tolerance;
    } choice = {task->options.iterations, task->options.damping, task->options.tolerance};
    char what[128];
    snprintf(what, sizeof what, "options (here %u iterations, damping %g, tolerance %g)",
             task->options.iterations, choice.damping, choice.tolerance);
    nd_dataflow_agree(nd_scope_dataflow(scope), what, &choice, sizeof choice);
    nd_graph_agree(nd_scope_dataflow(scope), task->graph);
}

nd_stream nd_pagerank(nd_scope *scope, const nd_graph *graph, const nd_pagerank_options *options)
{
    pagerank_task *const task = nd_alloc(1, sizeof *task);
    nd_stream out[2] = {{NULL}, {NULL}};
    nd_feedback *back = NULL;
    if (task == NULL || nd_graph_in(graph).targets == NULL) {
        nd_dataflow_mistake(nd_scope_dataflow(scope), task == NULL ? ND_NOMEM : ND_INVAL,
                            task == NULL ? "out of memory"
                                         : "pagerank needs a graph with in-lists");
        nd_free(task);
        return out[RANKS_OUT];
    }
    *task = (pagerank_task){graph, pagerank_defaults(options)};
    agree(scope, task);
    nd_scope *const loop = nd_loop_new(scope, "rounds");
    const nd_stream pages = nd_feedback_new(loop, &page_type, &back);
    nd_vertex_new(loop,
                  &(nd_vertex_def){
                      .name = "pagerank",
                      .state_size = sizeof(pagerank),
                      .init = init,
                      .deinit = deinit,
                      .user = task,
                      .destroy = nd_free,
                      .inputs = {nd_broadcast(pages)},
                      .outputs = {&page_type, &nd_rank_type},
                      .on_recv = on_recv,
                      .on_notify = on_notify,
                      .on_activate = on_activate,
                      .source = true,
                  },
                  out);
    nd_feedback_connect(back, out[PAGES_OUT]);
    return nd_leave(out[RANKS_OUT]);
}
