/* SPDX-License-Identifier: Apache-2.0 */
/* The public edge reader: one block of a graph file at a time, parsed as edges are asked for. */
#include <nereid/memory.h>

#include "operators/graph/edge_file.h"
#include "operators/graph/edge_parser.h"

struct nd_edge_reader {
    edge_file file;
    char *buffer;
    edge_parser parser;
    uint64_t n_lines_before; /* lines before the block being parsed */
    uint64_t n_edges;
    bool refuses_negative;
};

nd_err nd_edge_reader_open_bytes(nd_reader *bytes, nd_edge_reader **reader, nd_message *message)
{
    nd_edge_reader *const opened = nd_alloc_zero(1, sizeof *opened);
    if (opened == NULL) {
        nd_reader_close(bytes);
        return ND_NOMEM;
    }
    nd_err err = edge_file_init(&opened->file, bytes, EDGE_FILE_EDGES, LINE_BLOCK_SIZE, message);
    if (err == ND_OK) {
        opened->buffer = nd_alloc(LINE_BLOCK_SIZE + LINE_BLOCK_PADDING, 1);
        opened->n_lines_before = opened->file.n_lines_read;
        err = opened->buffer == NULL ? ND_NOMEM : ND_OK;
        if (err != ND_OK)
            edge_file_deinit(&opened->file);
    }
    if (err == ND_OK)
        *reader = opened;
    else
        nd_free(opened);
    return err;
}

nd_err nd_edge_reader_open(const char *path, nd_edge_reader **reader, nd_message *message)
{
    nd_reader *bytes;
    ND_TRY(nd_reader_open(path, &bytes, message));
    return nd_edge_reader_open_bytes(bytes, reader, message);
}

/* Takes the next block into the parser; at the end of the file an empty one. */
static nd_err next_block(nd_edge_reader *reader, nd_message *message)
{
    line_block block;
    bool too_long = false;
    reader->n_lines_before += reader->parser.n_lines;
    const nd_err err = edge_file_next(&reader->file, reader->buffer, &block, &too_long, message);
    if (too_long)
        return edge_file_error(&reader->file, reader->n_lines_before + 1, edge_file_too_long,
                               message);
    if (err == ND_OK)
        reader->parser = edge_parser_make(&reader->file.facts, block.begin, block.end);
    reader->parser.refuses_negative = reader->refuses_negative;
    return err;
}

nd_err nd_edge_reader_next(nd_edge_reader *reader, nd_edge *edges, size_t capacity, size_t *len,
                           nd_message *message)
{
    size_t n = edge_parser_edges(&reader->parser, edges, capacity);
    while (n == 0 && capacity > 0 && !reader->parser.has_failed) {
        ND_TRY(next_block(reader, message));
        if (reader->parser.position == reader->parser.end)
            break;
        n = edge_parser_edges(&reader->parser, edges, capacity);
    }
    const uint64_t line = reader->n_lines_before + reader->parser.n_lines;
    if (reader->parser.has_failed)
        return edge_file_error(&reader->file, line + 1, reader->parser.cause, message);
    reader->n_edges += n;
    if (n == 0)
        ND_TRY(edge_file_check_count(&reader->file, reader->n_edges, line, message));
    *len = n;
    return ND_OK;
}

void nd_edge_reader_refuse_negative(nd_edge_reader *reader) { reader->refuses_negative = true; }

const nd_edge_facts *nd_edge_reader_facts(const nd_edge_reader *reader)
{
    return &reader->file.facts;
}

void nd_edge_reader_close(nd_edge_reader *reader)
{
    if (reader == NULL)
        return;
    edge_file_deinit(&reader->file);
    nd_free(reader->buffer);
    nd_free(reader);
}
