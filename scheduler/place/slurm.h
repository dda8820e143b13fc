/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_PLACE_SLURM_H
#define SCHEDULER_PLACE_SLURM_H

/** @file
 * How Slurm writes which machines a job has and how many tasks each of them: "n[01-03,7],m5" and
 * "2(x3),1".
 */

#include <nereid/cluster.h>

/** Of one machine. */
typedef struct nd_slurm_node {
    char name[256];
    unsigned n_tasks;
} nd_slurm_node;

/** Writes the machines' names, in order, into `nodes`, which has room for ND_MAX_PROCESSES, and
 * their number into `*n_nodes`. Several brackets in one name are fine. Pure. Errors: ND_USAGE, with
 * the list in the message. */
ND_CHECKED nd_err nd_slurm_parse_nodes(const char *list, nd_slurm_node *nodes, unsigned *n_nodes,
                                       nd_message *message);

/** Fills in how many of `n_tasks` tasks each machine has. Without a list (NULL) they are spread
 * evenly, the first machines having one more. Pure. Errors: ND_USAGE for a list that is none, or
 * that does not fit the numbers of machines and tasks. */
ND_CHECKED nd_err nd_slurm_parse_tasks(const char *list, nd_slurm_node *nodes, unsigned n_nodes,
                                       unsigned n_tasks, nd_message *message);

#endif
