/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_ROUND_TRIP_H
#define BENCH_ROUND_TRIP_H

/** @file
 * What two processes could do at best: a word that they hand back and forth through a plain socket,
 * reading and writing, each waiting for the other.
 */

#include "bench/harness.h"

/** Nanoseconds from sending to having the answer, by the kind of socket that the plan's place talks
 * through. The plan's size is a percentile of single round trips; zero: their mean. */
double bench_round_trip_ns(const bench_plan *plan);

#endif
