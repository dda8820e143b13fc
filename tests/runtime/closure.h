/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RUNTIME_CLOSURE_H
#define TESTS_RUNTIME_CLOSURE_H

/** @file
 * The oracle of progress tracking: legality of graphs and frontiers by brute force, from the
 * definitions and with nothing of the library but the type of times.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/time.h>

#include "runtime/topology.h"

enum { CLOSURE_LOCATIONS = 64, CLOSURE_EDGES = 512 };

/** One step of a path, coordinate by coordinate: clears, then adds. */
typedef struct closure_edge {
    uint32_t from, to;
    bool clears[ND_COORDINATES];
    uint64_t adds[ND_COORDINATES];
} closure_edge;

typedef struct closure_graph {
    uint32_t n_locations;
    size_t n_edges;
    closure_edge edges[CLOSURE_EDGES];
    unsigned n_loops[CLOSURE_LOCATIONS]; /* how deep in loops each location is */
} closure_graph;

/** A multiset of pointstamps with signed counts. Zeroed it is empty. */
typedef struct closure_counts {
    struct closure_count {
        uint32_t location;
        nd_time time;
        int64_t count;
    } * items;
    size_t len, capacity;
} closure_counts;

/** The frontier of each location, sorted. Zeroed all are empty. */
typedef struct closure_frontiers {
    struct closure_set {
        nd_time *times;
        size_t len, capacity;
    } at[CLOSURE_LOCATIONS];
} closure_frontiers;

/** Writes the graph's edges as the library has them; `edges` has room for CLOSURE_EDGES. */
void closure_edges(const closure_graph *graph, nd_arc *edges);

/** Whether, on every closed walk, the first coordinate that is changed at all only grows. */
bool closure_is_legal(const closure_graph *graph);

/** Whether the locations, in this order and round again, are a closed walk that is not legal. */
bool closure_is_culprit(const closure_graph *graph, const nd_cycle *cycle);

/** Adds to a count. */
void closure_update(closure_counts *counts, uint32_t location, const nd_time *time, int64_t delta);

/** The count of (location, time). */
int64_t closure_count_of(const closure_counts *counts, uint32_t location, const nd_time *time);

/** Finds all frontiers: minimal times of positive counts, pushed along edges until nothing changes.
 */
void closure_find(const closure_graph *graph, const closure_counts *counts, closure_frontiers *out);

/** Whether a set has an item at or before `time`. */
bool closure_reaches(const struct closure_set *set, const nd_time *time);

/** Whether two sorted sets are the same. */
bool closure_same(const struct closure_set *a, const nd_time *times, size_t len);

/** Times in order of their coordinates, for sorting. */
int closure_order(const void *a, const void *b);

void closure_counts_free(closure_counts *counts);
void closure_frontiers_free(closure_frontiers *frontiers);

#endif
