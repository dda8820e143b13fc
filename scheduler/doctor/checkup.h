/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_DOCTOR_CHECKUP_H
#define SCHEDULER_DOCTOR_CHECKUP_H

/** @file
 * The parts of nd_doctor: what it knows of the run that is planned, and who checks what.
 */

#include "scheduler/place/plan.h"

typedef struct nd_checkup {
    nd_plan plan;
    unsigned n_here; /* of its processes, on the machine that has the most */

    void (*line)(void *context, nd_verdict verdict, const char *text);
    void *context;
    unsigned n_failed;
} nd_checkup;

/** Tells what a check has found. */
void nd_checkup_say(nd_checkup *checkup, nd_verdict verdict, const char *format, ...)
    ND_PRINTF(3, 4);

/** Whether something that all of them can read is to go to other machines. */
bool nd_checkup_leaves_machine(const nd_checkup *checkup);

/** Checks this machine: libraries, cores, limits. */
void nd_checkup_machine(nd_checkup *checkup);

/** Checks the keys, and the addresses of all processes. */
void nd_checkup_hosts(nd_checkup *checkup);

#endif
