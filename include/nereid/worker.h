/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_WORKER_H
#define NEREID_WORKER_H

/** @file
 * Workers: the threads that run dataflows, and how a program starts them.
 */

#include <stdbool.h>
#include <stdint.h>

#include <nereid/dataflow.h>
#include <nereid/error.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

/** What every worker runs: builds its dataflows, feeds them, and returns when they are done. */
typedef nd_err nd_program(nd_worker *worker, void *arg);

enum { ND_MAX_WORKERS = 256 }; /* of one process */

/** How to run. Zero means the default. nd_cluster_open (nereid/cluster.h) fills it in from options
 * and from what has started the program. */
typedef struct nd_config {
    unsigned n_workers;   /* of this process, alike in all; default: the number of cores */
    unsigned n_processes; /* that run together; default: 1 */
    unsigned process;     /* this one's number, 0 to n_processes - 1 */
    /* Where each process is reached, n_processes of them: "tcp://host:port" or "ipc://path", alike
     * in all. Lent until the run has ended; not looked at for one process. */
    const char *const *addresses;
    const char *secret; /* path of a file made by nd_keys_create; NULL: nothing is encrypted, and
                           only loopback and ipc addresses are bound. Lent likewise. */
    unsigned timeout_s; /* how long the other processes are waited for at the start; default: 60 */
    unsigned stall_s; /* how long nothing may move, with work there, before what holds the run back
                         is explained; default: 30 */
    uint64_t job[2];  /* names the run, alike in every process and in no other run; a process of
                         another job is turned away */
} nd_config;

/** What a run did, added up over the workers of all processes. */
typedef struct nd_run_stats {
    uint64_t n_batches, n_records; /* sent from one worker to another */
    uint64_t data_bytes;           /* of those records, without what nd_bytes point to */
    uint64_t progress_frames;      /* published, each counted once a receiver, which is a worker of
                                      the same process or another process */
    uint64_t progress_bytes;
    uint64_t peak_rss_bytes; /* the most memory that each process has had, added up */
} nd_run_stats;

/** Runs `program(worker, arg)` on every worker (`config` may be NULL) and waits for all of them.
 * Returns the first failure of any; its text in `message`. `stats` may be NULL. Not from inside a
 * worker. SIGINT and SIGTERM end the run with ND_INTR; on SIGUSR1 it says on standard error
 * what it waits for, as it does by itself after stall_s. */
nd_err nd_execute(const nd_config *config, nd_program *program, void *arg, nd_run_stats *stats,
                  nd_message *message);

/** The main function of a program: takes Nereid's options (nd_cluster_open, up to a `--`, which
 * goes too) out of `argv`, which is shortened and ends with NULL, runs `program` as nd_execute
 * does, prints `nereid: ` and the cause on standard error if it failed, and returns the exit
 * status: 0 done, 1 the program's failure, 2 wrong options, 3 bad input, 4 a peer, 5 interrupted.
 * With `-n N` it starts itself N times (nd_launch), and `program` runs in those processes. */
int nd_main(int argc, char **argv, nd_program *program, void *arg);

/** This worker's number, 0 to peers - 1, and how many there are in all processes. */
unsigned nd_worker_index(const nd_worker *worker);
unsigned nd_worker_peers(const nd_worker *worker);

/** Does what there is to do, at most about `budget` callbacks, and returns without waiting. Errors:
 * whatever ended the run; it sticks. */
nd_err nd_worker_step(nd_worker *worker, unsigned budget);

/** Steps, and waits when there is nothing to do, while `behind(probe, epoch)`. Errors: as
 * nd_worker_step; and ND_INVAL, which ends the run, when the wait could never end: an input of this
 * worker upstream of the probe has not been advanced to `epoch`. */
nd_err nd_worker_step_while(nd_worker *worker,
                            bool (*behind)(const nd_probe *probe, uint64_t epoch),
                            const nd_probe *probe, uint64_t epoch);

/** Steps and waits until every dataflow of this worker is complete. Errors: as nd_worker_step; and
 * ND_INVAL, which ends the run, when that could never be: an input of this worker is still open and
 * nothing else is left to do. */
nd_err nd_worker_run(nd_worker *worker);

/** Ends the run with a cause of the program's own: every worker stops, and the first cause given by
 * anybody is reported. */
nd_err nd_worker_fail(nd_worker *worker, nd_err err, const char *format, ...) ND_PRINTF(3, 4);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
