/* SPDX-License-Identifier: Apache-2.0 */
/* Times of epochs. Below 32 a number is its own bin; above, the five bits behind its highest choose
 * among the bins of its power of two. */
#include "tools/epoch_times.h"

#include <math.h>
#include <stddef.h>

enum { FINE_BITS = 5, FINE = 1 << FINE_BITS };

static size_t bin_of(uint64_t number)
{
    if (number < FINE)
        return (size_t)number;
    const unsigned shift = 63 - FINE_BITS - (unsigned)__builtin_clzll(number);
    return ((size_t)shift + 1) * FINE + (size_t)(number >> shift) - FINE;
}

/* The greatest number of a bin. */
static double end_of(size_t bin)
{
    const unsigned shift = bin < FINE ? 0 : (unsigned)(bin / FINE) - 1;
    const size_t first = bin < FINE ? bin : bin % FINE + FINE;
    return ldexp((double)first + 1, (int)shift) - 1;
}

void epoch_times_add(epoch_times *times, double seconds)
{
    const double number = seconds > 0 ? seconds * 1e9 : 0;
    times->bins[bin_of(number < 0x1p63 ? (uint64_t)number : UINT64_C(1) << 63)]++;
    times->n++;
    times->longest = seconds > times->longest ? seconds : times->longest;
}

double epoch_times_share(const epoch_times *times, double share)
{
    const double wanted = share * (double)times->n;
    uint64_t n = 0;
    for (size_t bin = 0; bin < EPOCH_TIME_BINS && times->n > 0; bin++) {
        n += times->bins[bin];
        if (times->bins[bin] > 0 && (double)n >= wanted)
            return fmin(end_of(bin) * 1e-9, times->longest);
    }
    return times->longest;
}
