/* SPDX-License-Identifier: Apache-2.0 */
/* Dropping a dataflow that would never end by itself: it must end, on every worker, without another
 * callback. */
#include "tests/support/cmocka.h"

#include <nereid.h>

#include "tests/support/simulated.h"

typedef struct number {
    uint64_t value;
} number;

static const nd_type number_type = ND_TYPE(number, 1, ND_FIELD(number, value));

typedef struct run {
    nd_dataflow *flows[8];
    nd_vertex *inputs[8];
    bool is_dropped[8];
    _Atomic bool was_called_after;
    _Atomic unsigned n_deinit;
} run;

static bool is_gone(nd_vertex *vertex)
{
    run *const r = nd_vertex_user(vertex);
    return r->is_dropped[nd_worker_index(nd_vertex_worker(vertex))];
}

static void deinit(nd_vertex *vertex) { ((run *)nd_vertex_user(vertex))->n_deinit++; }

/* Round and round: every record goes on to another worker, one round later, for ever. */
static void go_round(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port;
    run *const r = nd_vertex_user(vertex);
    if (is_gone(vertex))
        r->was_called_after = true;
    const number *const numbers = nd_batch_records(batch);
    for (size_t i = 0; i < nd_batch_len(batch); i++)
        nd_send_by(vertex, 0, time, &(number){numbers[i].value + 1});
    nd_notify_at(vertex, &(nd_time){time->epoch, {time->loop[0] + 1}});
    nd_hold(vertex, time);
}

static void notified(nd_vertex *vertex, const nd_time *time)
{
    run *const r = nd_vertex_user(vertex);
    if (is_gone(vertex))
        r->was_called_after = true;
    nd_send_by(vertex, 0, time, &(number){1});
}

static nd_err build(nd_worker *worker, void *arg)
{
    run *const r = arg;
    nd_dataflow *const flow = nd_dataflow_new(worker, "endless");
    nd_stream numbers, out[1];
    nd_scope *const loop = nd_loop_new(nd_root(flow), "rounds");
    nd_feedback *feedback;
    const nd_stream back = nd_feedback_new(loop, &number_type, &feedback);
    r->inputs[nd_worker_index(worker)] = nd_vertex_new(
        nd_root(flow), &(nd_vertex_def){.name = "input", .outputs = {&number_type}}, &numbers);
    nd_vertex_new(loop,
                  &(nd_vertex_def){
                      .name = "round",
                      .user = r,
                      .deinit = deinit,
                      .inputs = {nd_exchange(nd_enter(loop, numbers)), nd_exchange(back)},
                      .outputs = {&number_type},
                      .on_recv = go_round,
                      .on_notify = notified,
                  },
                  out);
    nd_feedback_connect(feedback, out[0]);
    r->flows[nd_worker_index(worker)] = flow;
    return nd_dataflow_start(flow);
}

/* Feeds a few records, then drops, sooner or later, on this worker or never. */
static bool drive(nd_worker *worker, nd_random *random, void *arg)
{
    run *const r = arg;
    const unsigned index = nd_worker_index(worker);
    if (nd_random_below(random, 4) != 0) {
        nd_send_by(r->inputs[index], 0, &(nd_time){0, {0}}, &(number){index});
        return true;
    }
    const bool drops = index == 0 || nd_random_below(random, 3) == 0;
    if (!drops)
        return false;
    if (nd_random_below(random, 2) == 0) /* a worker that holds nothing may drop too */
        nd_release(r->inputs[index], &(nd_time){0, {0}});
    nd_dataflow_drop(r->flows[index]);
    r->is_dropped[index] = true;
    return false;
}

static void a_dropped_dataflow_ends_on_every_worker(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        run r = {.n_deinit = 0};
        const unsigned n_processes = 1 + (unsigned)(seed % 3);
        const nd_simulation_def def = {.n_workers = n_processes * (1 + (unsigned)(seed / 3 % 2)),
                                       .n_processes = n_processes,
                                       .mode = seed % 5 ? ND_PUBLISH_DEMAND : ND_PUBLISH_EAGER,
                                       .seed = seed,
                                       .build = build,
                                       .drive = drive,
                                       .arg = &r};
        simulated_expect(&def);
        assert_false(r.was_called_after);
        assert_int_equal(r.n_deinit, def.n_workers);
    }
}

static nd_err program(nd_worker *worker, void *arg)
{
    ND_TRY(build(worker, arg));
    run *const r = arg;
    const unsigned index = nd_worker_index(worker);
    nd_send_by(r->inputs[index], 0, &(nd_time){0, {0}}, &(number){index});
    for (int i = 0; i < 200; i++)
        ND_TRY(nd_worker_step(worker, 10));
    if (index == 0)
        nd_dataflow_drop(r->flows[0]);
    else
        nd_release(r->inputs[index], &(nd_time){0, {0}});
    return nd_worker_run(worker);
}

static void a_dropped_dataflow_ends_on_threads(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 4; n++) {
        run r = {.n_deinit = 0};
        nd_message message;
        assert_int_equal(nd_execute(&(nd_config){.n_workers = n}, program, &r, NULL, &message),
                         ND_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dropped_dataflow_ends_on_every_worker),
        cmocka_unit_test(a_dropped_dataflow_ends_on_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
