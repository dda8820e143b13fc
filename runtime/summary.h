/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_SUMMARY_H
#define RUNTIME_SUMMARY_H

/** @file
 * Path summaries: what a path through the graph does to a time (Naiad, SOSP 2013, section 2.3).
 *
 * Each coordinate is kept or starts again from zero, and then grows by a constant. Entering a loop
 * keeps everything, leaving one clears its counter, feedback adds to its counter; nothing clears
 * the epoch. A coordinate that would overflow, at any step of the path, means that the time has no
 * way along it: nothing arrives, and nothing wraps around. Applying a summary is monotone. All
 * functions are pure; any thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include <nereid/time.h>

/** A summary of all zeros is the identity. */
typedef struct nd_summary {
    nd_time add;                 /* what each coordinate gains, after clearing */
    uint32_t room[ND_MAX_LOOPS]; /* counter k has a way only from UINT32_MAX - room[k] or less;
                                    equal to add.loop[k] where the counter is kept, else what the
                                    steps before the clearing add */
    uint8_t clears;              /* bit k: counter k starts again from zero */
} nd_summary;

/** Does nothing to any time. */
nd_summary nd_summary_identity(void);

/** Clears the counter of `loop`: the way out of that loop. */
nd_summary nd_summary_leave(unsigned loop);

/** Adds `by` to the counter of `loop`: feedback. */
nd_summary nd_summary_advance(unsigned loop, uint32_t by);

/** Adds to each coordinate that of `by`: a vertex that delays. */
nd_summary nd_summary_add(const nd_time *by);

/** Whether every time stays as it is. */
bool nd_summary_is_identity(const nd_summary *summary);

/** Whether the path adds to coordinate `k` (0 the epoch, 1 + i loop i). */
bool nd_summary_adds(const nd_summary *summary, unsigned k);

/** Whether the path clears coordinate `k`. */
bool nd_summary_clears(const nd_summary *summary, unsigned k);

/** The path `first` and on from its end `then`: applying the result is applying one after the
 * other. `out` may be one of the two. False when no time survives both, and then `out` is
 * untouched. */
bool nd_summary_compose(const nd_summary *first, const nd_summary *then, nd_summary *out);

/** Where `in` arrives at the end of the path; `out` may be `in`. False when it overflows on the
 * way: no path, and `out` is untouched. */
static inline bool nd_summary_apply(const nd_summary *summary, const nd_time *in, nd_time *out)
{
    bool fits = in->epoch <= UINT64_MAX - summary->add.epoch;
    for (unsigned k = 0; k < ND_MAX_LOOPS; k++)
        fits = fits && in->loop[k] <= UINT32_MAX - summary->room[k];
    if (!fits)
        return false;
    out->epoch = in->epoch + summary->add.epoch;
    for (unsigned k = 0; k < ND_MAX_LOOPS; k++) {
        const uint32_t kept = (summary->clears >> k & 1U) != 0 ? 0 : in->loop[k];
        out->loop[k] = kept + summary->add.loop[k];
    }
    return true;
}

#endif
