/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/scheduler/rounds.h"

typedef struct number {
    uint64_t value;
} number;

static const nd_type number_type = ND_TYPE(number, 1, ND_FIELD(number, value));

static uint64_t change(uint64_t value) { return value * 7 + 1; }

/* The first number that a worker sends in an epoch; others follow it. */
static uint64_t first_of(const rounds *plan, unsigned worker, uint64_t epoch)
{
    return (worker * plan->n_epochs + epoch) * plan->n_numbers;
}

uint64_t rounds_expected(const rounds *plan, unsigned n_workers)
{
    uint64_t sum = 0;
    for (unsigned w = 0; w < n_workers; w++)
        for (uint64_t epoch = 0; epoch < plan->n_epochs; epoch++)
            for (uint64_t i = 0; i < plan->n_numbers; i++) {
                uint64_t value = first_of(plan, w, epoch) + i;
                for (uint32_t round = 0; round < plan->n_rounds; round++)
                    value = change(value);
                sum += value;
            }
    return sum;
}

/* One epoch a call; the state is the next. */
static void send_epoch(nd_vertex *vertex)
{
    rounds *plan = nd_vertex_user(vertex);
    uint64_t *epoch = nd_vertex_state(vertex);
    const nd_time now = {.epoch = *epoch}, next = {.epoch = *epoch + 1};
    const uint64_t first = first_of(plan, nd_worker_index(nd_vertex_worker(vertex)), *epoch);
    if (*epoch < plan->n_epochs) {
        for (uint64_t i = 0; i < plan->n_numbers; i++)
            nd_send_by(vertex, 0, &now, &(number){first + i});
        nd_hold(vertex, &next);
        nd_activator *activator = nd_vertex_activator(vertex);
        if (activator == NULL) {
            nd_fail(vertex, "no activator");
            return;
        }
        nd_activate(activator);
        nd_activator_release(activator);
    }
    nd_release(vertex, &now);
    ++*epoch;
}

static void go_round(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port;
    const rounds *plan = nd_vertex_user(vertex);
    const number *numbers = nd_batch_records(batch);
    for (size_t i = 0; i < nd_batch_len(batch); i++) {
        if (time->loop[0] < plan->n_rounds)
            nd_send_by(vertex, 0, time, &(number){change(numbers[i].value)});
        else
            nd_send_by(vertex, 1, time, &numbers[i]);
    }
}

static void gather(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port;
    uint64_t *sum = nd_vertex_state(vertex);
    const number *numbers = nd_batch_records(batch);
    for (size_t i = 0; i < nd_batch_len(batch); i++)
        *sum += numbers[i].value;
    nd_notify_at(vertex, time);
}

static void tell(nd_vertex *vertex, const nd_time *time)
{
    (void)time;
    rounds *plan = nd_vertex_user(vertex);
    uint64_t *sum = nd_vertex_state(vertex);
    atomic_fetch_add(&plan->sum, *sum);
    atomic_fetch_add(&plan->n_notified, 1);
    *sum = 0;
}

nd_err rounds_build(nd_worker *worker, void *arg)
{
    nd_dataflow *flow = nd_dataflow_new(worker, "rounds");
    nd_scope *loop = nd_loop_new(nd_root(flow), "rounds");
    nd_feedback *feedback;
    nd_stream in, out[2], sums;
    nd_vertex_new(nd_root(flow),
                  &(nd_vertex_def){.name = "source",
                                   .user = arg,
                                   .state_size = sizeof(uint64_t),
                                   .outputs = {&number_type},
                                   .on_activate = send_epoch},
                  &in);
    nd_stream back = nd_feedback_new(loop, &number_type, &feedback);
    nd_vertex_new(loop,
                  &(nd_vertex_def){.name = "round",
                                   .user = arg,
                                   .inputs = {nd_exchange(nd_enter(loop, in)), nd_exchange(back)},
                                   .outputs = {&number_type, &number_type},
                                   .on_recv = go_round},
                  out);
    nd_feedback_connect(feedback, out[0]);
    nd_vertex_new(nd_root(flow),
                  &(nd_vertex_def){.name = "sum",
                                   .user = arg,
                                   .state_size = sizeof(uint64_t),
                                   .inputs = {nd_exchange(nd_leave(out[1]))},
                                   .on_recv = gather,
                                   .on_notify = tell},
                  &sums);
    nd_probe_new(sums);
    return nd_dataflow_start(flow);
}
