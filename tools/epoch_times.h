/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_TOOLS_EPOCH_TIMES_H
#define NEREID_TOOLS_EPOCH_TIMES_H

/* How long epochs took: a histogram of fixed size, exact to a part in 32, and the longest. */

#include <stdint.h>

enum { EPOCH_TIME_BINS = 64 * 32 };

typedef struct epoch_times {
    uint64_t bins[EPOCH_TIME_BINS]; /* by nanoseconds: a bin is a 32nd of a power of two */
    uint64_t n;
    double longest; /* seconds */
} epoch_times;

/* A zeroed histogram is empty. */
void epoch_times_add(epoch_times *times, double seconds);

/* The time that a share of all epochs, from 0 to 1, did not exceed; zero if there are none. */
double epoch_times_share(const epoch_times *times, double share);

#endif
