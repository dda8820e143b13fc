/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_START_H
#define BENCH_START_H

/** @file
 * This program, started again with arguments that nobody types.
 */

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/** The descriptor that a process finds under this number if it is given one. */
enum { BENCH_EXTRA_FD = 3 };

/** Starts it with these words, the last of which is NULL, in a group of its own, so that Ctrl-C
 * reaches the first program alone. `mask` are the signals that it blocks; `out` and `extra` become
 * its standard output and BENCH_EXTRA_FD; NULL and -1 leave them as they are. Returns 0 if that
 * cannot be done. */
pid_t bench_start(const char *const words[], const sigset_t *mask, int out, int extra);

/** Of a process so started by `program`: it is to end when that does. False if that has happened
 * already. */
bool bench_end_with(pid_t program);

/** Waits for a process; returns whether it was started and has ended well. */
bool bench_wait(pid_t process);

#endif
