/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_GRAPH_PAGERANK_RUN_H
#define TESTS_GRAPH_PAGERANK_RUN_H

/** @file
 * PageRank as a dataflow, its ranks gathered by dense vertex.
 */

#include <nereid.h>

typedef struct pagerank_run {
    const nd_graph *graph;
    nd_pagerank_options options;
    double *ranks; /* of each vertex, added up: twice is wrong, too */
} pagerank_run;

/** Runs with so many workers, adding to the ranks. Errors: those of nd_execute. */
ND_CHECKED nd_err pagerank_run_execute(pagerank_run *run, unsigned n_workers, nd_message *message);

#endif
