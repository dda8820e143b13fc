/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RANDOM_HARNESS_QUERY_TABLES_H
#define TESTS_RANDOM_HARNESS_QUERY_TABLES_H

/** @file
 * What every node of a query holds at every time: computed at each time by itself from what its
 * inputs hold, by the meaning of its operator, without a thought of changes.
 */

#include "tests/random/harness/query.h"

/** The times of a node, side by side in total order. */
typedef struct query_history {
    table *at; /* NULL: not looked at yet */
    bool *is_known;
} query_history;

struct query_tables {
    const query *plan;
    table inputs[QUERY_INPUTS][QUERY_EPOCHS];
    query_history histories[QUERY_MOST];
};

void query_tables_init(query_tables *tables, const query *plan);
void query_tables_deinit(query_tables *tables);

/** What a node holds at a time. */
const table *query_table(query_tables *tables, unsigned node, const nd_time *time);

/** Number of times in a scope of a depth; the time at a place of them, and its place, or as many as
 * there are for one that cannot be. */
size_t query_n_times(unsigned depth);
nd_time query_time(unsigned depth, size_t place);
size_t query_place_of(unsigned depth, const nd_time *time);

#endif
