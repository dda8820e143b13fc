/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULER_LAUNCH_CHILD_ENVIRONMENT_H
#define SCHEDULER_LAUNCH_CHILD_ENVIRONMENT_H

/** @file
 * The environment that a launcher gives each of its processes:
 *
 *     NEREID_PROCESS     its number
 *     NEREID_PROCESSES   how many there are
 *     NEREID_RENDEZVOUS  a directory; process k is reached at ipc://DIRECTORY/k
 *     NEREID_JOB         32 hexadecimal digits: the job
 *     NEREID_LAUNCHER    the launcher's process id
 *     NEREID_REPORT      a descriptor, the writing end of a pipe: a process that fails writes one
 *                        line there, its status and the cause
 *
 * and, where they were given, NEREID_WORKERS, NEREID_SECRET, NEREID_TIMEOUT and NEREID_STALL.
 */

#include <stdint.h>
#include <sys/types.h>

#include <nereid/worker.h>

/** An environment; `process` is rewritten for each process. */
typedef struct nd_child_environment {
    char **items;     /* ends with NULL; what is not in `texts` is borrowed from the own one */
    char *texts;      /* the launcher's variables, one after the other */
    char process[32]; /* NEREID_PROCESS */
} nd_child_environment;

/** What a launcher tells. */
typedef struct nd_launch_terms {
    const nd_config *config; /* n_processes, n_workers, secret, timeout_s, stall_s */
    uint64_t job[2];
    const char *directory;
    pid_t launcher;
    int report; /* descriptor */
} nd_launch_terms;

/** Makes it from the process's own environment (`own` ends with NULL), for process 0. The struct
 * must not be moved. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_child_environment_init(nd_child_environment *child, char *const *own,
                                            const nd_launch_terms *terms);

/** Makes it that of another process. */
void nd_child_environment_set_process(nd_child_environment *child, unsigned process);

/** Frees what init has made; a zeroed one is fine. */
void nd_child_environment_deinit(nd_child_environment *child);

#endif
