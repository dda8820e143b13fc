/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RANDOM_HARNESS_RANDOM_PROGRAM_H
#define TESTS_RANDOM_HARNESS_RANDOM_PROGRAM_H

/** @file
 * The program of a run: random dataflows, built by every worker, some of them late, fed at random,
 * now and then dropped; and what must be true of it at the end.
 */

#include "tests/random/harness/random_run.h"

/** Decides what a run with `n_workers` consists of. Vertices do up to `most_steps` things. */
void random_program_shape(random_run *run, uint64_t seed, unsigned n_workers, unsigned most_steps);

/** The program as a simulation wants it (scheduler/simulation.h); `arg` is the run. */
nd_err random_program_build(nd_worker *worker, void *arg);
bool random_program_drive(nd_worker *worker, nd_random *random, void *arg);

/** Says what is wrong when all is done on `n` workers from the `first` on: records that never
 * arrived anywhere, what vertices and probes of those workers still wait for. */
void random_program_check_end(random_run *run, unsigned first, unsigned n);

/** Says what was not freed once, when the simulation is gone. */
void random_program_check_freed(random_run *run);

#endif
