/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/zmq/lane.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "transport/zmq/options.h"

enum { BUDGET = 256 }; /* messages at a time */

/* --- Sending --- */

static bool send_now(nd_lane *lane, nd_parcel_out *parcel)
{
    const int flags = ZMQ_DONTWAIT;
    if (zmq_send(lane->socket.zmq, parcel->head, sizeof parcel->head, flags | ZMQ_SNDMORE) < 0)
        return errno != EAGAIN; /* a connection that broke: the monitor tells of it */
    (void)zmq_msg_send(&parcel->body, lane->socket.zmq, flags);
    return true;
}

static void writable(nd_socket *socket)
{
    nd_lane *const lane = socket->owner;
    for (nd_parcel_out *parcel; (parcel = nd_queue_peek(&lane->waiting));
         nd_queue_pop(&lane->waiting)) {
        if (!send_now(lane, parcel))
            return;
        zmq_msg_close(&parcel->body);
    }
    socket->wants_room = false;
}

nd_err nd_lane_send(nd_lane *lane, nd_wire_head *head, zmq_msg_t *body)
{
    nd_parcel_out *const parcel = nd_queue_push_begin(&lane->waiting, sizeof *parcel);
    if (!parcel) {
        zmq_msg_close(body);
        return ND_NOMEM;
    }
    head->sequence = ++lane->sequence;
    nd_wire_head_write(head, parcel->head);
    zmq_msg_init(&parcel->body);
    zmq_msg_move(&parcel->body, body);
    zmq_msg_close(body);
    nd_queue_push_end(&lane->waiting);
    nd_socket_touch(&lane->socket);
    if (!lane->socket.wants_room) {
        lane->socket.wants_room = true;
        writable(&lane->socket);
    }
    return ND_OK;
}

/* --- What comes back --- */

static void readable(nd_socket *socket)
{
    nd_lane *const lane = socket->owner;
    for (unsigned i = 0; i < BUDGET && socket->zmq; i++) {
        zmq_msg_t head, body;
        zmq_msg_init(&head);
        if (zmq_msg_recv(&head, socket->zmq, ZMQ_DONTWAIT) < 0)
            return;
        zmq_msg_init(&body);
        if (zmq_msg_more(&head))
            (void)zmq_msg_recv(&body, socket->zmq, ZMQ_DONTWAIT);
        lane->ops->answer(lane, zmq_msg_data(&head), zmq_msg_size(&head), zmq_msg_data(&body),
                          zmq_msg_size(&body));
        zmq_msg_close(&head);
        zmq_msg_close(&body);
    }
}

/* --- The monitor --- */

static void tell(nd_lane *lane, unsigned event)
{
    switch (event) {
    case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        lane->stands = true;
        return;
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        lane->ops->event(lane, ND_LANE_BARRED);
        return;
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        lane->ops->event(lane, ND_LANE_SILENT);
        return;
    case ZMQ_EVENT_DISCONNECTED:
        lane->ops->event(lane, lane->stands ? ND_LANE_BROKEN : ND_LANE_SILENT);
        return;
    case ZMQ_EVENT_CLOSED:
        lane->ops->event(lane, lane->stands ? ND_LANE_BROKEN : ND_LANE_REFUSED);
        return;
    default:
        return;
    }
}

static void monitor_readable(nd_socket *socket)
{
    nd_lane *const lane = socket->owner;
    for (unsigned i = 0; i < BUDGET && socket->zmq; i++) {
        unsigned char event[6];
        const int size = zmq_recv(socket->zmq, event, sizeof event, ZMQ_DONTWAIT);
        if (size < 0)
            return;
        char address[256];
        (void)zmq_recv(socket->zmq, address, sizeof address, ZMQ_DONTWAIT);
        uint16_t number;
        memcpy(&number, event, sizeof number);
        if (size == sizeof event)
            tell(lane, number);
    }
}

static nd_err open_monitor(nd_lane *lane, const nd_lane_def *def)
{
    static const nd_socket_ops ops = {.readable = monitor_readable};
    char name[64];
    snprintf(name, sizeof name, "inproc://monitor-%u-%u", def->peer, (unsigned)def->kind);
    const int events = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED |
                       ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                       ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL;
    if (zmq_socket_monitor(lane->socket.zmq, name, events) != 0)
        return ND_NOMEM;
    void *const pair = zmq_socket(def->context, ZMQ_PAIR);
    if (!pair)
        return ND_NOMEM;
    if (zmq_connect(pair, name) != 0) {
        zmq_close(pair);
        return ND_NOMEM;
    }
    return nd_poller_add(def->poller, &lane->monitor, pair, &ops, lane);
}

/* --- Life --- */

nd_err nd_lane_open(nd_lane *lane, const nd_lane_def *def)
{
    static const nd_socket_ops ops = {.readable = readable, .writable = writable};
    const nd_routing routing = {def->process, def->kind, def->incarnation};
    unsigned char name[ND_ROUTING_SIZE];
    *lane = (nd_lane){.ops = def->ops, .owner = def->owner, .kind = def->kind};
    void *const zmq = zmq_socket(def->context, ZMQ_DEALER);
    if (!zmq)
        return ND_NOMEM;
    nd_routing_write(&routing, name);
    zmq_setsockopt(zmq, ZMQ_ROUTING_ID, name, sizeof name);
    nd_zmq_set_lane_options(zmq, def->kind, def->peer, def->keys);
    ND_TRY(nd_poller_add(def->poller, &lane->socket, zmq, &ops, lane));
    const nd_err err = open_monitor(lane, def);
    if (err != ND_OK)
        nd_lane_close(lane, 0);
    return err;
}

/* What was queued for a connection that never stood. */
static void drop_waiting(nd_lane *lane)
{
    for (nd_parcel_out *parcel; (parcel = nd_queue_peek(&lane->waiting));
         nd_queue_pop(&lane->waiting))
        zmq_msg_close(&parcel->body);
    lane->socket.wants_room = false;
}

nd_err nd_lane_connect(nd_lane *lane, const char *address)
{
    if (lane->address[0])
        (void)zmq_disconnect(lane->socket.zmq, lane->address); /* what was refused before */
    snprintf(lane->address, sizeof lane->address, "%s", address);
    drop_waiting(lane);
    lane->sequence = 0;
    lane->stands = false;
    lane->is_knocking = true;
    nd_socket_touch(&lane->socket);
    return zmq_connect(lane->socket.zmq, address) == 0 ? ND_OK : ND_USAGE;
}

void nd_lane_close(nd_lane *lane, int linger_ms)
{
    drop_waiting(lane);
    nd_queue_deinit(&lane->waiting);
    memset(&lane->waiting, 0, sizeof lane->waiting);
    if (lane->socket.zmq)
        (void)zmq_socket_monitor(lane->socket.zmq, NULL, 0);
    nd_socket_close(&lane->monitor, 0);
    nd_socket_close(&lane->socket, linger_ms);
}

/* --- Names of connections --- */

static void store(unsigned char *bytes, unsigned size, uint64_t value)
{
    for (unsigned i = 0; i < size; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t load(const unsigned char *bytes, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

/* A routing id: 'N', the lane, the process, its incarnation. */
void nd_routing_write(const nd_routing *routing, unsigned char bytes[ND_ROUTING_SIZE])
{
    bytes[0] = 'N';
    bytes[1] = (unsigned char)routing->kind;
    store(bytes + 2, 2, routing->process);
    store(bytes + 4, 8, routing->incarnation);
}

bool nd_routing_read(const void *bytes, size_t size, nd_routing *routing)
{
    const unsigned char *const from = bytes;
    if (size != ND_ROUTING_SIZE || from[0] != 'N' || from[1] >= ND_LANES)
        return false;
    *routing = (nd_routing){.process = (unsigned)load(from + 2, 2),
                            .kind = (nd_lane_kind)from[1],
                            .incarnation = load(from + 4, 8)};
    return true;
}
