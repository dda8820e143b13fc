/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_LAUNCH_DESCENDANTS_H
#define SCHEDULER_LAUNCH_DESCENDANTS_H

/** @file
 * What launched processes have started themselves: finding it, and ending it with the run.
 */

#include <stdbool.h>
#include <sys/types.h>

/** The nearest to `process` of itself and its descendants that catches signal `number`; 0 if none
 * does, of the first few dozen. It may have changed its mind when the signal comes. */
pid_t nd_descendant_that_catches(pid_t process, int number);

/** That this process becomes the parent of descendants whose parents end. Zeroed: it does not. */
typedef struct nd_adoption {
    bool is_on, was_on;
} nd_adoption;

/** Begins, unless this process has children already: they could not be told from adopted ones. */
void nd_adoption_begin(nd_adoption *adoption);

/** Lets an adopted child that has ended go; returns false if the next one to be waited for is of
 * those that `is_own` knows, which are left alone, or if there is none. */
bool nd_adoption_reap(const nd_adoption *adoption, bool (*is_own)(void *context, pid_t process),
                      void *context);

/** When no own child is left: kills the adopted ones and all they have started, as far as that is
 * done within half a second, and adopts no more. May be called again. */
void nd_adoption_end(nd_adoption *adoption);

#endif
