/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_DIFFERENTIAL_QUERY_RUN_H
#define TESTS_DIFFERENTIAL_QUERY_RUN_H

/** @file
 * A query over one input, which is fed in some epochs, on worker 0; and what it shows.
 */

#include "tests/differential/changes.h"

typedef nd_collection query_fn(nd_dataflow *flow, nd_collection input);
typedef void feed_fn(nd_input *input);

typedef struct query_run {
    const nd_type *type;
    query_fn *query;
    feed_fn *feed;
    changes seen;
} query_run;

nd_err query_run_it(query_run *self, unsigned n_workers, nd_message *message);

/** On one to three workers the query shows just this. */
void query_expect(const nd_type *type, query_fn *query, feed_fn *feed, const char *expected);

/** The run fails, with a text in which `what` occurs. */
void query_expect_failure(const nd_type *type, query_fn *query, feed_fn *feed, nd_err err,
                          const char *what);

#endif
