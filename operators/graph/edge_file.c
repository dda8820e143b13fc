/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a graph file: a Matrix Market header, comments and a line of names are
 * consumed here, so that every block handed out later holds edges alone and needs nothing from the
 * blocks before it. */
#include "operators/graph/edge_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <nereid/memory.h>

#include "operators/graph/edge_parser.h"
#include "operators/graph/matrix_market.h"

const char edge_file_too_long[] = "a column is too long to be a number";

nd_err edge_file_error(const edge_file *file, uint64_t line, const char *cause, nd_message *message)
{
    return nd_message_set(message, ND_INPUT, "%s:%" PRIu64 ": %s",
                          nd_reader_name(file->blocks.reader), line, cause);
}

nd_err edge_file_check_count(const edge_file *file, uint64_t n_entries, uint64_t last_line,
                             nd_message *message)
{
    char cause[120];
    if (!file->facts.is_matrix_market || n_entries == file->facts.n_entries)
        return ND_OK;
    snprintf(cause, sizeof cause,
             "the file ends after %" PRIu64 " of the %" PRIu64 " entries it announces", n_entries,
             file->facts.n_entries);
    if (n_entries > file->facts.n_entries)
        snprintf(cause, sizeof cause, "the file has more entries than the %" PRIu64 " it announces",
                 file->facts.n_entries);
    return edge_file_error(file, last_line, cause, message);
}

/* Takes the next block to look at; an empty one at the end of the file. */
static nd_err look_further(edge_file *file, edge_parser *parser, nd_message *message)
{
    bool too_long = false;
    file->n_lines_read += parser->n_lines;
    const nd_err err =
        line_blocks_next(&file->blocks, file->first_buffer, &file->first, &too_long, message);
    if (too_long)
        return edge_file_error(file, file->n_lines_read + 1, edge_file_too_long, message);
    if (err == ND_OK)
        *parser = edge_parser_make(&file->facts, file->first.begin, file->first.end);
    return err;
}

/* Moves to the next line with content, into further blocks if need be; false at the end of the file
 * or on an error. */
static bool find_content(edge_file *file, edge_parser *parser, nd_err *err, nd_message *message)
{
    while (!edge_parser_skip_empty(parser)) {
        *err = look_further(file, parser, message);
        if (*err != ND_OK || parser->position == parser->end)
            return false;
    }
    return true;
}

/* Reads the two lines of a Matrix Market header, the comments between them included. */
static nd_err read_matrix_header(edge_file *file, edge_parser *parser, nd_message *message)
{
    nd_err err = ND_OK;
    const char *cause = matrix_market_banner(parser->position, parser->end, &file->facts);
    if (cause == NULL) {
        edge_parser_skip_line(parser);
        if (find_content(file, parser, &err, message))
            cause = matrix_market_sizes(parser->position, parser->end, &file->facts);
        else if (err == ND_OK)
            cause = "the line 'rows columns entries' is missing";
    }
    if (cause != NULL)
        return edge_file_error(file, file->n_lines_read + parser->n_lines + 1, cause, message);
    if (err == ND_OK)
        edge_parser_skip_line(parser);
    return err;
}

/* Consumes what stands before the first edge. */
static nd_err read_preamble(edge_file *file, enum edge_file_kind kind, nd_message *message)
{
    nd_err err = ND_OK;
    edge_parser parser = {.n_lines = 0};
    ND_TRY(look_further(file, &parser, message));
    edge_parser_skip_blanks(&parser);
    if (kind == EDGE_FILE_EDGES && matrix_market_begins(parser.position, parser.end))
        ND_TRY(read_matrix_header(file, &parser, message));
    else if (find_content(file, &parser, &err, message))
        edge_parser_skip_names(&parser);
    file->n_lines_read += parser.n_lines;
    file->first.begin += err == ND_OK ? parser.position - file->first.begin : 0;
    return err;
}

nd_err edge_file_init(edge_file *file, nd_reader *bytes, enum edge_file_kind kind,
                      size_t block_size, nd_message *message)
{
    *file = (edge_file){.first_buffer = NULL};
    ND_TRY(line_blocks_init(&file->blocks, bytes, block_size));
    nd_err err = ND_NOMEM;
    file->first_buffer = nd_alloc(block_size + LINE_BLOCK_PADDING, 1);
    if (file->first_buffer != NULL)
        err = read_preamble(file, kind, message);
    if (err != ND_OK)
        edge_file_deinit(file);
    return err;
}

void edge_file_deinit(edge_file *file)
{
    line_blocks_deinit(&file->blocks);
    nd_free(file->first_buffer);
    file->first_buffer = NULL;
}

nd_err edge_file_next(edge_file *file, char *buffer, line_block *block, bool *too_long,
                      nd_message *message)
{
    *too_long = false;
    if (file->first_buffer == NULL)
        return line_blocks_next(&file->blocks, buffer, block, too_long, message);
    const size_t size = (size_t)(file->first.end - file->first.begin);
    memcpy(buffer, file->first.begin, size + LINE_BLOCK_PADDING);
    *block = (line_block){buffer, buffer + size};
    nd_free(file->first_buffer);
    file->first_buffer = NULL;
    return size > 0 ? ND_OK : line_blocks_next(&file->blocks, buffer, block, too_long, message);
}
