/* SPDX-License-Identifier: Apache-2.0 */
/* `nereid run`: starts a program as a cluster of processes, or joins one.
 *
 * To start them it starts itself, once a process, as `nereid run --as-child -- PROGRAM ARGS`: that
 * copy asks to die with its launcher, which only a process itself can ask for, and then becomes the
 * program. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nereid/cluster.h>
#include <nereid/memory.h>

#include "tools/command.h"
#include "tools/signals.h"

static const char as_child[] = "--as-child";

/* Becomes the program; returns only if that fails. */
static nd_err become(char **program, nd_message *message)
{
    char text[128];
    signals_release();
    (void)execvp(program[0], program);
    return nd_message_set(message, ND_FAILED, "%s: %s", program[0],
                          strerror_r(errno, text, sizeof text));
}

/* --- Joining --- */

static bool tell(const char *name, const char *value)
{
    return value == NULL || setenv(name, value, true) == 0;
}

static bool tell_number(const char *name, unsigned number, bool is_given)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%u", number);
    return !is_given || setenv(name, text, true) == 0;
}

/* Becomes the program, which learns from its environment what was chosen. */
static nd_err join(const nd_options *chosen, char **program, nd_message *message)
{
    const bool is_told = tell("NEREID_HOSTS", chosen->hosts) &&
                         tell("NEREID_SECRET", chosen->secret) &&
                         tell_number("NEREID_PROCESS", chosen->process, chosen->has_process) &&
                         tell_number("NEREID_WORKERS", chosen->n_workers, chosen->n_workers != 0) &&
                         tell_number("NEREID_TIMEOUT", chosen->timeout_s, chosen->timeout_s != 0) &&
                         tell_number("NEREID_STALL", chosen->stall_s, chosen->stall_s != 0);
    return is_told ? become(program, message) : ND_NOMEM;
}

/* --- Starting --- */

static nd_err launch(const nd_config *config, char **program, int *status, nd_message *message)
{
    char name[] = "nereid", verb[] = "run", child[sizeof as_child], dashes[] = "--";
    size_t n = 0;
    while (program[n] != NULL)
        n++;
    char **const argv = nd_alloc(n + 5, sizeof *argv);
    if (argv == NULL)
        return ND_NOMEM;
    memcpy(child, as_child, sizeof child);
    memcpy(argv, (char *[]){name, verb, child, dashes}, 4 * sizeof *argv);
    memcpy(argv + 4, program, (n + 1) * sizeof *argv);
    *status = nd_launch(config, true, argv, message);
    nd_free(argv);
    return ND_OK;
}

/* --- Arguments --- */

static bool asks_for_help(char **argv)
{
    for (; *argv != NULL && strcmp(*argv, "--") != 0; argv++)
        if (strcmp(*argv, "--help") == 0)
            return true;
    return false;
}

/* The program behind the "--", which is all that options have left; or NULL and a message. */
static char **find_program(char **rest, nd_message *message)
{
    const char *const first = rest[0];
    if (first == NULL || (strcmp(first, "--") == 0 && rest[1] == NULL))
        (void)nd_message_set(message, ND_USAGE,
                             "which PROGRAM? nereid run -n 4 -- PROGRAM ARGS; --help shows more");
    else if (strcmp(first, "--") == 0)
        return rest + 1;
    else if (first[0] == '-')
        (void)nd_message_set(message, ND_USAGE,
                             "there is no option %s here; --help lists those there are", first);
    else
        (void)nd_message_set(message, ND_USAGE, "put -- in front of the program: run -- %s", first);
    return NULL;
}

static nd_err start_child(char **argv, nd_message *message)
{
    ND_TRY(nd_child_begin(message));
    char **const program = find_program(argv, message);
    return program != NULL ? become(program, message) : ND_USAGE;
}

static nd_err start_or_join(const nd_options *chosen, char **program, int *status,
                            nd_message *message)
{
    nd_cluster cluster;
    nd_err err = nd_cluster_plan(&cluster, chosen, message);
    if (err == ND_OK)
        err = cluster.is_placed ? join(chosen, program, message)
                                : launch(&cluster.config, program, status, message);
    nd_cluster_close(&cluster);
    return err;
}

static nd_err start(char **argv, int *status, nd_message *message)
{
    nd_options chosen = {.n_workers = 0};
    if (asks_for_help(argv))
        return help_print_command(&run_command, message);
    if (argv[1] != NULL && strcmp(argv[1], as_child) == 0)
        return start_child(argv + 2, message);
    ND_TRY(nd_options_take(argv, &chosen, message));
    char **const program = find_program(argv + 1, message);
    if (program == NULL)
        return ND_USAGE;
    return start_or_join(&chosen, program, status, message);
}

const command run_command = {
    .name = "run",
    .bit = COMMAND_RUN,
    .operand = "-- PROGRAM ARGS",
    .summary = "start a program as a cluster of processes",
    .details =
        "Starts PROGRAM -n times on this machine. Each line of output gets the number of its "
        "process in front,\n"
        "'[p2] '; standard input goes to process 0. Ends with 0 if all processes did, else with "
        "the status of the\n"
        "first that failed: 4 if a signal ended it, 1 if PROGRAM cannot be started. When one "
        "fails the others are\n"
        "ended, and the cause is told once. The first SIGINT, SIGTERM or SIGHUP is passed on, "
        "the second one kills.\n\n"
        "With --hosts and -p it is one process of a cluster on several machines; run it once for "
        "each line of the\n"
        "file. Under srun, mpirun or another nereid run, PROGRAM takes the place that it is given. "
        "Programs of Nereid's also take all of these options themselves.",
    .start = start,
};
