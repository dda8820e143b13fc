/* SPDX-License-Identifier: Apache-2.0 */
/* The course of a graph command. Nothing is written before the answer is there and, if so asked,
 * verified. */
#include "tools/graph_command.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <nereid/memory.h>

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

/* --- Answers --- */

static void free_answer(graph_answer *answer)
{
    nd_free(answer->numbers[0]);
    nd_free(answer->numbers[1]);
    nd_free(answer->reals);
    *answer = (graph_answer){.reals = NULL};
}

static nd_err make_answer(const graph_algorithm *algorithm, size_t n_vertices, graph_answer *answer)
{
    bool is_made = true;
    *answer = (graph_answer){.reals = NULL};
    for (size_t c = 0; c < algorithm->n_columns; c++)
        if (algorithm->columns[c].kind == COLUMN_REAL)
            is_made = (answer->reals = nd_alloc(n_vertices, sizeof(double))) != NULL && is_made;
        else
            is_made =
                (answer->numbers[c] = nd_alloc(n_vertices, sizeof(uint64_t))) != NULL && is_made;
    if (!is_made)
        free_answer(answer);
    return is_made ? ND_OK : ND_NOMEM;
}

/* --- Verifying --- */

static bool is_close(double value, double expected, double tolerance)
{
    return value == expected || fabs(value - expected) <= tolerance * fabs(expected);
}

static nd_err compare(const graph_algorithm *algorithm, const nd_graph *graph,
                      const graph_answer *answer, const graph_answer *plain, nd_message *message)
{
    const uint64_t *const ids = nd_graph_ids(graph);
    const uint32_t n = nd_graph_get_counts(graph)->n_vertices;
    for (size_t c = 0; c < algorithm->n_columns; c++)
        for (uint32_t v = 0; v < n; v++)
            if (algorithm->columns[c].kind == COLUMN_UNSIGNED) {
                if (answer->numbers[c][v] != plain->numbers[c][v])
                    return nd_message_set(message, ND_FAILED,
                                          "--verify: vertex %" PRIu64 " has %s %" PRIu64
                                          ", the plain algorithm says %" PRIu64
                                          "; please report this",
                                          ids[v], algorithm->columns[c].name, answer->numbers[c][v],
                                          plain->numbers[c][v]);
            } else if (!is_close(answer->reals[v], plain->reals[v], algorithm->tolerance)) {
                return nd_message_set(
                    message, ND_FAILED,
                    "--verify: vertex %" PRIu64
                    " has %s %.17g, the plain algorithm says %.17g; please report this",
                    ids[v], algorithm->columns[c].name, answer->reals[v], plain->reals[v]);
            }
    return ND_OK;
}

static nd_err verify(const graph_algorithm *algorithm, const nd_graph *graph, const options *chosen,
                     const graph_answer *answer, nd_message *message)
{
    graph_answer plain;
    ND_TRY(make_answer(algorithm, nd_graph_get_counts(graph)->n_vertices, &plain));
    nd_err err = algorithm->run_plainly(graph, chosen, &plain);
    if (err == ND_OK)
        err = compare(algorithm, graph, answer, &plain, message);
    free_answer(&plain);
    return err;
}

/* --- The whole --- */

static nd_err write_answer(const graph_algorithm *algorithm, const nd_graph *graph,
                           const options *chosen, const graph_answer *answer, nd_message *message)
{
    output_table rows = {
        .n_columns = 1 + algorithm->n_columns,
        .n_rows = nd_graph_get_counts(graph)->n_vertices,
        .columns = {{"vertex", COLUMN_UNSIGNED, nd_graph_ids(graph)}},
    };
    for (size_t c = 0; c < algorithm->n_columns; c++) {
        const enum column_kind kind = algorithm->columns[c].kind;
        const void *const values =
            kind == COLUMN_REAL ? (const void *)answer->reals : answer->numbers[c];
        rows.columns[c + 1] = (output_column){algorithm->columns[c].name, kind, values};
    }
    return output_write(&rows, chosen->output, chosen->format, chosen->n_workers, message);
}

/* From the graph in memory to the answer on file. */
static nd_err answer_graph(const graph_algorithm *algorithm, const nd_graph *graph,
                           const options *chosen, statistics *figures, nd_message *message)
{
    graph_answer answer;
    ND_TRY(make_answer(algorithm, nd_graph_get_counts(graph)->n_vertices, &answer));
    const double start = clock_seconds();
    progress_bar bar = make_bar(chosen);
    nd_err err = algorithm->run(graph, chosen, &answer, figures, &bar, message);
    progress_bar_clear(&bar);
    figures->run_s = clock_seconds() - start;
    signals_watch(); /* the workers had their own handlers */
    if (!options_is_first(chosen)) {
        free_answer(&answer);
        return err;
    }
    if (err == ND_OK && chosen->verify)
        err = verify(algorithm, graph, chosen, &answer, message);
    if (err == ND_OK)
        err = write_answer(algorithm, graph, chosen, &answer, message);
    if (err == ND_OK && chosen->stats != NULL)
        err = statistics_write(figures, chosen->stats, message);
    free_answer(&answer);
    return err;
}

static bool is_file(const char *path) { return path != NULL && strcmp(path, "-") != 0; }

/* Opening a file for writing and thinking better of it: better now than after hours of work. */
static nd_err check_writable(const char *path, nd_message *message)
{
    nd_writer *writer;
    if (!is_file(path))
        return ND_OK;
    ND_TRY(nd_writer_open(path, &writer, message));
    nd_writer_abandon(writer);
    return ND_OK;
}

static nd_err check_files(const options *chosen, nd_message *message)
{
    if (chosen->vertices != NULL && strcmp(chosen->vertices, "-") == 0 &&
        strcmp(chosen->operand, "-") == 0)
        return nd_message_set(message, ND_USAGE,
                              "the graph and --vertices cannot both be standard input");
    if (is_file(chosen->output) && chosen->stats != NULL &&
        strcmp(chosen->output, chosen->stats) == 0)
        return nd_message_set(message, ND_USAGE, "-o and --stats name the same file");
    ND_TRY(check_writable(chosen->output, message));
    return check_writable(chosen->stats, message);
}

nd_err graph_command_run(const graph_algorithm *algorithm, const options *chosen,
                         nd_message *message)
{
    if (options_is_first(chosen))
        ND_TRY(check_files(chosen, message));
    nd_graph *graph = NULL;
    statistics figures = {
        .workers = chosen->n_workers,
        .processes = options_is_alone(chosen) ? 1 : chosen->cluster.n_processes,
        .epochs = 1,
    };
    ND_TRY(read_graph(algorithm, chosen, &graph, &figures, message));
    const nd_err err = answer_graph(algorithm, graph, chosen, &figures, message);
    nd_graph_destroy(graph);
    return err;
}
