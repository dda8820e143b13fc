/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process measures one side of a query and writes its result to its standard output, which the
 * program reads. The main thread's.
 */
#include "bench/query_rows.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/query.h"
#include "bench/start.h"

static const bench_query *const tables[] = {bench_arranging_queries, bench_reaching_queries,
                                            bench_pattern_queries, bench_surfing_queries};

enum { TABLES = sizeof tables / sizeof *tables, MOST_WORKERS = 2, NAME_SIZE = 96 };

/* --- One measurement --- */

static const char hidden[] = "--query", nereid_side[] = "nereid", plain_side[] = "plain";

/* What follows it. */
enum { ARG_PROGRAM = 2, ARG_NAME, ARG_SIDE, ARG_SIZE, ARG_WORKERS, ARGS };

bool bench_query_is_one(int argc, char **argv)
{
    return argc == ARGS && strcmp(argv[1], hidden) == 0;
}

static const bench_query *find_query(const char *name)
{
    for (size_t i = 0; i < TABLES; i++)
        for (const bench_query *query = tables[i]; query->name; query++)
            if (strcmp(query->name, name) == 0)
                return query;
    return NULL;
}

int bench_query_main(char **argv)
{
    bench_result result = {.peak_bytes = 0};
    const bench_query *query = find_query(argv[ARG_NAME]);
    const bench_plan plan = {.n_workers = (unsigned)strtoul(argv[ARG_WORKERS], NULL, 10),
                             .is_full = strcmp(argv[ARG_SIZE], "full") == 0};
    bench_check(bench_end_with((pid_t)strtol(argv[ARG_PROGRAM], NULL, 10)), "the program is gone");
    bench_check(query != NULL, "no such query");
    if (query && strcmp(argv[ARG_SIDE], nereid_side) == 0)
        bench_query_nereid(query, &plan, &result);
    else if (query)
        bench_query_plain(query, &plan, &result);
    bench_check(write(STDOUT_FILENO, &result, sizeof result) == sizeof result,
                "nobody reads the result");
    return EXIT_SUCCESS;
}

/* Reads until the process has written all, or ended. */
static size_t read_result(int fd, bench_result *result)
{
    size_t size = 0;
    unsigned char *const bytes = (unsigned char *)result;
    while (size < sizeof *result) {
        const ssize_t n = read(fd, bytes + size, sizeof *result - size);
        if (n <= 0)
            break;
        size += (size_t)n;
    }
    return size;
}

static void measure_apart(const bench_query *query, const bench_plan *plan, const char *side,
                          bench_result *result)
{
    int ends[2] = {-1, -1};
    char program[16], workers[16];
    snprintf(program, sizeof program, "%ld", (long)getpid());
    snprintf(workers, sizeof workers, "%u", plan->n_workers);
    const char *const words[ARGS + 1] = {"nereid_bench", hidden, program,
                                         query->name,    side,   plan->is_full ? "full" : "tenth",
                                         workers};
    bench_check(pipe2(ends, O_CLOEXEC) == 0, "no descriptors for a process");
    const pid_t process = bench_start(words, NULL, ends[1], -1);
    close(ends[1]);
    const size_t size = read_result(ends[0], result);
    close(ends[0]);
    bench_check(bench_wait(process) && size == sizeof *result, "a process has failed");
}

/* --- Rows --- */

/* What has been measured of a query, side by side. */
typedef struct query_figures {
    bench_result nereid[BENCH_REPEATS], plain[BENCH_REPEATS];
} query_figures;

static void compare_answers(const bench_query *query, const bench_result *nereid,
                            const bench_result *plain)
{
    char text[NAME_SIZE];
    for (unsigned i = 0; i < bench_query_n_stages(query); i++) {
        snprintf(text, sizeof text, "%s: the answer after %s is not that of plain C", query->name,
                 query->stages[i].name);
        bench_check(nereid->answers[i] == plain->answers[i], text);
    }
}

/* The row of a stage, or behind the stages that of the memory. */
static bench_row make_row(const bench_query *query, const bench_plan *plan, unsigned stage,
                          char name[NAME_SIZE])
{
    const bool is_memory = stage == bench_query_n_stages(query);
    const bench_stage *const at = &query->stages[stage];
    const bool is_whole = is_memory || at->is_whole;
    double target = is_memory ? query->megabytes : at->targets[plan->n_workers - 1];
    snprintf(name, NAME_SIZE, "%s, %s", query->name, is_memory ? "memory" : at->name);
    if (is_memory && plan->n_workers != 1)
        target = 0;
    return (bench_row){.name = name,
                       .place = BENCH_ONE,
                       .n_workers = plan->n_workers,
                       .unit = is_memory    ? BENCH_MB
                               : stage == 0 ? BENCH_MS
                                            : BENCH_US,
                       .target = is_whole && !plan->is_full ? target / 10 : target};
}

static void print_row(const bench_row *row, const query_figures *figures, unsigned stage)
{
    double nereid[BENCH_REPEATS], plain[BENCH_REPEATS];
    for (unsigned i = 0; i < BENCH_REPEATS; i++) {
        const bench_result *const a = &figures->nereid[i], *const b = &figures->plain[i];
        nereid[i] = row->unit == BENCH_MB ? a->peak_bytes : a->ns[stage];
        plain[i] = row->unit == BENCH_MB ? b->peak_bytes : b->ns[stage];
    }
    bench_print_line(row, nereid, plain);
}

static void run_query(const bench_query *query, const bench_plan *plan, const char *wanted)
{
    char name[NAME_SIZE];
    query_figures figures;
    bool is_measured = false;
    for (unsigned stage = 0; stage <= bench_query_n_stages(query); stage++) {
        const bench_row row = make_row(query, plan, stage, name);
        if (!bench_is_wanted(&row, wanted))
            continue;
        for (unsigned i = 0; i < BENCH_REPEATS && !is_measured; i++) {
            measure_apart(query, plan, plain_side, &figures.plain[i]);
            measure_apart(query, plan, nereid_side, &figures.nereid[i]);
            compare_answers(query, &figures.nereid[i], &figures.plain[i]);
        }
        is_measured = true;
        print_row(&row, &figures, stage);
    }
}

void bench_run_queries(bool is_full, const char *wanted)
{
    for (size_t i = 0; i < TABLES; i++)
        for (const bench_query *query = tables[i]; query->name; query++)
            for (unsigned n_workers = 1; n_workers <= MOST_WORKERS; n_workers++) {
                const bench_plan plan = {.n_workers = n_workers, .is_full = is_full};
                run_query(query, &plan, wanted);
            }
}
