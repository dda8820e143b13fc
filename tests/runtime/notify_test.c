/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When notifications become due, for any frontiers in any depth of loops, against all that is held
 * upstream.
 */
#include "tests/support/cmocka.h"

#include "runtime/base/random.h"
#include "tests/runtime/one_worker.h"

static void ignore(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)vertex, (void)port, (void)time, (void)batch;
}

enum { SOURCES = 3, ASKED = 40, ROUNDS = 60 };

typedef struct waiting {
    nd_random random;
    unsigned n_loops;
    nd_vertex *sources[SOURCES], *waiter;
    nd_time held[SOURCES][ASKED];
    unsigned n_held[SOURCES];
    nd_time asked[ASKED];
    unsigned n_asked;
    bool is_told[ASKED];
} waiting;

static nd_time time_within(waiting *w)
{
    nd_time time = {nd_random_below(&w->random, 4), {0}};
    for (unsigned i = 0; i < w->n_loops; i++)
        time.loop[i] = (uint32_t)nd_random_below(&w->random, 3);
    return time;
}

static bool may_come(const waiting *w, const nd_time *time)
{
    for (unsigned s = 0; s < SOURCES; s++)
        for (unsigned i = 0; i < w->n_held[s]; i++)
            if (nd_time_less_equal(&w->held[s][i], time))
                return true;
    return false;
}

/* Once everything is over, nobody can ask any more. */
static bool is_open(const waiting *w)
{
    bool any_held = false;
    for (unsigned s = 0; s < SOURCES; s++)
        any_held |= w->n_held[s] != 0;
    return any_held;
}

static void be_told(nd_vertex *vertex, const nd_time *time)
{
    waiting *w = nd_vertex_user(vertex);
    bool was_asked = false;
    assert_false(may_come(w, time));
    for (unsigned i = 0; i < w->n_asked; i++)
        if (nd_time_equal(&w->asked[i], time)) {
            assert_false(w->is_told[i]);
            was_asked = w->is_told[i] = true;
        }
    assert_true(was_asked);
}

/* Some source comes to hold something later, and what it was, not any more. */
static void move_on(waiting *w)
{
    const unsigned s = (unsigned)nd_random_below(&w->random, SOURCES);
    if (w->n_held[s] == 0)
        return;
    const unsigned which = (unsigned)nd_random_below(&w->random, w->n_held[s]);
    const nd_time from = w->held[s][which];
    for (unsigned n = (unsigned)nd_random_below(&w->random, 3); n > 0; n--) {
        const nd_time to = time_within(w), later = nd_time_join(&from, &to);
        if (w->n_held[s] == ASKED || nd_time_equal(&from, &later))
            continue;
        nd_hold(w->sources[s], &later);
        w->held[s][w->n_held[s]++] = later;
    }
    nd_release(w->sources[s], &from);
    w->held[s][which] = w->held[s][--w->n_held[s]];
}

static void ask_something(waiting *w)
{
    const nd_time time = time_within(w);
    for (unsigned i = 0; i < w->n_asked; i++)
        if (nd_time_equal(&w->asked[i], &time) && w->is_told[i])
            return; /* it would be told once more */
    if (w->n_asked == ASKED)
        return;
    for (unsigned i = 0; i < w->n_asked; i++)
        if (nd_time_equal(&w->asked[i], &time)) {
            nd_notify_when(w->waiter, &time, NULL); /* and is told once */
            return;
        }
    w->asked[w->n_asked++] = time;
    nd_notify_when(w->waiter, &time, NULL);
}

static nd_err build_waiting(nd_worker *worker, waiting *w)
{
    nd_dataflow *flow = nd_dataflow_new(worker, "waiting");
    nd_scope *scope = nd_root(flow);
    nd_stream out[SOURCES];
    for (unsigned i = 0; i < w->n_loops; i++)
        scope = nd_loop_new(scope, "loop");
    for (unsigned s = 0; s < SOURCES; s++) {
        w->sources[s] = nd_vertex_new(
            scope, &(nd_vertex_def){.name = "source", .outputs = {&number_type}}, &out[s]);
        w->n_held[s] = 1;
    }
    w->waiter = nd_vertex_new(
        scope,
        &(nd_vertex_def){.name = "waiter",
                         .user = w,
                         .inputs = {nd_pipeline(out[0]), nd_pipeline(out[1]), nd_pipeline(out[2])},
                         .on_recv = ignore,
                         .on_notify = be_told},
        NULL);
    return nd_dataflow_start(flow);
}

static nd_err run_waiting(nd_worker *worker, void *arg)
{
    waiting *w = arg;
    ND_TRY(build_waiting(worker, w));
    for (unsigned round = 0; round < ROUNDS && is_open(w); round++) {
        ask_something(w);
        ask_something(w);
        move_on(w);
        for (unsigned i = 0; i < 3; i++)
            ND_TRY(nd_worker_step(worker, 100));
        for (unsigned i = 0; i < w->n_asked; i++)
            assert_int_equal(w->is_told[i], !may_come(w, &w->asked[i]));
    }
    for (unsigned s = 0; s < SOURCES; s++)
        while (w->n_held[s] > 0)
            nd_release(w->sources[s], &w->held[s][--w->n_held[s]]);
    ND_TRY(step_to_end(worker));
    for (unsigned i = 0; i < w->n_asked; i++)
        assert_true(w->is_told[i]);
    return ND_OK;
}

static void notifications_come_when_nothing_before_them_can(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        waiting w = {.n_loops = (unsigned)(seed % 4)};
        nd_random_init(&w.random, seed);
        expect_success(run_waiting, &w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notifications_come_when_nothing_before_them_can),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
