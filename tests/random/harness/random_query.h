/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RANDOM_HARNESS_RANDOM_QUERY_H
#define TESTS_RANDOM_HARNESS_RANDOM_QUERY_H

/** @file
 * Random queries over collections: a graph of operators, as data. It is built as a dataflow, and
 * computed anew from what the inputs hold, by a table of all records that can be, which is the
 * slow obvious way.
 */

#include <nereid/collection.h>

#include "runtime/base/random.h"

enum {
    QUERY_INPUTS = 2,
    QUERY_MOST = 12,  /* nodes, inputs included */
    QUERY_KEYS = 5,   /* keys from 0 to that, less one; likewise values, */
    QUERY_VALUES = 4, /* from -2 on */
    QUERY_RECORDS = QUERY_KEYS * QUERY_VALUES,
    QUERY_DEPTH = 3, /* loops, one in the other */
};

/** What all collections are of. */
typedef struct pair {
    uint32_t key;
    int32_t value;
} pair;

extern const nd_type pair_type;

/** How often each record is there, by its number. */
typedef struct table {
    int64_t n[QUERY_RECORDS];
} table;

unsigned pair_number(const pair *record);
pair pair_of_number(unsigned number);

typedef enum query_kind {
    QUERY_INPUT,
    QUERY_MAP,
    QUERY_FILTER,
    QUERY_FLAT_MAP,
    QUERY_NEGATE,
    QUERY_CONCAT,
    QUERY_CONSOLIDATE,
    QUERY_ARRANGE, /* the same, kept for all that look at its keys */
    QUERY_REDUCE, /* some function of all records of a key */
    QUERY_COUNT,
    QUERY_DISTINCT,
    QUERY_MIN,
    QUERY_MAX,
    QUERY_JOIN,
    QUERY_CLOSURE,  /* all that a map leads to, by iteration */
    QUERY_CLOSURES, /* likewise, with a loop in the loop */
    QUERY_ENTER,    /* what follows until its end is inside a loop */
    QUERY_ENTER_AT, /* likewise, each record in a round of its own */
    QUERY_LEAVE,
    QUERY_KINDS
} query_kind;

typedef struct query_node {
    query_kind kind;
    unsigned of, and;  /* nodes before it */
    unsigned depth;    /* loops around it */
    uint32_t constant; /* chooses its function */
} query_node;

typedef struct query {
    query_node nodes[QUERY_MOST];
    unsigned n;
} query;

/** Makes a random query; the last node is in the root scope. */
void query_make(query *plan, nd_random *random);

/** What consolidated collections have shown, on all workers. */
typedef struct query_watch {
    struct {
        unsigned node, number;
        nd_time time;
    } * seen;
    size_t n, capacity;
    bool has_repeated; /* a record and time came twice, or with a difference of zero */
} query_watch;

void query_watch_deinit(query_watch *watch);

/** Builds it over collections; the last node's. A mutant (or NULL) names a node kind that is built
 * wrongly. The plan and the watch are lent. */
nd_collection query_build(const query *plan, nd_dataflow *flow, const nd_collection *inputs,
                          query_watch *watch, const char *mutant);

/** What the last node holds if the inputs hold `inputs[QUERY_INPUTS]`. */
table query_compute(const query *plan, const table *inputs);

/** The name of fault `index`; NULL behind the last. */
const char *query_mutant(size_t index);

#endif
