/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_TIME_TABLE_H
#define OPERATORS_DIFFERENTIAL_TIME_TABLE_H

/** @file
 * Distinct times, by number. Beside each update stands the number of its time, so what is asked of
 * times (is it complete? what does it become when it is compacted?) is asked once for each distinct
 * one (Naiad's interned times).
 */

#include <stdbool.h>
#include <stdint.h>

#include <nereid/time.h>

#include "runtime/base/vector.h"

/* Zeroed and initialised it is empty. */
typedef struct nd_time_table {
    nd_vector times; /* nd_time, by number */
    uint32_t *slots; /* number + 1, or zero; open addressing; NULL while there are few */
    uint32_t n_slots, last;
} nd_time_table;

void nd_time_table_init(nd_time_table *table);
void nd_time_table_deinit(nd_time_table *table);
/** Removes all; memory is kept. */
void nd_time_table_clear(nd_time_table *table);

/** The number of a time, which is added if it is new. Errors: ND_NOMEM; ND_FAILED for more than
 * 2^32 - 2 times. Constant time. */
ND_CHECKED nd_err nd_time_table_add(nd_time_table *table, const nd_time *time, uint32_t *number);

/** Whether a time has a number, and which. Constant time. */
bool nd_time_table_find(const nd_time_table *table, const nd_time *time, uint32_t *number);

static inline size_t nd_time_table_len(const nd_time_table *table) { return table->times.len; }

static inline const nd_time *nd_time_table_get(const nd_time_table *table, uint32_t number)
{
    return (const nd_time *)nd_vector_at(&table->times, number);
}

#endif
