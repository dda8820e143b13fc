/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/local.h"

#include <string.h>

#include <nereid/memory.h>
#include <nereid/worker.h>

#include "runtime/base/cache_line.h"
#include "transport/queue.h"

/* A worker writes to its own at every turn, so no two share a cache line. */
typedef struct endpoint {
    nd_local *local;
    unsigned worker;
    unsigned from;      /* whose queue is looked at next: each in turn, so that none is starved */
    nd_queue *borrowed; /* the queue whose first message is lent */
    bool has_sent;
    bool sent_to[ND_MAX_WORKERS]; /* by receiver: something was sent since the last flush */
    char apart[ND_CACHE_LINE];
} endpoint;

struct nd_local {
    unsigned n_workers;
    nd_wake_fn *wake;
    void *context;
    nd_queue *queues; /* from sender s to receiver r: [s * n_workers + r] */
    endpoint *endpoints;
};

/* A message of a queue. Of a frame the changes follow. */
typedef struct parcel {
    nd_arrival kind;
    union {
        nd_delivery delivery; /* ND_ARRIVAL_BATCH */
        nd_frame frame;       /* ND_ARRIVAL_FRAME */
    } of;
} parcel;

static nd_queue *queue_of(nd_local *local, unsigned sender, unsigned receiver)
{
    return &local->queues[(size_t)sender * local->n_workers + receiver];
}

nd_err nd_local_create(unsigned n_workers, nd_wake_fn *wake, void *context, nd_local **local)
{
    nd_local *const made = nd_alloc_zero(1, sizeof *made);
    if (!made)
        return ND_NOMEM;
    const size_t n_pairs = (size_t)n_workers * n_workers;
    *made = (nd_local){.n_workers = n_workers, .wake = wake, .context = context};
    made->queues = nd_alloc_zero(n_pairs, sizeof *made->queues);
    made->endpoints = nd_alloc_zero(n_workers, sizeof *made->endpoints);
    if (!made->queues || !made->endpoints) {
        nd_local_destroy(made);
        return ND_NOMEM;
    }
    for (unsigned i = 0; i < n_workers; i++)
        made->endpoints[i] = (endpoint){.local = made, .worker = i};
    *local = made;
    return ND_OK;
}

/* What was lent is no longer needed. */
static void give_back(endpoint *to)
{
    if (to->borrowed)
        nd_queue_pop(to->borrowed);
    to->borrowed = NULL;
}

void nd_local_destroy(nd_local *local)
{
    if (!local)
        return;
    for (unsigned i = 0; local->endpoints && i < local->n_workers; i++)
        give_back(&local->endpoints[i]); /* a batch that was lent is the receiver's */
    for (size_t i = 0; local->queues && i < (size_t)local->n_workers * local->n_workers; i++) {
        for (const parcel *left; (left = nd_queue_peek(&local->queues[i]));
             nd_queue_pop(&local->queues[i]))
            if (left->kind == ND_ARRIVAL_BATCH)
                nd_batch_release(left->of.delivery.batch);
        nd_queue_deinit(&local->queues[i]);
    }
    nd_free(local->queues);
    nd_free(local->endpoints);
    nd_free(local);
}

static void mark_sent(endpoint *from, unsigned receiver)
{
    from->sent_to[receiver] = true;
    from->has_sent = true;
}

static nd_err send_batch(void *context, unsigned worker, const nd_delivery *delivery)
{
    endpoint *const from = context;
    nd_queue *const queue = queue_of(from->local, from->worker, worker);
    parcel *const message = nd_queue_push_begin(queue, sizeof *message);
    if (!message) {
        nd_batch_release(delivery->batch);
        return ND_NOMEM;
    }
    message->kind = ND_ARRIVAL_BATCH;
    message->of.delivery = *delivery;
    nd_queue_push_end(queue);
    mark_sent(from, worker);
    return ND_OK;
}

static nd_err send_frame(void *context, const nd_frame *frame)
{
    endpoint *const from = context;
    const size_t size = frame->len * sizeof *frame->changes;
    for (unsigned i = 0; i < from->local->n_workers; i++) {
        if (i == from->worker)
            continue;
        nd_queue *const queue = queue_of(from->local, from->worker, i);
        parcel *const message = nd_queue_push_begin(queue, sizeof *message + size);
        if (!message)
            return ND_NOMEM;
        message->kind = ND_ARRIVAL_FRAME;
        message->of.frame = *frame;
        message->of.frame.changes = NULL;
        if (size)
            memcpy(message + 1, frame->changes, size);
        nd_queue_push_end(queue);
        mark_sent(from, i);
    }
    return ND_OK;
}

static const parcel *next_parcel(endpoint *to)
{
    nd_local *const local = to->local;
    for (unsigned i = 0; i < local->n_workers; i++) {
        const unsigned from = to->from;
        nd_queue *const queue = queue_of(local, from, to->worker);
        const parcel *const message = from == to->worker ? NULL : nd_queue_peek(queue);
        to->from = from + 1 == local->n_workers ? 0 : from + 1;
        if (message) {
            to->borrowed = queue;
            return message;
        }
    }
    return NULL;
}

static nd_arrival receive(void *context, nd_delivery *delivery, nd_frame *frame)
{
    endpoint *const to = context;
    give_back(to);
    const parcel *const message = next_parcel(to);
    if (!message)
        return ND_ARRIVAL_NONE;
    if (message->kind == ND_ARRIVAL_BATCH) {
        *delivery = message->of.delivery;
    } else {
        *frame = message->of.frame;
        frame->changes = (const nd_change *)(const void *)(message + 1);
    }
    return message->kind;
}

static void flush(void *context)
{
    endpoint *const from = context;
    if (!from->has_sent)
        return;
    from->has_sent = false;
    for (unsigned i = 0; i < from->local->n_workers; i++) {
        if (!from->sent_to[i])
            continue;
        from->sent_to[i] = false;
        from->local->wake(from->local->context, i);
    }
}

static bool has_arrivals(void *context)
{
    endpoint *const to = context;
    give_back(to);
    const bool found = next_parcel(to) != NULL;
    to->borrowed = NULL;
    return found;
}

nd_transport nd_local_transport(nd_local *local, unsigned worker)
{
    static const nd_transport_ops ops = {
        .name = "local",
        .send_batch = send_batch,
        .send_frame = send_frame,
        .receive = receive,
        .flush = flush,
        .has_arrivals = has_arrivals,
    };
    return (nd_transport){&ops, &local->endpoints[worker]};
}
