/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a graph file.
 *
 * Every thread does the same: under the lock take the next block of the file, then parse it into a
 * collector of its own. Only reading (and decompressing) is serial, and it overlaps with the
 * parsing of earlier blocks. A wrong line is known by its block and its line there; since the
 * blocks before it were all taken, and are all parsed to the end, the wrong line of the least block
 * is the first of the file, and the lines of the blocks before give its number: the same message
 * for any number of threads. */
#include "operators/graph/graph_loader.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <nereid/memory.h>

#include "operators/graph/edge_file.h"
#include "operators/graph/edge_parser.h"
#include "operators/graph/parallel.h"

enum { EDGES_AT_ONCE = 1024 };

/* The failure with the least block so far. */
typedef struct load_failure {
    nd_err err;
    size_t block;
    bool has_cause; /* a wrong line: `line` counts from the block's first, and `cause` is without
                       file and line */
    uint64_t line;
    char cause[sizeof((edge_parser *)0)->cause];
    nd_message message;
} load_failure;

typedef struct load {
    edge_file file;
    size_t block_size;
    bool refuses_negative;
    edge_collector *collectors;
    load_progress progress;
    pthread_mutex_t lock; /* guards all below, and the file */
    uint64_t *block_lines;
    size_t n_blocks, capacity;
    uint64_t n_edges;
    load_failure failure;
} load;

/* Records a failure, unless one in an earlier block is known. Locked. */
static void record_failure(load *job, const load_failure *failure)
{
    if (job->failure.err == ND_OK || failure->block < job->failure.block)
        job->failure = *failure;
}

/* Makes room to write down one more block's lines. Locked. */
static nd_err reserve_block(load *job)
{
    if (job->n_blocks < job->capacity)
        return ND_OK;
    const size_t capacity = job->capacity == 0 ? 64 : 2 * job->capacity;
    uint64_t *const lines = nd_realloc(job->block_lines, capacity, sizeof *lines);
    if (lines == NULL)
        return ND_NOMEM;
    job->block_lines = lines;
    job->capacity = capacity;
    return ND_OK;
}

/* Takes the next block; false when there is none, or no use in one. Locked. */
static bool take_block(load *job, char *buffer, line_block *block, size_t *number)
{
    load_failure failure = {.block = job->n_blocks};
    bool too_long = false;
    if (job->failure.err != ND_OK)
        return false;
    failure.err = reserve_block(job);
    if (failure.err == ND_OK)
        failure.err = edge_file_next(&job->file, buffer, block, &too_long, &failure.message);
    if (too_long) {
        failure.has_cause = true;
        snprintf(failure.cause, sizeof failure.cause, "%s", edge_file_too_long);
    }
    if (failure.err != ND_OK)
        record_failure(job, &failure);
    if (failure.err != ND_OK || block->begin == block->end)
        return false;
    *number = job->n_blocks++;
    job->block_lines[*number] = 0;
    return true;
}

/* Parses a block into a collector; returns its number of edges. */
static uint64_t parse_block(edge_parser *parser, edge_collector *collector, load_failure *failure)
{
    nd_edge edges[EDGES_AT_ONCE];
    uint64_t n_edges = 0;
    size_t len = EDGES_AT_ONCE;
    while (len == EDGES_AT_ONCE && failure->err == ND_OK) {
        len = edge_parser_edges(parser, edges, EDGES_AT_ONCE);
        failure->err = edge_collector_add(collector, edges, len);
        n_edges += len;
    }
    if (failure->err == ND_INPUT)
        nd_message_set(&failure->message, ND_INPUT, "a graph has at most 4294967294 vertices");
    if (failure->err == ND_OK && parser->has_failed) {
        failure->err = ND_INPUT;
        failure->has_cause = true;
        failure->line = parser->n_lines;
        memcpy(failure->cause, parser->cause, sizeof failure->cause);
    }
    return n_edges;
}

static void load_blocks(void *context, unsigned index)
{
    load *const job = context;
    line_block block;
    size_t number = 0;
    char *const buffer = nd_alloc(job->block_size + LINE_BLOCK_PADDING, 1);
    pthread_mutex_lock(&job->lock);
    if (buffer == NULL)
        record_failure(job, &(load_failure){.err = ND_NOMEM, .block = job->n_blocks});
    while (buffer != NULL && take_block(job, buffer, &block, &number)) {
        pthread_mutex_unlock(&job->lock);
        load_failure failure = {.block = number};
        edge_parser parser = edge_parser_make(&job->file.facts, block.begin, block.end);
        parser.refuses_negative = job->refuses_negative;
        const uint64_t n_edges = parse_block(&parser, &job->collectors[index], &failure);
        pthread_mutex_lock(&job->lock);
        job->block_lines[number] = parser.n_lines;
        job->n_edges += n_edges;
        if (failure.err != ND_OK)
            record_failure(job, &failure);
        if (index == 0 && job->progress.call != NULL)
            job->progress.call(job->progress.user, job->file.blocks.n_bytes, job->n_edges);
    }
    pthread_mutex_unlock(&job->lock);
    nd_free(buffer);
}

/* What the threads' work comes to. */
static nd_err conclude(const load *job, nd_message *message)
{
    const load_failure *const failure = &job->failure;
    uint64_t n_lines = job->file.n_lines_read;
    const size_t n_blocks = failure->err != ND_OK ? failure->block : job->n_blocks;
    for (size_t b = 0; b < n_blocks; b++)
        n_lines += job->block_lines[b];
    if (failure->err == ND_OK)
        return edge_file_check_count(&job->file, job->n_edges, n_lines, message);
    if (failure->has_cause)
        return edge_file_error(&job->file, n_lines + failure->line + 1, failure->cause, message);
    return nd_message_set(message, failure->err, "%s",
                          failure->err == ND_NOMEM ? nd_err_text(ND_NOMEM) : failure->message.text);
}

nd_err load_edges(nd_reader *bytes, size_t block_size, bool refuses_negative,
                  edge_collector *collectors, unsigned n_collectors, load_progress progress,
                  nd_edge_facts *facts, nd_message *message)
{
    load job = {
        .block_size = block_size,
        .refuses_negative = refuses_negative,
        .collectors = collectors,
        .progress = progress,
    };
    ND_TRY(edge_file_init(&job.file, bytes, EDGE_FILE_EDGES, block_size, message));
    *facts = job.file.facts;
    pthread_mutex_init(&job.lock, NULL);
    parallel_run(n_collectors, load_blocks, &job);
    const nd_err err = conclude(&job, message);
    if (err == ND_OK && progress.call != NULL) /* the whole, whoever has read the last of it */
        progress.call(progress.user, job.file.blocks.n_bytes, job.n_edges);
    pthread_mutex_destroy(&job.lock);
    nd_free(job.block_lines);
    edge_file_deinit(&job.file);
    return err;
}

/* Adds the vertices of one block. */
static nd_err load_vertex_block(edge_file *file, line_block block, uint64_t *n_lines,
                                edge_collector *collector, nd_message *message)
{
    uint64_t ids[EDGES_AT_ONCE];
    size_t len = EDGES_AT_ONCE;
    edge_parser parser = edge_parser_make(&file->facts, block.begin, block.end);
    while (len == EDGES_AT_ONCE) {
        len = edge_parser_vertices(&parser, ids, EDGES_AT_ONCE);
        ND_TRY(edge_collector_add_vertices(collector, ids, len));
    }
    if (parser.has_failed)
        return edge_file_error(file, *n_lines + parser.n_lines + 1, parser.cause, message);
    *n_lines += parser.n_lines;
    return ND_OK;
}

nd_err load_vertices(nd_reader *bytes, size_t block_size, edge_collector *collector,
                     nd_message *message)
{
    edge_file file;
    line_block block;
    bool too_long = false;
    ND_TRY(edge_file_init(&file, bytes, EDGE_FILE_VERTICES, block_size, message));
    uint64_t n_lines = file.n_lines_read;
    char *const buffer = nd_alloc(block_size + LINE_BLOCK_PADDING, 1);
    nd_err err =
        buffer == NULL ? ND_NOMEM : edge_file_next(&file, buffer, &block, &too_long, message);
    while (err == ND_OK && block.begin != block.end) {
        err = load_vertex_block(&file, block, &n_lines, collector, message);
        if (err == ND_OK)
            err = edge_file_next(&file, buffer, &block, &too_long, message);
    }
    if (too_long)
        err = edge_file_error(&file, n_lines + 1, edge_file_too_long, message);
    nd_free(buffer);
    edge_file_deinit(&file);
    return err;
}
