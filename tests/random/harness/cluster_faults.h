/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RANDOM_HARNESS_CLUSTER_FAULTS_H
#define TESTS_RANDOM_HARNESS_CLUSTER_FAULTS_H

/** @file
 * What befalls a simulated cluster in one run: every seed has some kinds of faults and not others,
 * many have none. Those that a run must survive come from the start; of those that may end it there
 * are at most two.
 */

#include "runtime/base/random.h"
#include "transport/sim_faults.h"

typedef enum fault_kind { FAULT_PAUSE, FAULT_CRASH, FAULT_CUT, FAULT_DAMAGE } fault_kind;

typedef struct cluster_fault {
    uint64_t at;   /* the tick ... */
    bool at_leave; /* ... after `from` has said goodbye */
    fault_kind kind;
    unsigned from, to; /* processes; PAUSE and CRASH: `from` */
    nd_lane_kind lane;
    nd_sim_damage damage;
    uint64_t ticks;
} cluster_fault;

enum { MOST_PROCESSES = 5, MOST_FAULTS = 8 };

typedef struct cluster_faults {
    unsigned n_processes;
    uint64_t leaves_at[MOST_PROCESSES]; /* a process says goodbye; zero: it has not yet */
    uint64_t delays[MOST_PROCESSES][MOST_PROCESSES][ND_LANES];
    cluster_fault faults[MOST_FAULTS];
    unsigned n_faults;
    unsigned n_harmful; /* that may end the run, and have happened */
    unsigned involved;  /* a bit for each process that may be to blame then */
    bool is_mute;       /* a process cannot tell another of a failure */
} cluster_faults;

void cluster_faults_plan(nd_random *random, unsigned n_processes, cluster_faults *faults);

/** Before the first event. */
void cluster_faults_begin(const cluster_faults *faults, nd_sim *sim);

/** Lets happen what is to happen by now. */
void cluster_faults_happen(cluster_faults *faults, nd_sim *sim);

#endif
