/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The suite `cluster`: whole dataflows on simulated processes, to which things happen.
 */
#include "tests/random/harness/cluster_run.h"
#include "tests/random/harness/random_main.h"

int main(int argc, char **argv)
{
    return random_main(argc, argv,
                       &(random_suite){.name = "cluster",
                                       .run = cluster_run,
                                       .mutant_name = cluster_mutant_name,
                                       .marks = cluster_marks,
                                       .mark_name = cluster_mark_name});
}
