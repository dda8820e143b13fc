/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_KEY_HISTORY_H
#define OPERATORS_DIFFERENTIAL_KEY_HISTORY_H

/** @file
 * One key's updates, brought together from the batches of a trace: values get numbers, in the order
 * of their codes.
 */

#include "operators/differential/history.h"
#include "operators/differential/trace_cursor.h"

/* An update before its value has a number. */
typedef struct nd_found {
    nd_trace_code value; /* lent by its batch */
    nd_time time;
    int64_t diff;
    bool is_fresh; /* which of the two histories it is of */
} nd_found;

/** Both histories of a key, what is stored and what is fresh, with one numbering. */
typedef struct nd_key_history {
    nd_vector found;         /* nd_found */
    nd_vector values;        /* nd_trace_code, by number */
    nd_vector stored, fresh; /* nd_edit, in total order of time */
} nd_key_history;

void nd_key_history_init(nd_key_history *history);
void nd_key_history_deinit(nd_key_history *history);
/** Removes all; memory is kept. */
void nd_key_history_clear(nd_key_history *history);

/** Adds a key's updates in a batch. The cursor moves on to the key, or to the first behind it.
 * Those of a batch that has just come count as of its time, `arrival`, where theirs are before: it
 * was compacted, and is shown as it was then. NULL: the batch is stored. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_key_history_add(nd_key_history *history, nd_trace_cursor *cursor,
                                     nd_trace_code key, const nd_time *arrival);

/** Numbers the values, and makes the histories of what was added. Errors: ND_NOMEM; ND_FAILED, a
 * difference becomes too large. */
ND_CHECKED nd_err nd_key_history_make(nd_key_history *history);

#endif
