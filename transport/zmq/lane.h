/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_ZMQ_LANE_H
#define TRANSPORT_ZMQ_LANE_H

/** @file
 * A lane: the one way from this process to another for one purpose. A connecting socket with its
 * monitor, the sequence of its frames, and a queue of what the socket had no room for.
 *
 * A connection that breaks is never made again: ZeroMQ would do so without a word about what was
 * lost in between. Only a first connection that is refused, since the peer has not bound yet, is
 * tried again, by nd_lane_connect.
 *
 * Everything is for the net thread.
 */

#include <zmq.h>

#include "transport/queue.h"
#include "transport/wire/control.h"
#include "transport/zmq/keys.h"
#include "transport/zmq/poller.h"
#include "transport/zmq/resolution.h"

typedef enum nd_lane_event {
    ND_LANE_REFUSED, /* nobody listens there yet */
    ND_LANE_SILENT,  /* somebody listens but does not speak ZeroMQ, or does not answer */
    ND_LANE_BROKEN,  /* the connection was lost after it stood */
    ND_LANE_BARRED,  /* the peer did not accept our key, or has none */
} nd_lane_event;

typedef struct nd_lane nd_lane;

typedef struct nd_lane_ops {
    /** Something happened to the connection. */
    void (*event)(nd_lane *lane, nd_lane_event event);
    /** The peer has answered on the connection itself (only while joining). Borrowed. */
    void (*answer)(nd_lane *lane, const void *head, size_t head_size, const void *body,
                   size_t body_size);
} nd_lane_ops;

struct nd_lane {
    nd_socket socket, monitor;
    const nd_lane_ops *ops;
    void *owner; /* the peer */
    nd_lane_kind kind;
    char address[ND_NUMERIC_SIZE]; /* where it was to lead last; empty: nowhere yet */
    bool stands;                   /* the connection has been made */
    bool is_knocking;              /* a connection has been asked for and not refused */
    uint64_t knocked_ms;           /* when */
    bool is_open;                  /* the peer has welcomed it */
    uint64_t sequence;
    nd_queue waiting; /* nd_parcel_out: what the socket had no room for, in order */
};

/* A frame on its way out: the body is a message of its own, so that it can be sent without a copy.
 */
typedef struct nd_parcel_out {
    unsigned char head[ND_WIRE_HEAD_SIZE];
    zmq_msg_t body;
} nd_parcel_out;

typedef struct nd_lane_def {
    void *context; /* of ZeroMQ */
    nd_poller *poller;
    const nd_keys *keys;  /* NULL: the connection is open to readers */
    unsigned process;     /* this one */
    uint64_t incarnation; /* of this one */
    unsigned peer;        /* whom it leads to */
    nd_lane_kind kind;
    const nd_lane_ops *ops;
    void *owner;
} nd_lane_def;

/** Makes the socket; nothing is connected yet. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_lane_open(nd_lane *lane, const nd_lane_def *def);

/** Connects, or connects again after ND_LANE_REFUSED. Errors: ND_USAGE for an address that is none.
 */
ND_CHECKED nd_err nd_lane_connect(nd_lane *lane, const char *address);

/** Sends a frame, or queues it where there is no room. Fills in the head's sequence. The body
 * moves, also on failure. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_lane_send(nd_lane *lane, nd_wire_head *head, zmq_msg_t *body);

/** Closes both sockets. A lane that is not open is fine. */
void nd_lane_close(nd_lane *lane, int linger_ms);

/** What a connection is called on the receiving side: who, and which lane. */
enum { ND_ROUTING_SIZE = 12 };
typedef struct nd_routing {
    unsigned process;
    nd_lane_kind kind;
    uint64_t incarnation;
} nd_routing;
void nd_routing_write(const nd_routing *routing, unsigned char bytes[ND_ROUTING_SIZE]);
bool nd_routing_read(const void *bytes, size_t size, nd_routing *routing);

#endif
