/* SPDX-License-Identifier: Apache-2.0 */
/* From the other processes to the workers. Every frame comes in through the one bound socket; the
 * name of its connection says whose it is.
 *
 * Invariants: frames of a lane are taken in the order of their numbers, none missing, none twice;
 * what the head says agrees with the connection it came by. Anything else from a peer ends the run;
 * from a stranger it is not even looked at. */
#include <stdio.h>
#include <string.h>

#include "transport/frame_check.h"
#include "transport/wire/progress.h"
#include "transport/zmq/net_internal.h"

enum { BUDGET = 256 }; /* frames at a time */

/* --- To the workers --- */

static nd_err take_records(nd_peer *peer, const nd_wire_head *head, zmq_msg_t *body)
{
    nd_net_seat *const seat = nd_net_seat_of(peer->net, head->worker);
    if (!seat || zmq_msg_size(body) != head->length)
        return ND_PROTO;
    ND_TRY(nd_post_records(&seat->from_net, head, body));
    seat->was_given = true;
    return ND_OK;
}

static nd_err give_frame(nd_net *net, const nd_frame *frame)
{
    for (unsigned i = 0; i < net->def.n_workers; i++) {
        ND_TRY(nd_post_frame(&net->seats[i].from_net, frame));
        net->seats[i].was_given = true;
    }
    return ND_OK;
}

static nd_err take_progress(nd_peer *peer, const nd_wire_head *head, zmq_msg_t *body,
                            nd_message *message)
{
    nd_net *const net = peer->net;
    nd_frame frame;
    ND_TRY(nd_wire_body_check(head, zmq_msg_data(body), zmq_msg_size(body), message));
    nd_wire_arena_reset(&net->arena);
    ND_TRY(nd_wire_progress_unpack(head, zmq_msg_data(body), &net->arena, &frame, message));
    frame.sender = net->def.n_processes * net->def.n_workers + peer->process;
    frame.sequence = ++peer->n_frames;
    if (!nd_frame_is_of(&frame, peer->process, net->def.n_workers))
        return nd_message_set(message, ND_PROTO, "progress of a worker that is not its own");
    ND_TRY(give_frame(net, &frame));
    if (frame.kind != ND_FRAME_CHANGES)
        return ND_OK;
    nd_accumulator *const accumulator = nd_ledger_find(&net->ledger, frame.flow);
    if (!accumulator)
        return nd_message_set(message, ND_PROTO, "progress of a dataflow that is not started here");
    ND_TRY(nd_accumulator_add(accumulator, frame.changes, frame.len, false));
    return nd_outbound_touch(net, frame.flow);
}

/* --- Control --- */

static void take_credit(nd_peer *peer, uint64_t bytes)
{
    if (bytes > peer->sent || bytes < peer->released) {
        nd_net_fail(peer->net, ND_PROTO, "process %u sent credit for what it was not sent",
                    peer->process);
        return;
    }
    nd_budget_add(peer->net->def.budget, -(int64_t)(bytes - peer->released));
    peer->released = bytes;
    nd_outbound_release(peer);
}

static bool keeps_promise(const nd_peer *peer)
{
    return !peer->has_left || (peer->seen[ND_LANE_DATA] <= peer->promised[ND_LANE_DATA] &&
                               peer->seen[ND_LANE_PROGRESS] <= peer->promised[ND_LANE_PROGRESS]);
}

static nd_err take_goodbye(nd_peer *peer, const nd_control_goodbye *goodbye, nd_message *message)
{
    if (peer->has_left)
        return nd_message_set(message, ND_PROTO, "goodbye twice");
    peer->has_left = true;
    peer->promised[ND_LANE_DATA] = goodbye->n_data_frames;
    peer->promised[ND_LANE_PROGRESS] = goodbye->n_progress_frames;
    nd_run_stats_add(&peer->stats, &goodbye->stats);
    return ND_OK;
}

static nd_err take_control(nd_peer *peer, const nd_control *control, nd_message *message)
{
    switch (control->kind) {
    case ND_CONTROL_READY:
        nd_membership_ready(peer);
        return ND_OK;
    case ND_CONTROL_CREDIT:
        take_credit(peer, control->credit.n_bytes);
        return ND_OK;
    case ND_CONTROL_GOODBYE:
        return take_goodbye(peer, &control->goodbye, message);
    case ND_CONTROL_ABORT:
        nd_net_told_to_abort(peer, &control->abort);
        return ND_OK;
    case ND_CONTROL_ASK:
    case ND_CONTROL_TELL:
        nd_inquiry_take(peer, control);
        return ND_OK;
    case ND_CONTROL_ALIVE:
        nd_alive_take(peer, &control->alive);
        return ND_OK;
    case ND_CONTROL_JOIN:
    case ND_CONTROL_WELCOME:
    case ND_CONTROL_REFUSE:
        break;
    }
    return ND_PROTO;
}

/* --- The entrance --- */

static nd_err take_by_lane(nd_peer *peer, nd_lane_kind lane, const nd_wire_head *head,
                           zmq_msg_t *body, nd_message *message)
{
    nd_control control;
    if (peer->net->err != ND_OK && lane != ND_LANE_CONTROL)
        return ND_OK; /* the run is over */
    switch (lane) {
    case ND_LANE_DATA:
        return take_records(peer, head, body);
    case ND_LANE_PROGRESS:
        return take_progress(peer, head, body, message);
    case ND_LANE_CONTROL:
        break;
    }
    ND_TRY(nd_wire_body_check(head, zmq_msg_data(body), zmq_msg_size(body), message));
    ND_TRY(nd_net_unpack(peer->net, head, zmq_msg_data(body), &control, message));
    return take_control(peer, &control, message);
}

static void refuse(nd_peer *peer, nd_err err, const nd_message *message)
{
    if (err == ND_NOMEM)
        nd_net_fail(peer->net, err, "out of memory");
    else
        nd_net_fail(peer->net, err, "process %u sent %s", peer->process, message->text);
}

static nd_err take_frame(nd_peer *peer, nd_lane_kind lane, zmq_msg_t *head_bytes, zmq_msg_t *body,
                         nd_message *message)
{
    nd_wire_head head;
    ND_TRY(nd_wire_head_read(zmq_msg_data(head_bytes), zmq_msg_size(head_bytes), &head, message));
    const nd_frame_due due = {.process = peer->process,
                              .incarnation = peer->incarnation,
                              .lane = lane,
                              .sequence = peer->seen[lane] + 1};
    ND_TRY(nd_frame_check(&due, &head, message));
    peer->seen[lane]++;
    peer->heard_ms = uv_now(&peer->net->loop);
    ND_TRY(take_by_lane(peer, lane, &head, body, message));
    return keeps_promise(peer)
               ? ND_OK
               : nd_message_set(message, ND_PROTO, "more frames than its goodbye promised");
}

static bool is_known(const nd_net *net, const nd_routing *routing)
{
    if (routing->process >= net->def.n_processes)
        return false;
    const nd_peer *const peer = &net->peers[routing->process];
    return peer->has_joined[routing->kind] && peer->incarnation == routing->incarnation;
}

enum { PARTS = 3 }; /* of a message: the name of the connection, the head, the body */

/* Whether the connection was admitted with the key of the process that it is called by. */
static bool has_right_key(const nd_net *net, zmq_msg_t *part, const nd_routing *routing)
{
    char expected[16];
    const char *const member = net->def.keys ? zmq_msg_gets(part, "User-Id") : NULL;
    snprintf(expected, sizeof expected, "%u", routing->process);
    return !net->def.keys || (member && strcmp(member, expected) == 0);
}

static void take_parts(nd_net *net, zmq_msg_t *parts, unsigned n)
{
    nd_routing routing;
    nd_wire_head head;
    nd_message message = {.text = "something malformed"};
    if (!nd_routing_read(zmq_msg_data(&parts[0]), zmq_msg_size(&parts[0]), &routing))
        return;
    if (n > 1 && !has_right_key(net, &parts[1], &routing)) {
        const char *const member = zmq_msg_gets(&parts[1], "User-Id");
        nd_net_fail(net, ND_PROTO, "process %s says that it is process %u, whose key it has not",
                    member ? member : "?", routing.process);
        return;
    }
    if (is_known(net, &routing)) {
        nd_peer *const peer = &net->peers[routing.process];
        const nd_err err = n == PARTS
                               ? take_frame(peer, routing.kind, &parts[1], &parts[2], &message)
                               : nd_message_set(&message, ND_PROTO, "a frame of %u parts", n - 1);
        if (err != ND_OK)
            refuse(peer, err, &message);
    } else if (n == PARTS) {
        if (nd_wire_head_read(zmq_msg_data(&parts[1]), zmq_msg_size(&parts[1]), &head, &message) ==
            ND_OK)
            nd_membership_frame(net, &routing, &head, zmq_msg_data(&parts[2]),
                                zmq_msg_size(&parts[2]));
        else
            nd_membership_unread(net, &routing);
    }
}

/* Takes the parts of one message, of which no more than three are kept; false when there is none.
 */
static bool take_message(nd_net *net)
{
    zmq_msg_t parts[PARTS + 1]; /* the last is for the rest */
    unsigned n = 0;
    bool has_more = true;
    for (unsigned i = 0; i <= PARTS; i++)
        zmq_msg_init(&parts[i]);
    while (has_more) {
        zmq_msg_t *const part = &parts[n < PARTS ? n : PARTS];
        if (zmq_msg_recv(part, net->entrance.zmq, ZMQ_DONTWAIT) < 0)
            break;
        has_more = zmq_msg_more(part);
        n++;
    }
    if (n)
        take_parts(net, parts, n);
    for (unsigned i = 0; i <= PARTS; i++)
        zmq_msg_close(&parts[i]);
    return n != 0;
}

static void readable(nd_socket *socket)
{
    nd_net *const net = socket->owner;
    for (unsigned i = 0; i < BUDGET && net->phase != ND_NET_OVER && take_message(net); i++)
        continue;
    for (unsigned i = 0; i < net->def.n_workers; i++) {
        if (!net->seats[i].was_given)
            continue;
        net->seats[i].was_given = false;
        net->def.wake(net->def.context, i);
    }
}

const nd_socket_ops nd_entrance_ops = {.readable = readable};
