/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_OPERATORS_GRAPH_PARALLEL_H
#define NEREID_OPERATORS_GRAPH_PARALLEL_H

/* The same work on several threads. */

enum { PARALLEL_MAX = 256 };

/* Calls work(context, i) for every i below n_threads, each on a thread of its own as far as there
 * are threads to be had, the first on the caller's; returns when all have returned. So no call may
 * wait for another one. */
void parallel_run(unsigned n_threads, void (*work)(void *context, unsigned index), void *context);

#endif
