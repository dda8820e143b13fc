/* SPDX-License-Identifier: Apache-2.0 */
#ifndef RUNTIME_TRACKER_H
#define RUNTIME_TRACKER_H

/** @file
 * The progress tracker: which times may still arrive at each location of a dataflow, from the
 * counts of what is under way (Naiad, SOSP 2013, section 2.3; Brun, Decova, Lattuada and Traytel,
 * ITP 2021).
 *
 * A *count* at a location says how many batches or capabilities of a time are there. The *frontier*
 * of a location is the set of minimal times that any positive count could result in there, along
 * any path. Counts may be negative for a while.
 *
 *     for each change of a frame: ND_TRY(nd_tracker_update(tracker, change.location, &change.time,
 * change.delta)); ND_TRY(nd_tracker_propagate(tracker)); read nd_tracker_changed, and then
 * nd_tracker_changed_clear
 *
 * A tracker that has returned ND_NOMEM is good only for destruction. One thread at a time. A
 * tracker that is not updated costs nothing; a warm one allocates nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/error.h>
#include <nereid/time.h>

#include "runtime/antichain.h"
#include "runtime/mutable_antichain.h"
#include "runtime/topology.h"

typedef struct nd_tracker nd_tracker;

/** A tracker without counts. `topology` is borrowed. Near-linear in locations and edges.
 * Errors: ND_INVAL when a cycle does not advance, and then `culprits`, unless it is NULL, is set to
 * its locations; ND_NOMEM. */
ND_CHECKED nd_err nd_tracker_create(const nd_topology *topology, nd_tracker **tracker,
                                    nd_cycle *culprits);

/** Frees; NULL is fine. */
void nd_tracker_destroy(nd_tracker *tracker);

/** Adds `delta` to the count of `time` at `location`. Frontiers follow with nd_tracker_propagate,
 * which is to be called when the whole frame is there. Errors: ND_PROTO for a location that is not
 * there or a count beyond 64 bits, which a malformed frame brings about, and nothing has changed;
 * ND_NOMEM. */
ND_CHECKED nd_err nd_tracker_update(nd_tracker *tracker, uint32_t location, const nd_time *time,
                                    int64_t delta);

/** Brings all frontiers up to date, working on each time at each location at most once. Errors:
 * ND_NOMEM. */
ND_CHECKED nd_err nd_tracker_propagate(nd_tracker *tracker);

/** The frontier of a location that is watched. Borrowed until the next propagation. Constant time.
 */
const nd_antichain *nd_tracker_frontier(const nd_tracker *tracker, uint32_t location);

/** The watched locations whose frontiers have changed in some propagation since
 * nd_tracker_changed_clear was called last, each once, and within one propagation those upstream
 * first: returns how many and lends them until then. After a single propagation these are exactly
 * the frontiers that differ from what they were; several may have undone one another. */
size_t nd_tracker_changed(const nd_tracker *tracker, const uint32_t **locations);

/** Forgets what has changed. Linear in the number of locations forgotten. */
void nd_tracker_changed_clear(nd_tracker *tracker);

/** Whether every count is zero: the dataflow is complete. Constant time. */
bool nd_tracker_is_empty(const nd_tracker *tracker);

/** The count of `time` at `location`. Logarithmic. */
int64_t nd_tracker_count(const nd_tracker *tracker, uint32_t location, const nd_time *time);

/** The counts at `location` that are not zero, in total order of times; sets `*len`. Borrowed until
 * the next update. */
const nd_time_count *nd_tracker_counts(const nd_tracker *tracker, uint32_t location, size_t *len);

/** Whether `time` may still arrive at the watched `location` even if its count there were zero,
 * since something else could result in it. Frontiers are up to date. Linear in the width of the
 * frontier. */
bool nd_tracker_is_covered(const nd_tracker *tracker, uint32_t location, const nd_time *time);

/** The number of times that all counts and frontiers hold: a measure of memory, zero when a tracker
 * has drained. Slow, for tests. */
size_t nd_tracker_n_entries(const nd_tracker *tracker);

/** Has `visit` called for each location and time that a propagation works on; when it returns
 * false, the propagation ends with ND_FAILED. NULL ends the tracing. For tests. */
void nd_tracker_trace(nd_tracker *tracker,
                      bool (*visit)(void *context, uint32_t location, const nd_time *time),
                      void *context);

#endif
