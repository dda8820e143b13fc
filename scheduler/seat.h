/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_SEAT_H
#define SCHEDULER_SEAT_H

/** @file
 * A worker and its thread, with the loop that it parks in.
 */

#include <uv.h>

#include <nereid/worker.h>

#include "scheduler/worker.h"
#include "transport/alarm.h"

/** What the process around does, on the worker's thread. */
typedef struct nd_seat_ops {
    /** The worker has failed. Returns the first failure of any. */
    nd_err (*failed)(void *process, nd_err err, const char *text);
    /** Why the run is over, or ND_OK. */
    nd_err (*ended)(void *process);
    /** The worker is being asked for its account. */
    void (*alerted)(void *process, unsigned index);
    /** The worker does nothing more; it is closed right after, and then `closed` called. */
    void (*leaves)(void *process, unsigned index);
    void (*closed)(void *process);
} nd_seat_ops;

/** How a worker waits before it parks. */
typedef enum nd_patience {
    ND_PATIENCE_NONE,  /* nobody else could bring work */
    ND_PATIENCE_YIELD, /* workers share cores: the core is offered to another first */
    ND_PATIENCE_SPIN,  /* every worker has a core */
} nd_patience;

typedef struct nd_seat {
    nd_worker worker;
    const nd_seat_ops *ops;
    void *process;
    unsigned index; /* among the workers of the process */
    nd_patience patience;
    nd_program *program;
    void *arg;
    uv_thread_t thread;
    uv_loop_t loop;
    nd_alarm alarm; /* ends a park; any thread rings */
    bool has_loop, has_worker, has_thread;
} nd_seat;

/** Makes the worker, in storage that is zero but for what the caller fills in before (ops, process,
 * index, patience, program, arg). `def` is borrowed; owner and schedule are filled in here. Errors:
 * ND_NOMEM; what was made is then still to be closed. */
ND_CHECKED nd_err nd_seat_open(nd_seat *seat, const nd_worker_def *def);

/** Starts the thread, which runs the program. Errors: ND_NOMEM, and nothing has begun. */
ND_CHECKED nd_err nd_seat_start(nd_seat *seat);

/** Ends a park. Any thread. */
void nd_seat_wake(nd_seat *seat);

/** Waits for the thread to end, if there is one. */
void nd_seat_join(nd_seat *seat);

/** Closes the loop, and a worker that never ran. Batches of the worker may still be somewhere. */
void nd_seat_close(nd_seat *seat);

/** Frees the worker; no batch of it is anywhere. */
void nd_seat_deinit(nd_seat *seat);

#endif
