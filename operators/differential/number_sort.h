/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_NUMBER_SORT_H
#define OPERATORS_DIFFERENTIAL_NUMBER_SORT_H

/** @file
 * Sorting numbers, and numbers that carry another, by radix over the bits in which they differ. A
 * code of at most eight bytes is a number: its bytes, the first one the highest. Pure; any thread.
 */

#include <stddef.h>
#include <stdint.h>

/** A number by which it is sorted, and what goes with it. */
typedef struct nd_number_pair {
    uint64_t number, carried;
} nd_number_pair;

/** Sorts `len` numbers. `spare` has room for as many; the result is in the one of the two that is
 * returned. */
uint64_t *nd_number_sort(uint64_t *numbers, uint64_t *spare, size_t len);

/** Sorts pairs by their numbers, stably. Likewise. */
nd_number_pair *nd_number_sort_pairs(nd_number_pair *pairs, nd_number_pair *spare, size_t len);

#endif
