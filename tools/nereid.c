/* SPDX-License-Identifier: Apache-2.0 */
/* The nereid command: finds the command that is named, runs it, and turns its outcome into a line
 * on standard error and an exit status. */
#include <stdio.h>
#include <string.h>

#include <nereid/cluster.h>

#include "tools/command.h"
#include "tools/signals.h"

const command *command_find(const char *name)
{
    for (size_t i = 0; all_commands[i] != NULL; i++)
        if (strcmp(all_commands[i]->name, name) == 0)
            return all_commands[i];
    return NULL;
}

/* The command of a name, or NULL and a message that says why there is none. */
static const command *find_or_explain(const char *name, nd_message *message)
{
    const command *const which = command_find(name);
    if (which == NULL)
        (void)nd_message_set(message, ND_USAGE,
                             "there is no command '%s'; 'nereid help' lists those there are", name);
    else if (which->operand == NULL)
        (void)nd_message_set(message, ND_USAGE,
                             "%s is not available in this version; 'nereid help' lists what is",
                             name);
    else
        return which;
    return NULL;
}

static nd_err refuse_word(const char *word, const char *name, nd_message *message)
{
    return nd_message_set(message, ND_USAGE, "%s: '%s' is one word too many", name, word);
}

static nd_err run_help(int argc, char **argv, nd_message *message)
{
    if (argc > 1)
        return refuse_word(argv[1], "help", message);
    if (argc == 0 || strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "help") == 0 ||
        strcmp(argv[0], "version") == 0)
        return help_print_all(message);
    const command *const which = find_or_explain(argv[0], message);
    return which != NULL ? help_print_command(which, message) : ND_USAGE;
}

static int count(char **argv)
{
    int n = 0;
    while (argv[n] != NULL)
        n++;
    return n;
}

/* Runs a command here, or, with -n, as several processes that each come here again. `argv` is the
 * whole command line; the cluster's options are taken out of it. */
static nd_err run_in_cluster(const command *which, char **argv, nd_cluster *cluster, int *status,
                             nd_message *message)
{
    options chosen;
    ND_TRY(nd_cluster_open(cluster, argv, message));
    ND_TRY(options_parse(&chosen, which->bit, which->operand, count(argv) - 2, argv + 2, message));
    chosen.cluster = cluster->config;
    if (cluster->config.n_workers != 0)
        chosen.n_workers = cluster->config.n_workers;
    chosen.cluster.n_workers = chosen.n_workers;
    if (cluster->config.n_processes > 1)
        ND_TRY(options_check_shared(&chosen, message));
    if (!cluster->must_launch)
        return which->run(&chosen, message);
    *status = nd_launch(&cluster->config, false, cluster->command, message);
    return ND_OK;
}

/* `argv` is the whole command line. */
static nd_err find_and_run(char **argv, int *status, nd_message *message)
{
    nd_cluster cluster;
    options chosen;
    const command *const which = find_or_explain(argv[1], message);
    if (which == NULL)
        return ND_USAGE;
    if (which->start != NULL)
        return which->start(argv + 1, status, message);
    if (options_ask_for_help(count(argv) - 2, argv + 2))
        return help_print_command(which, message);
    if ((which->bit & COMMANDS_CLUSTER) == 0) {
        ND_TRY(
            options_parse(&chosen, which->bit, which->operand, count(argv) - 2, argv + 2, message));
        return which->run(&chosen, message);
    }
    const nd_err err = run_in_cluster(which, argv, &cluster, status, message);
    nd_cluster_close(&cluster);
    return err;
}

static nd_err run(int argc, char **argv, int *status, nd_message *message)
{
    if (argc < 2)
        return nd_message_set(message, ND_USAGE, "which command? 'nereid help' lists them");
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
        strcmp(argv[1], "-h") == 0)
        return run_help(argc - 2, argv + 2, message);
    if (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0)
        return argc > 2 ? refuse_word(argv[2], "version", message) : help_print_version(message);
    return find_and_run(argv, status, message);
}

int main(int argc, char **argv)
{
    nd_message message = {""};
    int status = 0;
    nd_descriptors_occupy();
    signals_watch();
    const nd_err err = run(argc, argv, &status, &message);
    if (err != ND_OK)
        status = nd_err_status(err);
    if (status != 0)
        nd_report(status, message.text[0] != '\0' ? message.text : nd_err_text(err));
    return status;
}
