/* SPDX-License-Identifier: Apache-2.0 */
/* What `nereid help` and `nereid version` print, from the tables of commands and options. */
#include <stdio.h>

#include "tools/command.h"

/* Commands that this version knows by name only. */
#define LATER(NAME) (&(const command){.name = (NAME)})

const command *const all_commands[] = {
    &pagerank_command, &bfs_command, &sssp_command,      &wcc_command,    LATER("scc"),
    LATER("cdlp"),     LATER("lcc"), LATER("triangles"), LATER("kcore"),  &degrees_command,
    &generate_command, &run_command, &keygen_command,    &doctor_command, NULL,
};

/* Whether all that was printed has gone out. */
static nd_err finish(nd_message *message)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return ND_OK;
    return nd_message_set(message, ND_IO, "standard output: cannot be written");
}

nd_err help_print_all(nd_message *message)
{
    printf("usage: nereid COMMAND [options] ...\n\n");
    for (size_t i = 0; all_commands[i] != NULL; i++)
        if (all_commands[i]->operand != NULL)
            printf("  %-10s %s\n", all_commands[i]->name, all_commands[i]->summary);
    printf("  %-10s %s\n", "help", "print this, or with the name of a command how to use it");
    printf("  %-10s %s\n", "version", "print the version");
    printf("\nA GRAPH is an edge list (a line an edge: two vertex ids and perhaps a weight, with "
           "blanks, tabs or commas\n"
           "between), a Matrix Market file, or the .e file of an LDBC pair; gzip or zstd is fine, "
           "- is standard input.\n"
           "Exit status: 0 done, 1 failed, 2 wrong usage, 3 bad input, 4 a lost peer, 5 "
           "interrupted.\n");
    return finish(message);
}

nd_err help_print_command(const command *which, nd_message *message)
{
    const char *const blank = which->operand[0] != '\0' ? " " : "";
    printf("usage: nereid %s [options]%s%s\n\n%s\n\n", which->name, blank, which->operand,
           which->details);
    options_print(which->bit, stdout);
    return finish(message);
}

nd_err help_print_version(nd_message *message)
{
    printf("nereid %s\n", NEREID_VERSION);
    return finish(message);
}
