/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RANDOM_HARNESS_OBSERVER_H
#define TESTS_RANDOM_HARNESS_OBSERVER_H

/** @file
 * An observer of all workers at once. It adds up the counts of each dataflow as they are published,
 * the initial ones from the plan, and finds the true frontiers by brute force. After every event:
 *
 *  - no worker's frontier is past the true one, and none moves back, nor does the true one;
 *  - no true count is negative, with what workers have not published yet;
 *  - a dataflow is complete on a worker only when all true counts are zero.
 *
 * For a copy that has not been dropped, what other workers take away after dropping theirs is not
 * true: a worker that was not told of a drop is found past what it may know.
 */

#include "scheduler/simulation.h"
#include "tests/random/harness/random_run.h"

typedef struct global_observer global_observer;

/** Begins to observe, before the first event. Both are lent. */
global_observer *observer_create(random_run *run, nd_simulation *simulation);

/** To be called after every event: looks at the worker that has acted, if one has; says what is
 * wrong. */
void observer_look(global_observer *observer);

/** Says what is wrong when nothing can happen any more: counts that are left, dataflows that are
 * not complete. */
void observer_check_end(global_observer *observer);

void observer_destroy(global_observer *observer);

#endif
