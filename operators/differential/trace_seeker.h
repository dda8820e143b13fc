/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_TRACE_SEEKER_H
#define OPERATORS_DIFFERENTIAL_TRACE_SEEKER_H

/** @file
 * Looking keys up in batches: a cursor that is told some keys ahead.
 */

#include "operators/differential/trace_cursor.h"
#include "runtime/base/vector.h"

enum { ND_TRACE_FORESEEN = 16 /* keys at a time */ };

/** A cursor, and where the next keys stand that it will seek. Plain data, as a cursor is. */
typedef struct nd_trace_seeker {
    nd_trace_cursor cursor;
    uint32_t next, n_ahead;                /* of these, which rise: */
    uint32_t ahead[2 * ND_TRACE_FORESEEN]; /* where each key is, or would be */
} nd_trace_seeker;

/** Stands at the view's first key, or the batch's, which is lent. */
void nd_trace_seeker_init(nd_trace_seeker *seeker, const nd_trace_view *view);
void nd_trace_seeker_init_batch(nd_trace_seeker *seeker, const nd_trace_batch *batch);

/** Moves the cursor as nd_trace_cursor_seek_key does; it may be past the last key. What was
 * foreseen costs a comparison or two. */
bool nd_trace_seek(nd_trace_seeker *seeker, nd_trace_code code);

/** All these seekers (nd_trace_seeker) are about to seek these keys, which rise, of `n_all` at the
 * most: what they will read begins to come from memory, all of it at once, unless it is passed
 * anyway, since keys are near each other. At most ND_TRACE_FORESEEN keys; of those that were
 * foreseen before, and not sought yet, as many are remembered. Other keys can be sought as well. */
void nd_trace_foresee(nd_vector *seekers, const nd_trace_code *keys, size_t n_keys, size_t n_all);

/** As nd_trace_foresee, of the next ND_TRACE_FORESEEN keys of a cursor, each time that it has
 * passed as many. */
void nd_trace_foresee_from(nd_vector *seekers, const nd_trace_cursor *from);

/** Where keys stand that were sought together. */
typedef struct nd_trace_found {
    uint32_t there;                   /* bits: which of them there are */
    uint32_t keys[ND_TRACE_FORESEEN]; /* where each is, or would be */
} nd_trace_found;

/** Seeks the keys that nd_trace_foresee would foresee, from where the cursor stands, and foresees
 * what they have. False, and nothing has been done, if they are so near each other, or the batch is
 * so small, that they are better sought one by one. */
bool nd_trace_seek_apart(const nd_trace_cursor *cursor, const nd_trace_code *keys, size_t n_keys,
                         size_t n_all, nd_trace_found *found);

#endif
