/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_BASE_CLOCK_H
#define RUNTIME_BASE_CLOCK_H

/** @file
 * The seam for time: nothing asks the machine what time it is but through an `nd_clock`, so that a
 * simulation can decide. Clocks are monotonic; there is no wall clock, since no behaviour may
 * depend on it.
 */

#include <stdint.h>

/** A clock: a table with its context. Copied freely; the context outlives the copies. */
typedef struct nd_clock {
    /** Nanoseconds since some fixed moment; never less than an earlier answer. Any thread, does not
     * block. */
    uint64_t (*now_ns)(void *context);
    void *context;
} nd_clock;

/** The machine's monotonic clock. Borrowed, lives for ever. */
const nd_clock *nd_clock_system(void);

/** Nanoseconds by `clock`. */
static inline uint64_t nd_clock_now_ns(const nd_clock *clock)
{
    return clock->now_ns(clock->context);
}

#endif
