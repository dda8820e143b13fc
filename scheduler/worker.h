/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_WORKER_H
#define SCHEDULER_WORKER_H

/** @file
 * A worker: its dataflows, what is ready to run in them, and the step. It knows nothing of threads:
 * whoever runs it says how it waits and whom it tells of a failure.
 *
 * Everything is for the worker's own thread, but nd_worker_alert.
 */

#include <stdatomic.h>

#include <nereid/worker.h>

#include "runtime/base/fifo.h"
#include "runtime/host.h"
#include "scheduler/due.h"
#include "scheduler/schedule.h"

/** Whoever runs a worker. */
typedef struct nd_worker_owner_ops {
    /** The worker has failed. `text` is borrowed. Returns the failure that the run ends with, which
     * may be an earlier one of another worker. */
    nd_err (*failed)(void *owner, nd_err err, const char *text);
    /** ND_OK, or why the run is ending. Asked when the worker has been alerted; any thread. */
    nd_err (*ended)(void *owner);
    /** The worker has been alerted and has brought its frontiers up to date. On its thread, between
     * callbacks. NULL: nobody wants to know. */
    void (*alerted)(void *owner);
    /** Nothing is left to do: returns when the worker has been woken, or for no reason. `behind`
     * says what it waits for. NULL: the owner does not wait (a simulation). */
    void (*park)(void *owner, nd_worker *worker);
    /** Has a parked worker return from park. Any thread, also while it is not parked. */
    void (*wake)(void *owner, nd_worker *worker);
} nd_worker_owner_ops;

struct nd_worker {
    nd_host host; /* first: a worker is a host */
    const nd_worker_owner_ops *owner_ops;
    void *owner;
    const nd_schedule *schedule;
    nd_fifo ready; /* nd_vertex *, in the order they became ready */
    nd_due_heap due;
    nd_vector dirty; /* nd_dataflow *: with changes to publish or to propagate */
    size_t n_over;   /* dataflows, from the first on, that are known to be over */
    /* What the program waits for, while it does: `epoch` to have passed at the probe, or the end.
     */
    const nd_probe *probe;
    uint64_t epoch;
    bool is_finishing;
    /* The mailbox is not empty, or the run is ending. Set by any thread, with release; cleared by
     * the worker, with acquire. */
    _Atomic bool is_alerted;
};

/** What a worker is made of. */
typedef struct nd_worker_def {
    unsigned index, peers; /* its number, and how many there are */
    unsigned processes;    /* that they are spread over */
    nd_transport transport;
    nd_budget *budget;           /* of the process, lent; NULL: no limit */
    const nd_schedule *schedule; /* lent */
    const nd_worker_owner_ops *owner_ops;
    void *owner;
} nd_worker_def;

/** Errors: ND_NOMEM; then the worker needs no deinit. */
ND_CHECKED nd_err nd_worker_init(nd_worker *worker, const nd_worker_def *def);

/** Frees all dataflows. Other workers may still release batches of this one: their memory goes with
 * nd_worker_deinit. */
void nd_worker_close(nd_worker *worker);

/** Frees the rest, when no worker of the process runs any more. */
void nd_worker_deinit(nd_worker *worker);

/** Whether a step would do something. */
bool nd_worker_has_work(nd_worker *worker);

/** Whether every dataflow is over. */
bool nd_worker_is_done(nd_worker *worker);

/** Has the worker look at its mailbox and at its owner in the next step, and wakes it. Any thread.
 */
void nd_worker_alert(nd_worker *worker);

#endif
