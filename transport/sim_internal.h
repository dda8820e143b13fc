/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_SIM_INTERNAL_H
#define TRANSPORT_SIM_INTERNAL_H

/** @file
 * The parts of the simulated transport: nodes, links, and what lies on them. */

#include "runtime/base/fifo.h"
#include "runtime/base/vector.h"
#include "transport/sim.h"

/* A frame or a batch on its way. */
typedef struct nd_parcel {
    nd_arrival kind;
    nd_delivery delivery;
    nd_frame frame;
    nd_change *changes; /* the frame's, owned */
} nd_parcel;

typedef struct nd_link {
    nd_fifo frames, batches; /* nd_parcel */
    uint64_t n_delivered;    /* frames: what they are numbered by on delivery */
} nd_link;

typedef struct nd_endpoint {
    nd_sim *sim;
    unsigned worker;
    nd_fifo inbox;   /* nd_parcel */
    nd_change *lent; /* by receive: of the frame that it has given out last */
} nd_endpoint;

typedef struct nd_sim_process {
    nd_vector accumulators; /* nd_accumulator *, by dataflow; NULL: not begun here */
    uint64_t sequence;      /* of the last frame sent to the other processes */
} nd_sim_process;

struct nd_sim {
    unsigned n_workers, n_processes, n_nodes;
    nd_publish_mode mode;
    nd_link *links; /* from node s to node r: [s * n_nodes + r] */
    nd_endpoint *endpoints;
    nd_sim_process *processes;
    nd_sim_tap_fn *tap;
    void *tap_context;
    nd_sim_fault fault;
    unsigned every;
    bool keeps_numbers;
    uint64_t n_sent; /* frames that the fault could befall, counted by receiver */
};

static inline nd_link *nd_sim_link(nd_sim *sim, unsigned from, unsigned to)
{
    return &sim->links[(size_t)from * sim->n_nodes + to];
}

static inline unsigned nd_sim_process_of(const nd_sim *sim, unsigned worker)
{
    return worker / (sim->n_workers / sim->n_processes);
}

/* sim_link.c */
/** Puts a copy of the frame behind what is there. */
ND_CHECKED nd_err nd_sim_put_frame(nd_fifo *parcels, const nd_frame *frame);
/** Puts a frame on the link between two nodes, faithfully or not. */
ND_CHECKED nd_err nd_sim_send(nd_sim *sim, unsigned from, unsigned to, const nd_frame *frame);
/** How many things on the link could arrive next, and taking one of them. */
size_t nd_link_n_choices(const nd_sim *sim, const nd_link *link);
nd_parcel nd_link_take(const nd_sim *sim, nd_link *link, size_t index);
/** Frees the parcels and the queue. */
void nd_parcels_free(nd_fifo *parcels);

/* sim_process.c */
/** A dataflow begins on a worker of the process; again for each of its workers. */
ND_CHECKED nd_err nd_sim_process_begin(nd_sim_process *process, nd_publish_mode mode, uint32_t flow,
                                       const nd_topology *topology, const nd_change *initial,
                                       size_t n_initial);
void nd_sim_process_deinit(nd_sim_process *process);
/** A frame has come from a worker of the process, or from another process. */
ND_CHECKED nd_err nd_sim_process_take(nd_sim *sim, unsigned process, unsigned from,
                                      const nd_frame *frame);

#endif
