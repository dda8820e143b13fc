/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults of the transport are planted in the simulated one. All others sit where the runtime meets
 * its host: what a worker is about to publish passes through `tamper`, what comes and goes through
 * a transport around the real one, what is due through the host's functions.
 */
#include "tests/random/harness/mutants.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <nereid/memory.h>

#include "runtime/dataflow.h"
#include "runtime/graph_internal.h"
#include "scheduler/worker.h"
#include "tests/random/harness/instance_log.h"

enum { NOW_AND_THEN = 10 }; /* one in so many */

typedef struct planted_fault planted_fault;

/* One worker's share of the fault; it stands in for the worker's endpoint. */
typedef struct planted_worker {
    planted_fault *fault;
    nd_host *host;
    nd_transport transport;           /* the real one */
    nd_change_batch kept;             /* changes that are published one frame late */
    nd_change_batch early[RUN_FLOWS]; /* own changes applied before they are published */
    nd_vector changed;                /* nd_change: of the frame received last */
} planted_worker;

typedef struct planned_fault {
    const char *name;
    nd_sim_fault transport_fault;
    unsigned every;
    void (*tamper)(nd_host *host, nd_change_batch *changes);
    void (*arrive)(planted_worker *worker, nd_frame *frame);
    nd_err (*send_batch)(planted_worker *worker, unsigned to, const nd_delivery *delivery);
    void (*due)(nd_host *host, nd_vertex *vertex, const nd_time *time);
    void (*flush)(planted_worker *worker);
    void (*on_callback)(random_run *run, instance *me);
} planned_fault;

struct planted_fault {
    const planned_fault *mutant;
    const nd_host_ops *ops; /* the real ones */
    uint64_t n;             /* chances to do wrong so far */
    planted_worker workers[RUN_WORKERS];
};

static bool is_time(planted_fault *fault) { return ++fault->n % NOW_AND_THEN == 0; }

static planted_worker *worker_of(const nd_host *host) { return host->transport.endpoint; }

static nd_dataflow *flow_of(nd_change_batch *changes)
{
    return (nd_dataflow *)(void *)((char *)changes - offsetof(nd_dataflow, changes));
}

static void must(nd_err err)
{
    if (err != ND_OK)
        abort();
}

static void update(nd_change_batch *batch, const nd_change *change, int64_t delta)
{
    must(nd_change_batch_update(batch, change->location, &change->time, delta));
}

/* The vertex that an input location belongs to, or NULL. */
static const nd_vertex *receiver_at(const nd_dataflow *flow, uint32_t location)
{
    for (size_t i = 0; i < flow->vertices.len; i++) {
        const nd_vertex *vertex = *(nd_vertex **)nd_vector_at(&flow->vertices, i);
        if (vertex->n_inlets != 0 && location >= vertex->inlets[0].location &&
            location <= vertex->inlets[vertex->n_inlets - 1].location)
            return vertex;
    }
    return NULL;
}

/* --- What is published --- */

/* Several batches to one input count as one. */
static void count_once(nd_host *host, nd_change_batch *changes)
{
    (void)host;
    for (size_t i = 0; i < changes->len; i++)
        if (changes->items[i].delta > 1 &&
            receiver_at(flow_of(changes), changes->items[i].location) != NULL)
            changes->items[i].delta = 1;
}

/* What was taken away is not told, now and then. */
static void skip_retraction(nd_host *host, nd_change_batch *changes)
{
    size_t kept = 0;
    for (size_t i = 0; i < changes->len; i++)
        if (changes->items[i].delta > 0 || !is_time(worker_of(host)->fault))
            changes->items[kept++] = changes->items[i];
    changes->len = changes->clean = kept;
}

/* What is added is told one frame late. */
static void add_late(nd_host *host, nd_change_batch *changes)
{
    nd_change_batch *kept = &worker_of(host)->kept;
    const nd_change_batch now = *changes;
    if (flow_of(changes)->id != 0)
        return;
    nd_change_batch_init(changes);
    for (size_t i = 0; i < kept->len; i++)
        update(changes, &kept->items[i], kept->items[i].delta);
    nd_change_batch_clear(kept);
    for (size_t i = 0; i < now.len; i++)
        update(now.items[i].delta > 0 ? kept : changes, &now.items[i], now.items[i].delta);
    nd_change_batch_compact(changes);
    nd_free(now.items);
}

/* Batches on their way to one of several inputs are not counted at all. */
static void ignore_input(nd_host *host, nd_change_batch *changes)
{
    (void)host;
    size_t kept = 0;
    for (size_t i = 0; i < changes->len; i++) {
        const nd_vertex *vertex = receiver_at(flow_of(changes), changes->items[i].location);
        if (vertex == NULL || vertex->n_inlets == 1 ||
            changes->items[i].location != vertex->inlets[1].location)
            changes->items[kept++] = changes->items[i];
    }
    changes->len = changes->clean = kept;
}

/* Rights to send are not counted while they are held. */
static void ignore_rights(nd_host *host, nd_change_batch *changes)
{
    (void)host;
    size_t kept = 0;
    for (size_t i = 0; i < changes->len; i++) {
        const nd_time zero = {.epoch = 0};
        const bool is_initial = nd_time_equal(&changes->items[i].time, &zero);
        if (is_initial || receiver_at(flow_of(changes), changes->items[i].location) != NULL)
            changes->items[kept++] = changes->items[i];
    }
    changes->len = changes->clean = kept;
}

/* --- What arrives --- */

/* No count goes below zero. */
static void clamp_negative(planted_worker *worker, nd_frame *frame)
{
    nd_dataflow *flow = *(nd_dataflow **)nd_vector_at(&worker->host->flows, frame->flow);
    nd_change *changes = worker->changed.items;
    for (size_t i = 0; i < frame->len && flow->tracker != NULL; i++) {
        const int64_t count =
            nd_tracker_count(flow->tracker, changes[i].location, &changes[i].time);
        if (changes[i].delta < 0 && changes[i].delta < -count)
            changes[i].delta = count > 0 ? -count : 0;
    }
}

/* Of a frame only the first change is taken. */
static void tear_frame(planted_worker *worker, nd_frame *frame)
{
    if (frame->len > 1 && is_time(worker->fault))
        frame->len = 1;
}

/* --- Batches --- */

static nd_err real_send(planted_worker *worker, unsigned to, const nd_delivery *delivery)
{
    return worker->transport.ops->send_batch(worker->transport.endpoint, to, delivery);
}

static nd_err lose_batch(planted_worker *worker, unsigned to, const nd_delivery *delivery)
{
    if (!is_time(worker->fault))
        return real_send(worker, to, delivery);
    nd_batch_release(delivery->batch);
    return ND_OK;
}

static nd_err repeat_batch(planted_worker *worker, unsigned to, const nd_delivery *delivery)
{
    if (is_time(worker->fault)) {
        nd_batch_take(delivery->batch);
        must(real_send(worker, to, delivery));
    }
    return real_send(worker, to, delivery);
}

static nd_err misroute_batch(planted_worker *worker, unsigned to, const nd_delivery *delivery)
{
    const unsigned wrong = (to + 1) % worker->host->peers;
    const bool is_wrong = wrong != worker->host->index && is_time(worker->fault);
    return real_send(worker, is_wrong ? wrong : to, delivery);
}

/* --- Notifications --- */

static planted_fault *fault_at(const nd_vertex *vertex)
{
    return worker_of(vertex->flow->host)->fault;
}

static void lose_notification(nd_host *host, nd_vertex *vertex, const nd_time *time)
{
    planted_fault *fault = fault_at(vertex);
    if (!is_time(fault))
        fault->ops->due(host, vertex, time);
}

static void repeat_notification(nd_host *host, nd_vertex *vertex, const nd_time *time)
{
    planted_fault *fault = fault_at(vertex);
    fault->ops->due(host, vertex, time);
    if (is_time(fault))
        fault->ops->due(host, vertex, time);
}

static bool is_past_first(const nd_vertex *vertex, const nd_time *time)
{
    return vertex->n_inlets > 1 &&
           !nd_antichain_less_equal(
               nd_tracker_frontier(vertex->flow->tracker, vertex->inlets[0].location), time);
}

/* A notification is due when the first of several inputs is past its time. */
static void notify_by_one_input(planted_worker *worker)
{
    const nd_vector *flows = &worker->host->flows;
    for (size_t f = 0; f < flows->len; f++) {
        const nd_dataflow *flow = *(nd_dataflow **)nd_vector_at(flows, f);
        for (size_t v = 0; flow->state == ND_FLOW_RUNNING && v < flow->vertices.len; v++) {
            nd_vertex *vertex = *(nd_vertex **)nd_vector_at(&flow->vertices, v);
            size_t i = vertex->pending.head;
            while (vertex->on_notify != NULL && i < nd_pending_list_end(&vertex->pending))
                if (is_past_first(vertex, &nd_pending_list_at(&vertex->pending, i)->due))
                    i = nd_vertex_tell_due(vertex, i);
                else
                    i++;
        }
    }
}

/* --- Own changes applied when they are made --- */

/* Brings the tracker forward to what the worker has done but not published. */
static void apply_early(random_run *run, instance *me)
{
    planted_fault *fault = run->mutation;
    nd_dataflow *flow = me->vertex->flow;
    nd_change_batch *early = &fault->workers[me->worker].early[me->flow];
    nd_change_batch ahead;
    nd_change_batch_init(&ahead);
    for (size_t i = 0; i < flow->changes.len; i++)
        update(&ahead, &flow->changes.items[i], flow->changes.items[i].delta);
    for (size_t i = 0; i < early->len; i++)
        update(&ahead, &early->items[i], -early->items[i].delta);
    nd_change_batch_compact(&ahead);
    for (size_t i = 0; i < ahead.len; i++) {
        must(nd_tracker_update(flow->tracker, ahead.items[i].location, &ahead.items[i].time,
                               ahead.items[i].delta));
        update(early, &ahead.items[i], ahead.items[i].delta);
    }
    nd_change_batch_deinit(&ahead);
    flow->is_staged = true;
    nd_flow_propagate(flow);
}

/* What was applied is taken back, to be applied again with the frame. */
static void take_back_early(nd_host *host, nd_change_batch *changes)
{
    nd_dataflow *flow = flow_of(changes);
    nd_change_batch *early = &worker_of(host)->early[flow->id];
    for (size_t i = 0; i < early->len; i++)
        must(nd_tracker_update(flow->tracker, early->items[i].location, &early->items[i].time,
                               -early->items[i].delta));
    nd_change_batch_clear(early);
}

/* --- All of them --- */

static const planned_fault mutants[] = {
    {.name = "split-frame", .transport_fault = ND_SIM_SPLIT, .every = 1},
    {.name = "reorder-frames", .transport_fault = ND_SIM_REORDER, .every = 1},
    {.name = "repeat-frame", .transport_fault = ND_SIM_REPEAT, .every = 20},
    {.name = "lose-frame", .transport_fault = ND_SIM_LOSE, .every = 20},
    {.name = "forget-drop", .transport_fault = ND_SIM_FORGET, .every = 2},
    {.name = "tell-own-steps", .transport_fault = ND_SIM_OWN_STEPS, .every = 1},
    {.name = "cover-by-view", .transport_fault = ND_SIM_VIEW_COVERS, .every = 1},
    {.name = "count-split-once", .tamper = count_once},
    {.name = "skip-retraction", .tamper = skip_retraction},
    {.name = "add-late", .tamper = add_late},
    {.name = "ignore-input", .tamper = ignore_input},
    {.name = "ignore-rights", .tamper = ignore_rights},
    {.name = "clamp-negative", .arrive = clamp_negative},
    {.name = "tear-frame", .arrive = tear_frame},
    {.name = "lose-batch", .send_batch = lose_batch},
    {.name = "repeat-batch", .send_batch = repeat_batch},
    {.name = "misroute-batch", .send_batch = misroute_batch},
    {.name = "lose-notification", .due = lose_notification},
    {.name = "repeat-notification", .due = repeat_notification},
    {.name = "notify-by-one-input", .flush = notify_by_one_input},
    {.name = "apply-early", .tamper = take_back_early, .on_callback = apply_early},
};

enum { N_MUTANTS = sizeof mutants / sizeof *mutants };

const char *mutant_name(size_t index) { return index < N_MUTANTS ? mutants[index].name : NULL; }

/* --- The transport around the real one --- */

static nd_err begin_flow(void *endpoint, const nd_flow_plan *plan)
{
    const planted_worker *worker = endpoint;
    return worker->transport.ops->begin_flow(worker->transport.endpoint, plan);
}

static nd_err send_batch(void *endpoint, unsigned to, const nd_delivery *delivery)
{
    planted_worker *worker = endpoint;
    if (worker->fault->mutant->send_batch != NULL)
        return worker->fault->mutant->send_batch(worker, to, delivery);
    return real_send(worker, to, delivery);
}

static nd_err send_frame(void *endpoint, const nd_frame *frame)
{
    const planted_worker *worker = endpoint;
    return worker->transport.ops->send_frame(worker->transport.endpoint, frame);
}

static nd_arrival receive(void *endpoint, nd_delivery *delivery, nd_frame *frame)
{
    planted_worker *worker = endpoint;
    const nd_arrival arrival =
        worker->transport.ops->receive(worker->transport.endpoint, delivery, frame);
    const planned_fault *mutant = worker->fault->mutant;
    if (arrival != ND_ARRIVAL_FRAME || frame->kind != ND_FRAME_CHANGES || mutant->arrive == NULL)
        return arrival;
    nd_vector_clear(&worker->changed);
    for (size_t i = 0; i < frame->len; i++)
        *(nd_change *)push(&worker->changed) = frame->changes[i];
    frame->changes = worker->changed.items;
    mutant->arrive(worker, frame);
    return arrival;
}

static void flush(void *endpoint)
{
    planted_worker *worker = endpoint;
    if (worker->fault->mutant->flush != NULL)
        worker->fault->mutant->flush(worker);
    worker->transport.ops->flush(worker->transport.endpoint);
}

static bool has_arrivals(void *endpoint)
{
    const planted_worker *worker = endpoint;
    return worker->transport.ops->has_arrivals(worker->transport.endpoint);
}

static void consumed(void *endpoint, const nd_batch *batch)
{
    const planted_worker *worker = endpoint;
    worker->transport.ops->consumed(worker->transport.endpoint, batch);
}

/* The host's functions but one. */
static void schedule(nd_host *host, nd_vertex *vertex)
{
    worker_of(host)->fault->ops->schedule(host, vertex);
}

static void due(nd_host *host, nd_vertex *vertex, const nd_time *time)
{
    const planted_fault *fault = fault_at(vertex);
    (fault->mutant->due != NULL ? fault->mutant->due : fault->ops->due)(host, vertex, time);
}

static void dirty(nd_host *host, nd_dataflow *flow)
{
    worker_of(host)->fault->ops->dirty(host, flow);
}

static nd_err fail(nd_host *host, nd_err err, const char *text)
{
    return worker_of(host)->fault->ops->fail(host, err, text);
}

static void plant(planted_fault *fault, unsigned index, nd_host *host)
{
    static const nd_transport_ops around = {.name = "mutant",
                                            .begin_flow = begin_flow,
                                            .send_batch = send_batch,
                                            .send_frame = send_frame,
                                            .receive = receive,
                                            .flush = flush,
                                            .has_arrivals = has_arrivals,
                                            .consumed = consumed};
    static const nd_host_ops ops = {.schedule = schedule, .due = due, .dirty = dirty, .fail = fail};
    planted_worker *worker = &fault->workers[index];
    worker->fault = fault;
    worker->host = host;
    worker->transport = host->transport;
    nd_vector_init(&worker->changed, sizeof(nd_change));
    fault->ops = host->ops;
    host->transport = (nd_transport){&around, worker};
    host->ops = &ops;
    host->tamper = fault->mutant->tamper;
}

void mutate(random_run *run, nd_simulation *simulation, const char *name)
{
    planted_fault *fault = calloc(1, sizeof *fault);
    if (fault == NULL)
        abort();
    for (size_t i = 0; i < N_MUTANTS; i++)
        if (strcmp(mutants[i].name, name) == 0)
            fault->mutant = &mutants[i];
    run->mutation = fault;
    run->on_callback = fault->mutant->on_callback;
    if (fault->mutant->transport_fault != ND_SIM_FAITHFUL)
        nd_sim_break(nd_simulation_transport(simulation), fault->mutant->transport_fault,
                     fault->mutant->every, false);
    for (unsigned i = 0; i < run->n_workers; i++)
        plant(fault, i, &nd_simulation_worker(simulation, i)->host);
}

void mutate_end(random_run *run)
{
    planted_fault *fault = run->mutation;
    if (fault == NULL)
        return;
    for (unsigned i = 0; i < run->n_workers; i++) {
        nd_change_batch_deinit(&fault->workers[i].kept);
        for (unsigned f = 0; f < RUN_FLOWS; f++)
            nd_change_batch_deinit(&fault->workers[i].early[f]);
        nd_vector_deinit(&fault->workers[i].changed);
    }
    free(fault);
}
