/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SCHEDULER_RANDOM_THREADS_H
#define TESTS_SCHEDULER_RANDOM_THREADS_H

/** @file
 * The vertices of random dataflows on threads, and the run that their workers share.
 *
 * What becomes of a record is a hash of the seed, the vertex, the input and the record, never of
 * the schedule. So a seed has one answer, whatever the number of workers: the sum, for each epoch,
 * of the hashes of what arrived where and when.
 *
 * A run is read only while workers run it, but for its totals. These are relaxed atomics, so that
 * they order nothing and hide no race.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <nereid.h>

#include "tests/random/harness/random_plan.h"

enum { MOST_WORKERS = 5, EPOCHS = 64 };

typedef struct traveller {
    uint64_t key, id, budget; /* at least one: what may still happen on its behalf */
} traveller;

extern const nd_type traveller_type;

/** What went through a channel to one worker. */
typedef struct total {
    _Atomic uint64_t n, sum;
} total;

typedef struct shared_run shared_run;

/** The `user` of a vertex, the same for all its instances. */
typedef struct place {
    shared_run *run;
    const plan_vertex *plan;
    unsigned number;
    bool relays;                   /* sends batches on as they are */
    uint64_t n_takers[PLAN_PORTS]; /* channels that begin at an output */
} place;

struct shared_run {
    uint64_t seed;
    unsigned n_workers;
    random_plan plan;
    place places[PLAN_VERTICES];
    total sent[PLAN_CHANNELS][MOST_WORKERS], received[PLAN_CHANNELS][MOST_WORKERS];
    _Atomic uint64_t answer[EPOCHS];
    _Atomic uint64_t n_kept, n_held, n_relayed, n_notified;
    _Atomic uint64_t n_wrong;
    _Atomic(const char *) what; /* the first thing that was wrong */
};

/** Gives a vertex its state and its callbacks. The place is lent until the dataflow is freed. */
void threads_vertex_behave(place *here, nd_vertex_def *def);

/** Chooses the worker by the record's key; the user is the run. */
void threads_route(void *user, const void *records, size_t len, uint64_t *hashes);

/** Whether a driven source has epochs left; and sends the next. Between the worker's steps. */
bool threads_source_is_open(const nd_vertex *vertex);
void threads_source_feed(nd_vertex *vertex);

#endif
