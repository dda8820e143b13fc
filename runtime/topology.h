/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_TOPOLOGY_H
#define RUNTIME_TOPOLOGY_H

/** @file
 * A dataflow as progress tracking sees it: locations, which are the input and output ports of its
 * vertices, and edges, each with what it does to a time. Whether every cycle advances, and the
 * places that make path order.
 *
 * Path order compares two times at two locations by (time[0], place[0], time[1], place[1], ...),
 * place being that of the location. Along every edge it grows strictly, whatever the time is; so
 * what is worked off in path order is final when its turn comes. Pure functions; any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/error.h>

#include "runtime/coordinate.h"
#include "runtime/summary.h"

/** An edge: from one location to another. Several may join the same two. */
typedef struct nd_arc {
    uint32_t from, to; /* below n_locations, which the builder of the graph sees to */
    nd_summary summary;
} nd_arc;

/** Borrowed arrays; locations are the numbers 0 .. n_locations - 1. */
typedef struct nd_topology {
    uint32_t n_locations;
    const nd_arc *edges;
    size_t n_edges;
    const bool
        *watched; /* for each location: somebody reads its frontier; NULL: every one is read */
} nd_topology;

/** The edges sorted by where they begin, or by where they end: those of location l are the numbers
 * edges[first[l] .. first[l + 1]). Zeroed, it holds nothing. */
typedef struct nd_fan {
    size_t *first;
    size_t *edges;
} nd_fan;

/** Sorts by the beginning, or by the end if `backwards`. Linear. Errors: ND_NOMEM, and `fan` holds
 * nothing. */
ND_CHECKED nd_err nd_fan_init(nd_fan *fan, const nd_topology *topology, bool backwards);

/** Frees; a zeroed fan is fine. */
void nd_fan_deinit(nd_fan *fan);

/** Locations one behind the other along edges, the last leading back to the first. `locations` is
 * owned by whoever asked, and ends with nd_free. */
typedef struct nd_cycle {
    uint32_t *locations;
    size_t len;
} nd_cycle;

/** Finds the places of all locations, and whether the graph is legal.
 *
 * A cycle is legal when the first coordinate that it changes grows: an outer round of nested loops,
 * from (e, i, j) to (e, i + 1, 0), is; leaving a loop and coming back without feedback is not.
 *
 * @param places ND_COORDINATES numbers for each location; NULL if only legality is asked for
 * @param culprits set to the locations of one illegal cycle on ND_INVAL, untouched otherwise; may
 * be NULL
 *
 * Near-linear: five searches at most, for a graph without loops one. Errors: ND_INVAL for an
 * illegal cycle, ND_NOMEM. */
ND_CHECKED nd_err nd_topology_places(const nd_topology *topology, uint32_t *places,
                                     nd_cycle *culprits);

#endif
