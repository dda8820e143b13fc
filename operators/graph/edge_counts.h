/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_OPERATORS_GRAPH_EDGE_COUNTS_H
#define NEREID_OPERATORS_GRAPH_EDGE_COUNTS_H

/* A hash table of edges and how often each is there. It takes room for those that are there, at
 * most 256 bytes each while there are many, whatever has come and gone. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/graph.h>

typedef struct edge_count {
    nd_edge edge;
    uint64_t count; /* 0: the slot is empty */
} edge_count;

typedef struct edge_counts {
    edge_count *slots; /* open addressing with linear probing, at most three quarters full */
    size_t n_slots;    /* a power of two, or 0 */
    size_t len;        /* edges that are there, self-loops included */
    size_t n_loops;    /* of these */
} edge_counts;

/* A zeroed table is empty. Ends with the table zeroed. */
void edge_counts_deinit(edge_counts *counts);

/* Counts an edge once more. The weight is part of what it is, and no NaN. Errors: ND_NOMEM. */
ND_CHECKED nd_err edge_counts_add(edge_counts *counts, const nd_edge *edge);

/* Counts it once less; false if it is not there. */
bool edge_counts_remove(edge_counts *counts, const nd_edge *edge);

#endif
