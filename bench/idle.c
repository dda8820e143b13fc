/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to do nothing: an empty program, whose limit is starting and ending as many
 * threads, or as many processes that end at once; and a step among many dataflows of which none has
 * anything to do, whose limit is a look at each.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <nereid/memory.h>
#include <nereid/stream.h>

#include "bench/harness.h"
#include "bench/pair.h"

/* --- An empty program --- */

static nd_err empty_program(nd_worker *worker, void *arg)
{
    (void)worker, (void)arg;
    return ND_OK;
}

/* One of two processes. */
static double empty_once_ns(const bench_plan *plan)
{
    bench_execute(plan, empty_program, NULL);
    return 0;
}

enum { RUNS = 20 };

static double empty_ns(const bench_plan *plan)
{
    const uint64_t begin = bench_now_ns();
    for (int i = 0; i < RUNS; i++)
        bench_execute(plan, empty_program, NULL);
    return (double)(bench_now_ns() - begin) / RUNS;
}

static void *do_nothing(void *arg) { return arg; }

static double threads_ns(const bench_plan *plan)
{
    enum { MOST = 2 };
    pthread_t threads[MOST];
    const uint64_t begin = bench_now_ns();
    for (int run = 0; run < RUNS; run++) {
        for (unsigned i = 0; i < plan->n_workers; i++)
            bench_check(pthread_create(&threads[i], NULL, do_nothing, NULL) == 0,
                        "a thread cannot be started");
        for (unsigned i = 0; i < plan->n_workers; i++)
            pthread_join(threads[i], NULL);
    }
    return (double)(bench_now_ns() - begin) / RUNS;
}

/* --- Idle dataflows --- */

enum { VERTICES = 1000, STEPS = 1000 };

typedef struct nothing {
    uint64_t key;
} nothing;
static const nd_type nothing_type = ND_TYPE(nothing, 1, ND_FIELD(nothing, key));

typedef struct idle_job {
    size_t n_flows;
    double ns;
} idle_job;

static void keep(void *user, const void *records, size_t len, bool *wanted)
{
    (void)user, (void)records;
    memset(wanted, 1, len);
}

/* A row of filters behind an input that stays open. */
static nd_err start_idle_flow(nd_worker *worker, nd_input **input)
{
    nd_dataflow *flow = nd_dataflow_new(worker, "idle");
    nd_stream stream = nd_input_new(flow, &nothing_type, input);
    for (unsigned i = 1; i < VERTICES; i++)
        stream = nd_filter(stream, keep, nd_no_user);
    return nd_dataflow_start(flow);
}

static nd_err idle_program(nd_worker *worker, void *arg)
{
    idle_job *idle = arg;
    nd_input **inputs = bench_alloc(idle->n_flows, sizeof(*inputs));
    for (size_t i = 0; i < idle->n_flows; i++)
        ND_TRY(start_idle_flow(worker, &inputs[i]));
    for (int i = 0; i < STEPS; i++) /* what there was to do */
        ND_TRY(nd_worker_step(worker, 256));
    const uint64_t begin = bench_now_ns();
    for (int i = 0; i < STEPS; i++)
        ND_TRY(nd_worker_step(worker, 256));
    idle->ns = (double)(bench_now_ns() - begin) / STEPS;
    for (size_t i = 0; i < idle->n_flows; i++)
        nd_input_close(inputs[i]);
    nd_free(inputs);
    return nd_worker_run(worker);
}

static double idle_ns(const bench_plan *plan)
{
    idle_job idle = {.n_flows = bench_scaled(plan, plan->size)};
    bench_execute(plan, idle_program, &idle);
    return idle.ns;
}

static double look_ns(const bench_plan *plan)
{
    enum { APART = 64 };
    const size_t n = bench_scaled(plan, plan->size);
    unsigned char *flags = bench_alloc(n, APART);
    memset(flags, 0, n * APART);
    const uint64_t begin = bench_now_ns();
    uint64_t n_set = 0;
    for (int step = 0; step < STEPS; step++) {
        for (size_t i = 0; i < n; i++)
            n_set += flags[i * APART];
        bench_use(n_set);
    }
    const uint64_t end = bench_now_ns();
    nd_free(flags);
    return (double)(end - begin) / STEPS;
}

const bench_row bench_idle_rows[] = {
    {"empty program", BENCH_ONE, 1, 0, empty_ns, threads_ns, BENCH_MS, 10},
    {"empty program", BENCH_ONE, 2, 0, empty_ns, threads_ns, BENCH_MS, 10},
    {"empty program", BENCH_PAIR_WHOLE, 1, 0, empty_once_ns, bench_pair_idle_ns, BENCH_MS, 100},
    {"1,000 idle dataflows, a step", BENCH_ONE, 1, 1000, idle_ns, look_ns, BENCH_US, 1000},
    {.name = NULL},
};
