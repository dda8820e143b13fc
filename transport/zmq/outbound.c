/* SPDX-License-Identifier: Apache-2.0 */
/* From the workers to the other processes: batches as far as credit goes, frames added up.
 *
 * Invariant: what a process tells is a sum of whole frames of its workers, each in the order it
 * came, and every other process is told the same, in the same order. */
#include <string.h>

#include "transport/wire/progress.h"
#include "transport/zmq/net_internal.h"

enum { POSTS = 512 }; /* of a worker, at a time */

/* --- Records --- */

static bool has_credit(const nd_peer *peer) { return peer->sent - peer->released < ND_WINDOW; }

static void send_records(nd_peer *peer, nd_post *post)
{
    nd_wire_head *const head = &post->of.batch.head;
    peer->sent += head->length;
    head->process = (uint16_t)peer->net->def.process;
    head->incarnation = peer->net->incarnation;
    if (nd_lane_send(&peer->lanes[ND_LANE_DATA], head, &post->of.batch.body) != ND_OK)
        nd_net_fail(peer->net, ND_NOMEM, "out of memory");
}

void nd_outbound_release(nd_peer *peer)
{
    for (nd_post *post; has_credit(peer) && (post = nd_queue_peek(&peer->outbox));
         nd_queue_pop(&peer->outbox))
        send_records(peer, post);
}

static void take_records(nd_net *net, nd_post *post)
{
    nd_peer *const peer = &net->peers[post->of.batch.head.worker / net->def.n_workers];
    if (nd_queue_is_empty(&peer->outbox) && has_credit(peer)) {
        send_records(peer, post);
        return;
    }
    if (nd_post_records(&peer->outbox, &post->of.batch.head, &post->of.batch.body) != ND_OK)
        nd_net_fail(net, ND_NOMEM, "out of memory");
}

/* Written by workers; any recent value will do. */
static uint64_t consumed_of(const nd_peer *peer)
{
    return atomic_load_explicit(&peer->consumed, memory_order_relaxed);
}

/* Told is whenever a multiple of the step has been passed, which is when workers wake this thread;
 * so less than a step is never told. */
static bool is_owed(const nd_peer *peer, uint64_t consumed)
{
    const uint64_t step = peer->net->credit_step;
    return consumed / step != peer->told / step;
}

void nd_outbound_credit(nd_net *net, bool is_last)
{
    for (unsigned i = 0; i < net->def.n_processes; i++) {
        nd_peer *const peer = &net->peers[i];
        const uint64_t consumed = consumed_of(peer);
        if (i == net->def.process || !(is_last ? consumed != peer->told : is_owed(peer, consumed)))
            continue;
        peer->told = consumed;
        nd_net_tell(peer, &(nd_control){.kind = ND_CONTROL_CREDIT, .credit.n_bytes = consumed});
    }
}

bool nd_outbound_owes_credit(const nd_net *net)
{
    bool owes = false;
    for (unsigned i = 0; i < net->def.n_processes; i++)
        owes |= is_owed(&net->peers[i], consumed_of(&net->peers[i]));
    return owes;
}

/* --- Progress --- */

static nd_err tell(nd_net *net, nd_peer *peer, const nd_wire_head *head, const nd_vector *packed)
{
    zmq_msg_t body;
    nd_wire_head own = *head;
    if (zmq_msg_init_size(&body, packed->len) != 0)
        return ND_NOMEM;
    if (packed->len)
        memcpy(zmq_msg_data(&body), packed->items, packed->len);
    net->stats.progress_frames++;
    net->stats.progress_bytes += packed->len + ND_WIRE_HEAD_SIZE;
    return nd_lane_send(&peer->lanes[ND_LANE_PROGRESS], &own, &body);
}

static nd_err tell_others(nd_net *net, const nd_frame *frame)
{
    nd_vector *const packed = &net->packed;
    nd_message message;
    const nd_err err = nd_wire_progress_pack(frame, packed, &message);
    if (err == ND_INVAL)
        nd_net_fail(net, err, "%s", message.text);
    ND_TRY(err);
    const nd_wire_head head = {.kind = ND_WIRE_PROGRESS,
                               .process = (uint16_t)net->def.process,
                               .incarnation = net->incarnation,
                               .flow = frame->flow,
                               .count = (uint32_t)frame->len,
                               .length = packed->len,
                               .body_hash = nd_wire_body_hash(packed->items, packed->len)};
    for (unsigned i = 0; i < net->def.n_processes; i++)
        if (i != net->def.process)
            ND_TRY(tell(net, &net->peers[i], &head, packed));
    return ND_OK;
}

static nd_err publish(nd_net *net, uint32_t flow)
{
    nd_frame frame = {.flow = flow, .kind = ND_FRAME_CHANGES};
    nd_accumulator *const accumulator = nd_ledger_find(&net->ledger, flow);
    ND_TRY(nd_accumulator_take(accumulator, &frame.changes, &frame.len));
    return frame.len ? tell_others(net, &frame) : ND_OK;
}

nd_err nd_outbound_touch(nd_net *net, uint32_t flow)
{
    const nd_vector *const touched = &net->touched;
    if (net->def.mode == ND_PUBLISH_EAGER)
        return publish(net, flow);
    if (touched->len && *(const uint32_t *)nd_vector_at(touched, touched->len - 1) == flow)
        return ND_OK;
    uint32_t *const slot = nd_vector_push(&net->touched);
    if (!slot)
        return ND_NOMEM;
    *slot = flow;
    return ND_OK;
}

/* Once everything that waits has been added: what cancels is not told, and what does not goes as
 * one frame. A dataflow that is listed twice has nothing to tell the second time. */
static void publish_touched(nd_net *net)
{
    nd_err err = ND_OK;
    for (size_t i = 0; i < net->touched.len && err == ND_OK; i++)
        err = publish(net, *(const uint32_t *)nd_vector_at(&net->touched, i));
    nd_vector_clear(&net->touched);
    if (err != ND_OK)
        nd_net_fail(net, err, "%s", nd_err_text(err));
}

static nd_err take_frame(nd_net *net, const nd_frame *frame)
{
    if (frame->kind != ND_FRAME_CHANGES)
        return tell_others(net, frame);
    nd_accumulator *const accumulator = nd_ledger_find(&net->ledger, frame->flow);
    if (!accumulator)
        return ND_INVAL;
    ND_TRY(nd_accumulator_add(accumulator, frame->changes, frame->len, true));
    return nd_outbound_touch(net, frame->flow);
}

/* --- The workers' queues --- */

static void take_post(nd_net *net, nd_post *post)
{
    if (post->kind == ND_ARRIVAL_BATCH) {
        take_records(net, post);
        return;
    }
    nd_frame frame = post->of.frame;
    frame.changes = (const nd_change *)(const void *)(post + 1);
    const nd_err err = take_frame(net, &frame);
    if (err != ND_OK)
        nd_net_fail(net, err, "%s", nd_err_text(err));
}

static bool take_some(nd_net *net, nd_net_seat *seat)
{
    for (unsigned n = 0; n < POSTS; n++) {
        nd_post *const post = nd_queue_peek(&seat->to_net);
        if (!post)
            return false;
        take_post(net, post);
        nd_queue_pop(&seat->to_net);
    }
    return true;
}

bool nd_outbound_work(nd_net *net)
{
    bool has_more = false;
    for (unsigned i = 0; i < net->def.n_workers; i++)
        has_more |= take_some(net, &net->seats[i]);
    publish_touched(net);
    nd_outbound_credit(net, false);
    return has_more;
}

bool nd_outbound_is_served(nd_peer *peer)
{
    bool waits = !nd_queue_is_empty(&peer->outbox);
    for (unsigned k = 0; k < ND_LANES; k++)
        waits |= peer->lanes[k].socket.wants_room;
    return !waits;
}

bool nd_outbound_is_empty(nd_net *net)
{
    for (unsigned i = 0; i < net->def.n_workers; i++)
        if (!nd_queue_is_empty(&net->seats[i].to_net))
            return false;
    for (unsigned i = 0; i < net->def.n_processes; i++)
        if (i != net->def.process && !nd_outbound_is_served(&net->peers[i]))
            return false;
    return nd_ledger_is_empty(&net->ledger);
}
