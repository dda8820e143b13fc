/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

/** @file
 * The table: what a row is, how it is measured, and how it is printed.
 *
 * A row does a piece of work with Nereid and the same, or the least that it could be, in plain C.
 * The two are measured in turn, several times, in one process; what counts is the ratio of their
 * medians, since the machine is the same for both.
 *
 * Every measurement checks its own answer; a wrong one ends the program.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nereid/worker.h>

/** Where Nereid's side of a row runs. */
typedef enum bench_place {
    BENCH_ONE,        /* in this process */
    BENCH_PAIR,       /* in two processes started for it (bench/pair.h), which talk by ipc */
    BENCH_PAIR_TCP,   /* the same by tcp, over the loopback */
    BENCH_PAIR_WHOLE, /* as BENCH_PAIR, and what counts is the time from their start to their end */
} bench_place;

typedef struct bench_pair bench_pair;

/** What a measurement is told. */
typedef struct bench_plan {
    bench_place place;
    unsigned n_workers;     /* of each process */
    size_t size;            /* the row's own: bytes a record, say */
    bool is_full;           /* the sizes of the published tables, not a tenth of them */
    const bench_pair *pair; /* in one of two processes: which, and how to reach the other */
} bench_plan;

/** Does the work once; returns nanoseconds an item. Of two processes both call it, and what the
 * first of them returns counts. The limit's is always called here. */
typedef double bench_measure_fn(const bench_plan *plan);

/** In what a row is printed: nanoseconds an item, but for BENCH_MB, which are bytes. */
typedef enum bench_unit { BENCH_US, BENCH_MS, BENCH_RATE, BENCH_MB } bench_unit;

/** How often each side of a row is measured. */
enum { BENCH_REPEATS = 5 };

/** A line of the table. The target is in the unit; zero: none. */
typedef struct bench_row {
    const char *name;
    bench_place place;
    unsigned n_workers;
    size_t size;
    bench_measure_fn *nereid, *limit;
    bench_unit unit;
    double target;
} bench_row;

/** The rows of one file, ended by one without a name. */
extern const bench_row bench_coordination_rows[], bench_exchange_rows[], bench_counting_rows[],
    bench_ranking_rows[], bench_idle_rows[];

/** Prints a line of the table from what its sides have measured, in turn; sorts both. */
void bench_print_line(const bench_row *row, double nereid[BENCH_REPEATS],
                      double limit[BENCH_REPEATS]);

/** Prints the heading of the table. */
void bench_print_heading(bool is_full);

/** Writes `NAME W=N`, or `NAME P=2 W=N` where there are two processes. */
void bench_write_title(const bench_row *row, char *title, size_t size);

/** The row of that title, or NULL. */
const bench_row *bench_find_row(const char *title);

/** Whether the row's title contains `wanted` (NULL: any does). */
bool bench_is_wanted(const bench_row *row, const char *wanted);

/** Measures and prints the rows that are wanted. */
void bench_run_rows(bool is_full, const char *wanted);

/** The workers of all processes. */
unsigned bench_peers(const bench_plan *plan);

/** Runs `program` on the plan's workers, together with the other process if there is one; a failure
 * ends the program. */
void bench_execute(const bench_plan *plan, nd_program *program, void *arg);

/** Ends the program unless `is_right`: the row has counted wrongly. */
void bench_check(bool is_right, const char *what);

/** Nanoseconds since some fixed moment. */
uint64_t bench_now_ns(void);

/** Of the `n` spans between `n + 1` moments, the one that `percent` of them are not longer than.
 * Overwrites the moments. */
double bench_percentile(uint64_t *moments, size_t n, size_t percent);

/** A tenth of `n` unless the plan is for full size. */
size_t bench_scaled(const bench_plan *plan, size_t n);

/** The next of a row of random numbers (splitmix64). */
uint64_t bench_random(uint64_t *state);

/** nd_alloc, or the end of the program. */
void *bench_alloc(size_t n, size_t size);

/** Keeps `value` from being optimised away. */
void bench_use(uint64_t value);

#endif
