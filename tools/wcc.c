/* SPDX-License-Identifier: Apache-2.0 */
/* `nereid wcc`. */
#include "tools/command.h"
#include "tools/graph_command.h"

static nd_err run_plainly(const nd_graph *graph, const options *chosen, graph_answer *answer)
{
    (void)chosen;
    return nd_plain_wcc(graph, answer->numbers[0]);
}

static nd_collection follow(nd_collection edges, const options *chosen, nd_stream *rounds)
{
    (void)chosen;
    return nd_wcc_follow(edges, rounds);
}

static nd_err run(const options *chosen, nd_message *message)
{
    static const graph_algorithm algorithm = {
        .name = "wcc",
        .n_columns = 1,
        .columns = {{"value", COLUMN_UNSIGNED}},
        .lists = ND_OUT_LISTS,
        .follow = follow,
        .has_loop = true,
        .run_plainly = run_plainly,
    };
    return graph_command_run(&algorithm, chosen, message);
}

const command wcc_command = {
    .name = "wcc",
    .bit = COMMAND_WCC,
    .operand = "GRAPH",
    .summary = "the weakly connected component of each vertex",
    .details = "Prints 'vertex component' for each vertex, sorted by vertex: the least id of those "
               "that it is connected with,\n"
               "whichever way edges point.",
    .run = run,
};
