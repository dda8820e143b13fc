/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TRANSPORT_SIM_H
#define TRANSPORT_SIM_H

/** @file
 * A transport in one thread, where somebody else decides what arrives when.
 *
 * In a process, what one worker sends another waits on a link until nd_sim_deliver is told to hand
 * it over: frames of a link in the order sent, batches in any order. Between processes everything
 * travels as bytes (transport/wire/) on lanes, three for each ordered pair of processes: control,
 * data, progress. A lane gives out what was put in, in that order, after a delay of its own. Each
 * process does what transport/zmq/ does: it checks every frame that comes, adds its workers' frames
 * up before it tells the others (transport/ledger.h), sends no more than the others have credit
 * for, tells them when it fails, and takes leave of them at the end.
 *
 * Time is counted in ticks: one for each thing that happens, and as many as are needed when nothing
 * could happen otherwise (nd_sim_pass_time).
 *
 * What may go wrong with lanes and processes is in transport/sim_faults.h. Here promises can be
 * broken, to show that the checks above the transport notice.
 */

#include "runtime/accumulator.h"
#include "runtime/budget.h"
#include "runtime/transport.h"
#include "transport/wire/control.h"

/** A promise that is broken. On links frames are numbered anew on delivery, so that only the
 * consequences can give a fault away, unless `keeps_numbers` is set: then the receiver's check of
 * numbers must find it. On lanes it befalls frames before they are numbered. */
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
    bool gathers;    /* on demand: what has come since the process looked last is told together */
    uint64_t seed;   /* of delays, and of where on a lane a fault hits */
    uint64_t window; /* bytes to a process that it has not consumed yet; 0: no limit */
    nd_budget *budgets; /* of each process, lent; NULL: nothing is counted */
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

/* --- Time --- */

uint64_t nd_sim_now(const nd_sim *sim);

/** Something has happened elsewhere: a tick. */
void nd_sim_tick(nd_sim *sim);

/** How many things could arrive next, or be done by processes beside their workers. */
size_t nd_sim_n_deliverable(const nd_sim *sim);

/** Lets number `index` of those happen; a tick. Errors: ND_NOMEM; ND_INVAL when there is no such
 * thing. */
ND_CHECKED nd_err nd_sim_deliver(nd_sim *sim, size_t index);

/** To be called when nothing can happen: lets time pass until something can. False if nothing ever
 * will. */
bool nd_sim_pass_time(nd_sim *sim);

/* --- Processes --- */

typedef enum nd_sim_phase {
    ND_SIM_RUNNING,
    ND_SIM_LEAVING, /* its workers have ended: takes leave of the others */
    ND_SIM_ENDED,   /* well */
    ND_SIM_FAILED,  /* for nd_sim_verdict's cause, which the others have been told */
    ND_SIM_CRASHED, /* by nd_sim_crash */
} nd_sim_phase;

nd_sim_phase nd_sim_phase_of(const nd_sim *sim, unsigned process);

/** Whether it has said goodbye. */
bool nd_sim_has_left(const nd_sim *sim, unsigned process);

/** Whether its workers may act: it is there, not paused, and has not failed. */
bool nd_sim_may_act(const nd_sim *sim, unsigned process);

/** All its workers have ended well. */
void nd_sim_finish(nd_sim *sim, unsigned process);

/** Its run has failed here. The first cause counts. */
void nd_sim_fail(nd_sim *sim, unsigned process, nd_err err, const char *text);

/** ND_OK, or why the process's run has failed, as everybody should say it. */
ND_CHECKED nd_err nd_sim_verdict(const nd_sim *sim, unsigned process, nd_message *message);

/* --- Looking on --- */

/** What was put on a lane so far: frames, and their bytes with heads. */
typedef struct nd_sim_sent {
    uint64_t n_frames, n_bytes;
} nd_sim_sent;

nd_sim_sent nd_sim_sent_on(const nd_sim *sim, unsigned from, unsigned to, nd_lane_kind lane);

/** How many batches to another process wait for credit. */
size_t nd_sim_n_waiting(const nd_sim *sim, unsigned from, unsigned to);

/** Whether the process has taken everything that the others have ever sent it, but for what they
 * say to it of the run itself. */
bool nd_sim_has_all(const nd_sim *sim, unsigned process);

/** Bytes that a process has sent to others, or is waiting to send, and that it does not know they
 * have consumed. */
int64_t nd_sim_unconsumed(const nd_sim *sim, unsigned process);

/** Checks that no more credit is given than bytes were consumed, nor more consumed than sent, and
 * that the window is kept. Errors: ND_FAILED, with what is wrong. */
ND_CHECKED nd_err nd_sim_validate(const nd_sim *sim, nd_message *message);

#endif
