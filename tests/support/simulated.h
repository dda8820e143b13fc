/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_SIMULATED_H
#define TESTS_SUPPORT_SIMULATED_H

/** @file
 * Simulations that nobody interferes with.
 */

#include "scheduler/simulation.h"

/** Lets things happen until nothing can any more, which must come about. Errors: those of
 * nd_simulation_step. */
nd_err simulated_settle(nd_simulation *simulation, nd_message *message);

/** Creates a simulation, lets it settle, destroys it. Errors: those of nd_simulation_create and
 * nd_simulation_step; ND_FAILED if a dataflow is not complete. */
nd_err simulated_run(const nd_simulation_def *def, nd_message *message);

/** simulated_run; fails the test, naming the seed, unless all goes well. */
void simulated_expect(const nd_simulation_def *def);

#endif
