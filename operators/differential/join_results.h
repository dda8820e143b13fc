/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OPERATORS_DIFFERENTIAL_JOIN_RESULTS_H
#define OPERATORS_DIFFERENTIAL_JOIN_RESULTS_H

/** @file
 * What becomes of a join's results (join_tactic.h): of the values they name, records; of each pair
 * of these, by the user's function, a record; of that, a row, which is sent.
 *
 *     nd_join_results_begin     with each key
 *     nd_join_results_send      as the tactic's nd_join_emit, for what it finds there
 *     nd_join_results_forget    once all that was sent has been copied: in another callback
 *
 * Belongs to the worker of its vertex.
 */

#include "operators/differential/index.h"
#include "operators/differential/join_tactic.h"
#include "operators/differential/row.h"

/** One side's records. */
typedef struct nd_join_records {
    const nd_index *index;   /* lent: what records and their codes are */
    const nd_vector *values; /* nd_trace_code, lent: the key's, by number */
    nd_vector decoded;       /* bytes: these as records, by number, if all have one size */
    unsigned char *items;    /* ND_JOIN_RESULTS of them */
} nd_join_records;

typedef struct nd_join_results {
    nd_join_fn *fn;
    void *user;
    nd_row row;    /* of the output */
    nd_emit *emit; /* where rows go; the caller sets it */
    nd_trace_code key;
    nd_join_records sides[2];
    unsigned char *made; /* ND_JOIN_RESULTS records of the output */
    nd_vector texts;     /* void *, owned: what rows that were sent point into */
} nd_join_results;

/** The results of joining `left` and `right`, which are lent. Errors: ND_NOMEM; it is to be
 * deinitialised then, too. */
ND_CHECKED nd_err nd_join_results_init(nd_join_results *results, const nd_row *row, nd_join_fn *fn,
                                       void *user, const nd_index *left, const nd_index *right);
/** A zeroed one is fine. */
void nd_join_results_deinit(nd_join_results *results);

/** Begins with a key, whose values (nd_trace_code) on each side are lent, as the key is, until the
 * next one. Linear in the values, where they have one size. Errors: ND_NOMEM. */
ND_CHECKED nd_err nd_join_results_begin(nd_join_results *results, nd_trace_code key,
                                        const nd_vector *left, const nd_vector *right);

/** Sends the rows of `len` of the key's results, at most ND_JOIN_RESULTS. What they point into
 * lasts until nd_join_results_forget. Errors: ND_NOMEM. */
nd_err nd_join_results_send(void *self, const nd_join_result *results, size_t len);

/** Frees what rows that were sent point into. */
void nd_join_results_forget(nd_join_results *results);

#endif
