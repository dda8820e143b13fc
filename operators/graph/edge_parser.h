/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_OPERATORS_GRAPH_EDGE_PARSER_H
#define NEREID_OPERATORS_GRAPH_EDGE_PARSER_H

/* From the text of whole lines to edges, or to vertex ids. A pure function of a block: it knows no
 * file and no line number but those within its block. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/graph.h>

/* Where in a block a parser stands. The block ends with a line end, or with LINE_BLOCK_PADDING's.
 */
typedef struct edge_parser {
    const char *position, *end;
    uint64_t n_lines;    /* passed in this block */
    bool weight_needed;  /* every line has one */
    bool weight_ignored; /* the third column is not looked at */
    bool refuses_negative;
    uint64_t max_src, max_dst;
    bool has_failed;
    char cause[160];
} edge_parser;

/* A parser of the lines from begin to end, as the facts of their file have it. */
edge_parser edge_parser_make(const nd_edge_facts *facts, const char *begin, const char *end);

/* Parses up to `capacity` edges; fewer means the end of the block or has_failed, with the cause, in
 * line n_lines + 1. */
size_t edge_parser_edges(edge_parser *parser, nd_edge *edges, size_t capacity);

/* As above for lines of one vertex id. */
size_t edge_parser_vertices(edge_parser *parser, uint64_t *ids, size_t capacity);

/* Notes a failure, with its cause. False. */
ND_PRINTF(2, 3) bool edge_parser_fail(edge_parser *parser, const char *format, ...);

/* Notes that the column at `p` is not `what`; as much of it as fits a message, printable. False. */
bool edge_parser_fail_column(edge_parser *parser, const char *p, const char *what);

/* Steps over blanks. */
void edge_parser_skip_blanks(edge_parser *parser);

/* Steps over lines without content. False at the end of the block. */
bool edge_parser_skip_empty(edge_parser *parser);

/* Steps over the rest of the line. */
void edge_parser_skip_line(edge_parser *parser);

/* Steps over a first line of column names: with a comma in it, and a letter or a quotation mark
 * before each of its first two columns. Leaves any other line alone. */
void edge_parser_skip_names(edge_parser *parser);

#endif
