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

#include "bench/pair.h"

/* Values of one side of a row, in the row's unit, ascending. */
typedef struct side {
    double values[BENCH_REPEATS];
    double median; /* of what was measured */
} side;

uint64_t bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

size_t bench_scaled(const bench_plan *plan, size_t n) { return plan->is_full ? n : n / 10; }

static int compare_spans(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

double bench_percentile(uint64_t *moments, size_t n, size_t percent)
{
    for (size_t i = 0; i < n; i++)
        moments[i] = moments[i + 1] - moments[i];
    qsort(moments, n, sizeof *moments, compare_spans);
    const size_t place = n * percent / 100;
    return (double)moments[place];
}

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

unsigned bench_peers(const bench_plan *plan)
{
    return plan->place == BENCH_ONE ? plan->n_workers : 2 * plan->n_workers;
}

void bench_execute(const bench_plan *plan, nd_program *program, void *arg)
{
    nd_config config = {.n_workers = plan->n_workers};
    nd_message message;
    if (plan->pair)
        bench_pair_configure(plan->pair, &config);
    const nd_err err = nd_execute(&config, program, arg, NULL, &message);
    bench_check(err == ND_OK, message.text);
}

/* --- Rows --- */

static const bench_row *const tables[] = {bench_coordination_rows, bench_exchange_rows,
                                          bench_counting_rows, bench_ranking_rows, bench_idle_rows};

enum { TABLES = sizeof tables / sizeof *tables, TITLE_SIZE = 128 };

void bench_write_title(const bench_row *row, char *title, size_t size)
{
    snprintf(title, size, "%s %sW=%u", row->name, row->place == BENCH_ONE ? "" : "P=2 ",
             row->n_workers);
}

const bench_row *bench_find_row(const char *title)
{
    char found[TITLE_SIZE];
    for (size_t i = 0; i < TABLES; i++)
        for (const bench_row *row = tables[i]; row->name; row++) {
            bench_write_title(row, found, sizeof found);
            if (strcmp(found, title) == 0)
                return row;
        }
    return NULL;
}

bool bench_is_wanted(const bench_row *row, const char *wanted)
{
    char title[TITLE_SIZE];
    bench_write_title(row, title, sizeof title);
    return !wanted || strstr(title, wanted);
}

/* --- The table --- */

static const char *const unit_names[] = {"us", "ms", "M/s", "MB"};

static double in_unit(bench_unit unit, double ns)
{
    switch (unit) {
    case BENCH_US:
        return ns / 1e3;
    case BENCH_MS:
    case BENCH_MB:
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

/* Sorts what was measured and turns it into the row's unit. */
static side make_figures(double *measured, bench_unit unit)
{
    side made;
    qsort(measured, BENCH_REPEATS, sizeof *measured, compare);
    made.median = measured[BENCH_REPEATS / 2];
    for (int i = 0; i < BENCH_REPEATS; i++)
        made.values[i] = in_unit(unit, measured[i]);
    qsort(made.values, BENCH_REPEATS, sizeof *made.values, compare);
    return made;
}

static void print_figures(const side *figures)
{
    printf(" %8.4g %8.4g %8.4g ", figures->values[0], figures->values[BENCH_REPEATS / 2],
           figures->values[BENCH_REPEATS - 1]);
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

void bench_print_line(const bench_row *row, double nereid_measured[BENCH_REPEATS],
                      double limit_measured[BENCH_REPEATS])
{
    const side limit = make_figures(limit_measured, row->unit);
    const side nereid = make_figures(nereid_measured, row->unit);
    printf("%-34s %2d %2u %-4s|", row->name, row->place == BENCH_ONE ? 1 : 2, row->n_workers,
           unit_names[row->unit]);
    print_figures(&nereid);
    printf("|");
    print_figures(&limit);
    printf("| %6.2f |", nereid.median / limit.median);
    print_target(row, nereid.values[BENCH_REPEATS / 2]);
    fflush(stdout);
}

void bench_print_heading(bool is_full)
{
    printf("%s size, %d times each, Nereid and its limit in turn. Minimum, median, maximum.\n"
           "limit: the least that plain C on one thread, or the machine, could do\n"
           "ratio: Nereid's median over the limit's, in time. P: processes. W: workers of each\n\n",
           is_full ? "full" : "a tenth of full", BENCH_REPEATS);
    printf("%-34s %2s %2s %-4s|%-27s|%-27s| %6s | %s\n", "", "P", "W", "", "  Nereid", "  limit",
           "ratio", "target");
}

static double measure_nereid(const bench_row *row, const bench_plan *plan)
{
    return row->place == BENCH_ONE ? row->nereid(plan) : bench_pair_measure(row, plan);
}

static void measure(const bench_row *row, bool is_full)
{
    const bench_plan plan = {
        .place = row->place, .n_workers = row->n_workers, .size = row->size, .is_full = is_full};
    double nereid_ns[BENCH_REPEATS], limit_ns[BENCH_REPEATS];
    for (int i = 0; i < BENCH_REPEATS; i++) {
        limit_ns[i] = row->limit(&plan);
        nereid_ns[i] = measure_nereid(row, &plan);
    }
    bench_print_line(row, nereid_ns, limit_ns);
}

void bench_run_rows(bool is_full, const char *wanted)
{
    for (size_t i = 0; i < TABLES; i++)
        for (const bench_row *row = tables[i]; row->name; row++)
            if (bench_is_wanted(row, wanted))
                measure(row, is_full);
}
