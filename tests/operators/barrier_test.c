/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notifications going round a loop keep all workers in step, without a record being sent.
 */
#include "tests/operators/gather.h"

#include <stdatomic.h>
#include <string.h>

#include "tests/support/cmocka.h"

enum { ROUNDS = 100 };

/* Shared by all workers. */
typedef struct {
    unsigned n_workers;
    _Atomic unsigned n_told[ROUNDS]; /* workers that have been notified of a round */
} barrier;

static nd_time round_time(uint32_t round) { return (nd_time){0, {round}}; }

static void on_activate(nd_vertex *vertex)
{
    const nd_time first = round_time(0), second = round_time(1);
    nd_notify_at(vertex, &first);
    nd_notify_at(vertex, &second);
    nd_notify_at(vertex, &first); /* asking again changes nothing */
    nd_release(vertex, &first);
}

static void on_notify(nd_vertex *vertex, const nd_time *time)
{
    barrier *all = nd_vertex_user(vertex);
    uint32_t *next = nd_vertex_state(vertex);
    const uint32_t round = time->loop[0];
    if (round != (*next)++)
        nd_fail(vertex, "told of round %u out of order", round);
    if (round > 0 && atomic_load(&all->n_told[round - 1]) != all->n_workers)
        nd_fail(vertex, "told of round %u before all were told of the one before", round);
    atomic_fetch_add(&all->n_told[round], 1);
    if (round + 1 < ROUNDS) {
        const nd_time later = round_time(round + 1);
        nd_notify_at(vertex, &later);
    }
}

static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)time, (void)batch;
    nd_fail(vertex, "nobody sends");
}

static nd_err program(nd_worker *worker, void *all)
{
    nd_dataflow *flow = nd_dataflow_new(worker, "barrier");
    nd_scope *loop = nd_loop_new(nd_root(flow), "rounds");
    nd_feedback *back;
    nd_stream again = nd_feedback_new(loop, &pair_type, &back), out;
    nd_vertex_new(loop,
                  &(nd_vertex_def){.name = "barrier",
                                   .state_size = sizeof(uint32_t),
                                   .user = all,
                                   .source = true,
                                   .inputs = {nd_pipeline(again)},
                                   .outputs = {&pair_type},
                                   .on_recv = on_recv,
                                   .on_notify = on_notify,
                                   .on_activate = on_activate},
                  &out);
    nd_feedback_connect(back, out);
    ND_TRY(nd_dataflow_start(flow));
    return nd_worker_run(worker);
}

static void notifications_go_round_in_step(void **state)
{
    (void)state;
    for (unsigned n_workers = 1; n_workers <= 5; n_workers++) {
        barrier all = {.n_workers = n_workers};
        run(n_workers, program, &all);
        for (unsigned round = 0; round < ROUNDS; round++)
            assert_int_equal(atomic_load(&all.n_told[round]), n_workers);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notifications_go_round_in_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
