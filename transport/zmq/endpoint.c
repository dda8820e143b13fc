/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's end: what goes to this process goes by the local transport, the rest to the net
 * thread. What is dear is done here, on the worker: packing and unpacking records, and their hash.
 */
#include <string.h>

#include "runtime/batch.h"
#include "transport/wire/packed.h"
#include "transport/wire/records.h"
#include "transport/zmq/net_internal.h"
#include "transport/zmq/options.h"

enum { COPIED = 1024 }; /* bytes; below, a copy is cheaper than a message that refers to them */

static unsigned process_of(const nd_net *net, unsigned worker)
{
    return worker / net->def.n_workers;
}

static nd_err begin_flow(void *endpoint, const nd_flow_plan *plan)
{
    nd_net_seat *const seat = endpoint;
    while (seat->plans.len <= plan->flow) {
        nd_flow_plan *const slot = nd_vector_push(&seat->plans);
        if (!slot)
            return ND_NOMEM;
        *slot = (nd_flow_plan){.type_of = NULL};
    }
    *(nd_flow_plan *)nd_vector_at(&seat->plans, plan->flow) = *plan;
    return nd_ledger_begin(&seat->net->ledger, plan);
}

/* --- Sending --- */

/* On a thread of ZeroMQ's. */
static void release_batch(void *data, void *batch)
{
    (void)data;
    nd_batch_release(batch);
}

static nd_err copy_body(zmq_msg_t *body, const void *bytes, size_t size)
{
    if (zmq_msg_init_size(body, size) != 0)
        return ND_NOMEM;
    memcpy(zmq_msg_data(body), bytes, size);
    return ND_OK;
}

static nd_err pack(const nd_batch *batch, zmq_msg_t *body, nd_message *message)
{
    nd_vector packed;
    nd_vector_init(&packed, 1);
    nd_err err = nd_wire_pack(batch, &packed, message);
    if (err == ND_OK)
        err = copy_body(body, packed.items, packed.len);
    nd_vector_deinit(&packed);
    return err;
}

/* Makes the message; on ND_INVAL it is said what is wrong. The reference moves, also on failure. */
static nd_err make_body(nd_batch *batch, nd_wire_head *head, zmq_msg_t *body, nd_message *message)
{
    nd_err err;
    const size_t size = batch->len * batch->type->size;
    const bool is_flat = nd_type_is_flat(batch->type);
    head->kind = is_flat ? ND_WIRE_RECORDS : ND_WIRE_PACKED;
    if (!is_flat)
        err = pack(batch, body, message);
    else if (size > ND_WIRE_BODY_MOST)
        err = nd_message_set(message, ND_INVAL,
                             "a batch of %zu bytes is larger than what can be sent to another "
                             "process at once (%d MiB): send fewer records at a time",
                             size, ND_WIRE_BODY_MOST >> 20);
    else if (size < COPIED)
        err = copy_body(body, batch->records, size);
    else if (zmq_msg_init_data(body, batch->records, size, release_batch, batch) == 0)
        return ND_OK; /* the message has the reference now */
    else
        err = ND_NOMEM;
    nd_batch_release(batch);
    return err;
}

nd_err nd_post_records(nd_queue *queue, const nd_wire_head *head, zmq_msg_t *body)
{
    nd_post *const post = nd_queue_push_begin(queue, sizeof *post);
    if (!post) {
        zmq_msg_close(body);
        zmq_msg_init(body);
        return ND_NOMEM;
    }
    post->kind = ND_ARRIVAL_BATCH;
    post->of.batch.head = *head;
    zmq_msg_init(&post->of.batch.body);
    zmq_msg_move(&post->of.batch.body, body);
    nd_queue_push_end(queue);
    return ND_OK;
}

static nd_err post_batch(nd_net_seat *seat, unsigned worker, const nd_delivery *delivery)
{
    zmq_msg_t body;
    nd_wire_head head = {.kind = ND_WIRE_RECORDS,
                         .flow = delivery->flow,
                         .channel = delivery->channel,
                         .worker = worker,
                         .count = (uint32_t)delivery->batch->len,
                         .time = delivery->time};
    nd_message message;
    const int64_t counted = (int64_t)nd_batch_size(delivery->batch);
    const nd_err err = make_body(delivery->batch, &head, &body, &message);
    if (err == ND_INVAL)
        seat->net->def.failed(seat->net->def.context, err, message.text);
    if (err != ND_OK)
        return err;
    head.length = zmq_msg_size(&body);
    if ((int64_t)head.length != counted) /* credit is counted in bytes as they travel */
        nd_budget_add(seat->net->def.budget, (int64_t)head.length - counted);
    head.body_hash = nd_wire_body_hash(zmq_msg_data(&body), head.length);
    ND_TRY(nd_post_records(&seat->to_net, &head, &body));
    seat->has_sent = true;
    return ND_OK;
}

static nd_err send_batch(void *endpoint, unsigned worker, const nd_delivery *delivery)
{
    nd_net_seat *const seat = endpoint;
    const nd_net *const net = seat->net;
    if (process_of(net, worker) != net->def.process)
        return post_batch(seat, worker, delivery);
    return seat->local.ops->send_batch(seat->local.endpoint, worker % net->def.n_workers, delivery);
}

nd_err nd_post_frame(nd_queue *queue, const nd_frame *frame)
{
    const size_t size = frame->len * sizeof *frame->changes;
    nd_post *const post = nd_queue_push_begin(queue, sizeof *post + size);
    if (!post)
        return ND_NOMEM;
    post->kind = ND_ARRIVAL_FRAME;
    post->of.frame = *frame;
    post->of.frame.changes = NULL;
    if (size)
        memcpy(post + 1, frame->changes, size);
    nd_queue_push_end(queue);
    return ND_OK;
}

static nd_err send_frame(void *endpoint, const nd_frame *frame)
{
    nd_net_seat *const seat = endpoint;
    ND_TRY(nd_post_frame(&seat->to_net, frame));
    seat->has_sent = true;
    return seat->local.ops->send_frame(seat->local.endpoint, frame);
}

static void flush(void *endpoint)
{
    nd_net_seat *const seat = endpoint;
    seat->local.ops->flush(seat->local.endpoint);
    if (!seat->has_sent)
        return;
    seat->has_sent = false;
    nd_net_wake(seat->net);
}

/* --- Receiving --- */

static nd_err read_batch(const nd_net_seat *seat, const nd_wire_head *head, zmq_msg_t *body,
                         nd_batch **batch, nd_message *message)
{
    const void *const bytes = zmq_msg_data(body);
    const nd_flow_plan *const plan =
        head->flow < seat->plans.len ? nd_vector_at(&seat->plans, head->flow) : NULL;
    const nd_type *const type =
        plan && plan->type_of ? plan->type_of(plan->context, head->channel) : NULL;
    if (!type)
        return nd_message_set(message, ND_PROTO, "records for a channel that does not exist");
    ND_TRY(nd_wire_body_check(head, bytes, zmq_msg_size(body), message));
    return head->kind == ND_WIRE_RECORDS
               ? nd_wire_flat_read(plan->pool, type, head, bytes, batch, message)
               : nd_wire_unpack(plan->pool, type, head, bytes, batch, message);
}

static nd_arrival take_batch(nd_net_seat *seat, nd_post *post, nd_delivery *delivery)
{
    nd_message message;
    const nd_wire_head *const head = &post->of.batch.head;
    *delivery = (nd_delivery){
        .time = head->time, .flow = head->flow, .channel = head->channel, .is_foreign = true};
    const nd_err err = read_batch(seat, head, &post->of.batch.body, &delivery->batch, &message);
    if (err == ND_OK) {
        delivery->batch->origin = head->process + 1u;
        delivery->batch->wire_size = head->length;
    } else {
        nd_message text;
        if (err == ND_NOMEM)
            nd_message_set(&text, err, "%s", nd_err_text(err));
        else
            nd_message_set(&text, err, "process %u sent %s", head->process, message.text);
        seat->net->def.failed(seat->net->def.context, err, text.text);
    }
    zmq_msg_close(&post->of.batch.body);
    nd_queue_pop(&seat->from_net);
    return err == ND_OK ? ND_ARRIVAL_BATCH : ND_ARRIVAL_NONE;
}

static void give_back(nd_net_seat *seat)
{
    if (seat->is_lent)
        nd_queue_pop(&seat->from_net);
    seat->is_lent = false;
}

static nd_arrival receive_from_net(nd_net_seat *seat, nd_delivery *delivery, nd_frame *frame)
{
    nd_post *const post = nd_queue_peek(&seat->from_net);
    if (!post)
        return ND_ARRIVAL_NONE;
    if (post->kind == ND_ARRIVAL_BATCH)
        return take_batch(seat, post, delivery);
    *frame = post->of.frame;
    frame->changes = (const nd_change *)(const void *)(post + 1);
    seat->is_lent = true;
    return ND_ARRIVAL_FRAME;
}

/* Each in turn, so that neither is starved. */
static nd_arrival receive(void *endpoint, nd_delivery *delivery, nd_frame *frame)
{
    nd_net_seat *const seat = endpoint;
    give_back(seat);
    nd_arrival found = ND_ARRIVAL_NONE;
    for (unsigned i = 0; i < 2 && found == ND_ARRIVAL_NONE; i++) {
        found = seat->looks_local ? seat->local.ops->receive(seat->local.endpoint, delivery, frame)
                                  : receive_from_net(seat, delivery, frame);
        seat->looks_local = !seat->looks_local;
    }
    return found;
}

static bool has_arrivals(void *endpoint)
{
    nd_net_seat *const seat = endpoint;
    give_back(seat);
    return !nd_queue_is_empty(&seat->from_net) ||
           seat->local.ops->has_arrivals(seat->local.endpoint);
}

static void consumed(void *endpoint, const nd_batch *batch)
{
    const nd_net_seat *const seat = endpoint;
    nd_peer *const peer = &seat->net->peers[batch->origin - 1];
    /* Read by the net thread, which needs no more than a recent value. */
    const uint64_t before =
        atomic_fetch_add_explicit(&peer->consumed, batch->wire_size, memory_order_relaxed);
    if (before / seat->net->credit_step != (before + batch->wire_size) / seat->net->credit_step)
        nd_net_wake(seat->net);
}

const nd_transport_ops nd_net_transport_ops = {
    .name = "zmq",
    .begin_flow = begin_flow,
    .send_batch = send_batch,
    .send_frame = send_frame,
    .receive = receive,
    .flush = flush,
    .has_arrivals = has_arrivals,
    .consumed = consumed,
};
