/* SPDX-License-Identifier: Apache-2.0 */
/* A vertex's turn: its callbacks, each between a right given and a right taken back.
 *
 * Invariant: the -1 of what a callback consumed (a batch, the rights of a notification) is noted
 * after the callback has returned, and before anything else of the dataflow is published. Of a
 * worker's vertices one is in a callback at a time, and once the run has failed, or the dataflow
 * was dropped, no other is called. */
#include <assert.h>

#include "runtime/dataflow.h"
#include "runtime/graph_internal.h"

/* Asked before each callback: the one before may have dropped the dataflow or failed the run. */
static bool may_call(const nd_vertex *vertex)
{
    return !vertex->flow->is_dropped && vertex->flow->host->err == ND_OK;
}

static void begin(nd_vertex *vertex, const nd_right *rights, size_t n_rights)
{
    nd_host *const host = vertex->flow->host;
    assert(!nd_host_running(host));
    nd_host_move(host);
    atomic_store_explicit(&host->running, vertex, memory_order_release); /* see host.h */
    vertex->rights = rights;
    vertex->n_rights = n_rights;
}

static void end(nd_vertex *vertex)
{
    nd_vertex_settle(vertex);
    atomic_store_explicit(&vertex->flow->host->running, NULL, memory_order_release); /* likewise */
}

static void receive(nd_vertex *vertex)
{
    const nd_queued queued = *(const nd_queued *)nd_fifo_pop(&vertex->queue);
    if (vertex->on_recv) {
        const nd_right right = {queued.time, vertex->paths ? queued.port : ND_ANY_INPUT};
        begin(vertex, &right, 1);
        vertex->flow->host->lent = queued.batch;
        vertex->on_recv(vertex, queued.port, &queued.time, queued.batch);
        vertex->flow->host->lent = NULL;
        end(vertex);
    }
    nd_vertex_consume(vertex, &queued);
}

/* A source waits while too much is under way. */
static bool hold_back(nd_vertex *vertex)
{
    nd_host *const host = vertex->flow->host;
    if (!vertex->is_source || !nd_budget_is_spent(&host->in_flight))
        return false;
    nd_vertex **const slot = nd_vector_push(&host->held_back);
    if (!slot)
        return false;
    *slot = vertex;
    vertex->is_held_back = true;
    return true;
}

void nd_host_let_go(nd_host *host)
{
    nd_vertex **const sources = host->held_back.items;
    for (size_t i = 0; i < host->held_back.len; i++) {
        sources[i]->is_held_back = false;
        nd_vertex_schedule(sources[i]);
    }
    nd_vector_clear(&host->held_back);
}

void nd_vertex_when_idle(nd_vertex *vertex)
{
    if (vertex->is_idle)
        return;
    nd_vertex **const slot = nd_vector_push(&vertex->flow->host->idle);
    if (!slot)
        return; /* what is not urgent may as well not happen */
    *slot = vertex;
    vertex->is_idle = true;
}

bool nd_host_rest(nd_host *host)
{
    if (host->idle.len == 0)
        return false;
    nd_vertex *const vertex = *(nd_vertex **)nd_vector_pop(&host->idle);
    vertex->is_idle = false;
    nd_vertex_wake(vertex);
    return true;
}

void nd_vertex_run(nd_vertex *vertex, unsigned quantum)
{
    vertex->is_scheduled = false;
    if (vertex->is_activated && may_call(vertex) && !vertex->is_held_back && !hold_back(vertex)) {
        vertex->is_activated = false;
        begin(vertex, NULL, 0);
        vertex->on_activate(vertex);
        end(vertex);
    }
    if (vertex->has_news && may_call(vertex)) {
        vertex->has_news = false;
        begin(vertex, NULL, 0);
        vertex->on_frontier(vertex);
        end(vertex);
    }
    for (; quantum && !nd_fifo_is_empty(&vertex->queue) && may_call(vertex); quantum--)
        receive(vertex);
    nd_vertex_flush(vertex);
    if (!nd_fifo_is_empty(&vertex->queue) && may_call(vertex))
        nd_vertex_schedule(vertex);
}

void nd_vertex_notify(nd_vertex *vertex, const nd_time *time)
{
    nd_vector *const rights = &vertex->flow->host->rights;
    const nd_time now = *time;
    nd_vertex_take_due(vertex, &now, rights);
    if (!may_call(vertex))
        return;
    begin(vertex, rights->items, rights->len);
    vertex->on_notify(vertex, &now);
    end(vertex);
    for (size_t i = 0; i < rights->len; i++)
        nd_vertex_count_right(vertex, nd_vector_at(rights, i), -1);
    nd_vertex_flush(vertex);
}

/* --- What a vertex can ask of itself --- */

void *nd_vertex_state(const nd_vertex *vertex) { return vertex->state; }

void *nd_vertex_user(const nd_vertex *vertex) { return vertex->user; }

const char *nd_vertex_name(const nd_vertex *vertex) { return vertex->name; }

nd_worker *nd_vertex_worker(const nd_vertex *vertex) { return (nd_worker *)vertex->flow->host; }

size_t nd_vertex_frontier(nd_vertex *vertex, unsigned port, const nd_time **times)
{
    *times = NULL;
    if (port >= vertex->n_inlets || (!vertex->on_notify && !vertex->on_frontier)) {
        nd_vertex_fail(vertex, ND_INVAL,
                       "it reads the frontier of input %u, but has no such input, or neither "
                       "on_notify nor on_frontier",
                       port);
        return 0;
    }
    const nd_antichain *const frontier =
        nd_tracker_frontier(vertex->flow->tracker, vertex->inlets[port].location);
    *times = nd_antichain_items(frontier);
    return frontier->len;
}

nd_activator *nd_vertex_activator(nd_vertex *vertex)
{
    if (!vertex->activator)
        vertex->activator = nd_activator_create(vertex->flow->host->mailbox, vertex);
    return vertex->activator ? nd_activator_retain(vertex->activator) : NULL;
}
