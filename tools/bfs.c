/* SPDX-License-Identifier: Apache-2.0 */
/* `nereid bfs`. */
#include "tools/command.h"
#include "tools/graph_command.h"

static nd_err run_plainly(const nd_graph *graph, const options *chosen, graph_answer *answer)
{
    return nd_plain_bfs(graph, graph_command_find_source(graph, chosen), answer->numbers[0]);
}

static nd_collection follow(nd_collection edges, const options *chosen, nd_stream *rounds)
{
    return nd_bfs_follow(edges, chosen->source.id, rounds);
}

static nd_err run(const options *chosen, nd_message *message)
{
    static const graph_algorithm algorithm = {
        .name = "bfs",
        .n_columns = 1,
        .columns = {{"value", COLUMN_UNSIGNED}},
        .lists = ND_OUT_LISTS,
        .needs_source = true,
        .follow = follow,
        .has_loop = true,
        .run_plainly = run_plainly,
    };
    return graph_command_run(&algorithm, chosen, message);
}

const command bfs_command = {
    .name = "bfs",
    .bit = COMMAND_BFS,
    .operand = "GRAPH",
    .summary = "how many hops each vertex is away from a source",
    .details = "Prints 'vertex hops' for each vertex, sorted by vertex: the least number of edges "
               "on a way from --source V, and\n"
               "9223372036854775807 if there is no way.",
    .run = run,
};
