/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/zmq/poller.h"

#include <string.h>
#include <zmq.h>

/* --- Active sockets --- */

void nd_socket_touch(nd_socket *socket)
{
    if (socket->is_active || !socket->zmq)
        return;
    socket->is_active = true;
    socket->poller->active[socket->poller->n_active++] = socket;
}

static void forget(nd_socket *socket)
{
    nd_poller *const poller = socket->poller;
    for (unsigned i = 0; socket->is_active && i < poller->n_active; i++)
        if (poller->active[i] == socket)
            poller->active[i] = NULL; /* the look that may be going on skips it */
    socket->is_active = false;
}

static int events_of(const nd_socket *socket)
{
    int events = 0;
    size_t size = sizeof events;
    const int wanted = ZMQ_POLLIN | (socket->wants_room ? ZMQ_POLLOUT : 0);
    if (!socket->zmq || zmq_getsockopt(socket->zmq, ZMQ_EVENTS, &events, &size) != 0)
        return 0;
    return events & wanted;
}

bool nd_socket_has_news(nd_socket *socket)
{
    if (events_of(socket) == 0)
        return false;
    nd_socket_touch(socket);
    return true;
}

/* Looks at one socket; false when it had nothing more. */
static bool look(nd_socket *socket)
{
    const int events = events_of(socket);
    if (events & ZMQ_POLLIN)
        socket->ops->readable(socket);
    if ((events & ZMQ_POLLOUT) && socket->zmq && socket->wants_room)
        socket->ops->writable(socket);
    return socket->zmq && events_of(socket) != 0;
}

/* Looks at every active socket once. Sockets that become active meanwhile are seen next time. */
static void look_at_all(nd_poller *poller)
{
    const unsigned n = poller->n_active;
    for (unsigned i = 0; i < n; i++) {
        nd_socket *const socket = poller->active[i];
        if (!socket || look(socket) || !poller->active[i])
            continue;
        socket->is_active = false;
        poller->active[i] = NULL;
    }
    unsigned kept = 0;
    for (unsigned i = 0; i < poller->n_active; i++)
        if (poller->active[i])
            poller->active[kept++] = poller->active[i];
    poller->n_active = kept;
}

/* --- The loop --- */

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    nd_socket_touch(poll->data);
}

static void on_idle(uv_idle_t *idle) { (void)idle; /* that it runs keeps the loop awake */ }

static void stay_awake(nd_poller *poller, bool awake)
{
    if (awake)
        uv_idle_start(&poller->idle, on_idle);
    else
        uv_idle_stop(&poller->idle);
}

static void on_prepare(uv_prepare_t *prepare)
{
    nd_poller *const poller = prepare->data;
    const bool busy = poller->n_active || poller->has_work;
    stay_awake(poller, busy || poller->def.about_to_sleep(poller->def.context));
}

static void on_check(uv_check_t *check)
{
    nd_poller *const poller = check->data;
    look_at_all(poller);
    poller->has_work = poller->def.work(poller->def.context);
}

nd_err nd_poller_init(nd_poller *poller, uv_loop_t *loop, const nd_poller_def *def)
{
    memset(poller, 0, sizeof *poller);
    poller->def = *def;
    poller->loop = loop;
    poller->prepare.data = poller->check.data = poller->idle.data = poller;
    if (uv_prepare_init(loop, &poller->prepare) != 0 || uv_check_init(loop, &poller->check) != 0 ||
        uv_idle_init(loop, &poller->idle) != 0)
        return ND_NOMEM;
    uv_prepare_start(&poller->prepare, on_prepare);
    uv_check_start(&poller->check, on_check);
    return ND_OK;
}

/* --- Sockets --- */

static nd_err refuse(void *zmq)
{
    zmq_close(zmq);
    return ND_NOMEM;
}

nd_err nd_poller_add(nd_poller *poller, nd_socket *socket, void *zmq, const nd_socket_ops *ops,
                     void *owner)
{
    int descriptor = -1;
    size_t size = sizeof descriptor;
    *socket = (nd_socket){.ops = ops, .owner = owner, .poller = poller};
    if (poller->n_sockets == ND_POLLER_SOCKETS ||
        zmq_getsockopt(zmq, ZMQ_FD, &descriptor, &size) != 0 ||
        uv_poll_init(poller->loop, &socket->poll, descriptor) != 0)
        return refuse(zmq);
    socket->zmq = zmq;
    socket->poll.data = socket;
    poller->n_sockets++;
    uv_poll_start(&socket->poll, UV_READABLE, on_poll);
    nd_socket_touch(socket);
    return ND_OK;
}

void nd_socket_close(nd_socket *socket, int linger_ms)
{
    if (!socket->zmq)
        return;
    forget(socket);
    uv_close((uv_handle_t *)&socket->poll, NULL); /* before its descriptor goes */
    zmq_setsockopt(socket->zmq, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zmq_close(socket->zmq);
    socket->zmq = NULL;
    socket->poller->n_sockets--;
}
