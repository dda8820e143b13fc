/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_WATCH_ACCOUNT_H
#define SCHEDULER_WATCH_ACCOUNT_H

/** @file
 * Accounts: what a worker says about itself when it is asked why the run waits. Lines, of which
 * each begins with what it is, so that accounts of many workers, also of other processes, can be
 * put together (report.h):
 *
 *     h FLOW EPOCH TEXT        what may hold the run back in an epoch, and who holds that
 *     w FLOW EPOCH TEXT        who waits, and for what: all that comes before an epoch
 *     i NAME|TEXT              somebody who cannot answer: NAME is inside a vertex's callback
 *     s NAME|TEXT              ... or does not, for another reason
 *     r POINTSTAMP COUNT TEXT  a root (runtime/explain.h) as this worker counts it, and in words
 *     o POINTSTAMP N           N of a pointstamp are this worker's own
 *     q                        the account is not complete
 *     a MS                     how long nothing has moved in this process
 *
 * A POINTSTAMP is FLOW LOCATION EPOCH and the four loop counters. FLOW is the dataflow's number;
 * all numbers are decimal.
 */

#include "scheduler/watch/lines.h"
#include "scheduler/worker.h"

enum { ND_NAME_SIZE = 48 };

/** Writes `worker 3 (process 1)`: what people call the worker. Any thread. */
char *nd_worker_name(const nd_worker *worker, char name[ND_NAME_SIZE]);

/** Adds the worker's account: of dataflows that are not over only, so it may be nothing. On its
 * thread, between callbacks. */
void nd_account_write(const nd_worker *worker, nd_lines *lines);

/** Adds a line about a worker that does not answer; it has done nothing for `idle_ms`. Any thread,
 * as long as the worker does not free its dataflows. */
void nd_account_write_silent(const nd_worker *worker, uint64_t idle_ms, nd_lines *lines);

/** Whether it is inside a callback; then `text` (512 bytes) says, without its name, in which. Any
 * thread, likewise. */
bool nd_worker_is_inside(const nd_worker *worker, uint64_t idle_ms, char text[512]);

#endif
