/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_OPERATORS_GRAPH_GRAPH_LOADER_H
#define NEREID_OPERATORS_GRAPH_GRAPH_LOADER_H

/* Reading the lines of a graph file on several threads, into a collector a thread. */

#include <nereid/graph.h>

#include "operators/graph/edge_collector.h"

/* Called on the thread that loads. */
typedef struct load_progress {
    void (*call)(void *user, uint64_t n_bytes, uint64_t n_edges); /* may be NULL */
    void *user;
} load_progress;

/* Reads `bytes`, which it takes, with a thread a collector and blocks of block_size bytes. Sets
 * `*facts` as soon as the file is open. Errors: ND_INPUT with the first wrong line, ND_NOMEM. */
ND_CHECKED nd_err load_edges(nd_reader *bytes, size_t block_size, bool refuses_negative,
                             edge_collector *collectors, unsigned n_collectors,
                             load_progress progress, nd_edge_facts *facts, nd_message *message);

/* Reads `bytes`, which it takes, as a file of vertex ids. */
ND_CHECKED nd_err load_vertices(nd_reader *bytes, size_t block_size, edge_collector *collector,
                                nd_message *message);

#endif
