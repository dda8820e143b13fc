/* SPDX-License-Identifier: Apache-2.0 */
/* How a run ends: it fails, or everybody leaves.
 *
 * The first cause counts, and of two at the same time that of the lower process. A cause of this
 * process is told to all others and to the process around; one that comes from another process is
 * passed on, too, since its author may not reach everybody. The thread ends when all have said that
 * they know, or are gone. A broken connection alone is not a cause yet: the peer may have said why
 * it goes, on another connection, so that is waited for a moment.
 *
 * Who leaves says goodbye with the numbers of frames it has sent, and ends when everybody has said
 * so, and every frame has come. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "transport/zmq/net_internal.h"

enum {
    ABORT_LINGER_MS = 500,  /* for the cause to reach the others ... */
    SETTLE_MS = 100,        /* for theirs to reach this process ... */
    FAREWELL_MS = 400,      /* ... and, after that, for them to say that they know this one */
    LEAVE_LINGER_MS = 5000, /* for a goodbye to do so */
    LEAVE_GRACE_MS = 1200,  /* without a frame: who has said goodbye but not kept it is lost, too */
    SILENT_MS = 3500,       /* who is well gives a sign of life every second */
    MOST_LOOKS = 64,        /* at the sockets, to read what came before a suspect is judged */
};

/* --- Failing --- */

/* On a clean end every frame counts, on every lane. Else the last words do, which go by the control
 * lanes, or, to who was not admitted, by the entrance. Nothing waits for a peer that is gone. */
void nd_ending_close(nd_net *net, int linger_ms)
{
    for (unsigned i = 0; i < net->def.n_processes; i++)
        for (unsigned k = 0; i != net->def.process && k < ND_LANES; k++) {
            nd_lane *const lane = &net->peers[i].lanes[k];
            const bool is_heard = lane->is_open && lane->stands;
            const bool has_last_words = k == ND_LANE_CONTROL || net->err == ND_OK;
            nd_lane_close(lane, is_heard && has_last_words ? linger_ms : 0);
        }
    nd_socket_close(&net->entrance, linger_ms);
    nd_socket_close(&net->admission.socket, 0);
}

static void end(nd_net *net, int linger_ms)
{
    net->phase = ND_NET_OVER;
    nd_ending_close(net, linger_ms);
    uv_timer_stop(&net->retry);
    uv_timer_stop(&net->grace);
    uv_timer_stop(&net->alive);
    uv_timer_stop(&net->farewell);
    uv_stop(&net->loop);
}

/* After a failure, when a moment has passed in which another cause may have come: ends if every
 * other process knows, or is gone. */
static void check_farewell(nd_net *net)
{
    if (!net->is_settled || net->phase == ND_NET_OVER)
        return;
    for (unsigned i = 0; i < net->def.n_processes; i++) {
        const nd_peer *const peer = &net->peers[i];
        const nd_lane *const lane = &peer->lanes[ND_LANE_CONTROL];
        if (i != net->def.process && lane->is_open && lane->stands && !peer->has_aborted)
            return;
    }
    end(net, ABORT_LINGER_MS);
}

static void on_farewell(uv_timer_t *timer)
{
    nd_net *const net = timer->data;
    if (net->is_settled) {
        end(net, ABORT_LINGER_MS);
        return;
    }
    net->is_settled = true;
    check_farewell(net);
}

static void tell_all(nd_net *net, const nd_control *control)
{
    for (unsigned i = 0; i < net->def.n_processes; i++)
        if (i != net->def.process && net->peers[i].lanes[ND_LANE_CONTROL].is_open)
            nd_net_tell(&net->peers[i], control);
}

/* The run has failed. Two processes may find a cause at the same time: the cause of the one with
 * the lower number is everybody's. */
static void abort_run(nd_net *net, unsigned process, nd_err err, const char *text)
{
    const bool is_first = net->err == ND_OK;
    if (net->phase == ND_NET_OVER || (!is_first && process >= net->culprit))
        return;
    net->err = err;
    net->culprit = process;
    uv_mutex_lock(&net->lock);
    net->verdict_err = nd_message_set(&net->verdict, err, "%s", text);
    uv_mutex_unlock(&net->lock);
    tell_all(net, &(nd_control){.kind = ND_CONTROL_ABORT,
                                .abort = {.err = err, .process = process, .text = text}});
    if (!is_first)
        return;
    if (net->phase == ND_NET_JOINING)
        nd_membership_abort(net, err, text);
    uv_timer_start(&net->farewell, on_farewell, SETTLE_MS, FAREWELL_MS);
    net->def.failed(net->def.context, err, text);
}

void nd_net_fail(nd_net *net, nd_err err, const char *format, ...)
{
    nd_message message;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message.text, sizeof message.text, format, arguments);
    va_end(arguments);
    if (net->err == ND_OK) /* what comes later is a consequence */
        abort_run(net, net->def.process, err, message.text);
    check_farewell(net);
}

void nd_net_told_to_abort(nd_peer *peer, const nd_control_abort *abort)
{
    peer->has_aborted = true;
    abort_run(peer->net, abort->process, abort->err, abort->text);
    check_farewell(peer->net);
}

void nd_net_asked_to_abort(nd_net *net, nd_err err, const char *text)
{
    if (net->err == ND_OK || strcmp(text, net->verdict.text) != 0)
        abort_run(net, net->def.process, err, text);
    check_farewell(net);
}

/* --- Suspecting --- */

static bool has_all_of(const nd_peer *peer)
{
    return peer->has_left && peer->seen[ND_LANE_DATA] == peer->promised[ND_LANE_DATA] &&
           peer->seen[ND_LANE_PROGRESS] == peer->promised[ND_LANE_PROGRESS];
}

/* It ends when everybody has said goodbye, not before. */
static bool may_be_gone(nd_peer *peer)
{
    return peer->net->has_left && nd_outbound_is_served(peer) && has_all_of(peer);
}

/* Whether nothing more can be hoped for from a peer to which a connection broke. Of one that has
 * said goodbye the last frames may still be on their way. */
static bool is_lost(const nd_peer *peer)
{
    const uint64_t patience_ms = peer->has_left ? LEAVE_GRACE_MS : ND_GRACE_MS;
    const uint64_t since_ms =
        peer->has_left && peer->heard_ms > peer->suspected_ms ? peer->heard_ms : peer->suspected_ms;
    return uv_now(&peer->net->loop) - since_ms >= patience_ms;
}

static void on_grace_over(uv_timer_t *timer)
{
    nd_net *const net = timer->data;
    net->n_looks = 1;
    nd_socket_touch(&net->entrance); /* what has come by now counts */
}

static void judge_suspects(nd_net *net)
{
    bool is_unsure = false;
    net->n_looks = 0;
    for (unsigned i = 0; i < net->def.n_processes; i++) {
        nd_peer *const peer = &net->peers[i];
        if (!peer->suspicion || may_be_gone(peer))
            continue;
        is_unsure = true;
        if (is_lost(peer))
            nd_net_fail(net, ND_CLOSED,
                        "process %u (%s) is gone: %s; its own last words, or its machine's, say "
                        "more",
                        peer->process, peer->address, peer->suspicion);
    }
    if (is_unsure && net->err == ND_OK)
        uv_timer_start(&net->grace, on_grace_over, ND_GRACE_MS, 0);
}

void nd_net_suspect(nd_peer *peer)
{
    nd_net *const net = peer->net;
    check_farewell(net);
    if (peer->suspicion || net->err != ND_OK || net->phase == ND_NET_OVER)
        return;
    const bool was_silent = peer->heard_ms != 0 && uv_now(&net->loop) - peer->heard_ms >= SILENT_MS;
    peer->suspicion = was_silent ? "it was silent for seconds, stopped or cut off (or this process "
                                   "was), and its connection broke"
                                 : "its connection broke";
    peer->suspected_ms = uv_now(&net->loop);
    if (!uv_is_active((uv_handle_t *)&net->grace))
        uv_timer_start(&net->grace, on_grace_over, ND_GRACE_MS, 0);
}

/* --- Leaving --- */

static void say_goodbye(nd_net *net)
{
    nd_run_stats done = net->stats;
    nd_run_stats_add(&done, &net->figures);
    net->has_left = true;
    nd_outbound_credit(net, true);
    for (unsigned i = 0; i < net->def.n_processes; i++) {
        nd_peer *const peer = &net->peers[i];
        if (i != net->def.process)
            nd_net_tell(peer,
                        &(nd_control){.kind = ND_CONTROL_GOODBYE,
                                      .goodbye = {peer->lanes[ND_LANE_DATA].sequence,
                                                  peer->lanes[ND_LANE_PROGRESS].sequence, done}});
    }
}

static void check_leaving(nd_net *net)
{
    if (!net->has_left && nd_outbound_is_empty(net))
        say_goodbye(net);
    if (!net->has_left || !nd_outbound_is_empty(net))
        return;
    for (unsigned i = 0; i < net->def.n_processes; i++)
        if (i != net->def.process && !has_all_of(&net->peers[i]))
            return;
    end(net, LEAVE_LINGER_MS);
}

void nd_ending_work(nd_net *net)
{
    if (net->n_looks && (!net->entrance.is_active || net->n_looks++ == MOST_LOOKS))
        judge_suspects(net);
    if (net->phase == ND_NET_LEAVING && net->err == ND_OK)
        check_leaving(net);
}
