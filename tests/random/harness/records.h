/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RANDOM_HARNESS_RECORDS_H
#define TESTS_RANDOM_HARNESS_RECORDS_H

/** @file
 * The records of random dataflows. All begin with a key and an id; some have a string that follows
 * from the id, some are wide.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/type.h>

#include "runtime/base/random.h"

enum { RECORD_KEYS = 8, RECORD_SIZE = 64 };

/** What all records begin with. */
typedef struct record_head {
    uint64_t key, id;
} record_head;

/** One of the types. */
const nd_type *record_type(nd_random *random);

/** Writes a whole record of `type`; it points to memory that lasts. */
void record_fill(const nd_type *type, record_head head, void *record);

/** Key and id of record number `index` of some that lie side by side. */
record_head record_head_at(const nd_type *type, const void *records, size_t index);

/** Whether the rest of record number `index` is what record_fill wrote. */
bool record_is_whole(const nd_type *type, const void *records, size_t index);

#endif
