/* SPDX-License-Identifier: Apache-2.0 */
/* Following a graph that changes.
 *
 * Worker 0 feeds what has been read into the query, an epoch for each commit, and lets it be at
 * most MOST_AHEAD epochs behind: so memory does not grow with the file. All other workers only
 * step. Changes of the answer come back to worker 0, which writes them. A wrong line ends the run
 * after the epochs before it are written, and nothing of its own epoch is. */
#include "tools/follow.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <nereid.h>

#include "tools/change_output.h"
#include "tools/collect.h"
#include "tools/final_state.h"
#include "tools/last_state.h"
#include "tools/signals.h"
#include "tools/update_feed.h"

enum { MOST_AHEAD = 16, FEED_EDGES = 256, FEED_BUDGET = 64, NO_STALL_S = 1000000000 };

/* What the workers of a process share. But for what is constant it is worker 0's. */
typedef struct follow_run {
    const graph_algorithm *algorithm;
    const options *chosen;
    const nd_graph *graph; /* in memory: one epoch; or NULL */
    update_feed *feed;     /* in process 0; else NULL */
    bool keeps_state, prints_changes;
    change_output out;
    final_state state;
    statistics *figures;
    epoch_times times;
    double begun[MOST_AHEAD + 1]; /* when an epoch was complete in the input, by its number */
    uint64_t n_fed, n_done;       /* epochs */
    double fed_s, busy_since;     /* when the feeding began; when an answer began to be awaited */
} follow_run;

/* --- What comes out --- */

static void count_done(follow_run *run, uint64_t before)
{
    const double now = clock_seconds();
    const bool was_awaited = run->n_done < run->n_fed;
    for (; run->n_done < before && run->n_done < run->n_fed; run->n_done++)
        if (run->n_done > 0)
            epoch_times_add(&run->times, now - run->begun[run->n_done % (MOST_AHEAD + 1)]);
    if (was_awaited && run->n_done == run->n_fed)
        run->figures->run_s += now - run->busy_since;
}

static nd_err take_changes(void *user, uint64_t before, const change *changes, size_t len,
                           nd_message *message)
{
    follow_run *const run = user;
    for (size_t i = 0; i < len; i++)
        run->figures->vertices += (uint64_t)changes[i].diff;
    if (run->keeps_state)
        ND_TRY(final_state_add(&run->state, changes, len));
    if (run->prints_changes && before > 0)
        ND_TRY(change_output_write(&run->out, changes, len, message));
    count_done(run, before);
    return ND_OK;
}

/* Rounds of the query's loop: each that has changed something comes once. */
static void count_rounds(void *user, const void *records, size_t len)
{
    follow_run *const run = user;
    (void)records;
    run->figures->rounds += len;
}

/* --- What goes in --- */

/* Edges that come or go alike are put in together. */
static void put_in(nd_input *edges, const nd_edge_update *updates, size_t len)
{
    nd_edge alike[FEED_EDGES];
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        alike[n++] = updates[i].edge;
        if (n == FEED_EDGES || i + 1 == len || updates[i + 1].diff != updates[i].diff) {
            nd_collection_update_many(edges, alike, n, updates[i].diff);
            n = 0;
        }
    }
}

static nd_err end_epoch(follow_run *run, nd_worker *worker, nd_input *edges, const nd_probe *probe)
{
    const double now = clock_seconds();
    run->begun[run->n_fed % (MOST_AHEAD + 1)] = now;
    if (run->n_fed == 0)
        run->figures->build_s = now - run->fed_s; /* and reading */
    if (run->n_fed == run->n_done)
        run->busy_since = now;
    run->n_fed++;
    nd_input_advance(edges, run->n_fed);
    if (run->n_fed <= MOST_AHEAD)
        return nd_worker_step(worker, FEED_BUDGET);
    return nd_worker_step_while(worker, nd_probe_behind, probe, run->n_fed - MOST_AHEAD);
}

/* A wrong line: what was committed before it still counts. */
static nd_err refuse(follow_run *run, nd_worker *worker, const nd_probe *probe,
                     const update_chunk *chunk)
{
    ND_TRY(nd_worker_step_while(worker, nd_probe_behind, probe, run->n_fed));
    return nd_worker_fail(worker, chunk->err, "%s", chunk->message.text);
}

static nd_err feed_updates(follow_run *run, nd_worker *worker, nd_input *edges,
                           const nd_probe *probe)
{
    nd_message message;
    const update_chunk *chunk;
    if (signals_came()) /* before the run had handlers of its own */
        return nd_worker_fail(worker, ND_INTR, "interrupted");
    run->fed_s = clock_seconds();
    const nd_err err = update_feed_start(run->feed, &message);
    if (err != ND_OK)
        return nd_worker_fail(worker, err, "%s", message.text);
    for (;;) {
        ND_TRY(update_feed_next(run->feed, worker, &chunk));
        if (chunk->err != ND_OK)
            return refuse(run, worker, probe, chunk);
        if (chunk->is_last)
            break;
        put_in(edges, chunk->updates, chunk->len);
        if (chunk->ends_epoch)
            ND_TRY(end_epoch(run, worker, edges, probe));
        else
            ND_TRY(nd_worker_step(worker, FEED_BUDGET));
    }
    update_feed_stop_listening(run->feed);
    return ND_OK;
}

/* --- The run --- */

/* Processes that differ in any of this would each give a part of another answer. */
static void agree(nd_dataflow *flow, const follow_run *run)
{
    static const char *const directions[] = {"as the file says", "directed", "undirected"};
    const options *const chosen = run->chosen;
    char what[160], source[40] = "none";
    if (chosen->source.is_given)
        snprintf(source, sizeof source, "%" PRIu64, chosen->source.id);
    const int size = snprintf(what, sizeof what, "options (here %s, source %s, %s, %s updates)",
                              run->algorithm->name, source, directions[chosen->direction],
                              chosen->updates != NULL ? "with" : "without");
    nd_dataflow_agree(flow, what, what, (size_t)size);
    if (run->graph != NULL)
        nd_graph_agree(flow, run->graph);
}

static nd_err program(nd_worker *worker, void *arg)
{
    follow_run *const run = arg;
    const bool is_first = nd_worker_index(worker) == 0;
    nd_input *edges;
    nd_dataflow *const flow = nd_dataflow_new(worker, "follow");
    const nd_collection graph = nd_collection_input_new(flow, &nd_edge_type, &edges);
    nd_stream rounds = {NULL};
    const nd_collection answer = run->algorithm->follow(graph, run->chosen, &rounds);
    const nd_probe *const probe = gather(worker, answer, take_changes, run);
    if (run->algorithm->has_loop)
        collect(rounds, true, count_rounds, run);
    agree(flow, run);
    if (run->graph == NULL)
        update_feed_listen(flow, is_first ? run->feed : NULL);
    ND_TRY(nd_dataflow_start(flow));
    if (run->graph != NULL)
        nd_graph_feed(worker, run->graph, edges);
    else if (is_first)
        ND_TRY(feed_updates(run, worker, edges, probe));
    nd_input_close(edges);
    return nd_worker_run(worker);
}

/* --- A graph in memory --- */

nd_err follow_graph(const graph_algorithm *algorithm, const nd_graph *graph, const options *chosen,
                    graph_answer *answer, statistics *figures, nd_message *message)
{
    statistics own = {.vertices = 0}; /* the graph's figures are known */
    follow_run run = {.algorithm = algorithm,
                      .chosen = chosen,
                      .graph = graph,
                      .keeps_state = true,
                      .figures = &own};
    nd_err err = nd_execute(&chosen->cluster, program, &run, &figures->run, message);
    if (err == ND_OK)
        err = final_state_settle(&run.state);
    if (err == ND_OK && options_is_first(chosen)) {
        assert(run.state.len == nd_graph_get_counts(graph)->n_vertices);
        last_state_copy(algorithm, &run.state, answer);
    }
    figures->rounds = own.rounds;
    final_state_deinit(&run.state);
    return err;
}

/* --- Updates --- */

static nd_err conclude(follow_run *run, const nd_update_reader *reader, nd_message *message)
{
    run->figures->epochs = run->n_fed;
    run->figures->edges = nd_update_reader_n_edges(reader);
    run->figures->times = &run->times;
    run->figures->read_s = update_feed_read_s(run->feed);
    run->figures->build_s = fmax(run->figures->build_s - run->figures->read_s, 0);
    if (run->keeps_state) {
        ND_TRY(final_state_settle(&run->state));
        ND_TRY(last_state_conclude(run->algorithm, run->chosen, &run->state, reader, message));
    }
    if (signals_came())
        return ND_INTR;
    if (run->prints_changes)
        ND_TRY(change_output_commit(&run->out, message));
    return run->chosen->stats != NULL ? statistics_write(run->figures, run->chosen->stats, message)
                                      : ND_OK;
}

/* What is wrong with a file begins with its name. Only process 0 reads and writes files, so the run
 * need not say who has failed. */
static void name_file_first(nd_err err, nd_message *message)
{
    static const char who[] = "process 0: ";
    const size_t size = sizeof who - 1;
    if ((err == ND_INPUT || err == ND_IO) && strncmp(message->text, who, size) == 0)
        memmove(message->text, message->text + size, strlen(message->text + size) + 1);
}

static nd_err execute(follow_run *run, nd_message *message)
{
    nd_config config = run->chosen->cluster;
    if (config.stall_s == 0)
        config.stall_s = NO_STALL_S; /* updates may come seldom */
    const nd_err err = nd_execute(&config, program, run, &run->figures->run, message);
    signals_watch(); /* the workers had their own handlers */
    name_file_first(err, message);
    return err;
}

/* A bar that shows how much of the updates is read, where that can be known; but unasked none
 * between the rows on a terminal. */
static progress_bar make_bar(const follow_run *run)
{
    const options *const chosen = run->chosen;
    const bool is_among_rows = run->prints_changes && isatty(STDOUT_FILENO) &&
                               (chosen->output == NULL || strcmp(chosen->output, "-") == 0);
    progress_bar bar = progress_bar_make(chosen->updates, chosen->progress,
                                         chosen->quiet || (is_among_rows && !chosen->progress));
    bar.is_shown = bar.is_shown && bar.n_file_bytes > 0;
    return bar;
}

/* In process 0, which reads and writes. */
static nd_err lead(follow_run *run, nd_message *message)
{
    const options *const chosen = run->chosen;
    const nd_update_reader *reader = NULL;
    const nd_update_options files = {
        .graph_path = chosen->operand,
        .vertices_path = chosen->vertices,
        .updates_path = chosen->updates,
        .direction = chosen->direction,
        .keep_weights = run->algorithm->has_weights,
        .no_negative_weights = run->algorithm->has_weights,
    };
    run->keeps_state = chosen->final || chosen->verify;
    run->prints_changes = !chosen->final;
    progress_bar bar = make_bar(run);
    if (run->prints_changes) {
        signals_defer(chosen->output);
        ND_TRY(change_output_open(&run->out, run->algorithm, chosen, message));
    }
    nd_err err = signals_came() ? ND_INTR : update_feed_create(&files, &bar, &run->feed);
    if (err == ND_OK)
        err = execute(run, message);
    if (run->feed != NULL)
        update_feed_join(run->feed, &reader);
    if (err == ND_OK)
        err = conclude(run, reader, message);
    change_output_abandon(&run->out);
    final_state_deinit(&run->state);
    update_feed_destroy(run->feed);
    return err;
}

nd_err follow_updates(const graph_algorithm *algorithm, const options *chosen, nd_message *message)
{
    statistics figures = statistics_make(chosen);
    follow_run run = {.algorithm = algorithm, .chosen = chosen, .figures = &figures};
    return options_is_first(chosen) ? lead(&run, message) : execute(&run, message);
}
