/* SPDX-License-Identifier: Apache-2.0 */
/* Reading options, strictly: what is not understood to the last character is refused, with what
 * would have been right. */
#include "tools/options.h"

#include <inttypes.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum value_kind {
    VALUE_FLAG,
    VALUE_CONSTANT,
    VALUE_UNSIGNED,
    VALUE_REAL,
    VALUE_TEXT,
    VALUE_VERTEX,
    VALUE_FORMAT,
    VALUE_UNAVAILABLE,
    VALUE_ELSEWHERE /* looked at by others before; here for the help */
};

enum { LINE_ROOM = 24 };

typedef struct option {
    const char *name, *value_name; /* value_name: NULL for none */
    enum value_kind kind;
    unsigned commands; /* bits */
    size_t offset;     /* into options */
    size_t size;       /* of the field */
    uint64_t min, max; /* VALUE_UNSIGNED; of VALUE_CONSTANT, min is what is stored */
    double least, greatest;
    const char *range; /* VALUE_REAL: what to say of it */
    const char *help;
} option;

#define FIELD(field) .offset = offsetof(options, field), .size = sizeof(((options *)0)->field)

static const option table[] = {
    {"--directed", NULL, VALUE_CONSTANT, COMMANDS_GRAPH, FIELD(direction), .min = ND_DIRECTED,
     .help = "an edge line goes from its first vertex to its second (default)"},
    {"--undirected", NULL, VALUE_CONSTANT, COMMANDS_GRAPH, FIELD(direction), .min = ND_UNDIRECTED,
     .help = "an edge line goes both ways (default where a Matrix Market header says so)"},
    {"--iterations", "N", VALUE_UNSIGNED, COMMAND_PAGERANK, FIELD(pagerank.iterations), .min = 1,
     .max = UINT32_MAX,
     .help = "rounds (default: 30; with a tolerance at most this many, default 1000)"},
    {"--damping", "D", VALUE_REAL, COMMAND_PAGERANK, FIELD(pagerank.damping), .least = 0,
     .greatest = 1, .range = "a number from 0 to 1",
     .help = "the part of a rank that follows edges (default: 0.85)"},
    {"--tolerance", "E", VALUE_REAL, COMMAND_PAGERANK, FIELD(pagerank.tolerance),
     .least = 0x1p-1022, .greatest = 2, .range = "a number above 0, at most 2",
     .help = "stop when a round's changes sum to less (default: none)"},
    {"--vertices", "FILE", VALUE_TEXT, COMMANDS_GRAPH, FIELD(vertices),
     .help = "one id a line: vertices that may have no edge"},
    {"--source", "V", VALUE_VERTEX, COMMANDS_FROM_SOURCE, FIELD(source), .max = UINT64_MAX,
     .help = "the vertex to begin at"},
    {"--updates", "FILE", VALUE_TEXT, COMMANDS_FOLLOW, FIELD(updates),
     .help = "follow updates ('+ src dst', '- src dst', 'commit'; - is standard input): print what "
             "changes, 'epoch vertex value diff'"},
    {"--final", NULL, VALUE_FLAG, COMMANDS_FOLLOW, FIELD(final),
     .help = "with --updates: print the last state instead"},
    {"--scale", "S", VALUE_UNSIGNED, COMMAND_GENERATE, FIELD(generator.scale), .min = 0,
     .max = ND_MAX_SCALE, .help = "2^S vertices (default: 16)"},
    {"--degree", "N", VALUE_UNSIGNED, COMMAND_GENERATE, FIELD(generator.degree), .min = 0,
     .max = ND_MAX_DEGREE, .help = "edges a vertex (default: 16; a grid has its own)"},
    {"--seed", "N", VALUE_UNSIGNED, COMMAND_GENERATE, FIELD(generator.seed), .min = 0,
     .max = UINT64_MAX, .help = "another seed, another graph (default: 1)"},
    {"--weights", NULL, VALUE_FLAG, COMMAND_GENERATE, FIELD(generator.weights),
     .help = "a third column: whole numbers from 1 to 255"},
    {"-o", "FILE", VALUE_TEXT, COMMANDS_ALL, FIELD(output),
     .help = "write there; the file appears whole or not at all (default: standard output)"},
    {"--format", "FORMAT", VALUE_FORMAT, COMMANDS_GRAPH, FIELD(format),
     .help = "text, csv, jsonl or msgpack (default: text)"},
    {"--stats", "FILE", VALUE_TEXT, COMMANDS_GRAPH, FIELD(stats),
     .help = "write sizes and times as one JSON object"},
    {"--verify", NULL, VALUE_FLAG, COMMANDS_GRAPH, FIELD(verify),
     .help = "compare with a plain single-threaded algorithm; a difference is status 1"},
    {"--progress", NULL, VALUE_FLAG, COMMANDS_GRAPH, FIELD(progress),
     .help =
         "a progress bar even where standard error is no terminal (with --updates: if that is a "
         "plain file)"},
    {"--quiet", NULL, VALUE_FLAG, COMMANDS_ALL, FIELD(quiet), .help = "errors only"},
    {"--help", NULL, VALUE_ELSEWHERE, COMMANDS_ALL | COMMANDS_CLUSTER | COMMAND_KEYGEN,
     .help = "print this"},
    {"--trace", "FILE", VALUE_UNAVAILABLE, COMMANDS_GRAPH, .offset = 0},
    {"--updates", "FILE", VALUE_UNAVAILABLE, COMMAND_PAGERANK, .offset = 0},
    {"--final", NULL, VALUE_UNAVAILABLE, COMMAND_PAGERANK, .offset = 0},
    {"-n", "N", VALUE_ELSEWHERE, COMMANDS_CLUSTER,
     .help = "processes to start on this machine, 1 to 64 (default: 1)"},
    {"-w", "N", VALUE_ELSEWHERE, COMMANDS_CLUSTER,
     .help = "workers of each process (default: its share of this machine's cores)"},
    {"--hosts", "FILE", VALUE_ELSEWHERE, COMMANDS_CLUSTER,
     .help = "start one process only, of those listed there: a host:port a line"},
    {"-p", "INDEX", VALUE_ELSEWHERE, COMMANDS_CLUSTER,
     .help = "which line of the hosts file it is, counted from 0"},
    {"--secret", "FILE", VALUE_ELSEWHERE, COMMANDS_CLUSTER,
     .help = "keys made by nereid keygen; needed between machines"},
    {"--timeout", "S", VALUE_ELSEWHERE, COMMANDS_CLUSTER,
     .help = "seconds that processes wait for each other at the start (default: 60)"},
    {"--stall", "S", VALUE_ELSEWHERE, COMMANDS_CLUSTER,
     .help = "explain what holds the run back when nothing has moved so long (default: 30)"},
};

enum { N_OPTIONS = sizeof table / sizeof *table };

static const char *const format_names[] = {"text", "csv", "jsonl", "msgpack"};

/* --- Values --- */

static void store(options *chosen, const option *which, const void *value)
{
    memcpy((char *)chosen + which->offset, value, which->size);
}

static void store_unsigned(options *chosen, const option *which, uint64_t value)
{
    const uint32_t narrow = (uint32_t)value;
    if (which->size == sizeof narrow)
        store(chosen, which, &narrow);
    else
        store(chosen, which, &value);
}

static nd_err scan_value(const option *which, const char *text, uint64_t *scanned,
                         nd_message *message)
{
    uint64_t value = 0;
    bool is_good = *text != '\0';
    for (const char *p = text; *p != '\0' && is_good; p++) {
        const unsigned digit = (unsigned)(*p - '0');
        is_good = digit < 10 && value <= (UINT64_MAX - digit) / 10;
        value = value * 10 + digit;
    }
    if (!is_good || value < which->min || value > which->max)
        return nd_message_set(message, ND_USAGE,
                              "%s takes a whole number from %" PRIu64 " to %" PRIu64 ", not '%s'",
                              which->name, which->min, which->max, text);
    *scanned = value;
    return ND_OK;
}

static nd_err parse_unsigned(options *chosen, const option *which, const char *text,
                             nd_message *message)
{
    uint64_t value = 0;
    ND_TRY(scan_value(which, text, &value, message));
    store_unsigned(chosen, which, value);
    return ND_OK;
}

static nd_err parse_vertex(options *chosen, const option *which, const char *text,
                           nd_message *message)
{
    given_vertex vertex = {.is_given = true};
    ND_TRY(scan_value(which, text, &vertex.id, message));
    store(chosen, which, &vertex);
    return ND_OK;
}

static nd_err parse_real(options *chosen, const option *which, const char *text,
                         nd_message *message)
{
    char *end = NULL;
    const bool is_plain = strspn(text, "0123456789.eE+-") == strlen(text);
    double value = is_plain ? strtod(text, &end) : -1;
    if (!is_plain || end == text || *end != '\0' ||
        !(value >= which->least && value <= which->greatest))
        return nd_message_set(message, ND_USAGE, "%s takes %s, not '%s'", which->name, which->range,
                              text);
    if (value == 0)
        value = ND_NO_DAMPING;
    store(chosen, which, &value);
    return ND_OK;
}

static nd_err parse_format(options *chosen, const option *which, const char *text,
                           nd_message *message)
{
    for (unsigned i = 0; i < sizeof format_names / sizeof *format_names; i++)
        if (strcmp(text, format_names[i]) == 0) {
            const enum output_format format = (enum output_format)i;
            store(chosen, which, &format);
            return ND_OK;
        }
    return nd_message_set(message, ND_USAGE, "%s takes text, csv, jsonl or msgpack, not '%s'",
                          which->name, text);
}

/* Stores what an option without a value stands for. */
static void store_choice(options *chosen, const option *which)
{
    if (which->kind == VALUE_CONSTANT)
        store_unsigned(chosen, which, which->min);
    else
        store(chosen, which, &(bool){true});
}

static nd_err parse_value(options *chosen, const option *which, const char *text,
                          nd_message *message)
{
    switch (which->kind) {
    case VALUE_UNSIGNED:
        return parse_unsigned(chosen, which, text, message);
    case VALUE_VERTEX:
        return parse_vertex(chosen, which, text, message);
    case VALUE_REAL:
        return parse_real(chosen, which, text, message);
    case VALUE_FORMAT:
        return parse_format(chosen, which, text, message);
    case VALUE_TEXT:
        if (*text == '\0')
            return nd_message_set(message, ND_USAGE,
                                  "%s takes the name of a file, not an empty text", which->name);
        store(chosen, which, &text);
        return ND_OK;
    case VALUE_CONSTANT:
    case VALUE_FLAG:
    case VALUE_UNAVAILABLE:
    case VALUE_ELSEWHERE:
        break;
    }
    return ND_OK;
}

/* --- Arguments --- */

/* Finds the command's option that an argument names, and its value if that is part of the argument:
 * `--name=value`, or a letter with its value, `-w2`. */
static const option *find_option(enum command_bit command, const char *argument, const char **value)
{
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const size_t len = strlen(table[i].name);
        const char *const rest = argument + len;
        const bool is_letter = table[i].name[1] != '-';
        if ((table[i].commands & (unsigned)command) == 0 ||
            strncmp(table[i].name, argument, len) != 0)
            continue;
        if (*rest == '\0' || *rest == '=' || is_letter) {
            *value = *rest == '\0' ? NULL : rest + (*rest == '=');
            return &table[i];
        }
    }
    return NULL;
}

/* Reads the option at argv[*i] and its value, and moves on to the last argument read. */
static nd_err parse_option(options *chosen, enum command_bit command, int argc, char **argv, int *i,
                           nd_message *message)
{
    const char *const argument = argv[*i];
    const char *value = NULL;
    const option *const which = find_option(command, argument, &value);
    if (which == NULL)
        return nd_message_set(message, ND_USAGE,
                              "there is no option %s here; --help lists those there are", argument);
    if (which->kind == VALUE_UNAVAILABLE)
        return nd_message_set(message, ND_USAGE,
                              "%s is not available in this version; --help lists what is",
                              which->name);
    if (which->kind == VALUE_ELSEWHERE) /* a letter with what is no number behind it */
        return nd_message_set(message, ND_USAGE, "%s takes a whole number, not '%s'", which->name,
                              value != NULL ? value : "");
    if (which->value_name == NULL && value != NULL)
        return nd_message_set(message, ND_USAGE, "%s takes no value", which->name);
    if (which->value_name == NULL) {
        store_choice(chosen, which);
        return ND_OK;
    }
    if (value == NULL && *i + 1 == argc)
        return nd_message_set(message, ND_USAGE, "%s needs a value: %s %s", which->name,
                              which->name, which->value_name);
    return parse_value(chosen, which, value != NULL ? value : argv[++*i], message);
}

static unsigned count_cores(void)
{
    cpu_set_t cores;
    const int n = sched_getaffinity(0, sizeof cores, &cores) == 0 ? CPU_COUNT(&cores) : 1;
    return n < 1 ? 1 : n > ND_MAX_WORKERS ? ND_MAX_WORKERS : (unsigned)n;
}

bool options_ask_for_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0)
            return true;
    return false;
}

nd_err options_parse(options *chosen, enum command_bit command, const char *operand_name, int argc,
                     char **argv, nd_message *message)
{
    bool are_operands = false;
    *chosen =
        (options){.n_workers = count_cores(), .generator = {.scale = 16, .degree = 16, .seed = 1}};
    for (int i = 0; i < argc; i++) {
        const char *const argument = argv[i];
        if (!are_operands && argument[0] == '-' && argument[1] != '\0') {
            are_operands = strcmp(argument, "--") == 0;
            if (!are_operands)
                ND_TRY(parse_option(chosen, command, argc, argv, &i, message));
        } else if (chosen->operand != NULL) {
            return nd_message_set(message, ND_USAGE,
                                  "one %s is enough: '%s' and then '%s' was given", operand_name,
                                  chosen->operand, argument);
        } else {
            chosen->operand = argument;
        }
    }
    if (chosen->operand == NULL)
        return nd_message_set(message, ND_USAGE, "which %s? --help shows how to say it",
                              operand_name);
    if (chosen->final && chosen->updates == NULL)
        return nd_message_set(message, ND_USAGE,
                              "--final says what to print of --updates FILE, which is missing");
    return ND_OK;
}

nd_err options_check_shared(const options *chosen, nd_message *message)
{
    const char *const inputs[] = {chosen->operand, chosen->vertices};
    for (int i = 0; i < 2 && chosen->updates == NULL; i++)
        if (inputs[i] != NULL && strcmp(inputs[i], "-") == 0)
            return nd_message_set(message, ND_USAGE,
                                  "each process reads the graph, so it must be a file and not "
                                  "standard input");
    return ND_OK;
}

void options_print(enum command_bit command, FILE *file)
{
    for (size_t i = 0; i < N_OPTIONS; i++) {
        char line[LINE_ROOM];
        const option *const which = &table[i];
        if ((which->commands & (unsigned)command) == 0 || which->kind == VALUE_UNAVAILABLE)
            continue;
        snprintf(line, sizeof line, "%s %s", which->name,
                 which->value_name != NULL ? which->value_name : "");
        fprintf(file, "  %-18s %s\n", line, which->help);
    }
}
