/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The suite `progress`: the tracker against the closure, and whole dataflows under the simulator.
 */
#include "tests/random/harness/mutants.h"
#include "tests/random/harness/random_dataflow.h"
#include "tests/random/harness/random_main.h"
#include "tests/runtime/tracker_random.h"

enum { ONE_IN = 4 }; /* runs without a mutant are of the tracker alone */

static bool run(uint64_t seed, const char *mutant, nd_message *why)
{
    if (mutant == NULL && seed % ONE_IN == 0)
        return tracker_random_run(seed / ONE_IN, why);
    return random_dataflow_run(seed, mutant, why);
}

int main(int argc, char **argv)
{
    return random_main(argc, argv,
                       &(random_suite){.name = "progress", .run = run, .mutant_name = mutant_name});
}
