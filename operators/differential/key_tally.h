/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_KEY_TALLY_H
#define OPERATORS_DIFFERENTIAL_KEY_TALLY_H

/** @file
 * What there is of a key at one time, straight from the batches: sums, and no history.
 *
 * Enough for a key whose every change that is to be looked at has one time, its *moment*, while the
 * joins of the moment with all other times of the key are the moment itself or not complete yet.
 * That is nearly every key: outside of loops where epochs come one by one, and inside where their
 * rounds do.
 */

#include "operators/differential/key_history.h"

/** One key's. */
typedef struct nd_key_tally {
    nd_vector was, has, had; /* nd_tally, in order of values, none zero: of what is stored, of that
                                and what is fresh, of the output */
    nd_antichain later;      /* the minimal joins of the moment with times that are not before it */
} nd_key_tally;

void nd_key_tally_init(nd_key_tally *tally);
void nd_key_tally_deinit(nd_key_tally *tally);
/** Removes all; memory is kept, but for that of more than two later times. */
void nd_key_tally_clear(nd_key_tally *tally);

/** The time of all that is fresh in a history to which all has been added, and of all that is due;
 * false if there are several, or none. Linear in the key's values of fresh batches, but for those
 * that have but one time. */
bool nd_key_tally_moment(const nd_key_history *history, const nd_time *due, size_t n_due,
                         nd_time *moment);

/** Numbers the history's values, and adds up all that was added to it. `*is_enough` is false if a
 * later time is complete already, one not at or after any of `upper`: then nothing has been added
 * up, the history may be made, and the tally is to be cleared.
 * Linear in the updates, and in the values times the number of batches that have the key. Errors:
 * ND_NOMEM; ND_FAILED, a sum becomes too large. */
ND_CHECKED nd_err nd_key_tally_add(nd_key_tally *tally, nd_key_history *history,
                                   const nd_time *moment, const nd_antichain *upper,
                                   bool *is_enough);

#endif
