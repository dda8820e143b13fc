/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_JOIN_TACTIC_H
#define OPERATORS_DIFFERENTIAL_JOIN_TACTIC_H

/** @file
 * The join of one key: every edit of the left with every one of the right, at the join of their
 * times, with the product of their differences. Pure but for its scratch; it knows neither keys nor
 * traces.
 *
 *     nd_join_tactic_init(&tactic);
 *     for each key:
 *         nd_join_tactic_start(&tactic, left, right, ND_JOIN_RIGHT, &meet);
 *         do { fuel = ...; nd_join_tactic_run(&tactic, &fuel, emit, context, &is_finished); }
 *         while (!is_finished);
 *     nd_join_tactic_deinit(&tactic);
 *
 * Results are right added up, not one for one: what cancels in a history before the other side has
 * anything to meet it is not multiplied. Of equal results there may be several, and some may
 * cancel.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/time.h>

#include "operators/differential/history.h"

/** The edits of one key: in any order, several of one value and time too. */
typedef struct nd_join_edits {
    const nd_edit *items; /* borrowed; NULL if there are none */
    size_t len;
} nd_join_edits;

typedef struct nd_join_result {
    uint32_t left, right;
    nd_time time;
    int64_t diff;
} nd_join_result;

/** Takes results, one or more, borrowed until return. An error ends the run. */
typedef nd_err nd_join_emit(void *context, const nd_join_result *results, size_t len);

typedef enum nd_join_input { ND_JOIN_LEFT, ND_JOIN_RIGHT } nd_join_input;

enum { ND_JOIN_RESULTS = 256 };

/* One history. Those of its edits that have been passed stand before the others, in the same array:
 * they are never more than they were. */
typedef struct nd_join_side {
    nd_vector edits;  /* nd_edit: n_passed that stand for all passed; from `next` on the rest */
    nd_vector meets;  /* nd_time: of the edit of that number and all later ones */
    size_t next;      /* the first edit that has not been passed; edits.len: none is left */
    size_t n_passed;  /* edits that are to be met by those of the other side */
    size_t n_settled; /* of these the first ones: in order of values, added up for settled_at */
    nd_time settled_at;
} nd_join_side;

/** The join of a key that is under way, and scratch that is used again for the next one. */
typedef struct nd_join_tactic {
    nd_join_side sides[2];
    nd_vector spare;       /* nd_edit: room for sorting the longer side */
    bool is_wave;          /* else one side has been passed from the start */
    unsigned driving;      /* the side that `driver` is of */
    nd_edit driver;        /* meets what the other side has passed: */
    size_t n_met, n_meant; /* how many of these already, of how many */
    nd_join_result results[ND_JOIN_RESULTS];
} nd_join_tactic;

/** A finished one. Allocates nothing. */
void nd_join_tactic_init(nd_join_tactic *tactic);
void nd_join_tactic_deinit(nd_join_tactic *tactic);

/** Begins with a key; what was not finished of the one before is forgotten. Edits are copied.
 * `accumulated` is the side that may be advanced to `meet`: nobody asks about times that are not at
 * or after it. At those the results add up to the right ones, and none is at another. Errors:
 * ND_NOMEM; ND_FAILED: a difference becomes too large. There is nothing to do then. Sorts: n log n;
 * linear if edits come in the order of values, and of times. */
ND_CHECKED nd_err nd_join_tactic_start(nd_join_tactic *tactic, nd_join_edits left,
                                       nd_join_edits right, nd_join_input accumulated,
                                       const nd_time *meet);

/** Goes on. A result costs one unit of fuel, and so does each edit that is looked at, of one side
 * if there are few, else of both: never is more emitted than there was fuel, and a history that
 * cancels pays too. `fuel` becomes what is left. The key is finished with the last unit or before.
 * Allocates nothing. Errors: ND_FAILED: a difference becomes too large; those of `emit`. What was
 * emitted before stands, and the key cannot be gone on with. */
ND_CHECKED nd_err nd_join_tactic_run(nd_join_tactic *tactic, size_t *fuel, nd_join_emit *emit,
                                     void *context, bool *is_finished);

#endif
