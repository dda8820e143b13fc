/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_OPERATORS_GRAPH_EDGE_FILE_H
#define NEREID_OPERATORS_GRAPH_EDGE_FILE_H

/* A graph file: what it says before its first edge, then blocks of edge lines. Line numbers are
 * found again from the line counts of all blocks, so that blocks may be parsed by several threads.
 * One thread at a time. */

#include <nereid/graph.h>

#include "operators/graph/line_blocks.h"

typedef struct edge_file {
    line_blocks blocks;
    nd_edge_facts facts;
    char *first_buffer;    /* the block that was looked at while opening, until it is handed out */
    line_block first;      /* what is left of it */
    uint64_t n_lines_read; /* lines passed while opening */
} edge_file;

enum edge_file_kind { EDGE_FILE_EDGES, EDGE_FILE_VERTICES };

/* Takes `bytes`, also on failure. */
ND_CHECKED nd_err edge_file_init(edge_file *file, nd_reader *bytes, enum edge_file_kind kind,
                                 size_t block_size, nd_message *message);
void edge_file_deinit(edge_file *file);

/* The next block, in `buffer` (block_size + LINE_BLOCK_PADDING bytes); errors as line_blocks_next.
 */
ND_CHECKED nd_err edge_file_next(edge_file *file, char *buffer, line_block *block, bool *too_long,
                                 nd_message *message);

/* Sets the message `FILE:LINE: cause` and returns ND_INPUT. */
nd_err edge_file_error(const edge_file *file, uint64_t line, const char *cause,
                       nd_message *message);

/* Whether a Matrix Market file kept its word about the number of its entries; sets the message if
 * not. */
ND_CHECKED nd_err edge_file_check_count(const edge_file *file, uint64_t n_entries,
                                        uint64_t last_line, nd_message *message);

extern const char edge_file_too_long[];

#endif
