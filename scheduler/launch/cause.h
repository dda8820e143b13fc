/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_LAUNCH_CAUSE_H
#define SCHEDULER_LAUNCH_CAUSE_H

/** @file
 * Why a launched cluster has failed: of all that its processes say and do while they end, the one
 * thing that a person wants to know. A function of what happens, in the order it happens.
 */

#include <stdbool.h>

#include <nereid/error.h>

/** How near something is to the root of a failure. Of the nearest, the first counts. */
typedef enum nd_cause_rank {
    ND_CAUSE_NONE,
    ND_CAUSE_LOST_PEER,   /* status 4: somebody else is the reason, if he can be found */
    ND_CAUSE_OWN,         /* a process's own failure, or a signal that ended it */
    ND_CAUSE_INTERRUPTED, /* the launcher was told to end, before anything had failed */
} nd_cause_rank;

/** Zeroed: nothing has failed. */
typedef struct nd_cause {
    nd_cause_rank rank;
    int status; /* the launcher's exit status */
    nd_message message;
    int interruption; /* the signal that the launcher was told to end with, or 0 */
} nd_cause;

/** What is known of a process when it ends. */
typedef struct nd_ending {
    unsigned process;
    int status, signal; /* as waitpid tells them: exit status, or the signal that ended it */
    const char *report; /* the last line it has written, "STATUS text", or NULL */
    bool was_told;      /* the launcher had told it to end, */
    bool was_killed;    /* or has killed it */
} nd_ending;

/** Notes the end of a process; returns whether that was a failure. */
bool nd_cause_note_ending(nd_cause *cause, const nd_ending *ending);

/** Notes that the launcher was told to end by signal `number`. If nothing has failed before, that
 * is the cause of whatever fails later; and if nothing does, nothing has failed. */
void nd_cause_note_interruption(nd_cause *cause, int number);

/** Notes something else that went wrong, of a process or of the launcher. */
void nd_cause_note(nd_cause *cause, nd_cause_rank rank, int status, const char *format, ...)
    ND_PRINTF(4, 5);

#endif
