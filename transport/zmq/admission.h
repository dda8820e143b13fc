/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_ZMQ_ADMISSION_H
#define TRANSPORT_ZMQ_ADMISSION_H

/** @file
 * Who may connect, where there are keys. ZeroMQ asks (ZAP, RFC 27) before a connection may send its
 * first frame; without an answer encryption alone would admit anybody. A connection is admitted
 * when its key is one of the cluster's; its frames then carry, as their user id, whose key it is.
 *
 * The net thread.
 */

#include "transport/zmq/keys.h"
#include "transport/zmq/poller.h"

typedef struct nd_admission {
    nd_socket socket;
    const nd_keys *keys;
} nd_admission;

/** Begins to answer for all sockets of a ZeroMQ context; before any of them binds. `keys` are lent
 * until the socket is closed (nd_socket_close). Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_admission_open(nd_admission *admission, void *context, nd_poller *poller,
                                    const nd_keys *keys);

#endif
