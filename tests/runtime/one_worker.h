/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RUNTIME_ONE_WORKER_H
#define TESTS_RUNTIME_ONE_WORKER_H

/** @file
 * Programs on the one worker of a simulation, in the test's thread. Asserts, as cmocka does.
 */

#include <stdint.h>

#include <nereid.h>

/** The record of dataflows in which only times matter. */
typedef struct number {
    uint64_t value;
} number;

extern const nd_type number_type;

/** Runs a program. Returns what it returns; a failure must be the worker's too, and `message` is
 * what that says of it. */
nd_err run_on_one_worker(nd_program *program, void *arg, nd_message *message);

/** Runs a program that must not fail. */
void expect_success(nd_program *program, void *arg);

/** Steps until all dataflows are complete, which must come about within a hundred steps. */
nd_err step_to_end(nd_worker *worker);

#endif
