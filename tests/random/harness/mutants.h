/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RANDOM_HARNESS_MUTANTS_H
#define TESTS_RANDOM_HARNESS_MUTANTS_H

/** @file
 * Faults that are planted in a run, to show that its checks notice: in the transport, in what
 * workers publish and take, and in whom they notify.
 */

#include "scheduler/simulation.h"
#include "tests/random/harness/random_run.h"

/** The name of number `index`; NULL behind the last. */
const char *mutant_name(size_t index);

/** Plants a fault, before the first event. */
void mutate(random_run *run, nd_simulation *simulation, const char *mutant);

/** Frees what the fault needed, if there was one; the simulation is gone. */
void mutate_end(random_run *run);

#endif
