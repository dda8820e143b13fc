/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_SIM_H
#define TRANSPORT_SIM_H

/** @file
 * A transport in one thread, where somebody else decides what arrives when. What is sent waits on
 * the link from its sender to its receiver until nd_sim_deliver is told to hand it over: frames of
 * a link in the order sent, batches in any order.
 *
 * Workers may be spread over several processes. A worker's frames then go to the workers of its
 * process one by one, and to the process, which adds them up and tells the other processes
 * (runtime/accumulator.h); these hand what they are told to their workers. Batches go straight.
 *
 * It can also break its promises, to show that the checks above it notice.
 */

#include "runtime/accumulator.h"
#include "runtime/transport.h"

/** A promise that is broken. Frames are numbered anew on delivery, so that only the consequences
 * can give a fault away, unless `keeps_numbers` is set: then the receiver's check of numbers must
 * find it. */
typedef enum nd_sim_fault {
    ND_SIM_FAITHFUL,
    ND_SIM_SPLIT,   /* a frame goes as two: what it takes away first, then what it adds */
    ND_SIM_REORDER, /* frames of a link arrive in any order */
    ND_SIM_REPEAT,  /* a frame arrives twice, now and then */
    ND_SIM_LOSE,    /* a frame never arrives, now and then */
    ND_SIM_FORGET,  /* some receivers are not told that a dataflow was dropped */
    /* Of processes that tell on demand: */
    ND_SIM_OWN_STEPS,   /* they look whether they must only when their own workers tell them */
    ND_SIM_VIEW_COVERS, /* they keep back what their view still counts, too */
} nd_sim_fault;

typedef struct nd_sim nd_sim;

typedef struct nd_sim_def {
    unsigned n_workers, n_processes; /* the second divides the first */
    nd_publish_mode mode;            /* between processes */
} nd_sim_def;

/** What nd_sim_tap is told of: each worker's frames, once, as they were sent, before they are on
 * any link. */
typedef void nd_sim_tap_fn(void *context, const nd_frame *frame);

/** Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_sim_create(const nd_sim_def *def, nd_sim **sim);

/** Frees everything, and releases the batches under way; NULL is fine. */
void nd_sim_destroy(nd_sim *sim);

/** The end of one worker. Borrowed. */
nd_transport nd_sim_transport(nd_sim *sim, unsigned worker);

/** Shows every frame to `tap` as it is sent. */
void nd_sim_tap(nd_sim *sim, nd_sim_tap_fn *tap, void *context);

/** Breaks a promise for one frame in `every`, from now on (ND_SIM_REORDER: always). It befalls
 * frames with changes, ND_SIM_FORGET those of drops. */
void nd_sim_break(nd_sim *sim, nd_sim_fault fault, unsigned every, bool keeps_numbers);

/** How many things could arrive next. */
size_t nd_sim_n_deliverable(const nd_sim *sim);

/** Hands over number `index` of those. Errors: ND_NOMEM; ND_PROTO when a process is told what no
 * correct peer tells. */
ND_CHECKED nd_err nd_sim_deliver(nd_sim *sim, size_t index);

#endif
