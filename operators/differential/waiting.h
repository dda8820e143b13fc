/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_WAITING_H
#define OPERATORS_DIFFERENTIAL_WAITING_H

/** @file
 * Rows of an input that wait until their times are complete, and what a vertex that keeps something
 * does when a frontier moves.
 *
 * A vertex whose state begins with an nd_waiting has nd_waiting_recv as its on_recv. In on_frontier
 * it calls nd_hold_round, which calls it back.
 */

#include "operators/differential/batcher.h"
#include "operators/differential/held.h"

typedef struct nd_waiting {
    nd_row row;
    nd_batcher batcher;
    nd_held held; /* for what is in the batcher, and whatever else the vertex keeps */
} nd_waiting;

/** Of rows of `row`, whose codes are to be `code`, which is lent. */
void nd_waiting_init(nd_waiting *waiting, const nd_row *row, const nd_record_code *code);
/** A zeroed one is fine. */
void nd_waiting_deinit(nd_waiting *waiting);

/** Adds a batch of rows, and holds its time; fails the run if it cannot. The state of `vertex`
 * begins with an nd_waiting. */
void nd_waiting_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch);

/** What a vertex does at a frontier. */
typedef nd_err nd_round_fn(nd_vertex *vertex, const nd_antichain *frontier, nd_antichain *left);
typedef nd_err nd_moved_fn(nd_vertex *vertex, const nd_antichain *frontier);

/** The frontier of input 0 has moved. If one of the held times is complete by it, calls `round`,
 * which sends what is complete and sets `left`, which is empty, to the minimal times of what it
 * keeps: these are held from then on. Then calls `moved`, unless it is NULL. Fails the run if
 * anything fails. */
void nd_hold_round(nd_vertex *vertex, nd_held *held, nd_round_fn *round, nd_moved_fn *moved);

#endif
