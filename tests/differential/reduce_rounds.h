/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_DIFFERENTIAL_REDUCE_ROUNDS_H
#define TESTS_DIFFERENTIAL_REDUCE_ROUNDS_H

/** @file
 * What rounds of a reduction of one key need: updates that come when their time has come, and
 * histories that are kept.
 */

#include "operators/differential/reduce_tactic.h"

enum { GIVEN_MOST = 64 };

/** A key's updates, given beforehand. */
typedef struct given_updates {
    nd_edit items[GIVEN_MOST];
    bool are_taken[GIVEN_MOST];
    size_t n;
} given_updates;

/** Replaces `batch` by those that were not taken yet and whose time is past. */
void given_take(given_updates *given, const nd_antichain *upper, nd_vector *batch);

/** Appends `len` items of the vector's size. */
void append_items(nd_vector *to, const void *items, size_t len);

/** Appends edits to a history, and consolidates it; times are advanced to `since` unless that is
 * NULL. */
void store_edits(nd_vector *history, const nd_edit *edits, size_t len, const nd_antichain *since);

/** A round of which nothing was before, to the end of time. */
nd_err reduce_batch(nd_reduce_tactic *tactic, const nd_edit *batch, size_t len,
                    nd_reduce_result *result);

#endif
