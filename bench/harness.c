/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measuring in turn, medians, and the lines of the table. The main thread's.
 */
#include "bench/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <nereid/memory.h>

enum { REPEATS = 5 };

/* Values of one side of a row, in the row's unit, ascending. */
typedef struct side {
    double values[REPEATS];
    double median_ns;
} side;

uint64_t bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

size_t bench_scaled(const bench_plan *plan, size_t n) { return plan->is_full ? n : n / 10; }

uint64_t bench_random(uint64_t *state)
{
    uint64_t number = *state += UINT64_C(0x9e3779b97f4a7c15);
    number = (number ^ (number >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ (number >> 27)) * UINT64_C(0x94d049bb133111eb);
    return number ^ (number >> 31);
}

void bench_use(uint64_t value)
{
    static volatile uint64_t sink;
    sink = value;
    (void)sink;
}

void *bench_alloc(size_t n, size_t size)
{
    void *const block = nd_alloc(n, size);
    bench_check(block != NULL, "out of memory");
    return block;
}

void bench_check(bool is_right, const char *what)
{
    if (is_right)
        return;
    fprintf(stderr, "nereid_bench: %s\n", what);
    exit(EXIT_FAILURE);
}

void bench_execute(const bench_plan *plan, nd_program *program, void *arg)
{
    const nd_config config = {.n_workers = plan->n_workers};
    nd_message message;
    const nd_err err = nd_execute(&config, program, arg, NULL, &message);
    bench_check(err == ND_OK, message.text);
}

/* --- The table --- */

static const char *const unit_names[] = {"us", "ms", "M/s"};

static double in_unit(bench_unit unit, double ns)
{
    switch (unit) {
    case BENCH_US:
        return ns / 1e3;
    case BENCH_MS:
        return ns / 1e6;
    case BENCH_RATE:
        return 1e3 / ns;
    }
    return ns;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts nanoseconds and turns them into the row's unit. */
static side make_figures(double *ns, bench_unit unit)
{
    side made;
    qsort(ns, REPEATS, sizeof *ns, compare);
    made.median_ns = ns[REPEATS / 2];
    for (int i = 0; i < REPEATS; i++)
        made.values[i] = in_unit(unit, ns[i]);
    qsort(made.values, REPEATS, sizeof *made.values, compare);
    return made;
}

static void print_figures(const side *figures)
{
    printf(" %8.4g %8.4g %8.4g ", figures->values[0], figures->values[REPEATS / 2],
           figures->values[REPEATS - 1]);
}

static void print_target(const bench_row *row, double median)
{
    if (row->target <= 0) {
        printf("\n");
        return;
    }
    const bool is_met = row->unit == BENCH_RATE ? median >= row->target : median <= row->target;
    printf(" %7g %s\n", row->target, is_met ? "met" : "missed");
}

void bench_print_heading(bool is_full)
{
    printf("%s size, %d times each, Nereid and its limit in turn. Minimum, median, maximum.\n"
           "limit: the least that plain C on one thread, or the machine, could do\n"
           "ratio: Nereid's median over the limit's, in time\n\n",
           is_full ? "full" : "a tenth of full", REPEATS);
    printf("%-34s %3s %-4s|%-27s|%-27s| %6s | %s\n", "", "W", "", "  Nereid", "  limit", "ratio",
           "target");
}

static void measure(const bench_row *row, bool is_full)
{
    const bench_plan plan = {row->n_workers, row->size, is_full};
    double nereid_ns[REPEATS], limit_ns[REPEATS];
    for (int i = 0; i < REPEATS; i++) {
        limit_ns[i] = row->limit(&plan);
        nereid_ns[i] = row->nereid(&plan);
    }
    const side limit = make_figures(limit_ns, row->unit);
    const side nereid = make_figures(nereid_ns, row->unit);
    printf("%-34s %3u %-4s|", row->name, row->n_workers, unit_names[row->unit]);
    print_figures(&nereid);
    printf("|");
    print_figures(&limit);
    printf("| %6.2f |", nereid.median_ns / limit.median_ns);
    print_target(row, nereid.values[REPEATS / 2]);
    fflush(stdout);
}

static bool is_wanted(const bench_row *row, const char *wanted)
{
    char title[128];
    snprintf(title, sizeof title, "%s W=%u", row->name, row->n_workers);
    return !wanted || strstr(title, wanted);
}

void bench_run_rows(const bench_row *rows, bool is_full, const char *wanted)
{
    for (; rows->name; rows++)
        if (is_wanted(rows, wanted))
            measure(rows, is_full);
}
