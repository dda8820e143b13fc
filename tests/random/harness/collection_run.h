/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RANDOM_HARNESS_COLLECTION_RUN_H
#define TESTS_RANDOM_HARNESS_COLLECTION_RUN_H

/** @file
 * A run of a random query: what is fed, and the program of every worker, which may be simulated or
 * a thread; and what all of it must have shown.
 *
 * There may be a second query, the *reader*: another dataflow, which each worker builds at a moment
 * of its own, over arranged collections of the first, which are compacted meanwhile.
 *
 * Nothing but its place belongs to a worker, so that there is nothing to lock.
 */

#include <nereid.h>

#include "tests/random/harness/query_tables.h"

enum {
    RUN_EPOCHS = 6, /* in which something is fed */
    RUN_WORKERS = 4,
    RUN_CHANGES = 400,
    RUN_QUERIES = 2
};

typedef struct collection_run collection_run;

/** What is fed: on which worker, to which input, when. */
typedef struct query_change {
    unsigned worker, input, epoch, number;
    int64_t diff;
} query_change;

/** An update that a node has shown. */
typedef struct query_sight {
    unsigned query, node, number;
    nd_time time;
    int64_t diff;
} query_sight;

/** A node that a worker looks at. */
typedef struct query_eye {
    struct collection_place *place;
    unsigned query, node;
} query_eye;

/** A worker. */
typedef struct collection_place {
    collection_run *run;
    unsigned index;
    unsigned n_fed; /* changes that it has looked at */
    nd_input *inputs[QUERY_INPUTS];
    nd_arrangement *shared[QUERY_INPUTS]; /* what the reader is to read */
    unsigned read_at, patience; /* it is built when so much was fed, or so many turns later */
    bool has_reader;
    uint64_t since; /* up to where what is shared has been compacted; when the reader was built */
    query_eye eyes[RUN_QUERIES][QUERY_MOST];
    query_sight *seen;
    size_t n_seen, capacity;
    bool is_refused; /* a dataflow could not be built */
} collection_place;

struct collection_run {
    const query_type *type;
    query plans[RUN_QUERIES]; /* the second one may be empty */
    query built[RUN_QUERIES]; /* the same, with a mutant */
    bool is_watched[RUN_QUERIES][QUERY_MOST];
    unsigned shared[QUERY_INPUTS]; /* nodes of the first that the second reads */
    unsigned n_workers, n_changes;
    unsigned most_at_once;             /* changes fed in a turn */
    query_change changes[RUN_CHANGES]; /* in order of epochs */
    collection_place places[RUN_WORKERS];
};

/** A random run. */
collection_run *collection_run_create(unsigned n_workers, const char *mutant, nd_random *random);
void collection_run_destroy(collection_run *run);

/** Builds the first dataflow of a worker. */
nd_err collection_run_build(nd_worker *worker, void *run);

/** A turn of a worker's program, between steps: feeds a little, or builds the reader. False once
 * nothing is left to do. Each worker goes through the changes by itself, so they are at different
 * epochs. */
bool collection_run_turn(nd_worker *worker, nd_random *random, void *run);

/** Gives up what belongs to a worker, if its program has ended early. */
void collection_run_abandon(collection_run *run, unsigned worker);

/** Whether all that was shown is right, at every time; else `why` says what is not. */
bool collection_run_check(const collection_run *run, nd_message *why);

/** Prints the queries. */
void collection_run_print(const collection_run *run);

/** What came about: a bit for each mark; and what each stands for, NULL behind the last. */
uint64_t collection_run_marks(const collection_run *run);
const char *collection_run_mark_name(size_t index);

#endif
