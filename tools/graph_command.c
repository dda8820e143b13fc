/* SPDX-License-Identifier: Apache-2.0 */
/* The course of a graph command. Nothing is written before the answer is there and, if so asked,
 * verified. */
#include "tools/graph_command.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/answer.h"
#include "tools/follow.h"
#include "tools/signals.h"

static progress_bar make_bar(const options *chosen)
{
    const bool is_quiet = chosen->quiet || !options_is_first(chosen);
    return progress_bar_make(chosen->operand, chosen->progress, is_quiet);
}

/* --- Reading --- */

static void print_note(const options *chosen, const nd_graph *graph)
{
    const nd_graph_counts *const counts = nd_graph_get_counts(graph);
    const char *const name = strcmp(chosen->operand, "-") == 0 ? "standard input" : chosen->operand;
    if (!chosen->quiet && options_is_first(chosen))
        fprintf(stderr,
                "nereid: %s: left out %" PRIu64 " duplicate edges and %" PRIu64 " self-loops\n",
                name, counts->n_duplicates, counts->n_self_loops);
}

static nd_err build_graph(nd_graph_builder *builder, const options *chosen, nd_graph **graph,
                          statistics *figures, progress_bar *bar, nd_message *message)
{
    const double start = clock_seconds();
    const nd_err err = nd_graph_builder_read(builder, chosen->operand, message);
    progress_bar_clear(bar);
    if (err != ND_OK)
        return err;
    figures->read_s = clock_seconds() - start;
    ND_TRY(nd_graph_builder_finish(builder, graph, message));
    figures->build_s = clock_seconds() - start - figures->read_s;
    figures->vertices = nd_graph_get_counts(*graph)->n_vertices;
    figures->edges = nd_graph_get_counts(*graph)->n_edges;
    print_note(chosen, *graph);
    return ND_OK;
}

static nd_err read_graph(const graph_algorithm *algorithm, const options *chosen, nd_graph **graph,
                         statistics *figures, nd_message *message)
{
    nd_graph_builder *builder;
    progress_bar bar = make_bar(chosen);
    const nd_graph_options how = {
        .direction = chosen->direction,
        .keep_weights = algorithm->has_weights,
        .no_negative_weights = algorithm->has_weights,
        .lists = algorithm->lists,
        .n_threads = chosen->n_workers,
        .vertices_path = chosen->vertices,
        .progress = progress_bar_draw,
        .user = &bar,
    };
    ND_TRY(nd_graph_builder_create(&how, &builder));
    const nd_err err = build_graph(builder, chosen, graph, figures, &bar, message);
    nd_graph_builder_destroy(builder);
    return err;
}

/* --- The whole --- */

/* From the graph in memory to the answer on file. */
static nd_err answer_graph(const graph_algorithm *algorithm, const nd_graph *graph,
                           const options *chosen, statistics *figures, nd_message *message)
{
    graph_answer answer;
    const uint32_t n_vertices = nd_graph_get_counts(graph)->n_vertices;
    ND_TRY(answer_make(algorithm, n_vertices, &answer));
    const double start = clock_seconds();
    progress_bar bar = make_bar(chosen);
    nd_err err = algorithm->run != NULL
                     ? algorithm->run(graph, chosen, &answer, figures, &bar, message)
                     : follow_graph(algorithm, graph, chosen, &answer, figures, message);
    progress_bar_clear(&bar);
    figures->run_s = clock_seconds() - start;
    signals_watch(); /* the workers had their own handlers */
    if (!options_is_first(chosen)) {
        answer_free(&answer);
        return err;
    }
    if (err == ND_OK && chosen->verify)
        err = answer_verify(algorithm, graph, chosen, &answer, message);
    if (err == ND_OK)
        err = answer_write(algorithm, nd_graph_ids(graph), n_vertices, chosen, &answer, message);
    if (err == ND_OK && chosen->stats != NULL)
        err = statistics_write(figures, chosen->stats, message);
    answer_free(&answer);
    return err;
}

static bool is_file(const char *path) { return path != NULL && strcmp(path, "-") != 0; }

/* Opening a file for writing and thinking better of it: better now than after hours of work. */
static nd_err check_writable(const char *path, nd_message *message)
{
    nd_writer *writer;
    if (!is_file(path))
        return ND_OK;
    signals_defer(path);
    const nd_err err = nd_writer_open(path, &writer, message);
    if (err == ND_OK)
        nd_writer_abandon(writer);
    signals_defer(NULL);
    return signals_came() ? ND_INTR : err;
}

static nd_err check_inputs(const options *chosen, nd_message *message)
{
    const char *const paths[] = {chosen->operand, chosen->vertices, chosen->updates};
    static const char *const names[] = {"the graph", "--vertices", "--updates"};
    const char *first = NULL;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (paths[i] == NULL || strcmp(paths[i], "-") != 0)
            continue;
        if (first != NULL)
            return nd_message_set(message, ND_USAGE, "%s and %s cannot both be standard input",
                                  first, names[i]);
        first = names[i];
    }
    return ND_OK;
}

/* Whether two names are those of one file, which need not be there. */
static bool is_same_file(const char *a, const char *b)
{
    const char *const paths[] = {a, b};
    const char *lasts[2];
    struct stat folders[2];
    for (int i = 0; i < 2; i++) {
        char folder[PATH_MAX] = ".";
        const char *const slash = strrchr(paths[i], '/');
        lasts[i] = slash != NULL ? slash + 1 : paths[i];
        if (slash != NULL) /* with it: the root's name is nothing else */
            snprintf(folder, sizeof folder, "%.*s", (int)(lasts[i] - paths[i]), paths[i]);
        if (stat(folder, &folders[i]) != 0)
            return false; /* nothing can be written there, which will be found */
    }
    return strcmp(lasts[0], lasts[1]) == 0 && folders[0].st_dev == folders[1].st_dev &&
           folders[0].st_ino == folders[1].st_ino;
}

static nd_err check_files(const options *chosen, nd_message *message)
{
    ND_TRY(check_inputs(chosen, message));
    if (is_file(chosen->output) && is_file(chosen->stats) &&
        is_same_file(chosen->output, chosen->stats))
        return nd_message_set(message, ND_USAGE, "-o and --stats name the same file");
    ND_TRY(check_writable(chosen->output, message));
    return check_writable(chosen->stats, message);
}

uint32_t graph_command_find_source(const nd_graph *graph, const options *chosen)
{
    uint32_t source = UINT32_MAX;
    (void)nd_graph_find(graph, chosen->source.id, &source);
    return source;
}

/* That the source is a vertex. */
static nd_err check_source(const nd_graph *graph, const options *chosen, nd_message *message)
{
    if (!chosen->source.is_given || graph_command_find_source(graph, chosen) != UINT32_MAX)
        return ND_OK;
    return nd_message_set(message, ND_INPUT,
                          "%s: there is no vertex %" PRIu64 " to be the --source", chosen->operand,
                          chosen->source.id);
}

static nd_err run_once(const graph_algorithm *algorithm, const options *chosen, nd_message *message)
{
    nd_graph *graph = NULL;
    statistics figures = statistics_make(chosen);
    ND_TRY(read_graph(algorithm, chosen, &graph, &figures, message));
    nd_err err = check_source(graph, chosen, message);
    if (err == ND_OK)
        err = answer_graph(algorithm, graph, chosen, &figures, message);
    nd_graph_destroy(graph);
    return err;
}

nd_err graph_command_run(const graph_algorithm *algorithm, const options *chosen,
                         nd_message *message)
{
    if (algorithm->needs_source && !chosen->source.is_given)
        return nd_message_set(message, ND_USAGE, "from which vertex? say --source V");
    if (options_is_first(chosen))
        ND_TRY(check_files(chosen, message));
    return chosen->updates != NULL ? follow_updates(algorithm, chosen, message)
                                   : run_once(algorithm, chosen, message);
}
