/* SPDX-License-Identifier: Apache-2.0 */
/* A graph file and the updates that follow it, line by line.
 *
 * Every edge that is there stands in a table with how often it is there, so that a line which
 * removes one that is not is known when it is read. Of an undirected edge the table has the lesser
 * end first; given out it is both ways. A vertex without an edge is given out as its self-loop, and
 * is not in the table, for no update can take it away.
 *
 * Updates are read promptly: a commit is given out before the next line is waited for. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <nereid/memory.h>

#include "operators/graph/edge_counts.h"
#include "operators/graph/edge_file.h"
#include "operators/graph/graph_loader.h"
#include "operators/graph/update_parser.h"
#include "operators/graph/vertex_file.h"

enum { EDGES_AT_ONCE = 512, UPDATE_BLOCK = 1 << 18, CAUSE_SIZE = 160 };

enum phase { READS_GRAPH, READS_VERTICES, READS_UPDATES, HAS_ENDED };

struct nd_update_reader {
    nd_update_options options;
    enum phase phase;
    nd_edge_reader *graph;
    bool is_undirected;
    nd_reader *vertex_bytes; /* until they are read */
    edge_collector vertices; /* of that file; kept, for they always are there */
    size_t n_given;          /* of these */
    edge_counts counts;
    line_blocks lines; /* of the updates, once they are open */
    char *buffer;
    edge_parser parser;
    uint64_t n_lines_before; /* before the block being parsed */
    bool has_lines;          /* since the last commit */
};

/* Where a call of nd_update_reader_next writes. */
typedef struct sink {
    nd_edge_update *updates;
    size_t capacity, len;
} sink;

/* --- Opening and closing --- */

void nd_update_reader_close(nd_update_reader *reader)
{
    if (reader == NULL)
        return;
    nd_edge_reader_close(reader->graph);
    nd_reader_close(reader->vertex_bytes);
    edge_collector_deinit(&reader->vertices);
    edge_counts_deinit(&reader->counts);
    line_blocks_deinit(&reader->lines);
    nd_free(reader->buffer);
    nd_free(reader);
}

/* That the file is there, though it is opened later: to open a pipe may take long. */
static nd_err check_updates(const char *path, nd_message *message)
{
    nd_reader *bytes;
    if (path == NULL || strcmp(path, "-") == 0 || access(path, R_OK) == 0)
        return ND_OK;
    ND_TRY(nd_reader_open(path, &bytes, message)); /* which says why not */
    nd_reader_close(bytes);
    return ND_OK;
}

static nd_err open_graph(nd_update_reader *reader, nd_message *message)
{
    const nd_update_options *const options = &reader->options;
    ND_TRY(check_updates(options->updates_path, message));
    ND_TRY(vertex_file_open(options->vertices_path, options->graph_path, &reader->vertex_bytes,
                            message));
    ND_TRY(nd_edge_reader_open(options->graph_path, &reader->graph, message));
    if (options->no_negative_weights)
        nd_edge_reader_refuse_negative(reader->graph);
    reader->is_undirected =
        options->direction == ND_UNDIRECTED || (options->direction == ND_AS_THE_FILE_SAYS &&
                                                nd_edge_reader_facts(reader->graph)->is_symmetric);
    return ND_OK;
}

nd_err nd_update_reader_open(const nd_update_options *options, nd_update_reader **reader,
                             nd_message *message)
{
    nd_update_reader *const opened = nd_alloc_zero(1, sizeof *opened);
    if (opened == NULL)
        return ND_NOMEM;
    opened->options = *options;
    const nd_err err = open_graph(opened, message);
    if (err == ND_OK)
        *reader = opened;
    else
        nd_update_reader_close(opened);
    return err;
}

static nd_err open_updates(nd_update_reader *reader, nd_reader *bytes)
{
    ND_TRY(line_blocks_init(&reader->lines, bytes, UPDATE_BLOCK));
    reader->lines.is_prompt = true;
    reader->lines.n_columns = UPDATE_COLUMNS;
    reader->buffer = nd_alloc(UPDATE_BLOCK + LINE_BLOCK_PADDING, 1);
    reader->phase = READS_UPDATES;
    return reader->buffer != NULL ? ND_OK : ND_NOMEM;
}

nd_err nd_update_reader_open_bytes(nd_reader *bytes, const nd_update_options *options,
                                   nd_update_reader **reader)
{
    nd_update_reader *const opened = nd_alloc_zero(1, sizeof *opened);
    if (opened == NULL) {
        nd_reader_close(bytes);
        return ND_NOMEM;
    }
    opened->options = *options;
    opened->is_undirected = options->direction == ND_UNDIRECTED;
    const nd_err err = open_updates(opened, bytes);
    if (err == ND_OK)
        *reader = opened;
    else
        nd_update_reader_close(opened);
    return err;
}

/* --- Edges --- */

/* The edge as the table has it. */
static nd_edge normal_form(const nd_update_reader *reader, const nd_edge *edge)
{
    const bool is_turned = reader->is_undirected && edge->dst < edge->src;
    return (nd_edge){is_turned ? edge->dst : edge->src, is_turned ? edge->src : edge->dst,
                     reader->options.keep_weights ? edge->weight : 1.0};
}

static bool has_room(const sink *out) { return out->capacity - out->len >= 2; }

/* Gives out an edge in its normal form. There is room. */
static void give(const nd_update_reader *reader, const nd_edge *edge, int64_t diff, sink *out)
{
    out->updates[out->len++] = (nd_edge_update){*edge, diff};
    if (reader->is_undirected && edge->src != edge->dst)
        out->updates[out->len++] = (nd_edge_update){{edge->dst, edge->src, edge->weight}, diff};
}

static nd_err add(nd_update_reader *reader, const nd_edge *read, sink *out)
{
    const nd_edge edge = normal_form(reader, read);
    ND_TRY(edge_counts_add(&reader->counts, &edge));
    give(reader, &edge, 1, out);
    return ND_OK;
}

/* --- Epoch 0 --- */

static nd_err read_graph(nd_update_reader *reader, sink *out, nd_message *message)
{
    nd_edge edges[EDGES_AT_ONCE];
    while (reader->phase == READS_GRAPH && has_room(out)) {
        const size_t room = (out->capacity - out->len) / 2;
        size_t len = 0;
        ND_TRY(nd_edge_reader_next(reader->graph, edges,
                                   room < EDGES_AT_ONCE ? room : EDGES_AT_ONCE, &len, message));
        for (size_t i = 0; i < len; i++)
            ND_TRY(add(reader, &edges[i], out));
        if (len == 0)
            reader->phase = READS_VERTICES;
    }
    return ND_OK;
}

static uint64_t vertex_at(const edge_collector *vertices, size_t i)
{
    const uint64_t key = vertices->keys[i] >> 32;
    return vertices->has_table ? vertices->table.ids[key] : key;
}

static nd_err read_vertices(nd_update_reader *reader, sink *out, bool *ends_epoch,
                            nd_message *message)
{
    nd_reader *const bytes = reader->vertex_bytes;
    reader->vertex_bytes = NULL;
    if (bytes != NULL)
        ND_TRY(load_vertices(bytes, LINE_BLOCK_SIZE, &reader->vertices, message));
    for (; reader->n_given < reader->vertices.len && has_room(out); reader->n_given++) {
        const uint64_t id = vertex_at(&reader->vertices, reader->n_given);
        give(reader, &(nd_edge){id, id, 1.0}, 1, out);
    }
    *ends_epoch = reader->n_given == reader->vertices.len;
    return ND_OK;
}

/* After epoch 0. */
static nd_err begin_updates(nd_update_reader *reader, nd_message *message)
{
    nd_reader *bytes;
    nd_edge_reader_close(reader->graph);
    reader->graph = NULL;
    reader->phase = HAS_ENDED;
    if (reader->options.updates_path == NULL)
        return ND_OK;
    ND_TRY(nd_reader_open(reader->options.updates_path, &bytes, message));
    return open_updates(reader, bytes);
}

/* --- Updates --- */

static nd_err fail_at(const nd_update_reader *reader, uint64_t line, const char *cause,
                      nd_message *message)
{
    return nd_message_set(message, ND_INPUT, "%s:%" PRIu64 ": %s",
                          nd_reader_name(reader->lines.reader), line, cause);
}

static nd_err take_away(nd_update_reader *reader, const nd_edge *read, sink *out,
                        nd_message *message)
{
    char cause[CAUSE_SIZE], weight[ND_DOUBLE_TEXT_SIZE];
    const nd_edge edge = normal_form(reader, read);
    if (edge_counts_remove(&reader->counts, &edge)) {
        give(reader, &edge, -1, out);
        return ND_OK;
    }
    const bool has_weight = reader->options.keep_weights;
    const int weight_size = has_weight ? (int)nd_double_text(edge.weight, weight) : 0;
    snprintf(cause, sizeof cause, "there is no edge %" PRIu64 " %" PRIu64 "%s%.*s to be removed",
             read->src, read->dst, has_weight ? " of weight " : "", weight_size, weight);
    return fail_at(reader, reader->n_lines_before + reader->parser.n_lines, cause, message);
}

/* Takes the next block; an empty one at the end. */
static nd_err next_block(nd_update_reader *reader, nd_message *message)
{
    static const nd_edge_facts none = {0};
    line_block block;
    bool too_long = false;
    reader->n_lines_before += reader->parser.n_lines;
    reader->parser.n_lines = 0;
    const nd_err err = line_blocks_next(&reader->lines, reader->buffer, &block, &too_long, message);
    if (too_long)
        return fail_at(reader, reader->n_lines_before + 1, edge_file_too_long, message);
    if (err == ND_OK)
        reader->parser = edge_parser_make(&none, block.begin, block.end);
    reader->parser.refuses_negative = reader->options.no_negative_weights;
    return err;
}

/* There are no more lines in the block: takes the next one, and notices the end. */
static nd_err go_on(nd_update_reader *reader, bool *ends_epoch, nd_message *message)
{
    const uint64_t line = reader->n_lines_before + reader->parser.n_lines;
    if (reader->parser.has_failed)
        return fail_at(reader, line + 1, reader->parser.cause, message);
    ND_TRY(next_block(reader, message));
    if (reader->parser.position != reader->parser.end)
        return ND_OK;
    reader->phase = HAS_ENDED;
    *ends_epoch = reader->has_lines;
    return ND_OK;
}

static nd_err read_updates(nd_update_reader *reader, sink *out, bool *ends_epoch,
                           nd_message *message)
{
    nd_err err = ND_OK;
    while (err == ND_OK && reader->phase == READS_UPDATES && !*ends_epoch && has_room(out)) {
        nd_edge edge;
        const enum update_kind kind = update_parser_next(&reader->parser, &edge);
        if (kind == UPDATE_NONE)
            err = go_on(reader, ends_epoch, message);
        else if (kind == UPDATE_ADD)
            err = add(reader, &edge, out);
        else if (kind == UPDATE_REMOVE)
            err = take_away(reader, &edge, out, message);
        reader->has_lines = kind == UPDATE_ADD || kind == UPDATE_REMOVE ||
                            (kind == UPDATE_NONE && reader->has_lines);
        *ends_epoch = *ends_epoch || kind == UPDATE_COMMIT;
    }
    return err;
}

nd_err nd_update_reader_next(nd_update_reader *reader, nd_edge_update *updates, size_t capacity,
                             size_t *len, bool *ends_epoch, nd_message *message)
{
    sink out = {updates, capacity, 0};
    *len = 0;
    *ends_epoch = false;
    if (reader->phase == READS_GRAPH)
        ND_TRY(read_graph(reader, &out, message));
    if (reader->phase == READS_VERTICES) {
        ND_TRY(read_vertices(reader, &out, ends_epoch, message));
        if (*ends_epoch)
            reader->phase = READS_UPDATES;
    } else if (reader->phase == READS_UPDATES && reader->buffer == NULL) {
        ND_TRY(begin_updates(reader, message));
    }
    if (!*ends_epoch)
        ND_TRY(read_updates(reader, &out, ends_epoch, message));
    *len = out.len;
    return ND_OK;
}

/* --- What is there now --- */

uint64_t nd_update_reader_n_edges(const nd_update_reader *reader)
{
    return reader->counts.len - reader->counts.n_loops;
}

uint64_t nd_update_reader_n_bytes(const nd_update_reader *reader) { return reader->lines.n_bytes; }

static nd_err add_all(const nd_update_reader *reader, nd_graph_builder *builder)
{
    const edge_counts *const counts = &reader->counts;
    for (size_t i = 0; i < counts->n_slots; i++)
        if (counts->slots[i].count != 0)
            ND_TRY(nd_graph_builder_add(builder, &counts->slots[i].edge, 1));
    for (size_t i = 0; i < reader->vertices.len; i++) {
        const uint64_t id = vertex_at(&reader->vertices, i);
        ND_TRY(nd_graph_builder_add_vertices(builder, &id, 1));
    }
    return ND_OK;
}

nd_err nd_update_reader_build(const nd_update_reader *reader, nd_lists lists, nd_graph **graph,
                              nd_message *message)
{
    nd_graph_builder *builder;
    const nd_graph_options options = {
        .direction = reader->is_undirected ? ND_UNDIRECTED : ND_DIRECTED,
        .keep_weights = reader->options.keep_weights,
        .lists = lists,
    };
    ND_TRY(nd_graph_builder_create(&options, &builder));
    nd_err err = add_all(reader, builder);
    if (err == ND_OK)
        err = nd_graph_builder_finish(builder, graph, message);
    nd_graph_builder_destroy(builder);
    return err;
}
