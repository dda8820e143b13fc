/* SPDX-License-Identifier: Apache-2.0 */
#ifndef NEREID_OPERATORS_GRAPH_EDGE_COLLECTOR_H
#define NEREID_OPERATORS_GRAPH_EDGE_COLLECTOR_H

/* Edges as they are read, eight bytes each (weights apart).
 *
 * An edge is a key, src << 32 | dst. As long as all ids fit 32 bits they stand in the keys
 * themselves; from the first greater id on, the keys hold indices into a table of ids. A vertex
 * without an edge is the key of its self-loop, not counted as one. One thread at a time. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/graph.h>

#include "operators/graph/id_table.h"

typedef struct edge_collector {
    uint64_t *keys;
    double *weights; /* NULL unless kept */
    size_t len, capacity;
    bool keep_weights;
    bool has_table; /* keys hold indices of `table` */
    id_table table;
    uint64_t id_bits;      /* all ids so far, or-ed */
    uint64_t n_lines;      /* edges added */
    uint64_t n_self_loops; /* of these */
} edge_collector;

/* A collector that is zeroed but for keep_weights is empty. */
void edge_collector_deinit(edge_collector *collector);

/* Errors of all: ND_NOMEM, ND_INPUT (more ids than fit). */
ND_CHECKED nd_err edge_collector_add(edge_collector *collector, const nd_edge *edges, size_t len);
ND_CHECKED nd_err edge_collector_add_vertices(edge_collector *collector, const uint64_t *ids,
                                              size_t len);

/* Makes keys of ids into keys of indices, if they are not yet. */
ND_CHECKED nd_err edge_collector_use_table(edge_collector *collector);

#endif
