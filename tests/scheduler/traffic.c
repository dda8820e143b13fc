/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     traffic [RUNS]        what an epoch costs in progress between processes; means of 5 runs
 *
 * A table: kinds of epochs, numbers of processes, telling eagerly and on demand.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/scheduler/traffic_run.h"

static traffic count(traffic_job job, unsigned n_processes, nd_publish_mode mode, unsigned n_runs)
{
    traffic sum = {.n_frames = 0};
    for (uint64_t seed = 1; seed <= n_runs; seed++) {
        nd_message message;
        const traffic_plan plan = {job, n_processes, mode, seed};
        if (traffic_run(&plan, &sum, &message) == ND_OK)
            continue;
        fprintf(stderr, "traffic: %s\n", message.text);
        exit(EXIT_FAILURE);
    }
    return sum;
}

static void print_side(const traffic *sum, unsigned n_processes)
{
    const double n_frames = (double)sum->n_frames / (double)sum->n_epochs;
    const double n_links = n_processes * (n_processes - 1.0);
    printf(" | %9.1f %7.2f %10.0f %6.0f", n_frames, n_frames / n_links,
           (double)sum->n_bytes / (double)sum->n_epochs,
           (double)sum->n_bytes / (double)sum->n_frames);
}

static void print_line(traffic_job job, unsigned n_processes, unsigned n_runs)
{
    static const char *const names[TRAFFIC_JOBS] = {"one record", "one record, ten rounds",
                                                    "ten rounds of all to all"};
    const traffic eager = count(job, n_processes, ND_PUBLISH_EAGER, n_runs);
    const traffic demand = count(job, n_processes, ND_PUBLISH_DEMAND, n_runs);
    printf("%-25s %2u", names[job], n_processes);
    print_side(&eager, n_processes);
    print_side(&demand, n_processes);
    printf(" | %5.1f\n", (double)eager.n_frames / (double)demand.n_frames);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    const unsigned n_runs = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 5;
    if (argc > 2 || n_runs == 0) {
        fprintf(stderr, "usage: traffic [RUNS]\n");
        return 2;
    }
    printf("An epoch: frames, frames a link, bytes, bytes a frame. A link leads from a process to "
           "another.\n\n%-25s %2s | %-35s | %-35s | fewer\n",
           "", "P", "eager", "on demand");
    for (unsigned job = 0; job < TRAFFIC_JOBS; job++)
        for (unsigned n_processes = 2; n_processes <= 16; n_processes *= 2)
            print_line((traffic_job)job, n_processes, n_runs);
    return 0;
}
