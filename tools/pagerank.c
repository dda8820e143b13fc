/* SPDX-License-Identifier: Apache-2.0 */
/* `nereid pagerank`. */
#include <nereid.h>

#include "tools/collect.h"
#include "tools/command.h"
#include "tools/graph_command.h"

static nd_err run_plainly(const nd_graph *graph, const options *chosen, graph_answer *answer)
{
    return nd_plain_pagerank(graph, &chosen->pagerank, answer->reals, NULL);
}

enum { USUAL_ROUNDS = 30 };

/* What the workers share: each writes the ranks of its own range. */
typedef struct pagerank_run {
    const nd_graph *graph;
    nd_pagerank_options options;
    double *ranks;
    bool is_alone; /* one process has all ranges; else process 0 gets them all */
} pagerank_run;

/* Ranks come in the order of ids, so only the first of a batch has to be found. */
static void keep_ranks(void *user, const void *records, size_t len)
{
    const pagerank_run *const run = user;
    const nd_rank *const ranks = records;
    uint32_t vertex = 0;
    if (!nd_graph_find(run->graph, ranks[0].id, &vertex))
        return;
    for (size_t i = 0; i < len; i++)
        run->ranks[vertex + i] = ranks[i].rank;
}

static nd_err program(nd_worker *worker, void *arg)
{
    pagerank_run *const run = arg;
    nd_dataflow *const flow = nd_dataflow_new(worker, "pagerank");
    const nd_stream ranks = nd_pagerank(nd_root(flow), run->graph, &run->options);
    collect(ranks, run->is_alone, keep_ranks, run);
    ND_TRY(nd_dataflow_start(flow));
    return nd_worker_run(worker);
}

/* What is told about rounds goes to the figures and to the bar. */
typedef struct rounds_watch {
    statistics *figures;
    progress_bar *bar;
    uint32_t wanted;
} rounds_watch;

static void watch_round(void *user, uint32_t round)
{
    const rounds_watch *const watch = user;
    watch->figures->rounds = round;
    progress_bar_draw_rounds(watch->bar, round, watch->wanted);
}

static nd_err run_on_workers(const nd_graph *graph, const options *chosen, graph_answer *answer,
                             statistics *figures, progress_bar *bar, nd_message *message)
{
    pagerank_run run = {graph, chosen->pagerank, answer->reals, options_is_alone(chosen)};
    rounds_watch watch = {figures, bar, chosen->pagerank.iterations};
    if (watch.wanted == 0 && chosen->pagerank.tolerance == 0)
        watch.wanted = USUAL_ROUNDS;
    run.options.progress = watch_round;
    run.options.user = &watch;
    return nd_execute(&chosen->cluster, program, &run, &figures->run, message);
}

static nd_err run(const options *chosen, nd_message *message)
{
    static const graph_algorithm algorithm = {
        .name = "pagerank",
        .n_columns = 1,
        .columns = {{"value", COLUMN_REAL}},
        .lists = ND_IN_LISTS,
        .run = run_on_workers,
        .run_plainly = run_plainly,
        .tolerance = 1e-9,
    };
    return graph_command_run(&algorithm, chosen, message);
}

const command pagerank_command = {
    .name = "pagerank",
    .bit = COMMAND_PAGERANK,
    .operand = "GRAPH",
    .summary = "the probability of being at a vertex after long wandering along edges",
    .details = "Prints 'vertex probability' for each vertex, sorted by vertex. All vertices are "
               "updated at once each round;\n"
               "what is at a vertex without out-edges spreads evenly over all. Any number of "
               "workers and processes gives the same bytes.",
    .run = run,
};
