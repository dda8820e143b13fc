/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_SCHEDULE_H
#define SCHEDULER_SCHEDULE_H

/** @file
 * The policy of a worker: which of the things that could be done is done next. A step is a function
 * of the worker's queues and this, and of nothing else, so a seed in the policy replays a run.
 */

#include <stddef.h>

typedef struct nd_schedule {
    /** Picks one of `n` (at least one) things: 0 to n - 1. They stand in the plain worker's order:
     * vertices with messages in the order they became ready, then the earliest due notification. */
    size_t (*choose)(void *context, size_t n);
    void *context;
    unsigned quantum; /* batches a vertex takes before others have their turn; at least one */
} nd_schedule;

/** The plain policy: always the first, 64 batches a turn. */
extern const nd_schedule nd_schedule_plain;

#endif
