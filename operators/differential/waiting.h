/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_WAITING_H
#define OPERATORS_DIFFERENTIAL_WAITING_H

/** @file
 * Rows of an input that wait until their times are complete.
 *
 * A vertex whose state begins with an nd_waiting has nd_waiting_recv as its on_recv. In on_frontier
 * it calls nd_held_round (held.h).
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

#endif
