/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_TRANSPORT_NET_RAW_H
#define TESTS_TRANSPORT_NET_RAW_H

/** @file
 * A process played by hand, with bare sockets and the wire formats: it can say what no process of
 * ours would.
 *
 *     raw_peer *const peer = raw_peer_open(group, 1);       binds to the process's address
 *     net_start(&def);                               process 0
 *     raw_peer_meet(peer);                                  the whole handshake
 *     raw_frame frame = raw_frame_of(peer, ND_LANE_DATA);   a right one
 *     ... spoils it ...
 *     raw_send(peer, ND_LANE_DATA, &frame);
 *
 * Asserts, and so is for the test's thread.
 */

#include "tests/transport/net_support.h"
#include "transport/wire/control.h"
#include "transport/wire/progress.h"

typedef struct raw_peer {
    void *zmq;             /* context */
    void *entrance;        /* a ROUTER that is bound; NULL: none */
    void *lanes[ND_LANES]; /* DEALERs to process 0; NULL: not connected */
    uint64_t sequence[ND_LANES];
    nd_control_join join;      /* what it says of itself; changed before it says so */
    nd_wire_arena arena;       /* of what it has heard last */
    bool is_welcome[ND_LANES]; /* process 0 has said so */
    bool was_joined[ND_LANES]; /* process 0 has, and has been welcomed */
    bool others_are_ready;
    const char *address; /* of process 0 */
} raw_peer;

/** Plays a process of the group against process 0. It is bound but says nothing. */
raw_peer *raw_peer_open(const net_group *group, unsigned process);

/** Closes all sockets at once, without a word; NULL is fine. */
void raw_peer_close(raw_peer *peer);

/** Closes what the others connect to, so that they see it go. */
void raw_peer_close_entrance(raw_peer *peer);

/** Connects a lane, which must be the first that is said on it, and says JOIN. */
void raw_peer_join(raw_peer *peer, nd_lane_kind lane);

/** Joins on every lane, welcomes process 0, and waits until that has met everybody. */
void raw_peer_join_all(raw_peer *peer);

/** Does so, and says that it is ready itself. */
void raw_peer_meet(raw_peer *peer);

/** Takes the next control message for this process, of any connection, and answers JOIN. Its texts
 * are lent until the next call. False when none comes within ten seconds. */
bool raw_peer_hear(raw_peer *peer, nd_control *control);

/* A frame on its way out: head and body as bytes. */
typedef struct raw_frame {
    nd_wire_head head; /* written into `bytes` when it is sealed */
    unsigned char bytes[ND_WIRE_HEAD_SIZE];
    unsigned char body[1024];
    size_t size;
    unsigned n_parts; /* two, unless it is spoiled: fewer lack the body, more repeat it */
} raw_frame;

/** A right frame, the next of its lane: for dataflow 0 and worker 0 a number, a change, or a sign
 * of life. It is sealed. */
raw_frame raw_frame_of(raw_peer *peer, nd_lane_kind lane);

/** A frame with a control message or with a body of progress. Likewise. */
raw_frame raw_control(raw_peer *peer, const nd_control *control);
raw_frame raw_progress(raw_peer *peer, const nd_frame *said);

/** Makes the bytes agree with head and body again. */
void raw_frame_seal(raw_frame *frame);

void raw_send(raw_peer *peer, nd_lane_kind lane, const raw_frame *frame);

#endif
