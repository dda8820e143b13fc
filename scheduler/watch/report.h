/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_WATCH_REPORT_H
#define SCHEDULER_WATCH_REPORT_H

/** @file
 * A report: the accounts of all workers (account.h) put together, for people. What each of them
 * holds it says itself; here it is found out what nobody claims, and what is of an epoch that
 * nobody waits for is left out: of many workers most hold something of the next one. A function of
 * the lines; what cannot be read is left out, too, since they also come from other processes. One
 * thread at a time.
 */

#include <stdint.h>

#include "scheduler/watch/lines.h"

typedef struct nd_why_report {
    nd_lines holders; /* FLOW EPOCH TEXT */
    nd_lines silent, waits;
    nd_vector bounds;      /* of each dataflow that is waited for */
    nd_vector pointstamps; /* what is claimed and counted */
    size_t n_silent;
    char silent_name[64]; /* the last of them */
    bool is_incomplete;
    uint64_t age_ms; /* how long ago something has moved last, anywhere; UINT64_MAX: not known */
} nd_why_report;

/** An empty report. Allocates nothing. */
void nd_why_report_init(nd_why_report *report);

/** Frees. */
void nd_why_report_deinit(nd_why_report *report);

/** Takes in one line of an account. */
void nd_why_report_add(nd_why_report *report, const char *line);
void nd_why_report_add_all(nd_why_report *report, const nd_lines *lines);

/** Whether something is there to be waited for: not if only some do not answer. */
bool nd_why_report_has_cause(const nd_why_report *report);

/** Has `print` called for each line: what holds the run back, who does not answer, who waits. */
void nd_why_report_print(const nd_why_report *report,
                         void (*print)(void *context, const char *text), void *context);

#endif
