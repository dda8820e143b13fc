/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_ADVANCE_H
#define OPERATORS_DIFFERENTIAL_ADVANCE_H

/** @file
 * Compaction of times. Whoever asks only about times at or after some of `since` cannot tell a time
 * from the meet, over the times of `since`, of its joins with them; and times that cannot be told
 * apart become the same one, so that their updates add up.
 */

#include <nereid/time.h>

#include "runtime/antichain.h"

/** The representative of `time` for who asks at or after `since`; of an empty `since`, where nobody
 * asks, the time itself. Pure. Linear in the width of `since`. */
nd_time nd_time_advance(const nd_time *time, const nd_antichain *since);

/** Replaces `frontier` by its join with `len` times of another: what is at or after some of both.
 * Errors: ND_NOMEM, and nothing has changed. */
ND_CHECKED nd_err nd_frontier_join(nd_antichain *frontier, const nd_time *times, size_t len);

#endif
