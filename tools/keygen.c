/* SPDX-License-Identifier: Apache-2.0 */
/* `nereid keygen`: makes the keys of a cluster. */
#include <nereid/cluster.h>

#include "tools/command.h"

static nd_err run(const options *chosen, nd_message *message)
{
    return nd_keys_create(chosen->operand, message);
}

const command keygen_command = {
    .name = "keygen",
    .bit = COMMAND_KEYGEN,
    .operand = "FILE",
    .summary = "make the keys that let processes on several machines trust each other",
    .details = "Writes a new FILE that only you may read (mode 0600). Copy it to every machine, "
               "over a channel you trust,\n"
               "and give it to each process: --secret FILE. Whoever has it can join, and can read "
               "what is sent; nobody\n"
               "else can. An existing file is never replaced.",
    .run = run,
};
