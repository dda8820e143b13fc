/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RANDOM_HARNESS_INSTANCE_LOG_H
#define TESTS_RANDOM_HARNESS_INSTANCE_LOG_H

/** @file
 * What an instance knows of its rights, its requests and what it was promised, told by the
 * documented rules from its own calls and callbacks.
 */

#include "tests/random/harness/random_run.h"

enum { MOST_RIGHTS = 24 };

/** A callback, or a turn of the program, with what it may do beside the holds. */
typedef struct vertex_turn {
    instance *me;
    time_right rights[MOST_RIGHTS];
    unsigned n_rights;
} vertex_turn;

/** A time from which on a right lets the instance send on an output: by one of its inputs, at
 * random. False if none leads there. */
bool right_least(const instance *me, const time_right *right, unsigned port, nd_time *least);

/** Whether a right lets the instance send on some output. */
bool right_reaches_any(const instance *me, const time_right *right);

/** What is kept by a hold, or a request, at `time`: every input by which the callback's rights and
 * the holds allow it. False if none does. */
bool turn_right_for(const vertex_turn *turn, const nd_time *time, time_right *found);

/** Notes a request of a notification `due`, with a right at or after `right` (NULL: none). False,
 * and nothing is noted, if it may not be made, or not here. */
bool turn_ask(vertex_turn *turn, const nd_time *due, const nd_time *right);

/** Notes that the notification of `time` came: its rights become those of the turn. False if nobody
 * asked for it. */
bool turn_notified(vertex_turn *turn, const nd_time *time);

/** Whether a notification has said that nothing at `time` can come any more. */
bool instance_is_past(const instance *me, const nd_time *time);

/** The next place of a vector of the run; running out of memory ends the program. */
void *push(nd_vector *vector);

/** Takes item `index` out; the last takes its place. */
void take_out(nd_vector *vector, size_t index, void *item);

#endif
