/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to agree: rounds in which hardly a record moves. The limit is the machine's: a word
 * that two threads, each on its core, hand back and forth; or, where two processes have to agree,
 * that they do (bench/round_trip.h).
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include <nereid/memory.h>
#include <nereid/stream.h>

#include "bench/harness.h"
#include "bench/pair.h"
#include "bench/round_trip.h"

typedef struct token {
    uint64_t key;
} token;
static const nd_type token_type = ND_TYPE(token, 1, ND_FIELD(token, key));

/* Rounds, of which the first few are not measured; worker 0 takes the times. */
typedef struct round_log {
    uint32_t n;
    uint64_t begin_ns, end_ns;
    uint64_t *times; /* n + 1: when each began, where single rounds are asked for; else NULL */
    _Atomic uint64_t n_done; /* added to by each worker at its end, read after all */
} round_log;

enum { WARM_UP = 256, ONE_CORE = 1 /* a row's size */ };

static double rounds_ns(const round_log *rounds)
{
    return (double)(rounds->end_ns - rounds->begin_ns) / (rounds->n - WARM_UP);
}

static void mark(round_log *rounds, uint32_t round)
{
    if (round == WARM_UP)
        rounds->begin_ns = bench_now_ns();
    if (round == rounds->n)
        rounds->end_ns = bench_now_ns();
    if (rounds->times)
        rounds->times[round] = bench_now_ns();
}

static round_log new_rounds(const bench_plan *plan, size_t n)
{
    enum { MOST_OF_PAIR = 50000 };
    const size_t most = plan->place == BENCH_ONE ? n : MOST_OF_PAIR;
    return (round_log){.n = (uint32_t)bench_scaled(plan, n < most ? n : most) + WARM_UP};
}

/* --- Barrier --- */

/* A vertex of which all workers' instances ask for a notification of the next round in that of
 * each. */
typedef struct barrier {
    round_log *rounds;
    bool is_first; /* worker 0, which takes the times */
    uint64_t n_done;
} barrier;

static nd_err init_barrier(nd_vertex *vertex)
{
    barrier *self = nd_vertex_state(vertex);
    self->rounds = nd_vertex_user(vertex);
    self->is_first = nd_worker_index(nd_vertex_worker(vertex)) == 0;
    return ND_OK;
}

static void deinit_barrier(nd_vertex *vertex)
{
    barrier *self = nd_vertex_state(vertex);
    atomic_fetch_add(&self->rounds->n_done, self->n_done);
}

static void begin_barrier(nd_vertex *vertex)
{
    const nd_time zero = {.epoch = 0};
    nd_notify_at(vertex, &zero);
    nd_release(vertex, &zero);
}

static void on_barrier(nd_vertex *vertex, const nd_time *time)
{
    barrier *self = nd_vertex_state(vertex);
    const nd_time next = {time->epoch, {time->loop[0] + 1}};
    self->n_done++;
    if (self->is_first)
        mark(self->rounds, time->loop[0]);
    if (next.loop[0] <= self->rounds->n)
        nd_notify_at(vertex, &next);
}

static nd_err barrier_program(nd_worker *worker, void *arg)
{
    nd_dataflow *flow = nd_dataflow_new(worker, "barrier");
    nd_scope *loop = nd_loop_new(nd_root(flow), "rounds");
    nd_feedback *back;
    nd_stream again = nd_feedback_new(loop, &token_type, &back), out;
    nd_vertex_new(loop,
                  &(nd_vertex_def){.name = "barrier",
                                   .state_size = sizeof(barrier),
                                   .init = init_barrier,
                                   .deinit = deinit_barrier,
                                   .user = arg,
                                   .inputs = {nd_pipeline(again)},
                                   .outputs = {&token_type},
                                   .on_activate = begin_barrier,
                                   .on_notify = on_barrier,
                                   .source = true},
                  &out);
    nd_feedback_connect(back, out);
    ND_TRY(nd_dataflow_start(flow));
    return nd_worker_run(worker);
}

static double barrier_ns(const bench_plan *plan)
{
    round_log rounds = new_rounds(plan, plan->n_workers == 1 ? 2000000 : 500000);
    bench_execute(plan, barrier_program, &rounds);
    rounds.n_done = bench_total(plan, rounds.n_done);
    bench_check(rounds.n_done == (rounds.n + UINT64_C(1)) * bench_peers(plan),
                "barrier: not every worker had every notification");
    return rounds_ns(&rounds);
}

/* --- Closed loop --- */

static void on_token(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)time;
    *(uint64_t *)nd_vertex_state(vertex) += nd_batch_len(batch);
}

static void add_tokens(nd_vertex *vertex)
{
    round_log *rounds = nd_vertex_user(vertex);
    atomic_fetch_add(&rounds->n_done, *(uint64_t *)nd_vertex_state(vertex));
}

static nd_err closed_program(nd_worker *worker, void *arg)
{
    round_log *rounds = arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "closed loop");
    nd_input *input;
    nd_stream tokens = nd_input_new(flow, &token_type, &input), out;
    nd_vertex_new(nd_root(flow),
                  &(nd_vertex_def){.name = "sink",
                                   .state_size = sizeof(uint64_t),
                                   .deinit = add_tokens,
                                   .user = arg,
                                   .inputs = {nd_exchange(tokens)},
                                   .on_recv = on_token},
                  &out);
    nd_probe *probe = nd_probe_new(out);
    ND_TRY(nd_dataflow_start(flow));
    const bool is_first = nd_worker_index(worker) == 0;
    for (uint32_t i = 0; i <= rounds->n; i++) {
        if (is_first)
            mark(rounds, i);
        if (is_first && i < rounds->n)
            nd_input_send(input, &(token){i});
        nd_input_advance(input, i + 1);
        ND_TRY(nd_worker_step_while(worker, nd_probe_behind, probe, i + 1));
    }
    nd_input_close(input);
    return nd_worker_run(worker);
}

static double closed_ns(const bench_plan *plan)
{
    round_log rounds = new_rounds(plan, plan->n_workers == 1 ? 1000000 : 300000);
    if (plan->size)
        rounds.times = bench_alloc(rounds.n + 1, sizeof *rounds.times);
    bench_execute(plan, closed_program, &rounds);
    rounds.n_done = bench_total(plan, rounds.n_done);
    bench_check(rounds.n_done == rounds.n, "closed loop: not every record arrived once");
    if (!rounds.times)
        return rounds_ns(&rounds);
    const double ns = bench_percentile(rounds.times + WARM_UP, rounds.n - WARM_UP, plan->size);
    nd_free(rounds.times);
    return ns;
}

/* --- Feedback --- */

/* Sends a record round, to whom its new key chooses. */
static void on_round(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    round_log *rounds = nd_vertex_user(vertex);
    (void)port;
    *(uint64_t *)nd_vertex_state(vertex) += nd_batch_len(batch);
    mark(rounds, time->loop[0]); /* one record: one worker at a time */
    const nd_time next = {time->epoch, {time->loop[0] + 1}};
    if (next.loop[0] <= rounds->n)
        nd_send_by(vertex, 0, time, &(token){next.loop[0]});
}

static nd_err feedback_program(nd_worker *worker, void *arg)
{
    nd_dataflow *flow = nd_dataflow_new(worker, "feedback");
    nd_input *input;
    nd_stream tokens = nd_input_new(flow, &token_type, &input);
    nd_scope *loop = nd_loop_new(nd_root(flow), "rounds");
    nd_feedback *back;
    nd_stream again = nd_feedback_new(loop, &token_type, &back), out;
    nd_vertex_new(
        loop,
        &(nd_vertex_def){.name = "turn",
                         .state_size = sizeof(uint64_t),
                         .deinit = add_tokens,
                         .user = arg,
                         .inputs = {nd_exchange(nd_enter(loop, tokens)), nd_exchange(again)},
                         .outputs = {&token_type},
                         .on_recv = on_round},
        &out);
    nd_feedback_connect(back, out);
    ND_TRY(nd_dataflow_start(flow));
    if (nd_worker_index(worker) == 0)
        nd_input_send(input, &(token){0});
    nd_input_close(input);
    return nd_worker_run(worker);
}

static double feedback_ns(const bench_plan *plan)
{
    round_log rounds = new_rounds(plan, plan->n_workers == 1 ? 2000000 : 300000);
    bench_execute(plan, feedback_program, &rounds);
    rounds.begin_ns = bench_total(plan, rounds.begin_ns); /* one process has taken either */
    rounds.end_ns = bench_total(plan, rounds.end_ns);
    rounds.n_done = bench_total(plan, rounds.n_done);
    bench_check(rounds.n_done == rounds.n + UINT64_C(1), "feedback: a record was lost or repeated");
    return rounds_ns(&rounds);
}

/* --- The limit --- */

enum { PASSES = 100000 };

typedef struct shared_word {
    _Alignas(64) _Atomic uint32_t word;
    bool is_yielding; /* both threads are on one core */
} shared_word;

static void await(shared_word *shared, uint32_t value)
{
    while (atomic_load_explicit(&shared->word, memory_order_acquire) != value)
        if (shared->is_yielding)
            sched_yield();
}

static void *answer(void *arg)
{
    shared_word *shared = arg;
    for (uint32_t i = 1; i < 2 * PASSES; i += 2) {
        await(shared, i);
        atomic_store_explicit(&shared->word, i + 1, memory_order_release);
    }
    return NULL;
}

/* There and back. */
static double ping_pong_ns(const bench_plan *plan)
{
    shared_word shared = {.is_yielding = plan->size == ONE_CORE};
    pthread_t other;
    bench_check(pthread_create(&other, NULL, answer, &shared) == 0, "a thread cannot be started");
    uint64_t begin = 0;
    for (uint32_t i = 0; i < 2 * PASSES; i += 2) {
        if (i == 2 * WARM_UP)
            begin = bench_now_ns();
        atomic_store_explicit(&shared.word, i + 1, memory_order_release);
        await(&shared, i + 2);
    }
    const uint64_t end = bench_now_ns();
    pthread_join(other, NULL);
    return (double)(end - begin) / (PASSES - WARM_UP);
}

/* --- On one core --- */

/* Measures with the whole process on the core that it happens to be on. */
static double on_one_core(bench_measure_fn *measure, const bench_plan *plan)
{
    cpu_set_t all, one;
    const int core = sched_getcpu();
    CPU_ZERO(&one);
    CPU_SET(core < 0 ? 0 : (unsigned)core, &one);
    bench_check(sched_getaffinity(0, sizeof all, &all) == 0 &&
                    sched_setaffinity(0, sizeof one, &one) == 0,
                "the process cannot be kept on one core");
    const double ns = measure(plan);
    bench_check(sched_setaffinity(0, sizeof all, &all) == 0, "the cores cannot be had back");
    return ns;
}

static double barrier_on_one_core_ns(const bench_plan *plan)
{
    return on_one_core(barrier_ns, plan);
}

static double ping_pong_on_one_core_ns(const bench_plan *plan)
{
    return on_one_core(ping_pong_ns, plan);
}

const bench_row bench_coordination_rows[] = {
    {"barrier, a round", BENCH_ONE, 1, 0, barrier_ns, ping_pong_ns, BENCH_US, 0.5},
    {"barrier, a round", BENCH_ONE, 2, 0, barrier_ns, ping_pong_ns, BENCH_US, 1.5},
    {"barrier on one core, a round", BENCH_ONE, 2, ONE_CORE, barrier_on_one_core_ns,
     ping_pong_on_one_core_ns, BENCH_US, 16},
    {"barrier, a round", BENCH_PAIR, 1, 0, barrier_ns, bench_round_trip_ns, BENCH_US, 80},
    {"barrier by tcp, a round", BENCH_PAIR_TCP, 1, 0, barrier_ns, bench_round_trip_ns, BENCH_US,
     80},
    {"closed loop, a record", BENCH_ONE, 1, 0, closed_ns, ping_pong_ns, BENCH_US, 1.0},
    {"closed loop, a record", BENCH_ONE, 2, 0, closed_ns, ping_pong_ns, BENCH_US, 3.0},
    {"closed loop, a record, p50", BENCH_PAIR, 1, 50, closed_ns, bench_round_trip_ns, BENCH_US,
     130},
    {"closed loop, a record, p99", BENCH_PAIR, 1, 99, closed_ns, bench_round_trip_ns, BENCH_US,
     1000},
    {"closed loop by tcp, p50", BENCH_PAIR_TCP, 1, 50, closed_ns, bench_round_trip_ns, BENCH_US,
     130},
    {"closed loop by tcp, p99", BENCH_PAIR_TCP, 1, 99, closed_ns, bench_round_trip_ns, BENCH_US,
     1000},
    {"feedback, an iteration", BENCH_ONE, 1, 0, feedback_ns, ping_pong_ns, BENCH_US, 0.8},
    {"feedback, an iteration", BENCH_ONE, 2, 0, feedback_ns, ping_pong_ns, BENCH_US, 3.0},
    {"feedback, an iteration", BENCH_PAIR, 1, 0, feedback_ns, bench_round_trip_ns, BENCH_US, 90},
    {.name = NULL},
};
