/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_PAIR_H
#define BENCH_PAIR_H

/** @file
 * A row in two processes. Both are this program, started again with arguments that nobody types,
 * and run the row's Nereid side together; the program itself waits, and is told the figure.
 *
 * Nothing is left behind: processes end with the program, however it ends, and a signal that ends
 * it takes their sockets away first.
 */

#include "bench/harness.h"

/** Measures Nereid's side of a row; a failure of either process ends the program. The plan is the
 * program's own. */
double bench_pair_measure(const bench_row *row, const bench_plan *plan);

/** Nanoseconds to start two processes, and to see them end, that do nothing. */
double bench_pair_idle_ns(const bench_plan *plan);

/** Whether the program has been started as one of two. Then it is to return
 * bench_pair_main(argv). */
bool bench_pair_is_one(int argc, char **argv);
int bench_pair_main(char **argv);

/** Fills in what nd_execute must know of the pair. */
void bench_pair_configure(const bench_pair *pair, nd_config *config);

/** The sum of what both processes call it with; `own` where there is one. Both call it equally
 * often. */
uint64_t bench_total(const bench_plan *plan, uint64_t own);

#endif
