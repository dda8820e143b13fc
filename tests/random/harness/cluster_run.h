/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RANDOM_HARNESS_CLUSTER_RUN_H
#define TESTS_RANDOM_HARNESS_CLUSTER_RUN_H

/** @file
 * Whole random dataflows on a simulated cluster, two to five processes with one to three workers
 * each, to which things happen (cluster_faults.h).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/error.h>

/** One run, to the end. With a mutant (else NULL), all processes neglect something. Returns whether
 * all held; else `why` says what did not. Some runs are made twice, and must be the same. */
bool cluster_run(uint64_t seed, const char *mutant, nd_message *why);

/** The name of mutant number `index`; NULL behind the last. */
const char *cluster_mutant_name(size_t index);

/** What has come about in the last run: a bit each. */
uint64_t cluster_marks(void);

/** What a bit stands for; NULL behind the last. */
const char *cluster_mark_name(size_t index);

#endif
