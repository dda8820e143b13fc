/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_DIFFERENCE_H
#define OPERATORS_DIFFERENTIAL_DIFFERENCE_H

/** @file
 * Differences: how much oftener a record is there. They are never zero, and never wrap round.
 *
 * A sum is checked at each step, in whatever order its terms come: so one may be refused on the way
 * though the total would fit.
 */

#include <stdbool.h>
#include <stdint.h>

/** Writes the sum; false if it is too large. */
static inline bool nd_difference_plus(int64_t a, int64_t b, int64_t *sum)
{
    if (b > 0 ? a > INT64_MAX - b : a < INT64_MIN - b)
        return false;
    *sum = a + b;
    return true;
}

/** Writes the difference of two of them; false if it is too large. */
static inline bool nd_difference_minus(int64_t a, int64_t b, int64_t *rest)
{
    if (b < 0 ? a > INT64_MAX + b : a < INT64_MIN + b)
        return false;
    *rest = a - b;
    return true;
}

/** Writes the product; false if it is too large. */
static inline bool nd_difference_times(int64_t a, int64_t b, int64_t *product)
{
    const bool are_narrow = a == (int32_t)a && b == (int32_t)b;
    if (!are_narrow && a != 0 && b != 0) {
        if ((a == -1 && b == INT64_MIN) || (b == -1 && a == INT64_MIN))
            return false;
        if (a != -1 && b != -1) {
            const int64_t most = (a < 0) == (b < 0) ? INT64_MAX : INT64_MIN;
            const int64_t limit = most / b; /* towards zero */
            if (a > 0 ? a > limit : a < limit)
                return false;
        }
    }
    *product = a * b;
    return true;
}

#endif
