/* SPDX-License-Identifier: Apache-2.0 */
/* `nereid sssp`. */
#include "tools/command.h"
#include "tools/graph_command.h"

static nd_err run_plainly(const nd_graph *graph, const options *chosen, graph_answer *answer)
{
    return nd_plain_sssp(graph, graph_command_find_source(graph, chosen), answer->reals);
}

static nd_collection follow(nd_collection edges, const options *chosen, nd_stream *rounds)
{
    return nd_sssp_follow(edges, chosen->source.id, rounds);
}

static nd_err run(const options *chosen, nd_message *message)
{
    static const graph_algorithm algorithm = {
        .name = "sssp",
        .n_columns = 1,
        .columns = {{"value", COLUMN_REAL}},
        .lists = ND_OUT_LISTS,
        .needs_source = true,
        .has_weights = true,
        .follow = follow,
        .has_loop = true,
        .run_plainly = run_plainly,
    };
    return graph_command_run(&algorithm, chosen, message);
}

const command sssp_command = {
    .name = "sssp",
    .bit = COMMAND_SSSP,
    .operand = "GRAPH",
    .summary = "how far each vertex is away from a source, by weight",
    .details = "Prints 'vertex distance' for each vertex, sorted by vertex: the least sum of "
               "weights on a way from --source V, and\n"
               "Infinity if there is no way. An edge without a weight weighs 1; of equal edges the "
               "lightest counts.",
    .run = run,
};
