/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_NUMBER_SORT_H
#define OPERATORS_DIFFERENTIAL_NUMBER_SORT_H

/** @file
 * Sorting numbers (number.h), and numbers that carry a word, by radix over the bits in which they
 * differ. Numbers stand side by side, `words` words each; what a number carries stands behind it,
 * and the two are a pair. Pure; any thread.
 */

#include "operators/differential/number.h"

/** Sorts `len` numbers. `spare` has room for as many; the result is in the one of the two that is
 * returned. */
uint64_t *nd_number_sort(uint64_t *numbers, uint64_t *spare, size_t len, unsigned words);

/** Sorts pairs by their numbers, stably. Likewise. */
uint64_t *nd_number_sort_pairs(uint64_t *pairs, uint64_t *spare, size_t len, unsigned words);

#endif
