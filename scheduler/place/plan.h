/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_PLACE_PLAN_H
#define SCHEDULER_PLACE_PLAN_H

/** @file
 * Which run is planned: options, environment and hosts file put together. Whoever opens a cluster,
 * starts one or examines one asks here, so that they cannot come to different answers.
 */

#include "scheduler/place/environment.h"

/** A plan. Zeroed: nothing is known. A step that fails leaves what it has found out. */
typedef struct nd_plan {
    nd_options options; /* those given, and the environment's where they are silent */
    nd_placement placement;
    nd_addresses addresses; /* of all processes, where they are known by now; owned */
    uint64_t job[2];
    unsigned process, n_processes;
    bool has_process;   /* which process this is is known */
    bool must_launch;   /* n_processes are to be started here */
    bool is_placed;     /* this is one of several that are started by somebody else */
    bool needs_process; /* set by who takes part, who must know it: else any hosts file will do */
    const char *hosts_name, *process_name; /* of those options, as they were given */
    const char *subject;                   /* what a failure is about, in one word */
} nd_plan;

/** First: the options. Errors: ND_USAGE for a variable that says nonsense or is
 * misspelt; the given options are there. */
ND_CHECKED nd_err nd_plan_take_options(nd_plan *plan, const nd_environment *environment,
                                       const nd_options *given, nd_message *message);

/** Then: the place that they and the environment give. It may remain unknown which line of a hosts
 * file this process is. Nothing is made or opened but the hosts file. Errors: ND_USAGE for what
 * contradicts itself; those of nd_placement_find, its addresses, and nd_hosts_read. */
ND_CHECKED nd_err nd_plan_find_place(nd_plan *plan, const nd_environment *environment,
                                     nd_message *message);

#endif
