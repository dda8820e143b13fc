/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_PLACE_ENVIRONMENT_H
#define SCHEDULER_PLACE_ENVIRONMENT_H

/** @file
 * What the environment says about the cluster that this process is part of: variables of a launcher
 * (child_environment.h), of Open MPI, of Slurm, or of a Kubernetes stateful set. They come through
 * a function, so that all of it is a function of a table.
 */

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/cluster.h>

typedef struct nd_environment {
    /** The value of a variable, or NULL. Borrowed until the environment changes. */
    const char *(*get)(void *context, const char *name);
    void *context;
    char *const *variables; /* NAME=VALUE, ended by NULL; NULL: not known */
} nd_environment;

/** The process's own. HOSTNAME, if it is not set, is the machine's name, which is put into `host`;
 * that is lent. */
nd_environment nd_environment_system(char host[HOST_NAME_MAX + 1]);

/** Refuses a variable whose name is one of Nereid's with a letter too many or too few: it would be
 * ignored, and a process that is to be one of several would run alone. Others may be anybody's.
 * Pure. Errors: ND_USAGE. */
ND_CHECKED nd_err nd_environment_check_names(const nd_environment *environment,
                                             nd_message *message);

/** Who has started this process. */
typedef enum nd_starter {
    ND_STARTED_ALONE,
    ND_STARTED_BY_LAUNCHER,
    ND_STARTED_BY_SLURM,
    ND_STARTED_BY_OPEN_MPI,
    ND_STARTED_BY_KUBERNETES,
} nd_starter;

/** Its place among the others. Texts are borrowed from the environment. */
typedef struct nd_placement {
    nd_starter starter;
    const char *starter_name; /* for messages */
    unsigned process, n_processes;
    uint64_t job[2];
    const char *directory; /* of ipc addresses, where the launcher has made it */
    bool is_shared; /* all processes are on this machine: ipc addresses in a directory named after
                       the job (nd_private_directory_claim) */
} nd_placement;

/** Finds the place. A cluster of one, but for the launcher's, is being alone. Pure. Errors:
 * ND_USAGE for a variable that says nonsense or is missing. */
ND_CHECKED nd_err nd_placement_find(const nd_environment *environment, nd_placement *placement,
                                    nd_message *message);

/** Fills in `is_shared` or, where processes are on several machines or the launcher has made a
 * directory, replaces the list of addresses. Pure. Errors: ND_USAGE where the environment does not
 * tell them, ND_NOMEM. */
ND_CHECKED nd_err nd_placement_find_addresses(const nd_environment *environment,
                                              nd_placement *placement, nd_addresses *addresses,
                                              nd_message *message);

/** The job that the words in `text` name. Pure. */
void nd_job_from_text(const char *text, size_t size, uint64_t job[2]);

#endif
