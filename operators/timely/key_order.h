/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_TIMELY_KEY_ORDER_H
#define OPERATORS_TIMELY_KEY_ORDER_H

/** @file
 * Sorting records by key without moving them.
 */

#include <stddef.h>
#include <stdint.h>

#include <nereid/type.h>

/** Sets `order[len]` (the caller's) to the indices of `records` in ascending order of their keys,
 * fields as numbers and as strings of bytes. Keys are distinct, or else the order of equal ones is
 * open; `len` is below 2^32. Errors: ND_NOMEM. Any thread. */
ND_CHECKED nd_err nd_key_order(const nd_type *type, const void *records, size_t len,
                               uint32_t *order);

#endif
