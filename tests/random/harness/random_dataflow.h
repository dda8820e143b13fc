/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RANDOM_HARNESS_RANDOM_DATAFLOW_H
#define TESTS_RANDOM_HARNESS_RANDOM_DATAFLOW_H

/** @file
 * Whole random dataflows under the simulator: random graphs of random vertices, on one to eight
 * workers, some built late, fed and scheduled at random, with an observer looking on.
 */

#include <stdbool.h>
#include <stdint.h>

#include <nereid/error.h>

/** One run, to the end. With a mutant (else NULL), that fault is planted. Returns whether all held;
 * else `why` says what did not. Some runs are made twice, and must be the same. */
bool random_dataflow_run(uint64_t seed, const char *mutant, nd_message *why);

#endif
