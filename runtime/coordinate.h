/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_COORDINATE_H
#define RUNTIME_COORDINATE_H

/** @file
 * A time seen as a row of numbers, for code that treats all its coordinates alike: number 0 is the
 * epoch, number 1 + k the counter of loop k. Pure; any thread.
 */

#include <nereid/time.h>

enum { ND_COORDINATES = 1 + ND_MAX_LOOPS };

/** Coordinate `k` of `time`. */
static inline uint64_t nd_time_coordinate(const nd_time *time, unsigned k)
{
    return k == 0 ? time->epoch : time->loop[k - 1];
}

/** The latest time whose first `n` coordinates are those of `time`. */
static inline nd_time nd_time_last_with_prefix(const nd_time *time, unsigned n)
{
    nd_time last = *time;
    if (n == 0)
        last.epoch = UINT64_MAX;
    for (unsigned k = 0; k < ND_MAX_LOOPS; k++) {
        if (1 + k >= n)
            last.loop[k] = UINT32_MAX;
    }
    return last;
}

#endif
