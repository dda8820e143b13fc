/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_OPERATORS_GATHER_H
#define TESTS_OPERATORS_GATHER_H

/** @file
 * Running a dataflow and gathering what comes out of it, from all workers, to compare with a plain
 * oracle.
 *
 * cmocka's assertions are for the test's own thread. A program, which runs on workers' threads,
 * uses CHECK.
 */

#include <pthread.h>

#include <nereid.h>

/** Ends the run with the place and text of a condition that does not hold. */
#define CHECK(worker, condition)                                                                   \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return nd_worker_fail((worker), ND_FAILED, "%s:%d: not true: %s", __FILE__, __LINE__,  \
                                  #condition);                                                     \
    } while (0)

/** The record of most tests. */
typedef struct pair {
    int64_t key, value;
} pair;
extern const nd_type pair_type;

/** One record as it was seen. */
typedef struct row {
    nd_time time;
    int64_t key, value;
    unsigned worker;
} row;

enum { GATHER_WORKERS = 8, N_WORKER_COUNTS = 3 };

/** The numbers of workers that most tests are run with: one, two, and more than there are cores. */
extern const unsigned worker_counts[N_WORKER_COUNTS];

typedef struct gather gather;

/* What one worker's inspect is given. */
typedef struct gather_point {
    gather *all;
    unsigned worker;
} gather_point;

/** Shared by all workers; its lock guards the rows. */
struct gather {
    pthread_mutex_t lock;
    row *rows;
    size_t len, capacity;
    size_t n_calls;
    gather_point points[GATHER_WORKERS];
};

void gather_init(gather *all);
void gather_deinit(gather *all);

/** Forgets the rows. */
void gather_clear(gather *all);

/** Adds one row. Any thread. */
void gather_add(gather *all, const row *seen);

/** Inspects a stream of pairs into `all`, on each worker; returns the stream behind. */
nd_stream gather_stream(gather *all, nd_worker *worker, nd_stream stream);

/** An nd_inspect_fn for pairs; `user` is a gather_point. */
void gather_pairs(void *user, const nd_type *type, const nd_time *time, const void *records,
                  size_t len);

/** Sorts by time, key, value, worker. */
void gather_sort(gather *all);

/** Asserts that, but for order and workers, the rows are `expected[len]`, which is sorted on the
 * way. */
void gather_assert(gather *all, row *expected, size_t len);

/** What is fed to an input: pairs with epochs, in ascending order of epochs. */
typedef struct feed {
    const row *rows;
    size_t len;
} feed;

/** Makes `len` random rows over `n_epochs` epochs, keys below `n_keys`. The caller frees them. */
row *feed_random(uint64_t seed, size_t len, uint64_t n_epochs, uint64_t n_keys);

/** Feeds each row on one of the workers, in turns, advancing with the epochs, and closes the input.
 */
nd_err feed_all(nd_worker *worker, nd_input *input, feed rows);

/** Makes of a stream of pairs another. */
typedef nd_stream stage_fn(nd_stream in);

/** Feeds rows to a stage on so many workers, and gathers what comes out into `all`, which is
 * initialised here. */
void gather_stage(gather *all, unsigned n_workers, stage_fn *stage, feed in);

/** Asserts that a stage makes `expected[len]` of the rows, with each number of workers. */
void assert_stage(stage_fn *stage, feed in, row *expected, size_t len);

/** Runs the program, and asserts that it ends well. */
void run(unsigned n_workers, nd_program *program, void *arg);

/** Runs the program, and asserts that it fails with `err` and a message that has `text` in it. */
void run_fails(unsigned n_workers, nd_program *program, void *arg, nd_err err, const char *text);

#endif
