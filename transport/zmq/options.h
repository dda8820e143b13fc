/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_ZMQ_OPTIONS_H
#define TRANSPORT_ZMQ_OPTIONS_H

/** @file
 * The options of every socket, in one place. All are set before a socket binds or connects: later
 * they would not count.
 */

#include "transport/zmq/lane.h"

enum {
    ND_HEARTBEAT_MS = 1000,
    ND_SILENCE_MS = 5000, /* without a sign of life on a control lane: the peer is lost */
};

/** Of a connecting socket, to process `peer`. */
void nd_zmq_set_lane_options(void *zmq, nd_lane_kind kind, unsigned peer, const nd_keys *keys);

/** Of the one bound socket. */
void nd_zmq_set_entrance_options(void *zmq, const nd_keys *keys);

#endif
