/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/transport/net_raw.h"

#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "tests/support/cmocka.h"
#include "transport/zmq/lane.h"

enum { PATIENCE_MS = 10000 };

/* --- Life --- */

static void *open_socket(raw_peer *peer, int type)
{
    const int zero = 0, never = -1;
    void *const socket = zmq_socket(peer->zmq, type);
    assert_non_null(socket);
    zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof zero);
    zmq_setsockopt(socket, ZMQ_RECONNECT_IVL, &never, sizeof never);
    return socket;
}

raw_peer *raw_peer_open(const net_group *group, unsigned process)
{
    const uint16_t one = 1;
    raw_peer *const peer = calloc(1, sizeof *peer);
    assert_non_null(peer);
    peer->address = group->addresses[0];
    peer->join = (nd_control_join){.protocol_min = ND_WIRE_VERSION,
                                   .protocol_max = ND_WIRE_VERSION,
                                   .job = {group->job[0], group->job[1]},
                                   .build = {1, 2},
                                   .process = process,
                                   .n_processes = group->n,
                                   .n_workers = 1,
                                   .word_size = sizeof(void *),
                                   .is_little_endian = *(const unsigned char *)&one == 1,
                                   .incarnation = 77,
                                   .pid = 1,
                                   .host = "raw",
                                   .version = "raw"};
    nd_wire_arena_init(&peer->arena, ND_CONTROL_ARENA_MOST);
    peer->zmq = zmq_ctx_new();
    assert_non_null(peer->zmq);
    peer->entrance = open_socket(peer, ZMQ_ROUTER);
    assert_int_equal(zmq_bind(peer->entrance, group->addresses[process]), 0);
    return peer;
}

void raw_peer_close_entrance(raw_peer *peer)
{
    if (peer->entrance)
        zmq_close(peer->entrance);
    peer->entrance = NULL;
}

void raw_peer_close(raw_peer *peer)
{
    if (!peer)
        return;
    for (unsigned k = 0; k < ND_LANES; k++)
        if (peer->lanes[k])
            zmq_close(peer->lanes[k]);
    raw_peer_close_entrance(peer);
    zmq_ctx_term(peer->zmq);
    nd_wire_arena_deinit(&peer->arena);
    free(peer);
}

/* --- Frames --- */

void raw_frame_seal(raw_frame *frame)
{
    frame->head.length = frame->size;
    frame->head.body_hash = nd_wire_body_hash(frame->body, frame->size);
    nd_wire_head_write(&frame->head, frame->bytes);
}

static raw_frame frame_of(raw_peer *peer, nd_lane_kind lane, nd_wire_kind kind, const void *body,
                          size_t size)
{
    raw_frame frame = {.head = {.kind = kind,
                                .process = (uint16_t)peer->join.process,
                                .incarnation = peer->join.incarnation,
                                .sequence = ++peer->sequence[lane],
                                .count = 1},
                       .size = size,
                       .n_parts = 2};
    assert_in_range(size, 0, sizeof frame.body);
    memcpy(frame.body, body, size);
    raw_frame_seal(&frame);
    return frame;
}

raw_frame raw_control(raw_peer *peer, const nd_control *control)
{
    nd_vector packed;
    nd_vector_init(&packed, 1);
    assert_int_equal(nd_wire_control_pack(control, &packed), ND_OK);
    const raw_frame frame =
        frame_of(peer, ND_LANE_CONTROL, ND_WIRE_CONTROL, packed.items, packed.len);
    nd_vector_deinit(&packed);
    return frame;
}

raw_frame raw_progress(raw_peer *peer, const nd_frame *said)
{
    nd_vector packed;
    nd_message message;
    nd_vector_init(&packed, 1);
    assert_int_equal(nd_wire_progress_pack(said, &packed, &message), ND_OK);
    raw_frame frame = frame_of(peer, ND_LANE_PROGRESS, ND_WIRE_PROGRESS, packed.items, packed.len);
    nd_vector_deinit(&packed);
    frame.head.flow = said->flow;
    frame.head.count = (uint32_t)said->len;
    raw_frame_seal(&frame);
    return frame;
}

raw_frame raw_frame_of(raw_peer *peer, nd_lane_kind lane)
{
    const uint64_t number = 42;
    const nd_change change = {.location = 1, .time = {3, {1}}, .delta = 1};
    switch (lane) {
    case ND_LANE_DATA:
        return frame_of(peer, lane, ND_WIRE_RECORDS, &number, sizeof number);
    case ND_LANE_PROGRESS:
        return raw_progress(peer,
                            &(nd_frame){.kind = ND_FRAME_CHANGES, .changes = &change, .len = 1});
    case ND_LANE_CONTROL:
        break;
    }
    return raw_control(peer, &(nd_control){.kind = ND_CONTROL_ALIVE});
}

void raw_send(raw_peer *peer, nd_lane_kind lane, const raw_frame *frame)
{
    void *const socket = peer->lanes[lane];
    const int more = frame->n_parts > 1 ? ZMQ_SNDMORE : 0;
    assert_true(zmq_send(socket, frame->bytes, sizeof frame->bytes, more) >= 0);
    for (unsigned i = 1; i < frame->n_parts; i++)
        assert_true(zmq_send(socket, frame->body, frame->size,
                             i + 1 < frame->n_parts ? ZMQ_SNDMORE : 0) >= 0);
}

/* --- Hearing --- */

static void welcome(raw_peer *peer, const void *name, size_t size, nd_lane_kind lane)
{
    const raw_frame frame =
        raw_control(peer, &(nd_control){.kind = ND_CONTROL_WELCOME,
                                        .welcome = {peer->join.process, peer->join.incarnation}});
    peer->sequence[ND_LANE_CONTROL]--; /* it goes another way */
    peer->was_joined[lane] = true;
    assert_true(zmq_send(peer->entrance, name, size, ZMQ_SNDMORE) >= 0);
    assert_true(zmq_send(peer->entrance, frame.bytes, sizeof frame.bytes, ZMQ_SNDMORE) >= 0);
    assert_true(zmq_send(peer->entrance, frame.body, frame.size, 0) >= 0);
}

/* Reads the parts that are left; false if they are no control message. */
static bool read_control(raw_peer *peer, void *socket, nd_control *control)
{
    unsigned char bytes[ND_WIRE_HEAD_SIZE];
    static unsigned char body[ND_WIRE_CONTROL_MOST]; /* too large for a stack */
    nd_wire_head head;
    nd_message message;
    const int n_head = zmq_recv(socket, bytes, sizeof bytes, 0);
    const int n_body = zmq_recv(socket, body, sizeof body, 0);
    assert_int_equal(n_head, sizeof bytes);
    assert_true(n_body >= 0);
    assert_int_equal(nd_wire_head_read(bytes, sizeof bytes, &head, &message), ND_OK);
    if (head.kind != ND_WIRE_CONTROL)
        return false;
    nd_wire_arena_reset(&peer->arena);
    assert_int_equal(nd_wire_body_check(&head, body, (size_t)n_body, &message), ND_OK);
    assert_int_equal(nd_wire_control_unpack(&head, body, &peer->arena, control, &message), ND_OK);
    return true;
}

static bool hear_entrance(raw_peer *peer, nd_control *control)
{
    unsigned char name[64];
    nd_routing routing;
    const int size = zmq_recv(peer->entrance, name, sizeof name, 0);
    assert_true(size > 0 && nd_routing_read(name, (size_t)size, &routing));
    if (!read_control(peer, peer->entrance, control))
        return false;
    if (control->kind == ND_CONTROL_JOIN)
        welcome(peer, name, (size_t)size, routing.kind);
    peer->others_are_ready |= control->kind == ND_CONTROL_READY;
    return true;
}

/* A ZeroMQ socket of number `index`: those of the lanes come first. */
static bool hear_socket(raw_peer *peer, unsigned index, nd_control *control)
{
    if (index == ND_LANES)
        return hear_entrance(peer, control);
    if (!read_control(peer, peer->lanes[index], control))
        return false;
    peer->is_welcome[index] |= control->kind == ND_CONTROL_WELCOME;
    return true;
}

bool raw_peer_hear(raw_peer *peer, nd_control *control)
{
    for (;;) {
        zmq_pollitem_t items[ND_LANES + 1];
        unsigned numbers[ND_LANES + 1];
        int n = 0;
        for (unsigned k = 0; k <= ND_LANES; k++) {
            void *const socket = k < ND_LANES ? peer->lanes[k] : peer->entrance;
            if (!socket)
                continue;
            numbers[n] = k;
            items[n++] = (zmq_pollitem_t){.socket = socket, .events = ZMQ_POLLIN};
        }
        if (zmq_poll(items, n, PATIENCE_MS) <= 0)
            return false;
        for (int i = 0; i < n; i++)
            if ((items[i].revents & ZMQ_POLLIN) && hear_socket(peer, numbers[i], control))
                return true;
    }
}

/* --- Joining --- */

void raw_peer_join(raw_peer *peer, nd_lane_kind lane)
{
    unsigned char name[ND_ROUTING_SIZE];
    nd_control control = {.kind = ND_CONTROL_JOIN, .join = peer->join};
    control.join.lane = lane;
    nd_routing_write(&(nd_routing){peer->join.process, lane, peer->join.incarnation}, name);
    peer->lanes[lane] = open_socket(peer, ZMQ_DEALER);
    zmq_setsockopt(peer->lanes[lane], ZMQ_ROUTING_ID, name, sizeof name);
    assert_int_equal(zmq_connect(peer->lanes[lane], peer->address), 0);
    raw_frame frame = raw_control(peer, &control);
    if (lane != ND_LANE_CONTROL) {
        peer->sequence[ND_LANE_CONTROL]--;
        frame.head.sequence = ++peer->sequence[lane];
        raw_frame_seal(&frame);
    }
    raw_send(peer, lane, &frame);
}

static bool has_met(const raw_peer *peer)
{
    bool met = peer->others_are_ready;
    for (unsigned k = 0; k < ND_LANES; k++)
        met &= peer->is_welcome[k] && peer->was_joined[k];
    return met;
}

void raw_peer_join_all(raw_peer *peer)
{
    nd_control control;
    for (unsigned k = 0; k < ND_LANES; k++)
        raw_peer_join(peer, (nd_lane_kind)k);
    while (!has_met(peer))
        assert_true(raw_peer_hear(peer, &control));
}

void raw_peer_meet(raw_peer *peer)
{
    raw_peer_join_all(peer);
    const raw_frame ready = raw_control(peer, &(nd_control){.kind = ND_CONTROL_READY});
    raw_send(peer, ND_LANE_CONTROL, &ready);
}
