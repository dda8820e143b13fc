/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_ZMQ_NET_INTERNAL_H
#define TRANSPORT_ZMQ_NET_INTERNAL_H

/** @file
 * The parts of the net: peers, the workers' queues, and who calls what. Everything belongs to the
 * net thread unless it says otherwise.
 */

#include <stdatomic.h>
#include <uv.h>

#include "runtime/base/cache_line.h"
#include "runtime/base/vector.h"
#include "runtime/run_stats.h"
#include "transport/alarm.h"
#include "transport/ledger.h"
#include "transport/local.h"
#include "transport/wire/arena.h"
#include "transport/wire/control.h"
#include "transport/zmq/admission.h"
#include "transport/zmq/lane.h"
#include "transport/zmq/net.h"
#include "transport/zmq/resolution.h"

enum {
    ND_WINDOW = 32 * 1024 * 1024,   /* bytes to a process that it has not consumed yet */
    ND_CREDIT_STEP = ND_WINDOW / 8, /* consumed bytes that are told at once, at most */
    ND_GRACE_MS = 300,              /* before a lost peer is the cause: another may know better */
};

/* A message between a worker and the net thread; of a frame the changes follow. */
typedef struct nd_post {
    nd_arrival kind;
    union {
        struct {
            nd_wire_head head;
            zmq_msg_t body;
        } batch;
        nd_frame frame;
    } of;
} nd_post;

/* A worker's end. */
typedef struct nd_net_seat {
    nd_net *net;
    nd_transport local; /* to the workers of this process */
    nd_vector plans;    /* nd_flow_plan, by dataflow, for pool and types; the worker's */
    bool has_sent;      /* to the net thread since the last flush; the worker's */
    bool is_lent;       /* the first of `from_net` is lent; the worker's */
    bool looks_local;   /* first, next time; the worker's */
    nd_queue to_net;    /* nd_post: the worker writes, the net thread reads */
    nd_queue from_net;  /* nd_post: the other way round */
    bool was_given;     /* something since the last wake; the net thread's */
} nd_net_seat;

typedef struct nd_peer {
    nd_net *net;
    unsigned process;
    const char *address; /* lent */
    nd_resolution place; /* what its address stands for */
    nd_lane lanes[ND_LANES];
    /* What comes from it. */
    uint64_t incarnation; /* zero until it has joined */
    bool has_joined[ND_LANES];
    uint64_t seen[ND_LANES];        /* the sequence of the last frame */
    uint64_t announced[ND_LANES];   /* frames that it says it has sent */
    uint64_t seen_before[ND_LANES]; /* at the last tick ... */
    unsigned n_still[ND_LANES];     /* ... and at how many nothing had come that was due */
    bool is_ready;                  /* it has met everybody */
    uint64_t n_frames;              /* of progress, as this process's workers count them */
    nd_run_stats stats;             /* what it has done, once it has said goodbye */
    bool has_left;                  /* it has said goodbye ... */
    uint64_t promised[ND_LANES];    /* ... and how many frames it has sent */
    const char *trouble;            /* what is known of why it is not there yet, or NULL */
    bool has_aborted;               /* it knows that the run has failed */
    uint64_t heard_ms;              /* when the last frame came, by the loop's clock */
    bool is_asking;                 /* it waits for an answer (inquiry.c) */
    const char *suspicion;          /* why it seems lost, see ND_GRACE_MS; or NULL */
    uint64_t suspected_ms;          /* since when, by the loop's clock */
    /* Credit. */
    nd_queue outbox;         /* nd_post: batches that wait for credit */
    uint64_t sent, released; /* bytes: sent to it, and what it says it has consumed */
    uint64_t told;           /* bytes that it has been told that we have consumed */
    char apart[ND_CACHE_LINE];
    _Atomic uint64_t consumed; /* bytes; any worker adds, the net thread reads */
    char behind[ND_CACHE_LINE];
} nd_peer;

typedef enum nd_net_phase {
    ND_NET_JOINING,
    ND_NET_RUNNING,
    ND_NET_LEAVING,
    ND_NET_OVER
} nd_net_phase;

struct nd_net {
    nd_net_def def;
    uint64_t incarnation;
    char host[64];
    void *zmq;              /* context */
    nd_socket entrance;     /* the one bound socket */
    nd_admission admission; /* where there are keys */
    nd_local *local;
    nd_net_seat *seats;
    nd_peer *peers;       /* by process; this one's own is unused */
    nd_ledger ledger;     /* shared: workers begin dataflows in it */
    nd_vector packed;     /* bytes: a frame that is being made */
    nd_vector touched;    /* uint32_t: dataflows whose sums have changed in this turn of the loop */
    nd_wire_arena arena;  /* what a frame is unpacked into */
    nd_run_stats stats;   /* what the net thread has told */
    nd_run_stats figures; /* what the workers have done; set before `is_finished` */
    nd_net_phase phase;
    uint64_t credit_step; /* consumed bytes that are told at once; so few that what is not told of
                             all peers together cannot use up the budget */
    bool is_ready;        /* everybody has been met, and has been told so */
    uint64_t begun_ns;    /* when joining began */
    unsigned n_notices;
    bool has_left;    /* goodbye has been said */
    nd_err err;       /* the run has failed, and the others have been told */
    unsigned culprit; /* the process whose cause that is */
    bool is_settled;  /* a cause of another process would have come by now */

    uv_thread_t thread;
    bool has_thread, has_loop, has_ledger;
    uv_loop_t loop;
    uv_timer_t retry; /* of connections, and notices, while joining */
    uv_timer_t grace, farewell, alive;
    unsigned n_looks; /* at the sockets since the grace was over; zero: it is not */
    nd_poller poller;
    nd_alarm alarm;           /* any thread rings: see nd_net_wake */
    _Atomic bool is_finished; /* nd_net_finish was called */
    _Atomic bool is_aborted;  /* nd_net_abort was called; `cause` is set before */
    _Atomic bool is_asking;   /* nd_net_ask was called */
    _Atomic bool has_answer;  /* nd_net_answer was called; `answer` is set before */
    uv_mutex_t lock;          /* of what follows */
    nd_err cause_err;         /* what nd_net_abort was called with */
    nd_message cause;
    nd_vector answer;   /* bytes: lines, each with a zero byte at its end */
    nd_err verdict_err; /* why the run has failed, for everybody */
    nd_message verdict;
};

/* net.c */
/** Has the net thread look at the workers' queues and at what it was asked. Any thread. */
void nd_net_wake(nd_net *net);
/** A frame with a control message to a peer. */
void nd_net_tell(nd_peer *peer, const nd_control *control);
void nd_net_tell_on(nd_peer *peer, nd_lane *lane, const nd_control *control);
/** Reads a control message; its texts are lent until the next frame is read. */
ND_CHECKED nd_err nd_net_unpack(nd_net *net, const nd_wire_head *head, const void *body,
                                nd_control *control, nd_message *message);

/* ending.c */
/** The run has failed as far as this process can see: tells everybody. The first one counts. */
void nd_net_fail(nd_net *net, nd_err err, const char *format, ...) ND_PRINTF(3, 4);
/** The same, said by the process around, which may have heard of it by itself. */
void nd_net_asked_to_abort(nd_net *net, nd_err err, const char *text);
/** Another process says that the run has failed. */
void nd_net_told_to_abort(nd_peer *peer, const nd_control_abort *abort);
/** A peer's connection broke. */
void nd_net_suspect(nd_peer *peer);
/** Ends the run if it is time to. */
void nd_ending_work(nd_net *net);
/** Closes every socket; `linger_ms` for what is still to be said. */
void nd_ending_close(nd_net *net, int linger_ms);

/* membership.c */
ND_CHECKED nd_err nd_membership_open(nd_net *net);
void nd_membership_begin(nd_net *net);
/** A frame from somebody who has not joined on that lane yet: `routing` is what the connection is
 * called, answers go back to it. */
void nd_membership_frame(nd_net *net, const nd_routing *routing, const nd_wire_head *head,
                         const void *body, size_t body_size);
/** The run has failed before it began: tells whoever has joined, by the connections it came by; the
 * lanes may lead to others, or to nobody yet. */
void nd_membership_abort(nd_net *net, nd_err err, const char *text);
/** The head of such a frame cannot be read: its sender is told, who may be of another version. */
void nd_membership_unread(nd_net *net, const nd_routing *routing);
/** A peer is ready. */
void nd_membership_ready(nd_peer *peer);

/* inbound.c */
extern const nd_socket_ops nd_entrance_ops;

/* alive.c */
/** The run begins: signs of life are given and expected. */
void nd_alive_begin(nd_net *net);
/** A peer has given one. */
void nd_alive_take(nd_peer *peer, const nd_control_alive *alive);

/* inquiry.c */
/** Whether a question or an answer is there to be sent. */
bool nd_inquiry_waits(const nd_net *net);
/** Sends them. */
void nd_inquiry_work(nd_net *net);
/** Takes an ASK or a TELL. */
void nd_inquiry_take(nd_peer *peer, const nd_control *control);

/* outbound.c */
/** Takes what workers have handed over; returns whether there is more. */
bool nd_outbound_work(nd_net *net);
/** Sends what credit allows. */
void nd_outbound_release(nd_peer *peer);
/** Tells peers what has been consumed of theirs: if it is much, or, at the end, anyway. */
void nd_outbound_credit(nd_net *net, bool is_last);
/** Whether a peer is to be told now. */
bool nd_outbound_owes_credit(const nd_net *net);
/** Whether nothing waits to be sent to a peer. */
bool nd_outbound_is_served(nd_peer *peer);
/** Whether nothing waits to be sent or told. */
bool nd_outbound_is_empty(nd_net *net);
/** A dataflow's accumulator has been added to: what of it must be told is told, eagerly at once, on
 * demand when nd_outbound_work has added the rest. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_outbound_touch(nd_net *net, uint32_t flow);

/* endpoint.c */
extern const nd_transport_ops nd_net_transport_ops;
/** Puts a copy of a frame, changes included, behind what is in the queue. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_post_frame(nd_queue *queue, const nd_frame *frame);
/** Puts records there; `body` is empty afterwards, also on failure. Errors: ND_NOMEM.
 */
ND_CHECKED nd_err nd_post_records(nd_queue *queue, const nd_wire_head *head, zmq_msg_t *body);

static inline nd_net_seat *nd_net_seat_of(nd_net *net, unsigned worker)
{
    const unsigned first = net->def.process * net->def.n_workers;
    return worker < first || worker - first >= net->def.n_workers ? NULL
                                                                  : &net->seats[worker - first];
}

#endif
