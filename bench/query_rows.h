/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_QUERY_ROWS_H
#define BENCH_QUERY_ROWS_H

/** @file
 * The rows of queries: several for each, of which every measurement runs in a process of its own,
 * so that the most memory it has had is its own, too. Processes end with the program.
 */

#include <stdbool.h>

/** Measures and prints the rows whose titles contain `wanted` (NULL: all). */
void bench_run_queries(bool is_full, const char *wanted);

/** Whether the program has been started for one measurement. Then it is to return
 * bench_query_main(argv). */
bool bench_query_is_one(int argc, char **argv);
int bench_query_main(char **argv);

#endif
