/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_HELD_H
#define OPERATORS_DIFFERENTIAL_HELD_H

/** @file
 * The times that a vertex holds for what it keeps: the minimal ones, so that it may send all of it
 * later, and holds back nobody for nothing; and what it does when a frontier moves.
 */

#include <nereid/vertex.h>

#include "runtime/antichain.h"

/* Zeroed it is empty. */
typedef struct nd_held {
    nd_antichain times; /* each held once */
} nd_held;

/** Frees the list; the vertex is at its end. */
void nd_held_deinit(nd_held *held);

/** Something at or after `time` is kept, which the vertex has the right to. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_held_add(nd_held *held, nd_vertex *vertex, const nd_time *time);

/** What is kept has the minimal times `left`, each at or after one that is held; moved. */
void nd_held_replace(nd_held *held, nd_vertex *vertex, nd_antichain *left);

/** Whether one of the times is complete: none of `frontier` is at or before it. */
bool nd_held_has_complete(const nd_held *held, const nd_antichain *frontier);

/** Reads the frontier of an input into `frontier`, which is empty. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_frontier_read(nd_vertex *vertex, unsigned port, nd_antichain *frontier);

/** What a vertex does at a frontier. */
typedef nd_err nd_round_fn(nd_vertex *vertex, const nd_antichain *frontier, nd_antichain *left);
typedef nd_err nd_moved_fn(nd_vertex *vertex, const nd_antichain *frontier);

/** The frontier of input 0 has moved. If one of the held times is complete by it, calls `round`,
 * which sends what is complete and sets `left`, which is empty, to the minimal times of what it
 * keeps: these are held from then on. Then calls `moved`, unless it is NULL. Fails the run if
 * anything fails. */
void nd_held_round(nd_held *held, nd_vertex *vertex, nd_round_fn *round, nd_moved_fn *moved);

#endif
