/* SPDX-License-Identifier: Apache-2.0 */
/* `nereid degrees`. */
#include <nereid.h>

#include "tools/collect.h"
#include "tools/command.h"
#include "tools/graph_command.h"

static nd_err run_plainly(const nd_graph *graph, const options *chosen, graph_answer *answer)
{
    (void)chosen;
    nd_plain_degrees(graph, answer->numbers[0], answer->numbers[1]);
    return ND_OK;
}

/* What the workers share: each writes the degrees of its own range. */
typedef struct degrees_run {
    const nd_graph *graph;
    uint64_t *out, *in;
    bool is_alone; /* one process has all ranges; else process 0 gets them all */
} degrees_run;

/* Degrees come in the order of ids, so only the first of a batch has to be found. */
static void keep_degrees(void *user, const void *records, size_t len)
{
    const degrees_run *const run = user;
    const nd_degree *const degrees = records;
    uint32_t vertex = 0;
    if (!nd_graph_find(run->graph, degrees[0].id, &vertex))
        return;
    for (size_t i = 0; i < len; i++) {
        run->out[vertex + i] = degrees[i].out;
        run->in[vertex + i] = degrees[i].in;
    }
}

static nd_err program(nd_worker *worker, void *arg)
{
    degrees_run *const run = arg;
    nd_dataflow *const flow = nd_dataflow_new(worker, "degrees");
    collect(nd_degrees(nd_root(flow), run->graph), run->is_alone, keep_degrees, run);
    ND_TRY(nd_dataflow_start(flow));
    return nd_worker_run(worker);
}

static nd_err run_on_workers(const nd_graph *graph, const options *chosen, graph_answer *answer,
                             statistics *figures, progress_bar *bar, nd_message *message)
{
    degrees_run run = {graph, answer->numbers[0], answer->numbers[1], options_is_alone(chosen)};
    (void)bar;
    figures->rounds = 1;
    return nd_execute(&chosen->cluster, program, &run, &figures->run, message);
}

static nd_collection follow(nd_collection edges, const options *chosen, nd_stream *rounds)
{
    (void)chosen, (void)rounds;
    return nd_degrees_follow(edges);
}

static nd_err run(const options *chosen, nd_message *message)
{
    static const graph_algorithm algorithm = {
        .name = "degrees",
        .n_columns = 2,
        .columns = {{"out", COLUMN_UNSIGNED}, {"in", COLUMN_UNSIGNED}},
        .lists = ND_IN_LISTS,
        .run = run_on_workers,
        .follow = follow,
        .run_plainly = run_plainly,
    };
    return graph_command_run(&algorithm, chosen, message);
}

const command degrees_command = {
    .name = "degrees",
    .bit = COMMAND_DEGREES,
    .operand = "GRAPH",
    .summary = "how many edges leave and enter each vertex",
    .details = "Prints 'vertex out in' for each vertex, sorted by vertex; of an undirected graph "
               "the degree, twice.",
    .run = run,
};
