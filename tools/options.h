/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_TOOLS_OPTIONS_H
#define NEREID_TOOLS_OPTIONS_H

/* The command's options: one table says how each is written, what it may be, which commands have
 * it, and what the help says. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <nereid/error.h>
#include <nereid/graph.h>

enum output_format { FORMAT_TEXT, FORMAT_CSV, FORMAT_JSONL, FORMAT_MSGPACK };

/* Commands, as bits: an option belongs to some of them. */
enum command_bit {
    COMMAND_PAGERANK = 1 << 0,
    COMMAND_DEGREES = 1 << 1,
    COMMAND_GENERATE = 1 << 2,
    COMMAND_RUN = 1 << 3,
    COMMAND_KEYGEN = 1 << 4,
    COMMANDS_GRAPH = COMMAND_PAGERANK | COMMAND_DEGREES,
    COMMANDS_ALL = COMMANDS_GRAPH | COMMAND_GENERATE
};

/* What was asked for. Texts are borrowed from the command line. */
typedef struct options {
    const char *operand; /* GRAPH or KIND */
    const char *vertices, *output, *stats;
    unsigned n_workers;
    nd_direction direction;
    enum output_format format;
    nd_pagerank_options pagerank;
    nd_generator generator;
    bool verify, progress, quiet, help;
} options;

/* Reads the arguments behind the command's name; `operand_name` is what the command's one operand
 * is called in messages. With --help nothing else matters. Errors: ND_USAGE. */
ND_CHECKED nd_err options_parse(options *chosen, enum command_bit command, const char *operand_name,
                                int argc, char **argv, nd_message *message);

/* Prints one line for each option of a command. */
void options_print(enum command_bit command, FILE *file);

#endif
