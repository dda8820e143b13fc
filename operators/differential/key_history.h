/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_KEY_HISTORY_H
#define OPERATORS_DIFFERENTIAL_KEY_HISTORY_H

/** @file
 * One key's updates, brought together from the batches of traces: values get numbers, in the order
 * of their codes.
 */

#include "operators/differential/history.h"
#include "operators/differential/trace_seeker.h"

/** Which of a key's histories a batch is of. */
typedef enum nd_key_part { ND_KEY_STORED, ND_KEY_FRESH, ND_KEY_OUTPUT } nd_key_part;

/** A batch that has the key. */
typedef struct nd_found {
    nd_trace_cursor cursor; /* at the value that is next */
    nd_trace_code value; /* which is this; lent by the batch. Once the cursor has none it is stale,
                            until nd_key_history_rewind */
    nd_time arrival;     /* of what is fresh */
    nd_key_part part;
} nd_found;

/** The histories of a key, with one numbering: what is stored and what is fresh, and, where the
 * caller adds it, what else there is in the same codes. */
typedef struct nd_key_history {
    nd_vector found;                 /* nd_found; none, and there is nothing of the key */
    nd_vector values;                /* nd_trace_code, by number */
    nd_vector stored, fresh, output; /* nd_edit, in total order of time */
} nd_key_history;

void nd_key_history_init(nd_key_history *history);
void nd_key_history_deinit(nd_key_history *history);
/** Removes all; memory is kept. */
void nd_key_history_clear(nd_key_history *history);

/** Adds a key's updates in a batch that is stored, to `stored`, or to `output`.
 * The seeker moves past the key, so keys are to rise. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_key_history_add_stored(nd_key_history *history, nd_trace_seeker *seeker,
                                            nd_trace_code key);
ND_CHECKED nd_err nd_key_history_add_output(nd_key_history *history, nd_trace_seeker *seeker,
                                            nd_trace_code key);

/** Adds those of a batch that has just come, if the cursor is at the key; if so, it moves to the
 * first value. They count as of the batch's time, `arrival`, where theirs are before: it was
 * compacted, and is shown as it was then. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_key_history_add_fresh(nd_key_history *history, nd_trace_cursor *cursor,
                                           nd_trace_code key, const nd_time *arrival);

/** As if nothing that was added had been read yet. Only before the histories are made. */
void nd_key_history_rewind(nd_key_history *history);

/** Numbers the values, and makes the histories of what was added, once. What is fresh is sorted,
 * the others are consolidated, their times advanced by `since` (advance.h; NULL: as they are).
 * Linear in the updates, but for sorting their times, times the number of batches that have the
 * key. Errors: ND_NOMEM; ND_FAILED, a difference becomes too large. */
ND_CHECKED nd_err nd_key_history_make_since(nd_key_history *history, const nd_antichain *since);
ND_CHECKED nd_err nd_key_history_make(nd_key_history *history);

#endif
