/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_HISTORY_H
#define OPERATORS_DIFFERENTIAL_HISTORY_H

/** @file
 * The history of a key: its updates, as an array. Values are numbers, in the order of the values;
 * what they stand for is the caller's.
 *
 * Consolidated, a history is in the total order of times and of one time in order of values, no two
 * edits of the same value and time, none with a difference of zero. So a prefix of it is what
 * happened up to a time in total order. Nothing here keeps anything; sorting takes place in the
 * array itself, without memory.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/error.h>
#include <nereid/time.h>

#include "runtime/antichain.h"
#include "runtime/base/vector.h"

typedef struct nd_edit {
    uint32_t value;
    nd_time time;
    int64_t diff;
} nd_edit;

/** How often a value is there. */
typedef struct nd_tally {
    uint32_t value;
    int64_t count;
} nd_tally;

/** Sorts; nothing is added up. About n^1.3, linear if they are nearly sorted. */
void nd_history_sort(nd_edit *edits, size_t len);

/** Sorts and adds up; `*len` becomes smaller. Errors: ND_FAILED, a sum becomes too large; the edits
 * are not to be read then. */
ND_CHECKED nd_err nd_history_consolidate(nd_edit *edits, size_t *len);

/** Advances all times by `since` (advance.h) and consolidates: nobody who asks at or after `since`
 * can tell. Errors: as there. */
ND_CHECKED nd_err nd_history_advance(nd_edit *edits, size_t *len, const nd_antichain *since);

/** Replaces `counts` (nd_tally) by what there is at `time`: the sums of the differences of times at
 * or before it, in order of values, none of them zero. The edits may be in any order. Errors:
 * ND_NOMEM; ND_FAILED, a sum becomes too large; the counts are not to be read then. */
ND_CHECKED nd_err nd_history_accumulate(const nd_edit *edits, size_t len, const nd_time *time,
                                        nd_vector *counts);

/** Sorts counts by value, adds up those of a value and drops zeros. Errors: ND_FAILED, as above. */
ND_CHECKED nd_err nd_tallies_consolidate(nd_tally *counts, size_t *len);

/** Whether a history is consolidated. */
bool nd_history_validate(const nd_edit *edits, size_t len);

#endif
