/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_SIM_INTERNAL_H
#define TRANSPORT_SIM_INTERNAL_H

/** @file
 * The parts of the simulated transport: links in a process, lanes between processes, and what each
 * process knows of itself and of the others.
 */

#include "runtime/base/fifo.h"
#include "runtime/base/random.h"
#include "runtime/base/vector.h"
#include "transport/ledger.h"
#include "transport/sim_faults.h"
#include "transport/wire/arena.h"

static const uint64_t nd_sim_never = UINT64_MAX; /* a tick that does not come */

/* A frame between processes, as bytes; the body follows the head. */
typedef struct nd_sim_frame {
    nd_wire_head head; /* as the sender means it; once taken, as the receiver reads it */
    uint64_t due;      /* not before this tick */
    nd_sim_damage damage;
    unsigned char bytes[]; /* ND_WIRE_HEAD_SIZE and head.length */
} nd_sim_frame;

/* A frame or a batch on its way to a worker. */
typedef struct nd_parcel {
    nd_arrival kind;
    nd_delivery delivery;
    nd_frame frame;
    nd_change *changes;    /* the frame's, owned */
    nd_sim_frame *records; /* a batch of another process, still packed; owned */
} nd_parcel;

typedef struct nd_link {
    nd_fifo frames, batches; /* nd_parcel */
    uint64_t n_delivered;    /* frames: what they are numbered by on delivery */
} nd_link;

typedef struct nd_endpoint {
    nd_sim *sim;
    unsigned worker;
    nd_fifo inbox;   /* nd_parcel */
    nd_vector plans; /* nd_flow_plan, by dataflow, for pool and types */
    nd_change *lent; /* by receive: of the frame that it has given out last */
} nd_endpoint;

/* The way from a process to another for one purpose. */
typedef struct nd_sim_lane {
    nd_fifo frames; /* nd_sim_frame *, owned */
    nd_sim_sent sent;
    uint64_t delay;       /* of a frame, at most */
    uint64_t last_due;    /* no later frame comes earlier */
    uint64_t breaks_at;   /* the tick at which the sender learns that it is cut */
    nd_sim_damage damage; /* that awaits the next frame */
    bool is_cut;          /* nothing that is sent from now on arrives */
    bool stands;          /* as far as the sender knows */
} nd_sim_lane;

/* What a process knows of another. */
typedef struct nd_sim_peer {
    nd_sim_lane lanes[ND_LANES]; /* to it */
    /* What comes from it. */
    uint64_t seen[ND_LANES];     /* the sequence of the last frame */
    uint64_t n_frames;           /* of progress, as this process's workers count them */
    bool has_left;               /* it has said goodbye ... */
    uint64_t promised[ND_LANES]; /* ... and how many frames it has sent */
    bool has_aborted;            /* it knows that the run has failed */
    bool is_suspect;             /* a connection broke */
    uint64_t grace_ends;         /* then it is missed, unless there is a better cause ... */
    uint64_t grace_at;           /* ... for which is looked then */
    uint64_t learns_at;          /* that a lane from it is cut */
    /* Credit, in bytes. */
    nd_fifo outbox;          /* nd_sim_frame *: what waits for credit */
    uint64_t waiting;        /* in the outbox */
    uint64_t sent, released; /* to it, and what it says it has consumed */
    uint64_t consumed, told; /* of it here, and what it has been told of that */
} nd_sim_peer;

typedef struct nd_sim_process {
    nd_sim *sim;
    unsigned number;
    uint64_t incarnation;
    nd_budget *budget;
    nd_sim_peer *peers; /* by process; its own is unused */
    nd_ledger ledger;
    bool has_ledger;
    nd_vector touched;   /* uint32_t: dataflows with something to tell, some twice */
    nd_vector packed;    /* bytes: a body that is being made */
    nd_wire_arena arena; /* what a body is unpacked into */
    nd_sim_phase phase;
    bool has_said_goodbye;
    bool has_work; /* beside what comes at a certain tick */
    nd_err err;    /* the run has failed, and the others have been told */
    unsigned culprit;
    nd_message verdict;
    bool is_settled;      /* a cause of another process would have come by now */
    uint64_t farewell_at; /* the end, if not everybody has said that they know before */
    uint64_t paused_until;
} nd_sim_process;

struct nd_sim {
    unsigned n_workers, n_processes, n_own; /* workers of each process */
    nd_publish_mode mode;
    bool gathers;
    uint64_t now, window, credit_step;
    nd_random random;
    nd_link *links; /* of worker w, [w * (n_own + 1) + i]: to worker i of its process, or to that */
    nd_endpoint *endpoints;
    nd_sim_process *processes;
    nd_sim_tap_fn *tap;
    void *tap_context;
    nd_sim_fault fault;
    unsigned every;
    bool keeps_numbers;
    uint64_t n_sent; /* frames that the fault could befall, counted by receiver */
    nd_sim_neglect neglect;
    nd_sim_witness witness;
    bool is_out_of_memory; /* noticed where nobody could be told */
};

static inline nd_link *nd_sim_link(const nd_sim *sim, unsigned worker, unsigned to)
{
    return &sim->links[(size_t)worker * (sim->n_own + 1) + to];
}

static inline unsigned nd_sim_process_of(const nd_sim *sim, unsigned worker)
{
    return worker / sim->n_own;
}

static inline nd_sim_peer *nd_sim_peer_of(const nd_sim *sim, unsigned process, unsigned other)
{
    return &sim->processes[process].peers[other];
}

static inline nd_sim_lane *nd_sim_lane_of(const nd_sim *sim, unsigned from, unsigned to,
                                          nd_lane_kind kind)
{
    return &nd_sim_peer_of(sim, from, to)->lanes[kind];
}

/** Whether the process takes what comes; it may have failed and have last words to say. */
static inline bool nd_sim_is_awake(const nd_sim *sim, const nd_sim_process *process)
{
    return process->phase <= ND_SIM_LEAVING && process->paused_until <= sim->now;
}

/* --- sim_link.c --- */

typedef enum nd_fate { ND_FATE_WHOLE, ND_FATE_LOST, ND_FATE_TWICE, ND_FATE_SPLIT } nd_fate;

/** What the broken promise, if any, does to a frame on its way to one receiver. */
nd_fate nd_sim_fate_of(nd_sim *sim, const nd_frame *frame);

typedef enum nd_part { ND_PART_ALL, ND_PART_LESS, ND_PART_MORE } nd_part;

/** Writes the changes of a frame, or those of one sign, to `changes`, which has room for all. */
size_t nd_frame_part(const nd_frame *frame, nd_part part, nd_change *changes);

/** Puts a copy of the frame behind what is there. */
ND_CHECKED nd_err nd_sim_put_frame(nd_fifo *parcels, const nd_frame *frame);
/** Puts a frame on a link, faithfully or not. */
ND_CHECKED nd_err nd_link_send(nd_sim *sim, nd_link *link, const nd_frame *frame);
/** How many things on the link could arrive next, and taking one of them. */
size_t nd_link_n_choices(const nd_sim *sim, const nd_link *link);
nd_parcel nd_link_take(const nd_sim *sim, nd_link *link, size_t index);
/** Frees what the parcel owns, and the parcels with their queue. */
void nd_parcel_free(const nd_parcel *parcel);
void nd_parcels_free(nd_fifo *parcels);

/* --- sim_lane.c --- */

/** A frame that is not on any lane yet, or NULL without memory. `body` is copied. */
nd_sim_frame *nd_sim_frame_create(const nd_wire_head *head, const void *body);
/** Numbers the frame and puts it on the lane, which owns it then, also on failure. Errors:
 * ND_NOMEM.
 */
ND_CHECKED nd_err nd_sim_lane_send(nd_sim *sim, unsigned from, unsigned to, nd_lane_kind kind,
                                   nd_sim_frame *frame);
void nd_sim_lane_init(nd_sim_lane *lane);
void nd_sim_lane_deinit(nd_sim_lane *lane);
/** How many frames of the lane could arrive now, and the tick at which one could. */
size_t nd_sim_lane_n_choices(const nd_sim *sim, const nd_sim_lane *lane);
uint64_t nd_sim_lane_due(const nd_sim_lane *lane);
nd_sim_frame *nd_sim_lane_take(nd_sim_lane *lane, size_t index);
/** Of what is on the lane only the first part arrives, and nothing more. */
void nd_sim_lane_cut(nd_sim *sim, nd_sim_lane *lane);
/** Whoever a lane led to is gone: its sender learns of that by and by. */
void nd_sim_lane_close(nd_sim *sim, nd_sim_lane *lane);
void nd_sim_free_frames(nd_fifo *frames);

/* --- sim_process.c: from workers to other processes --- */

ND_CHECKED nd_err nd_sim_process_init(nd_sim *sim, unsigned number, nd_budget *budget);
void nd_sim_process_deinit(nd_sim_process *process);
/** A batch for a worker of another process. The reference moves, also on failure. */
ND_CHECKED nd_err nd_sim_process_send(nd_sim_process *process, unsigned worker,
                                      const nd_delivery *delivery);
/** A frame of one of its workers. */
ND_CHECKED nd_err nd_sim_process_tell(nd_sim_process *process, const nd_frame *frame);
/** Something is added to what must be told of a dataflow: that is done at once, or together with
 * what is added meanwhile. */
ND_CHECKED nd_err nd_sim_process_touch(nd_sim_process *process, uint32_t flow);
/** Tells the others what they must know now of what was touched. */
ND_CHECKED nd_err nd_sim_process_publish(nd_sim_process *process);
/** A batch of another process has been consumed here. */
void nd_sim_process_consumed(nd_sim_process *process, unsigned from, uint64_t bytes);
/** Tells what was consumed, where that is due. */
void nd_sim_process_tell_credit(nd_sim_process *process);
/** Another process has consumed so much in all. */
ND_CHECKED nd_err nd_sim_process_take_credit(nd_sim_process *process, unsigned from,
                                             uint64_t bytes);
/** Whether nothing waits to be sent or told. */
bool nd_sim_process_is_told(nd_sim_process *process);
/** A control message. Where there is no memory for it, the simulation is told. */
void nd_sim_process_say(nd_sim_process *process, unsigned to, const nd_control *control);

/* --- sim_inbound.c: from other processes to workers --- */

/** A frame has come by a lane; it is owned. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_sim_take_frame(nd_sim_process *process, unsigned from, nd_lane_kind lane,
                                    nd_sim_frame *frame);
/** Unpacks what has come for a worker. False if that is not what it should be; then the run has
 * failed. */
bool nd_sim_unpack(nd_endpoint *to, nd_sim_frame *frame, nd_delivery *delivery);

/* --- sim_ending.c --- */

/** Another process says that the run has failed. */
void nd_sim_told_to_abort(nd_sim_process *process, unsigned from, const nd_control_abort *abort);
/** Another process says goodbye. */
void nd_sim_told_goodbye(nd_sim_process *process, unsigned from, const nd_control_goodbye *goodbye);
/** What a process does by itself: telling, farewells, what it has learnt; and when that is next. */
ND_CHECKED nd_err nd_sim_process_work(nd_sim_process *process);
uint64_t nd_sim_process_next(const nd_sim_process *process);
/** A fault has been met, or has happened. */
void nd_sim_met(nd_sim *sim);

#endif
