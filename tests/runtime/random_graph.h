/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RUNTIME_RANDOM_GRAPH_H
#define TESTS_RUNTIME_RANDOM_GRAPH_H

/** @file
 * Random graphs of locations and random times for the tests of progress tracking.
 */

#include "runtime/base/random.h"
#include "tests/runtime/closure.h"

/** A graph as programs build them: nested loops up to four deep, entered, left and entered again,
 * with shortcuts and several feedbacks each. Always legal. */
void random_graph_nested(nd_random *random, closure_graph *graph);

/** A small graph of edges that do anything; legal or not. */
void random_graph_any(nd_random *random, closure_graph *graph);

/** A time inside `n_loops` loops. Its coordinates are below `most` (at most 2^32 - 1), or,
 * `near_end`, so near to the greatest that there is. */
nd_time random_graph_time(nd_random *random, unsigned n_loops, uint64_t most, bool near_end);

#endif
