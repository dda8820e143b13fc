/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_TOOLS_CHANGE_OUTPUT_H
#define NEREID_TOOLS_CHANGE_OUTPUT_H

/* Writing the changes of an answer as they come: to standard output at once, to a file, which
 * appears at the end, as a whole. */

#include "tools/gather.h"
#include "tools/graph_command.h"

typedef struct change_output {
    const graph_algorithm *algorithm;
    enum output_format format;
    bool is_file;
    bool has_head; /* what stands before the first change is written */
    nd_writer *file;
} change_output;

/* Opens the file, if there is one. Errors: ND_IO, ND_NOMEM. */
ND_CHECKED nd_err change_output_open(change_output *out, const graph_algorithm *algorithm,
                                     const options *chosen, nd_message *message);

/* Writes changes, and what stands before the first of them, if it is. Errors: ND_IO, ND_NOMEM. */
ND_CHECKED nd_err change_output_write(change_output *out, const change *changes, size_t len,
                                      nd_message *message);

/* Has the file appear. Errors: ND_IO. */
ND_CHECKED nd_err change_output_commit(change_output *out, nd_message *message);

/* Throws the file away, if it has not appeared. */
void change_output_abandon(change_output *out);

#endif
