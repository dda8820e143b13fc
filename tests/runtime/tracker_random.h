/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RUNTIME_TRACKER_RANDOM_H
#define TESTS_RUNTIME_TRACKER_RANDOM_H

/** @file
 * The tracker against the brute-force closure.
 */

#include <stdbool.h>
#include <stdint.h>

#include <nereid/error.h>

/** One random graph, legal or not, with random counts up and down in random frames, each propagated
 * and compared with the closure: frontiers, news, counts and cover; no time is worked on twice at a
 * location in one propagation. In the end everything is taken back, and nothing must be left.
 * Returns whether all held; else `why` tells what did not. The same seed makes the same run. */
bool tracker_random_run(uint64_t seed, nd_message *why);

#endif
