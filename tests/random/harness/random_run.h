/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_RANDOM_HARNESS_RANDOM_RUN_H
#define TESTS_RANDOM_HARNESS_RANDOM_RUN_H

/** @file
 * The state of one run: its dataflows, the instances of their vertices on every worker, the ledger,
 * and the first thing that was wrong.
 */

#include <stdbool.h>
#include <stdint.h>

#include <nereid/vertex.h>
#include <nereid/worker.h>

#include "runtime/base/random.h"
#include "runtime/base/vector.h"
#include "tests/random/harness/ledger.h"
#include "tests/random/harness/random_plan.h"

enum { RUN_WORKERS = 15, RUN_FLOWS = 3 };

/** A right to act at or after a time, as the paths of any of some inputs make it. */
typedef struct time_right {
    nd_time time;
    unsigned inputs; /* a bit each; ANY_INPUT: the time as it stands, on every output */
} time_right;

enum { ANY_INPUT = 1 << PLAN_PORTS };

/** A notification that was asked for. */
typedef struct notify_request {
    nd_time due;
    time_right right;
    bool has_right;
} notify_request;

typedef enum held_until {
    UNTIL_WOKEN,    /* released some time, in any callback; the vertex sees to being activated */
    UNTIL_NOTIFIED, /* released by the notification of `due` */
    UNTIL_PASSED,   /* released by on_frontier, when all inputs are past the time held */
} held_until;

/** A hold, perhaps with a batch that is kept to be sent under it. */
typedef struct time_hold {
    time_right right;
    held_until until;
    nd_time due;
    nd_batch *batch; /* owned; NULL: none */
} time_hold;

typedef struct random_run random_run;

/** What one worker's instance of a vertex knows of itself, from its callbacks alone. */
typedef struct instance {
    random_run *run;
    const plan_vertex *plan;
    unsigned flow, number, worker;
    nd_vertex *vertex;
    nd_activator *activator;
    nd_vector requests; /* request */
    nd_vector held;     /* held */
    nd_vector passed;   /* nd_time: the latest times notified, each incomparable with the others */
    unsigned n_rounds;  /* of a source: turns left in which it sends */
    unsigned n_init, n_deinit, n_destroyed;
} instance;

typedef struct random_flow {
    random_plan plan;
    const nd_type *type;
    unsigned n_workers;
    instance instances[RUN_WORKERS][PLAN_VERTICES];
    nd_probe *probes[RUN_WORKERS][PLAN_PROBES];
    unsigned n_routes, n_routes_destroyed; /* user data of exchanges by function */
    bool is_dropped;                       /* the program of some worker has dropped it */
} random_flow;

struct random_run {
    nd_random random; /* of the program and its vertices; the simulation has its own */
    nd_message *why;
    bool is_wrong;
    unsigned n_workers, n_flows;
    bool near_end; /* times jump to the ends of counters */
    bool drops;    /* the program drops dataflows now and then */
    random_flow flows[RUN_FLOWS];
    unsigned n_built[RUN_WORKERS]; /* dataflows, by worker */
    record_ledger ledger;
    uint64_t n_ids;
    int64_t budget; /* what vertices may still do */
    uint64_t trace; /* a hash of everything that callbacks saw */
    void (*on_callback)(random_run *run, instance *me); /* before each; NULL: nothing */
    void *mutation;                                     /* the planted fault's own; NULL: none */
};

/** Plays a zeroed run to its end, and notes what is wrong. Returns a hash of what has happened. */
typedef uint64_t random_play(random_run *run, uint64_t seed, const char *mutant);

/** Makes a run and frees it. Returns whether all held; else `why` says what did not. One seed in
 * eight is played twice, and must be the same. */
bool random_run_make(random_play *play, uint64_t seed, const char *mutant, nd_message *why);

/** Notes what is wrong, unless something was before. */
void run_is_wrong(random_run *run, const char *format, ...) ND_PRINTF(2, 3);

/** As above, with the place and a time in front. */
void instance_is_wrong(const instance *me, const nd_time *time, const char *what);

static inline bool run_chance(random_run *run, unsigned percent)
{
    return nd_random_below(&run->random, 100) < percent;
}

static inline unsigned run_below(random_run *run, size_t n)
{
    return (unsigned)nd_random_below(&run->random, n);
}

#endif
