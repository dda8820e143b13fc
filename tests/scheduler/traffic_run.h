/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SCHEDULER_TRAFFIC_RUN_H
#define TESTS_SCHEDULER_TRAFFIC_RUN_H

/** @file
 * What processes tell each other of progress, counted under the simulator: frames between processes
 * and their bytes as they would travel, in a steady run of epochs, one at a time. Every process has
 * one worker. One seed is one run.
 */

#include "runtime/accumulator.h"

/** What an epoch is. Every worker's input is advanced when its probe has passed the epoch before.
 */
typedef enum traffic_job {
    TRAFFIC_RECORD, /* one record, exchanged */
    TRAFFIC_ROUNDS, /* one record ten times round a loop, exchanged each time */
    TRAFFIC_SHARES, /* ten rounds; in each every worker tells all others something, and begins the
                       next when it has been told by all: the shape of PageRank */
    TRAFFIC_JOBS,
} traffic_job;

typedef struct traffic_plan {
    traffic_job job;
    unsigned n_processes;
    nd_publish_mode mode;
    uint64_t seed;
} traffic_plan;

/** Counted over `n_epochs` epochs, each frame once a receiver. Bytes are those of heads and bodies.
 */
typedef struct traffic {
    uint64_t n_frames, n_bytes, n_epochs;
} traffic;

/** Adds a run's traffic to `*sum`. Errors: what ends a run, and ND_FAILED if its records did not
 * all arrive; with the cause. */
ND_CHECKED nd_err traffic_run(const traffic_plan *plan, traffic *sum, nd_message *message);

#endif
