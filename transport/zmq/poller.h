/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_ZMQ_POLLER_H
#define TRANSPORT_ZMQ_POLLER_H

/** @file
 * ZeroMQ sockets in a libuv loop.
 *
 * A socket's descriptor says only that its state may have changed, and says so once: whoever then
 * leaves something unread, or uses the socket meanwhile, is not told again. So a socket is *active*
 * from the moment that its descriptor speaks or it is used until it has been looked at and had
 * nothing more, and the loop does not sleep while any is active.
 *
 * Everything is for the loop's thread.
 */

#include <stdbool.h>
#include <uv.h>

#include <nereid/error.h>

typedef struct nd_poller nd_poller;
typedef struct nd_socket nd_socket;

typedef struct nd_socket_ops {
    /** Takes at most a few hundred messages that have come. */
    void (*readable)(nd_socket *socket);
    /** There is room to send. Called only while `wants_room`. NULL for sockets that never want it.
     */
    void (*writable)(nd_socket *socket);
} nd_socket_ops;

/* The owner's storage, which must last until nd_socket_close has returned. */
struct nd_socket {
    void *zmq; /* NULL: not open */
    const nd_socket_ops *ops;
    void *owner;
    nd_poller *poller;
    uv_poll_t poll;
    bool wants_room;
    bool is_active;
};

typedef struct nd_poller_def {
    /** Called after each look at the sockets; returns whether it is to be called again at once. */
    bool (*work)(void *context);
    /** The loop is about to sleep: returns whether there is work after all. */
    bool (*about_to_sleep)(void *context);
    void *context;
} nd_poller_def;

enum { ND_POLLER_SOCKETS = 1024 };

struct nd_poller {
    nd_poller_def def;
    uv_loop_t *loop;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle; /* keeps the loop from sleeping */
    bool has_work;
    unsigned n_active, n_sockets;
    nd_socket *active[ND_POLLER_SOCKETS];
};

/** Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_poller_init(nd_poller *poller, uv_loop_t *loop, const nd_poller_def *def);

/** Watches an open ZeroMQ socket, which from then on is the poller's to close. Errors: ND_NOMEM;
 * the socket is closed then. */
ND_CHECKED nd_err nd_poller_add(nd_poller *poller, nd_socket *socket, void *zmq,
                                const nd_socket_ops *ops, void *owner);

/** The socket has been sent on, or now wants room: it is looked at before the loop sleeps. */
void nd_socket_touch(nd_socket *socket);

/** Whether there is something to take from it now, without waiting for the loop; if so, the loop
 * looks at it before it sleeps. */
bool nd_socket_has_news(nd_socket *socket);

/** Stops watching and closes it; what was sent is still delivered, for `linger_ms` at most. A
 * socket that is not open is fine. */
void nd_socket_close(nd_socket *socket, int linger_ms);

#endif
