/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_SIMULATION_H
#define SCHEDULER_SIMULATION_H

/** @file
 * A simulation: all processes and workers of a run in one thread, where one seed decides every
 * step, every delivery and every choice of a worker. The same seed gives the same run.
 *
 * A simulated program does not wait: it builds its dataflows in `build`, and is given turns in
 * `drive`, between steps. Where there are several processes, a worker ends when its program has
 * nothing more to do and all its dataflows are complete, and a process takes leave of the others
 * when all its workers have ended.
 *
 * A failure ends the process that it happens in, which tells the others. What may befall a cluster
 * from outside is planted in its transport (transport/sim_faults.h).
 */

#include <nereid/worker.h>

#include "runtime/base/random.h"
#include "transport/sim.h"

typedef struct nd_simulation nd_simulation;

typedef struct nd_simulation_def {
    unsigned n_workers;
    unsigned n_processes; /* that the workers are spread over, evenly; 0: one */
    nd_publish_mode mode; /* how processes tell each other of progress */
    bool gathers; /* on demand: what has come since a process looked last is told together */
    uint64_t seed;
    int64_t budget;  /* bytes under way in a process above which its sources wait; 0: no limit */
    uint64_t window; /* bytes that a process sends another before they are consumed; 0: no limit */
    size_t max_batch_len; /* records a batch; 0: no limit but a block's */
    /** Builds the worker's dataflows. */
    nd_err (*build)(nd_worker *worker, void *arg);
    /** A turn of the program on one worker; `random` is the simulation's. Returns false once it has
     * nothing more to do there. NULL: never anything. */
    bool (*drive)(nd_worker *worker, nd_random *random, void *arg);
    void *arg;
} nd_simulation_def;

/** Builds the dataflows of all workers. Errors: what `build` returns; ND_NOMEM. The definition is
 * borrowed. */
ND_CHECKED nd_err nd_simulation_create(const nd_simulation_def *def, nd_simulation **simulation,
                                       nd_message *message);

/** Frees everything, whatever is under way; NULL is fine. */
void nd_simulation_destroy(nd_simulation *simulation);

/** Lets one thing happen: a delivery, a step of a worker, a turn of its program, something that a
 * process does by itself. Sets `*quiet` when nothing can happen any more. Errors: the failure that
 * has ended the run, with its text, once nobody runs any more: that of the first process which
 * failed, though others may have ended well; ND_NOMEM, whenever the simulation itself has no
 * memory.
 */
ND_CHECKED nd_err nd_simulation_step(nd_simulation *simulation, bool *quiet, nd_message *message);

/** The worker that the last event let act, or `n_workers` if it was none of them. Only then does
 * anything change in a worker but its inbox. */
unsigned nd_simulation_acted(const nd_simulation *simulation);

/** Whether every dataflow of every worker is complete. */
bool nd_simulation_is_done(nd_simulation *simulation);

nd_worker *nd_simulation_worker(nd_simulation *simulation, unsigned index);
nd_sim *nd_simulation_transport(nd_simulation *simulation);

/** A hash of everything that has happened so far. */
uint64_t nd_simulation_trace(const nd_simulation *simulation);

#endif
