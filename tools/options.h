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
#include <nereid/worker.h>

enum output_format { FORMAT_TEXT, FORMAT_CSV, FORMAT_JSONL, FORMAT_MSGPACK };

/* Commands, as bits: an option belongs to some of them. */
enum command_bit {
    COMMAND_PAGERANK = 1 << 0,
    COMMAND_DEGREES = 1 << 1,
    COMMAND_GENERATE = 1 << 2,
    COMMAND_RUN = 1 << 3,
    COMMAND_KEYGEN = 1 << 4,
    COMMAND_DOCTOR = 1 << 5,
    COMMAND_BFS = 1 << 6,
    COMMAND_SSSP = 1 << 7,
    COMMAND_WCC = 1 << 8,
    COMMANDS_FROM_SOURCE = COMMAND_BFS | COMMAND_SSSP,
    COMMANDS_FOLLOW = COMMAND_DEGREES | COMMANDS_FROM_SOURCE | COMMAND_WCC,
    COMMANDS_GRAPH = COMMAND_PAGERANK | COMMANDS_FOLLOW,
    COMMANDS_CLUSTER = COMMANDS_GRAPH | COMMAND_RUN | COMMAND_DOCTOR,
    COMMANDS_ALL = COMMANDS_GRAPH | COMMAND_GENERATE
};

/* A vertex, if one was named. */
typedef struct given_vertex {
    bool is_given;
    uint64_t id;
} given_vertex;

/* What was asked for. Texts are borrowed from the command line. */
typedef struct options {
    const char *operand; /* GRAPH or KIND */
    const char *vertices, *updates, *output, *stats;
    unsigned n_workers; /* of this process */
    nd_config cluster;  /* which process of how many this is */
    nd_direction direction;
    enum output_format format;
    nd_pagerank_options pagerank;
    nd_generator generator;
    given_vertex source;
    bool final, verify, progress, quiet;
} options;

/* Whether --help is among the arguments; then nothing else matters. */
bool options_ask_for_help(int argc, char **argv);

/* What several processes cannot do: read the same standard input; but updates, and the graph before
 * them, the first one reads for all. Errors: ND_USAGE. */
ND_CHECKED nd_err options_check_shared(const options *chosen, nd_message *message);

/* Reads the arguments behind the command's name; `operand_name` is what the command's one operand
 * is called in messages. Errors: ND_USAGE. */
ND_CHECKED nd_err options_parse(options *chosen, enum command_bit command, const char *operand_name,
                                int argc, char **argv, nd_message *message);

/* Whether this is the only process, and whether it is the one that speaks and writes. */
static inline bool options_is_alone(const options *chosen)
{
    return chosen->cluster.n_processes <= 1;
}
static inline bool options_is_first(const options *chosen)
{
    return options_is_alone(chosen) || chosen->cluster.process == 0;
}

/* Prints one line for each option of a command. */
void options_print(enum command_bit command, FILE *file);

#endif
