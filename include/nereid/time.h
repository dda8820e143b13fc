/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_TIME_H
#define NEREID_TIME_H

/** @file
 * Logical times: an epoch and a counter for each enclosing loop (Naiad, SOSP 2013, section 2.1).
 *
 * Times are compared coordinate by coordinate: a partial order, and a lattice. Coordinates of loops
 * that a place in the graph is not inside of are zero. All functions are pure.
 */

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif

enum { ND_MAX_LOOPS = 4 };

typedef struct nd_time {
    uint64_t epoch;
    uint32_t loop[ND_MAX_LOOPS]; /* outermost first */
} nd_time;

static_assert(sizeof(nd_time) == 24, "times are compared and hashed as bytes");

/** Whether `a` and `b` are the same time. */
static inline bool nd_time_equal(const nd_time *a, const nd_time *b)
{
    return a->epoch == b->epoch && a->loop[0] == b->loop[0] && a->loop[1] == b->loop[1] &&
           a->loop[2] == b->loop[2] && a->loop[3] == b->loop[3];
}

/** Whether every coordinate of `a` is at most that of `b`: the order that progress speaks of. */
static inline bool nd_time_less_equal(const nd_time *a, const nd_time *b)
{
    return a->epoch <= b->epoch && a->loop[0] <= b->loop[0] && a->loop[1] <= b->loop[1] &&
           a->loop[2] <= b->loop[2] && a->loop[3] <= b->loop[3];
}

/** Total order, lexicographic: negative, zero or positive. It extends the partial order, so sorting
 * by it puts no time before an earlier one. */
int nd_time_compare(const nd_time *a, const nd_time *b);

/** Least time that is at or after both. */
nd_time nd_time_join(const nd_time *a, const nd_time *b);

/** Greatest time that is at or before both. */
nd_time nd_time_meet(const nd_time *a, const nd_time *b);

enum { ND_TIME_TEXT_SIZE = 80 };

/** Writes `(epoch, loop, ...)` with the first `n_loops` counters into `text` (ND_TIME_TEXT_SIZE
 * bytes) and returns it. */
char *nd_time_text(const nd_time *time, unsigned n_loops, char *text);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
