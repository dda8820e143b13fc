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

/** What a measurement is told. */
typedef struct bench_plan {
    unsigned n_workers;
    size_t size;  /* the row's own: bytes a record, say */
    bool is_full; /* the sizes of the published tables, not a tenth of them */
} bench_plan;

/** Does the work once; returns nanoseconds an item. */
typedef double bench_measure_fn(const bench_plan *plan);

/** In what a row is printed. */
typedef enum bench_unit { BENCH_US, BENCH_MS, BENCH_RATE } bench_unit;

/** A line of the table. The target is in the unit; zero: none. */
typedef struct bench_row {
    const char *name;
    unsigned n_workers;
    size_t size;
    bench_measure_fn *nereid, *limit;
    bench_unit unit;
    double target;
} bench_row;

/** The rows of one file, ended by one without a name. */
extern const bench_row bench_coordination_rows[], bench_exchange_rows[], bench_counting_rows[],
    bench_ranking_rows[], bench_idle_rows[];

/** Prints the heading of the table. */
void bench_print_heading(bool is_full);

/** Measures and prints the rows whose titles, `NAME W=N`, contain `wanted` (NULL: all). */
void bench_run_rows(const bench_row *rows, bool is_full, const char *wanted);

/** Runs `program` on the plan's workers; a failure ends the program. */
void bench_execute(const bench_plan *plan, nd_program *program, void *arg);

/** Ends the program unless `is_right`: the row has counted wrongly. */
void bench_check(bool is_right, const char *what);

/** Nanoseconds since some fixed moment. */
uint64_t bench_now_ns(void);

/** A tenth of `n` unless the plan is for full size. */
size_t bench_scaled(const bench_plan *plan, size_t n);

/** The next of a row of random numbers (splitmix64). */
uint64_t bench_random(uint64_t *state);

/** nd_alloc, or the end of the program. */
void *bench_alloc(size_t n, size_t size);

/** Keeps `value` from being optimised away. */
void bench_use(uint64_t value);

#endif
