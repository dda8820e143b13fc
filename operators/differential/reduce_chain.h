/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_REDUCE_CHAIN_H
#define OPERATORS_DIFFERENTIAL_REDUCE_CHAIN_H

/** @file
 * Reduce for a key whose times are a chain, each at or before the next: so they always are outside
 * of loops, and mostly inside, once what is stored has been advanced to where the round begins.
 *
 * Joins of a chain's times are its own times, so those to act at are known, and what there is at
 * each of them is what there was at the one before and the updates in between.
 */

#include "operators/differential/key_tally.h"
#include "operators/differential/reduce_tactic.h"

/** Whether the round's times are a chain: all of the histories, and the pending ones that are due.
 * If so, the tactic's `moments` and `pending` are found. These are fewer than those of the closure:
 * of times that are not complete the least one, and what was pending and is not due. Linear, but
 * for sorting pending times. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_chain_discover(nd_reduce_tactic *tactic, const nd_reduce_round *round,
                                    bool *is_chain);

/** The corrections at these moments. For each moment linear in the values that are there or have
 * changed, by moving memory alone where few have changed, beside what the function costs. Errors:
 * as nd_reduce_key. */
ND_CHECKED nd_err nd_chain_correct(nd_reduce_tactic *tactic, const nd_reduce_round *round);

/** The corrections at the only moment of a key, and its pending times, from what there is then. The
 * output of before is the function of what the input was, unless it is known. The tally is to be
 * cleared before it is used again, the result valid until then. Linear in the tally, beside what
 * the function costs. Errors: as nd_reduce_key. */
ND_CHECKED nd_err nd_reduce_tally(nd_reduce_tactic *tactic, nd_key_tally *tally,
                                  const nd_time *moment, bool is_output_known,
                                  nd_reduce_result *result);

#endif
