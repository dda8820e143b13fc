/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_TOOLS_COMMAND_H
#define NEREID_TOOLS_COMMAND_H

/* A command: `nereid NAME ...`. */

#include <nereid/error.h>

#include "tools/options.h"

typedef struct command {
    const char *name;
    enum command_bit bit;
    const char *operand; /* what its operand is called, or NULL: a command that is not there yet */
    const char *summary; /* one line */
    const char *details; /* a paragraph for `nereid help NAME` */
    nd_err (*run)(const options *chosen, nd_message *message);
    /* Instead of `run`: reads its arguments itself (argv[0] is its name), and may set the command's
     * exit status, with the cause in the message, though it returns ND_OK. */
    nd_err (*start)(char **argv, int *status, nd_message *message);
} command;

extern const command pagerank_command;
extern const command degrees_command;
extern const command bfs_command;
extern const command sssp_command;
extern const command wcc_command;
extern const command generate_command;
extern const command run_command;
extern const command keygen_command;
extern const command doctor_command;

/* All commands that the contract knows, in order, ended by one without a name. */
extern const command *const all_commands[];

/* The command of a name, or NULL. */
const command *command_find(const char *name);

/* `nereid help`, `nereid help NAME` and `nereid version`. Errors: ND_IO. */
ND_CHECKED nd_err help_print_all(nd_message *message);
ND_CHECKED nd_err help_print_command(const command *which, nd_message *message);
ND_CHECKED nd_err help_print_version(nd_message *message);

#endif
