/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SCHEDULER_ROUNDS_H
#define TESTS_SCHEDULER_ROUNDS_H

/** @file
 * A dataflow to run: every worker's source sends numbers, a few an epoch; each goes round a loop,
 * from worker to worker, changing on the way; what comes out is added up on the worker of its key
 * when its epoch is over. The sum is known beforehand, whatever the workers and the schedule.
 */

#include <stdatomic.h>

#include <nereid.h>

typedef struct rounds {
    uint64_t n_epochs, n_numbers; /* of each worker; numbers an epoch */
    uint32_t n_rounds;
    _Atomic uint64_t sum;
    _Atomic uint64_t n_notified;
} rounds;

/** Builds and starts the dataflow on one worker; `arg` is the rounds. */
nd_err rounds_build(nd_worker *worker, void *arg);

/** The sum that `n_workers` come to. */
uint64_t rounds_expected(const rounds *plan, unsigned n_workers);

#endif
