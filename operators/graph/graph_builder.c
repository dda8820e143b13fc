/* SPDX-License-Identifier: Apache-2.0 */
/* Building a graph: collect, number, sort, list.
 *
 * Peak memory is in sorting: the collected keys and their sorted copy, eight bytes each an edge.
 * Later steps hold the sorted keys and the lists, which take four bytes an edge and direction. */
#include <stdatomic.h>
#include <string.h>

#include <nereid/memory.h>

#include "operators/graph/graph_internal.h"
#include "operators/graph/graph_loader.h"
#include "operators/graph/line_blocks.h"
#include "operators/graph/numbering.h"
#include "operators/graph/parallel.h"
#include "operators/graph/vertex_file.h"

struct nd_graph_builder {
    nd_graph_options options;
    edge_collector *collectors; /* one a thread; what is added from memory goes to the first */
};

nd_err nd_graph_builder_create(const nd_graph_options *options, nd_graph_builder **builder)
{
    nd_graph_builder *const made = nd_alloc_zero(1, sizeof *made);
    if (made == NULL)
        return ND_NOMEM;
    if (options != NULL)
        made->options = *options;
    unsigned *const n_threads = &made->options.n_threads;
    *n_threads = *n_threads == 0 ? 1 : *n_threads > PARALLEL_MAX ? PARALLEL_MAX : *n_threads;
    made->collectors = nd_alloc_zero(*n_threads, sizeof *made->collectors);
    if (made->collectors == NULL) {
        nd_free(made);
        return ND_NOMEM;
    }
    for (unsigned i = 0; i < *n_threads; i++)
        made->collectors[i].keep_weights = made->options.keep_weights;
    *builder = made;
    return ND_OK;
}

void nd_graph_builder_destroy(nd_graph_builder *builder)
{
    if (builder == NULL)
        return;
    for (unsigned i = 0; i < builder->options.n_threads; i++)
        edge_collector_deinit(&builder->collectors[i]);
    nd_free(builder->collectors);
    nd_free(builder);
}

/* --- Collecting --- */

nd_err nd_graph_builder_read_bytes(nd_graph_builder *builder, nd_reader *bytes, nd_message *message)
{
    nd_graph_options *const options = &builder->options;
    const load_progress progress = {options->progress, options->user};
    nd_edge_facts facts = {0};
    ND_TRY(load_edges(bytes, LINE_BLOCK_SIZE, options->no_negative_weights, builder->collectors,
                      options->n_threads, progress, &facts, message));
    if (options->direction == ND_AS_THE_FILE_SAYS)
        options->direction = facts.is_symmetric ? ND_UNDIRECTED : ND_DIRECTED;
    return ND_OK;
}

nd_err nd_graph_builder_read_vertices(nd_graph_builder *builder, nd_reader *bytes,
                                      nd_message *message)
{
    return load_vertices(bytes, LINE_BLOCK_SIZE, &builder->collectors[0], message);
}

nd_err nd_graph_builder_read(nd_graph_builder *builder, const char *path, nd_message *message)
{
    nd_reader *edges = NULL, *vertices = NULL;
    ND_TRY(nd_reader_open(path, &edges, message));
    nd_err err = vertex_file_open(builder->options.vertices_path, path, &vertices, message);
    if (err != ND_OK) {
        nd_reader_close(edges);
        return err;
    }
    err = nd_graph_builder_read_bytes(builder, edges, message);
    if (err != ND_OK) {
        nd_reader_close(vertices);
        return err;
    }
    return vertices != NULL ? nd_graph_builder_read_vertices(builder, vertices, message) : ND_OK;
}

nd_err nd_graph_builder_add(nd_graph_builder *builder, const nd_edge *edges, size_t len)
{
    return edge_collector_add(&builder->collectors[0], edges, len);
}

nd_err nd_graph_builder_add_vertices(nd_graph_builder *builder, const uint64_t *ids, size_t len)
{
    return edge_collector_add_vertices(&builder->collectors[0], ids, len);
}

/* --- Sorting --- */

typedef struct build {
    nd_graph_builder *builder;
    const numbering *numbers;
    enum key_form form;
    edge_buckets buckets;
    size_t (*places)[SORT_MAX_BUCKETS]; /* a thread: counts, then where its next edge of a bucket
                                           goes */
    atomic_uint next_bucket;            /* any thread takes one; nothing else is ordered by it */
    atomic_bool lacks_memory;           /* set by any thread, read after all have ended */
} build;

/* Numbers one collector's edges and counts them by bucket. */
static void number_and_count(void *context, unsigned index)
{
    build *const job = context;
    edge_collector *const collector = &job->builder->collectors[index];
    const unsigned shift = 32 + job->buckets.shift;
    numbering_apply(job->numbers, collector, index, job->form);
    for (size_t i = 0; i < collector->len; i++)
        job->places[index][collector->keys[i] >> shift]++;
}

static void make_places(build *job)
{
    size_t sum = 0;
    for (unsigned b = 0; b < job->buckets.n_buckets; b++) {
        job->buckets.begins[b] = sum;
        for (unsigned t = 0; t < job->builder->options.n_threads; t++) {
            const size_t count = job->places[t][b];
            job->places[t][b] = sum;
            sum += count;
        }
    }
    job->buckets.begins[job->buckets.n_buckets] = sum;
}

/* Moves one collector's edges to their buckets and frees it. */
static void spread(void *context, unsigned index)
{
    build *const job = context;
    edge_collector *const collector = &job->builder->collectors[index];
    size_t *const places = job->places[index];
    const unsigned shift = 32 + job->buckets.shift;
    uint64_t *const keys = job->buckets.keys;
    for (size_t i = 0; i < collector->len; i++) {
        const uint64_t key = collector->keys[i];
        const size_t place = places[key >> shift]++;
        keys[place] = key;
        if (collector->keep_weights)
            job->buckets.weights[place] = collector->weights[i];
    }
    edge_collector_deinit(collector);
}

static void sort_buckets(void *context, unsigned index)
{
    build *const job = context;
    edge_scratch scratch;
    (void)index;
    if (edge_scratch_init(&scratch, &job->buckets) != ND_OK)
        atomic_store_explicit(&job->lacks_memory, true, memory_order_relaxed);
    else
        for (;;) {
            const unsigned bucket =
                atomic_fetch_add_explicit(&job->next_bucket, 1, memory_order_relaxed);
            if (bucket >= job->buckets.n_buckets)
                break;
            edge_buckets_sort(&job->buckets, bucket, &scratch);
        }
    edge_scratch_deinit(&scratch);
}

static nd_err sort_edges(build *job)
{
    const nd_graph_builder *const builder = job->builder;
    const unsigned n_threads = builder->options.n_threads;
    size_t n_edges = 0;
    for (unsigned t = 0; t < n_threads; t++)
        n_edges += builder->collectors[t].len;
    edge_buckets_plan(&job->buckets, job->numbers->n_vertices, n_edges);
    job->places = nd_alloc_zero(n_threads, sizeof *job->places);
    job->buckets.keys = nd_alloc(n_edges, sizeof(uint64_t));
    job->buckets.weights = builder->options.keep_weights ? nd_alloc(n_edges, sizeof(double)) : NULL;
    const bool lacks_weights = builder->options.keep_weights && job->buckets.weights == NULL;
    if (job->places == NULL || job->buckets.keys == NULL || lacks_weights)
        return ND_NOMEM;
    parallel_run(n_threads, number_and_count, job);
    make_places(job);
    parallel_run(n_threads, spread, job);
    parallel_run(n_threads, sort_buckets, job);
    return atomic_load_explicit(&job->lacks_memory, memory_order_relaxed) ? ND_NOMEM : ND_OK;
}

/* --- The graph --- */

/* Before sorting, which forgets them: what was added. */
static nd_graph_counts count_lines(const nd_graph_builder *builder)
{
    nd_graph_counts counts = {
        .is_directed = builder->options.direction != ND_UNDIRECTED,
        .has_weights = builder->options.keep_weights,
    };
    for (unsigned t = 0; t < builder->options.n_threads; t++) {
        counts.n_self_loops += builder->collectors[t].n_self_loops;
        counts.n_duplicates += builder->collectors[t].n_lines - builder->collectors[t].n_self_loops;
    }
    return counts;
}

/* Keys begin with the end whose lists are wanted first, so that these are simply the sorted keys.
 */
static enum key_form choose_form(const nd_graph *graph, nd_lists lists)
{
    if (!graph->counts.is_directed)
        return KEY_LESSER_GREATER;
    return lists == ND_IN_LISTS ? KEY_DST_SRC : KEY_SRC_DST;
}

/* Lists the sorted edges in a graph. */
static nd_err list_edges(nd_graph *graph, const build *job)
{
    const nd_graph_options *const options = &job->builder->options;
    const unsigned n_threads = options->n_threads;
    nd_graph_counts *const counts = &graph->counts;
    for (unsigned b = 0; b < job->buckets.n_buckets; b++)
        counts->n_edges += job->buckets.lens[b];
    counts->n_duplicates -= counts->n_edges;
    const uint32_t n = counts->n_vertices;
    if (job->form == KEY_LESSER_GREATER)
        return neighbour_lists_init(&graph->out, &job->buckets, n, LIST_BY_BOTH, n_threads);
    if (job->form == KEY_DST_SRC) {
        ND_TRY(neighbour_lists_init(&graph->in, &job->buckets, n, LIST_BY_FIRST, n_threads));
        return neighbour_counts_init(&graph->out, &job->buckets, n, LIST_BY_SECOND, n_threads);
    }
    ND_TRY(neighbour_lists_init(&graph->out, &job->buckets, n, LIST_BY_FIRST, n_threads));
    if (options->lists != ND_BOTH_LISTS)
        return ND_OK;
    return neighbour_lists_init(&graph->in, &job->buckets, n, LIST_BY_SECOND, n_threads);
}

static nd_err build_graph(nd_graph_builder *builder, numbering *numbers, nd_graph *graph)
{
    ND_TRY(numbering_init(numbers, builder->collectors, builder->options.n_threads));
    build job = {
        .builder = builder, .numbers = numbers, .form = choose_form(graph, builder->options.lists)};
    graph->counts.n_vertices = numbers->n_vertices;
    nd_err err = sort_edges(&job);
    if (err == ND_OK)
        err = list_edges(graph, &job);
    nd_free(job.places);
    nd_free(job.buckets.keys);
    nd_free(job.buckets.weights);
    graph->ids = numbers->ids;
    numbers->ids = NULL;
    return err;
}

nd_err nd_graph_builder_finish(nd_graph_builder *builder, nd_graph **graph, nd_message *message)
{
    numbering numbers = {.ids = NULL};
    nd_graph *const made = nd_alloc_zero(1, sizeof *made);
    nd_err err = ND_NOMEM;
    if (made != NULL) {
        made->counts = count_lines(builder);
        err = build_graph(builder, &numbers, made);
    }
    numbering_deinit(&numbers);
    for (unsigned t = 0; t < builder->options.n_threads; t++)
        edge_collector_deinit(&builder->collectors[t]);
    if (err == ND_OK) {
        *graph = made;
        return ND_OK;
    }
    nd_graph_destroy(made);
    return nd_message_set(message, err, "%s",
                          err == ND_INPUT ? "a graph has at most 4294967294 vertices"
                                          : nd_err_text(err));
}

nd_err nd_graph_read(const char *path, const nd_graph_options *options, nd_graph **graph,
                     nd_message *message)
{
    nd_graph_builder *builder = NULL;
    nd_err err = nd_graph_builder_create(options, &builder);
    if (err == ND_OK)
        err = nd_graph_builder_read(builder, path, message);
    if (err == ND_OK)
        err = nd_graph_builder_finish(builder, graph, message);
    nd_graph_builder_destroy(builder);
    return err;
}
