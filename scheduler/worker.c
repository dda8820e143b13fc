/* SPDX-License-Identifier: Apache-2.0 */
/* A step takes over what has arrived, brings frontiers up to date, runs callbacks, and publishes
 * what they did:
 *
 *     receive
 *     publish, propagate
 *     run up to `budget` callbacks
 *     publish, propagate
 *     let parked receivers know
 *
 * The first publication is for what the program did between steps. Invariants: changes are
 * published only between callbacks, and after everything gathered was flushed; messages run before
 * notifications unless the policy says otherwise. */
#include "scheduler/worker.h"

#include <stdarg.h>
#include <stdio.h>

#include <nereid/memory.h>

#include "runtime/dataflow.h"
#include "runtime/pending.h"

/* --- What the runtime asks for --- */

static nd_err fail(nd_host *host, nd_err err, const char *text)
{
    nd_worker *const worker = (nd_worker *)host;
    if (worker->host.err == ND_OK)
        worker->host.err = worker->owner_ops->failed(worker->owner, err, text);
    return worker->host.err;
}

static void schedule(nd_host *host, nd_vertex *vertex)
{
    nd_worker *const worker = (nd_worker *)host;
    nd_vertex **const slot = nd_fifo_push(&worker->ready);
    if (slot)
        *slot = vertex;
    else
        nd_worker_fail(worker, ND_NOMEM, "worker %u: out of memory", host->index);
}

static void due(nd_host *host, nd_vertex *vertex, const nd_time *time)
{
    nd_worker *const worker = (nd_worker *)host;
    if (nd_due_heap_push(&worker->due, vertex, time) != ND_OK)
        nd_worker_fail(worker, ND_NOMEM, "worker %u: out of memory", host->index);
}

static void dirty(nd_host *host, nd_dataflow *flow)
{
    nd_worker *const worker = (nd_worker *)host;
    nd_dataflow **const slot = nd_vector_push(&worker->dirty);
    if (slot)
        *slot = flow;
    else
        nd_worker_fail(worker, ND_NOMEM, "worker %u: out of memory", host->index);
}

/* --- Life --- */

void nd_worker_alert(nd_worker *worker)
{
    atomic_store_explicit(&worker->is_alerted, true, memory_order_release);
    worker->owner_ops->wake(worker->owner, worker);
}

static void alert(void *worker) { nd_worker_alert(worker); }

nd_err nd_worker_init(nd_worker *worker, const nd_worker_def *def)
{
    static const nd_host_ops ops = {.schedule = schedule, .due = due, .dirty = dirty, .fail = fail};
    *worker = (nd_worker){.host = {.ops = &ops,
                                   .index = def->index,
                                   .peers = def->peers,
                                   .processes = def->processes,
                                   .transport = def->transport,
                                   .in_flight = {.budget = def->budget},
                                   .max_batch_len = SIZE_MAX},
                          .owner_ops = def->owner_ops,
                          .owner = def->owner,
                          .schedule = def->schedule};
    nd_pool_init(&worker->host.pool);
    nd_vector_init(&worker->host.types, sizeof(nd_type *));
    nd_vector_init(&worker->host.flows, sizeof(nd_dataflow *));
    nd_vector_init(&worker->host.rights, sizeof(nd_right));
    nd_vector_init(&worker->host.held_back, sizeof(nd_vertex *));
    nd_vector_init(&worker->host.idle, sizeof(nd_vertex *));
    nd_fifo_init(&worker->ready, sizeof(nd_vertex *));
    nd_vector_init(&worker->dirty, sizeof(nd_dataflow *));
    nd_due_heap_init(&worker->due);
    atomic_init(&worker->is_alerted, false);
    ND_TRY(nd_host_init_peers(&worker->host));
    worker->host.mailbox = nd_mailbox_create(alert, worker);
    if (worker->host.mailbox)
        return ND_OK;
    nd_host_deinit_peers(&worker->host);
    return ND_NOMEM;
}

void nd_worker_close(nd_worker *worker)
{
    for (size_t i = 0; i < worker->host.flows.len; i++)
        nd_dataflow_destroy(*(nd_dataflow **)nd_vector_at(&worker->host.flows, i));
    nd_mailbox_close(worker->host.mailbox);
    nd_vector_deinit(&worker->host.flows);
    nd_host_deinit_peers(&worker->host);
    nd_vector_deinit(&worker->host.rights);
    nd_vector_deinit(&worker->host.held_back);
    nd_vector_deinit(&worker->host.idle);
    nd_fifo_deinit(&worker->ready);
    nd_vector_deinit(&worker->dirty);
    nd_due_heap_deinit(&worker->due);
}

void nd_worker_deinit(nd_worker *worker)
{
    nd_vector *const types = &worker->host.types;
    nd_pool_deinit(&worker->host.pool);
    for (size_t i = 0; i < types->len; i++)
        nd_free(*(nd_type **)nd_vector_at(types, i));
    nd_vector_deinit(types);
}

/* --- A step --- */

/* Taken in one step: fast senders must not keep a worker from its callbacks. */
enum { ARRIVALS = 4096 };

static void receive(nd_worker *worker)
{
    const nd_transport *const transport = &worker->host.transport;
    if (worker->host.peers == 1)
        return;
    nd_delivery delivery;
    nd_frame frame;
    for (unsigned n = 0; n < ARRIVALS; n++)
        switch (transport->ops->receive(transport->endpoint, &delivery, &frame)) {
        case ND_ARRIVAL_BATCH:
            nd_host_move(&worker->host);
            if (nd_host_take_batch(&worker->host, &delivery) != ND_OK)
                return;
            break;
        case ND_ARRIVAL_FRAME:
            nd_host_move(&worker->host);
            if (nd_host_take_frame(&worker->host, &frame) != ND_OK)
                return;
            break;
        case ND_ARRIVAL_NONE:
            return;
        }
}

static void wake_vertex(void *context, nd_vertex *vertex)
{
    (void)context;
    nd_vertex_wake(vertex);
}

/* Returns whether there was an alert. */
static bool take_alerts(nd_worker *worker)
{
    if (!atomic_load_explicit(&worker->is_alerted, memory_order_relaxed))
        return false;
    /* Pairs with the release in nd_worker_alert; what is put into the mailbox from here on alerts
     * anew. */
    atomic_exchange_explicit(&worker->is_alerted, false, memory_order_acquire);
    nd_mailbox_drain(worker->host.mailbox, wake_vertex, NULL);
    if (worker->host.err == ND_OK)
        worker->host.err = worker->owner_ops->ended(worker->owner);
    return true;
}

/* Publishes and propagates every dataflow with changes. */
static void settle(nd_worker *worker)
{
    if (worker->dirty.len)
        nd_host_move(&worker->host);
    for (size_t i = 0; i < worker->dirty.len && worker->host.err == ND_OK; i++) {
        nd_dataflow *const flow = *(nd_dataflow **)nd_vector_at(&worker->dirty, i);
        nd_flow_publish(flow);
        nd_flow_untold(flow);
        nd_flow_propagate(flow);
    }
    nd_vector_clear(&worker->dirty);
}

/* Runs one vertex or delivers one notification; false when there is nothing. */
static bool run_one(nd_worker *worker)
{
    const size_t n_ready = nd_fifo_len(&worker->ready);
    const size_t n = n_ready + (worker->due.items.len != 0);
    if (n == 0)
        return false;
    const size_t index = worker->schedule->choose && n > 1
                             ? worker->schedule->choose(worker->schedule->context, n)
                             : 0;
    if (index < n_ready) {
        nd_vertex *const vertex = *(nd_vertex **)nd_fifo_take(&worker->ready, index);
        nd_vertex_run(vertex, worker->schedule->quantum);
        return true;
    }
    nd_due earliest;
    if (nd_due_heap_pop(&worker->due, &earliest))
        nd_vertex_notify(earliest.vertex, &earliest.time);
    return true;
}

/* Lets sources go on when there is room again. */
static void resume_sources(nd_worker *worker)
{
    if (worker->host.held_back.len && nd_budget_wait(&worker->host.in_flight))
        nd_host_let_go(&worker->host);
}

static nd_err step(nd_worker *worker, unsigned budget)
{
    const bool is_alerted = take_alerts(worker);
    if (worker->host.err != ND_OK)
        return worker->host.err;
    receive(worker);
    settle(worker);
    if (is_alerted && worker->owner_ops->alerted)
        worker->owner_ops->alerted(worker->owner);
    while (budget-- && worker->host.err == ND_OK && run_one(worker))
        worker->host.transport.ops->flush(worker->host.transport.endpoint);
    settle(worker);
    worker->host.transport.ops->flush(worker->host.transport.endpoint);
    resume_sources(worker);
    if (nd_fifo_is_empty(&worker->ready))
        nd_budget_settle(&worker->host.in_flight);
    return worker->host.err;
}

bool nd_worker_has_work(nd_worker *worker)
{
    const nd_transport *const transport = &worker->host.transport;
    return !nd_fifo_is_empty(&worker->ready) || worker->due.items.len || worker->dirty.len ||
           worker->host.err != ND_OK ||
           atomic_load_explicit(&worker->is_alerted, memory_order_acquire) ||
           transport->ops->has_arrivals(transport->endpoint);
}

bool nd_worker_is_done(nd_worker *worker)
{
    const nd_vector *const flows = &worker->host.flows;
    while (worker->n_over < flows->len &&
           nd_flow_is_over(*(nd_dataflow **)nd_vector_at(flows, worker->n_over)))
        worker->n_over++;
    return worker->n_over == flows->len && nd_fifo_is_empty(&worker->ready) &&
           worker->due.items.len == 0; /* clean-up may be asked for that holds nothing open */
}

/* --- What programs call --- */

enum { BUDGET = 256 }; /* callbacks a step, where the caller does not say */

/* Stepping from inside a callback would run callbacks inside callbacks. */
static nd_err check_outside(nd_worker *worker)
{
    const nd_vertex *const running = nd_host_running(&worker->host);
    if (!running || worker->host.err != ND_OK)
        return worker->host.err;
    return nd_worker_fail(
        worker, ND_INVAL,
        "the worker is stepped inside a callback of vertex '%s': only the program may "
        "wait, a callback returns and is called again",
        nd_vertex_name(running));
}

nd_err nd_worker_step(nd_worker *worker, unsigned budget)
{
    ND_TRY(check_outside(worker));
    return step(worker, budget);
}

static nd_err check_started(nd_worker *worker, const nd_dataflow *unstarted)
{
    if (!unstarted)
        return ND_OK;
    return nd_worker_fail(
        worker, ND_INVAL,
        "dataflow '%s' was begun but never started: call nd_dataflow_start before "
        "running or waiting",
        nd_dataflow_name(unstarted));
}

static void rest_or_park(nd_worker *worker)
{
    if (!nd_host_rest(&worker->host))
        worker->owner_ops->park(worker->owner, worker);
}

static nd_err wait_while(nd_worker *worker, bool (*behind)(const nd_probe *probe, uint64_t epoch),
                         const nd_probe *probe, uint64_t epoch)
{
    while (behind(probe, epoch)) {
        ND_TRY(step(worker, BUDGET));
        if (nd_worker_has_work(worker) || !behind(probe, epoch))
            continue;
        const nd_vertex *const input = nd_probe_waits_for(probe, epoch);
        if (input)
            return nd_worker_fail(worker, ND_INVAL,
                                  "waiting for epoch %llu would never end: '%s' of dataflow '%s' "
                                  "has not been advanced "
                                  "to it on this worker (nd_input_advance)",
                                  (unsigned long long)epoch, nd_vertex_name(input),
                                  nd_vertex_flow_name(input));
        rest_or_park(worker);
    }
    return worker->host.err;
}

nd_err nd_worker_step_while(nd_worker *worker,
                            bool (*behind)(const nd_probe *probe, uint64_t epoch),
                            const nd_probe *probe, uint64_t epoch)
{
    ND_TRY(check_outside(worker));
    ND_TRY(check_started(worker, nd_probe_unstarted(probe)));
    worker->probe = probe;
    worker->epoch = epoch;
    const nd_err err = wait_while(worker, behind, probe, epoch);
    worker->probe = NULL;
    return err;
}

static const nd_vertex *find_open_input(const nd_worker *worker)
{
    const nd_vector *const flows = &worker->host.flows;
    const nd_vertex *input = NULL;
    for (size_t i = worker->n_over; i < flows->len && !input; i++)
        input = nd_flow_open_input(*(nd_dataflow **)nd_vector_at(flows, i));
    return input;
}

nd_err nd_worker_run(nd_worker *worker)
{
    ND_TRY(check_outside(worker));
    ND_TRY(check_started(worker, nd_host_unstarted(&worker->host)));
    worker->is_finishing = true; /* so it stays, unless the program begins something new */
    while (!nd_worker_is_done(worker)) {
        ND_TRY(step(worker, BUDGET));
        if (nd_worker_has_work(worker) || nd_worker_is_done(worker))
            continue;
        const nd_vertex *const input = find_open_input(worker);
        if (input)
            return nd_worker_fail(
                worker, ND_INVAL,
                "running to the end would never end: '%s' of dataflow '%s' is still open on this "
                "worker (nd_input_close; nd_release for a source of your own)",
                nd_vertex_name(input), nd_vertex_flow_name(input));
        rest_or_park(worker);
    }
    return worker->host.err;
}

nd_err nd_worker_fail(nd_worker *worker, nd_err err, const char *format, ...)
{
    char text[sizeof(nd_message)];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return fail(&worker->host, err, text);
}

unsigned nd_worker_index(const nd_worker *worker) { return worker->host.index; }

unsigned nd_worker_peers(const nd_worker *worker) { return worker->host.peers; }

const nd_schedule nd_schedule_plain = {.choose = NULL, .context = NULL, .quantum = 64};
