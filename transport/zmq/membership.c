/* SPDX-License-Identifier: Apache-2.0 */
/* How processes meet. Nobody leads: each binds, connects to every other, and says who it is.
 *
 *     i                                       j
 *     |  control lane: JOIN ----------------> |  does it match?
 *     |  <------------------- WELCOME, REFUSE |
 *     |  data, progress lanes: JOIN --------> |
 *     |  <---------------------------- WELCOME|
 *     |                                       |  and the same the other way round
 *     |  READY ------------------------------>|  when every lane to and from everybody is open
 *
 * A process runs when it is ready itself and everybody has said so. A connection that is refused is
 * tried again: the peer may not have begun yet. Who is missing is said after a while, and again,
 * until the time is up.
 *
 * A JOIN of another job is refused, and this job goes on: somebody mistook the address. One of this
 * job that does not match ends the run on both sides. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/base/clock.h"
#include "transport/zmq/net_internal.h"

enum {
    FIRST_RETRY_MS = 5, /* between attempts to connect: at first, since processes that are started
                           together miss each other by little, ... */
    RETRY_MS = 50,      /* ... and later */
    KNOCK_MS = 6000,    /* after which one is made anew: the network may swallow it */
    FIRST_NOTICE_S = 5, /* what is missing is said then ... */
    NEXT_NOTICE_S = 10, /* ... and so often */
};

static nd_peer *peer_of(nd_lane *lane) { return lane->owner; }

/* --- Saying who we are --- */

static nd_control introduction(const nd_net *net, nd_lane_kind lane)
{
    const uint16_t one = 1;
    return (nd_control){.kind = ND_CONTROL_JOIN,
                        .join = {.protocol_min = ND_WIRE_VERSION,
                                 .protocol_max = ND_WIRE_VERSION,
                                 .job = {net->def.job[0], net->def.job[1]},
                                 .process = net->def.process,
                                 .n_processes = net->def.n_processes,
                                 .n_workers = net->def.n_workers,
                                 .build = {net->def.build[0], net->def.build[1]},
                                 .is_little_endian = *(const unsigned char *)&one == 1,
                                 .word_size = sizeof(void *),
                                 .lane = lane,
                                 .incarnation = net->incarnation,
                                 .pid = (uint32_t)getpid(),
                                 .host = net->host,
                                 .version = NEREID_VERSION}};
}

static void knock(nd_peer *peer, nd_lane_kind kind)
{
    nd_net *const net = peer->net;
    nd_lane *const lane = &peer->lanes[kind];
    const nd_control join = introduction(net, kind);
    const char *const place = nd_resolution_get(&peer->place, &net->loop);
    peer->trouble = place ? peer->trouble : peer->place.trouble;
    if (!place)
        return;
    lane->knocked_ms = uv_now(&net->loop);
    if (nd_lane_connect(lane, place) != ND_OK) {
        nd_net_fail(net, ND_USAGE, "%s is not an address to connect to: %s", peer->address,
                    zmq_strerror(errno));
        return;
    }
    nd_net_tell_on(peer, lane, &join);
}

/* --- Being answered --- */

static void on_event(nd_lane *lane, nd_lane_event event)
{
    nd_peer *const peer = peer_of(lane);
    lane->is_knocking = false;
    switch (event) {
    case ND_LANE_BARRED:
        nd_net_fail(
            peer->net, ND_MISMATCH,
            "process %u (%s) has not the keys of this one, or only one of the two has keys: "
            "give every process the same key file (--secret)",
            peer->process, peer->address);
        return;
    case ND_LANE_REFUSED:
        peer->trouble = "nobody listens there yet";
        nd_resolution_failed(&peer->place);
        return;
    case ND_LANE_SILENT:
        peer->trouble =
            "what listens there does not answer as nereid does, or has other keys (--secret)";
        return;
    case ND_LANE_BROKEN:
        lane->stands = false;
        if (lane->is_open)
            nd_net_suspect(peer);
        return;
    }
}

static void check_ready(nd_net *net);

static void welcome(nd_peer *peer, nd_lane *lane)
{
    lane->is_open = true;
    if (lane->kind == ND_LANE_CONTROL)
        for (unsigned k = ND_LANE_DATA; k < ND_LANES; k++)
            knock(peer, (nd_lane_kind)k);
    check_ready(peer->net);
}

/* False for what is malformed, which is passed over: nobody has been admitted yet. */
static bool unpack(nd_net *net, const nd_wire_head *head, const void *body, nd_control *control)
{
    nd_message message;
    const nd_err err = nd_net_unpack(net, head, body, control, &message);
    if (err == ND_NOMEM)
        nd_net_fail(net, err, "out of memory");
    return err == ND_OK;
}

static void on_answer(nd_lane *lane, const void *head_bytes, size_t head_size, const void *body,
                      size_t body_size)
{
    nd_peer *const peer = peer_of(lane);
    nd_wire_head head;
    nd_control control;
    nd_message message;
    if (nd_wire_head_read(head_bytes, head_size, &head, &message) != ND_OK) {
        nd_net_fail(peer->net, ND_MISMATCH, "process %u (%s) answers with %s", peer->process,
                    peer->address, message.text);
        return;
    }
    if (nd_wire_body_check(&head, body, body_size, &message) != ND_OK ||
        head.kind != ND_WIRE_CONTROL || !unpack(peer->net, &head, body, &control))
        return;
    if (control.kind == ND_CONTROL_REFUSE)
        nd_net_told_to_abort(peer, &(nd_control_abort){.err = control.refuse.err,
                                                       .process = peer->process,
                                                       .text = control.refuse.text});
    else if (control.kind == ND_CONTROL_WELCOME && head.process != peer->process)
        nd_net_fail(peer->net, ND_MISMATCH,
                    "process %u finds process %u at %s, where process %u should be: give all the "
                    "same hosts, in the same order",
                    peer->net->def.process, head.process, peer->address, peer->process);
    else if (control.kind == ND_CONTROL_WELCOME && !lane->is_open)
        welcome(peer, lane);
}

static const nd_lane_ops lane_ops = {.event = on_event, .answer = on_answer};

/* --- Answering --- */

static void answer(nd_net *net, const nd_routing *routing, const nd_control *control)
{
    unsigned char name[ND_ROUTING_SIZE], bytes[ND_WIRE_HEAD_SIZE];
    nd_vector *const packed = &net->packed;
    if (nd_wire_control_pack(control, packed) != ND_OK) {
        nd_net_fail(net, ND_NOMEM, "out of memory");
        return;
    }
    const nd_wire_head head = {.kind = ND_WIRE_CONTROL,
                               .process = (uint16_t)net->def.process,
                               .incarnation = net->incarnation,
                               .length = packed->len,
                               .body_hash = nd_wire_body_hash(packed->items, packed->len)};
    nd_wire_head_write(&head, bytes);
    nd_routing_write(routing, name);
    nd_socket_touch(&net->entrance);
    if (zmq_send(net->entrance.zmq, name, sizeof name, ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0)
        return; /* it is gone again */
    (void)zmq_send(net->entrance.zmq, bytes, sizeof bytes, ZMQ_DONTWAIT | ZMQ_SNDMORE);
    (void)zmq_send(net->entrance.zmq, packed->items, packed->len, ZMQ_DONTWAIT);
}

static void refuse(nd_net *net, const nd_routing *routing, nd_err err, const char *text)
{
    answer(net, routing,
           &(nd_control){.kind = ND_CONTROL_REFUSE, .refuse = {.err = err, .text = text}});
}

void nd_membership_abort(nd_net *net, nd_err err, const char *text)
{
    for (unsigned i = 0; i < net->def.n_processes; i++)
        if (net->peers[i].has_joined[ND_LANE_CONTROL])
            refuse(net, &(nd_routing){i, ND_LANE_CONTROL, net->peers[i].incarnation}, err, text);
}

/* Whether a process of this job fits to this one. */
static nd_err compare(const nd_net *net, const nd_control_join *join, nd_message *message)
{
    const unsigned here = net->def.process, there = join->process;
    if (join->protocol_min > ND_WIRE_VERSION || join->protocol_max < ND_WIRE_VERSION)
        return nd_message_set(message, ND_MISMATCH,
                              "process %u speaks version %u to %u of the protocol (nereid %s), "
                              "process %u version %u (nereid %s): install the same nereid on all",
                              there, join->protocol_min, join->protocol_max, join->version, here,
                              ND_WIRE_VERSION, NEREID_VERSION);
    if (!join->is_little_endian || join->word_size != sizeof(void *))
        return nd_message_set(message, ND_MISMATCH,
                              "process %u runs on a machine of another kind (%s-endian, %u-bit): "
                              "all must be 64-bit and little-endian",
                              there, join->is_little_endian ? "little" : "big",
                              8 * join->word_size);
    if (join->n_processes != net->def.n_processes)
        return nd_message_set(message, ND_MISMATCH,
                              "process %u counts %u processes, process %u counts %u: give all the "
                              "same hosts",
                              there, join->n_processes, here, net->def.n_processes);
    if (join->n_workers != net->def.n_workers)
        return nd_message_set(message, ND_MISMATCH,
                              "process %u has %u workers, process %u has %u: give all the same -w",
                              there, join->n_workers, here, net->def.n_workers);
    if (join->build[0] != net->def.build[0] || join->build[1] != net->def.build[1])
        return nd_message_set(message, ND_MISMATCH,
                              "process %u (%s) runs another build of the program than process %u "
                              "(%s): install the same on all",
                              there, join->host, here, net->host);
    return ND_OK;
}

static void admit(nd_peer *peer, const nd_routing *routing, const nd_wire_head *head)
{
    nd_net *const net = peer->net;
    peer->incarnation = routing->incarnation;
    peer->has_joined[routing->kind] = true;
    peer->seen[routing->kind] = head->sequence;
    answer(
        net, routing,
        &(nd_control){.kind = ND_CONTROL_WELCOME,
                      .welcome = {.process = net->def.process, .incarnation = net->incarnation}});
    check_ready(net);
}

/* Whether there is such a process already. */
static bool is_taken(const nd_net *net, const nd_routing *routing)
{
    if (routing->process >= net->def.n_processes)
        return false;
    const nd_peer *const peer = &net->peers[routing->process];
    return routing->process == net->def.process ||
           (peer->incarnation && peer->incarnation != routing->incarnation);
}

/* What speaks against a process of this job. */
static nd_err judge(nd_net *net, const nd_routing *routing, const nd_control_join *join,
                    nd_message *message)
{
    if (net->err != ND_OK)
        return nd_message_set(message, net->err, "%s", net->verdict.text);
    if (is_taken(net, routing))
        return nd_message_set(message, ND_MISMATCH,
                              "two processes say that they are process %u: start each index (-p) "
                              "once",
                              routing->process);
    ND_TRY(compare(net, join, message));
    if (net->phase != ND_NET_JOINING)
        return nd_message_set(message, ND_MISMATCH, "process %u comes back after the start",
                              routing->process);
    return ND_OK;
}

static void consider(nd_net *net, const nd_routing *routing, const nd_wire_head *head,
                     const nd_control_join *join)
{
    nd_message message;
    if (join->process >= join->n_processes || join->process != routing->process ||
        join->lane != routing->kind || join->incarnation != routing->incarnation ||
        head->incarnation != routing->incarnation)
        return; /* nobody of ours says that */
    if (join->job[0] != net->def.job[0] || join->job[1] != net->def.job[1]) {
        refuse(net, routing, ND_MISMATCH,
               "the process at this address belongs to another job: is an old one still running, "
               "or do the hosts files differ?");
        return;
    }
    const nd_err err = judge(net, routing, join, &message);
    if (err == ND_OK) {
        admit(&net->peers[routing->process], routing, head);
        return;
    }
    refuse(net, routing, err, message.text);
    if (net->phase == ND_NET_JOINING)
        nd_net_fail(net, err, "%s", message.text);
}

void nd_membership_unread(nd_net *net, const nd_routing *routing)
{
    nd_message message;
    nd_message_set(&message, ND_MISMATCH,
                   "process %u cannot read what process %u sends: is it of another version of "
                   "nereid, or was it damaged on the way?",
                   net->def.process, routing->process);
    refuse(net, routing, ND_MISMATCH, message.text);
}

void nd_membership_frame(nd_net *net, const nd_routing *routing, const nd_wire_head *head,
                         const void *body, size_t body_size)
{
    nd_message message;
    nd_control control;
    if (head->kind != ND_WIRE_CONTROL || head->sequence != 1 ||
        nd_wire_body_check(head, body, body_size, &message) != ND_OK ||
        !unpack(net, head, body, &control))
        return;
    if (control.kind == ND_CONTROL_JOIN)
        consider(net, routing, head, &control.join);
}

/* --- Being ready --- */

static bool is_met(const nd_peer *peer)
{
    bool met = true;
    for (unsigned k = 0; k < ND_LANES; k++)
        met &= peer->lanes[k].is_open && peer->has_joined[k];
    return met;
}

static void check_start(nd_net *net)
{
    for (unsigned i = 0; i < net->def.n_processes; i++)
        if (i != net->def.process && !net->peers[i].is_ready)
            return;
    if (!net->is_ready || net->phase != ND_NET_JOINING)
        return;
    net->phase = ND_NET_RUNNING;
    uv_timer_stop(&net->retry);
    nd_alive_begin(net);
    net->def.started(net->def.context);
}

static void check_ready(nd_net *net)
{
    if (net->is_ready || net->phase != ND_NET_JOINING)
        return;
    for (unsigned i = 0; i < net->def.n_processes; i++)
        if (i != net->def.process && !is_met(&net->peers[i]))
            return;
    net->is_ready = true;
    for (unsigned i = 0; i < net->def.n_processes; i++)
        if (i != net->def.process)
            nd_net_tell(&net->peers[i], &(nd_control){.kind = ND_CONTROL_READY});
    check_start(net);
}

void nd_membership_ready(nd_peer *peer)
{
    peer->is_ready = true;
    check_start(peer->net);
}

/* --- Waiting --- */

/* Who is missing, and what is known of each. */
static unsigned list_missing(const nd_net *net, char *text, size_t size)
{
    unsigned n = 0;
    size_t used = 0;
    text[0] = '\0';
    for (unsigned i = 0; i < net->def.n_processes; i++) {
        const nd_peer *const peer = &net->peers[i];
        if (i == net->def.process || is_met(peer))
            continue;
        const bool is_reached = peer->lanes[ND_LANE_CONTROL].stands;
        const char *const what = peer->trouble && !is_reached ? peer->trouble : "no answer yet";
        n++;
        if (used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%u (%s: %s)", n > 1 ? ", " : "",
                                     i, peer->address, what);
    }
    return n;
}

static void give_notice(nd_net *net, unsigned waited_s)
{
    char missing[400];
    nd_message text;
    const unsigned n = list_missing(net, missing, sizeof missing);
    nd_message_set(&text, ND_OK, "waiting for %u of %u processes (%u s): %s", n,
                   net->def.n_processes, waited_s, missing);
    net->n_notices++;
    net->def.notice(net->def.context, text.text);
}

static void give_up(nd_net *net)
{
    char missing[400];
    const unsigned n = list_missing(net, missing, sizeof missing);
    if (n)
        nd_net_fail(net, ND_CLOSED,
                    "not every process came within %u s; missing: %s; is it running, and is its "
                    "address right?",
                    net->def.timeout_s, missing);
    else
        nd_net_fail(net, ND_CLOSED,
                    "not every process was ready within %u s: some cannot reach each other",
                    net->def.timeout_s);
}

static void on_retry(uv_timer_t *timer)
{
    nd_net *const net = timer->data;
    if (net->err != ND_OK)
        return;
    const uint64_t waited_ns = nd_clock_now_ns(nd_clock_system()) - net->begun_ns;
    const unsigned waited_s = (unsigned)(waited_ns / 1000000000);
    const uint64_t grown_ms = waited_ns / 2000000;
    const uint64_t next_ms = grown_ms < FIRST_RETRY_MS ? FIRST_RETRY_MS
                             : grown_ms > RETRY_MS     ? RETRY_MS
                                                       : grown_ms;
    uv_timer_start(timer, on_retry, next_ms, 0);
    for (unsigned i = 0; i < net->def.n_processes; i++)
        for (unsigned k = 0; i != net->def.process && k < ND_LANES; k++) {
            nd_lane *const lane = &net->peers[i].lanes[k];
            if (lane->is_knocking && !lane->stands &&
                uv_now(&net->loop) - lane->knocked_ms > KNOCK_MS) {
                lane->is_knocking = false;
                nd_resolution_failed(&net->peers[i].place);
            }
            if (!lane->is_open && !lane->is_knocking &&
                (k == ND_LANE_CONTROL || net->peers[i].lanes[ND_LANE_CONTROL].is_open))
                knock(&net->peers[i], (nd_lane_kind)k);
        }
    if (waited_s >= net->def.timeout_s)
        give_up(net);
    else if (waited_s >= FIRST_NOTICE_S + net->n_notices * NEXT_NOTICE_S)
        give_notice(net, waited_s);
}

void nd_membership_begin(nd_net *net)
{
    net->begun_ns = nd_clock_now_ns(nd_clock_system());
    for (unsigned i = 0; i < net->def.n_processes; i++) {
        nd_peer *const peer = &net->peers[i];
        if (i == net->def.process)
            continue;
        if (nd_resolution_begin(&peer->place, &net->loop, peer->address) == ND_OK)
            knock(peer, ND_LANE_CONTROL);
        else
            nd_net_fail(net, ND_USAGE, "%s is no address: it takes tcp://host:port, or ipc://path",
                        peer->address);
    }
    uv_timer_start(&net->retry, on_retry, FIRST_RETRY_MS, 0);
}

nd_err nd_membership_open(nd_net *net)
{
    for (unsigned i = 0; i < net->def.n_processes; i++) {
        nd_peer *const peer = &net->peers[i];
        for (unsigned k = 0; i != net->def.process && k < ND_LANES; k++)
            ND_TRY(nd_lane_open(&peer->lanes[k], &(nd_lane_def){.context = net->zmq,
                                                                .poller = &net->poller,
                                                                .keys = net->def.keys,
                                                                .process = net->def.process,
                                                                .incarnation = net->incarnation,
                                                                .peer = i,
                                                                .kind = (nd_lane_kind)k,
                                                                .ops = &lane_ops,
                                                                .owner = peer}));
    }
    return ND_OK;
}
