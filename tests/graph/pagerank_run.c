/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each worker says the ranks of its own vertices, so adding needs no lock.
 */
#include "tests/graph/pagerank_run.h"

static void add_ranks(void *user, const nd_type *type, const nd_time *time, const void *records,
                      size_t len)
{
    const pagerank_run *const run = user;
    const nd_rank *const ranks = records;
    (void)type, (void)time;
    for (size_t i = 0; i < len; i++) {
        uint32_t vertex;
        if (nd_graph_find(run->graph, ranks[i].id, &vertex))
            run->ranks[vertex] += ranks[i].rank;
    }
}

static nd_err rank_program(nd_worker *worker, void *arg)
{
    pagerank_run *const run = arg;
    nd_dataflow *const flow = nd_dataflow_new(worker, "pagerank");
    nd_inspect(nd_pagerank(nd_root(flow), run->graph, &run->options), add_ranks,
               (nd_user){run, NULL});
    ND_TRY(nd_dataflow_start(flow));
    return nd_worker_run(worker);
}

nd_err pagerank_run_execute(pagerank_run *run, unsigned n_workers, nd_message *message)
{
    return nd_execute(&(nd_config){.n_workers = n_workers}, rank_program, run, NULL, message);
}
