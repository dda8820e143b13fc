/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a dataflow waits: what nd_why says of each kind of holder.
 */
#include "runtime/explain.h"

#include <string.h>

#include <nereid.h>

#include "runtime/graph_internal.h"
#include "scheduler/worker.h"
#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"
#include "tests/support/simulated.h"

typedef struct number {
    uint64_t value;
} number;

static const nd_type number_type = ND_TYPE(number, 1, ND_FIELD(number, value));
static const number any = {7};

/* --- A dataflow to be stuck in --- */

/* input -> 'first' -> 'second' -> 'last', of which 'second' does what a test wants. */
typedef struct line_flow {
    nd_dataflow *flow;
    nd_input *input;
    nd_vertex *first, *second, *last;
    void (*on_recv)(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch);
} line_flow;

static void forward(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port;
    nd_send_batch_by(vertex, 0, time, nd_batch_take(batch));
}

static void swallow(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)vertex, (void)port, (void)time, (void)batch;
}

static void ask(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)batch;
    nd_notify_at(vertex, time);
}

static void keep(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)batch;
    nd_hold(vertex, time);
}

static void notified(nd_vertex *vertex, const nd_time *time) { (void)vertex, (void)time; }

static nd_err build_line(nd_worker *worker, void *arg)
{
    line_flow *line = arg;
    nd_stream in, out[2];
    line->flow = nd_dataflow_new(worker, "line");
    in = nd_input_new(line->flow, &number_type, &line->input);
    line->first = nd_vertex_new(nd_root(line->flow),
                                &(nd_vertex_def){.name = "first",
                                                 .inputs = {nd_pipeline(in)},
                                                 .outputs = {&number_type},
                                                 .on_recv = forward},
                                out);
    line->second = nd_vertex_new(nd_root(line->flow),
                                 &(nd_vertex_def){.name = "second",
                                                  .inputs = {nd_pipeline(out[0])},
                                                  .outputs = {&number_type},
                                                  .on_recv = line->on_recv,
                                                  .on_notify = notified},
                                 out);
    line->last = nd_vertex_new(
        nd_root(line->flow),
        &(nd_vertex_def){.name = "last", .inputs = {nd_pipeline(out[0])}, .on_recv = swallow},
        NULL);
    return nd_dataflow_start(line->flow);
}

typedef struct stage {
    nd_simulation *simulation;
    nd_worker *worker; /* the first */
} stage;

static stage begin(unsigned n_workers, nd_err (*build)(nd_worker *worker, void *arg), void *arg)
{
    stage on;
    nd_message message;
    const nd_simulation_def def = {.n_workers = n_workers, .seed = 1, .build = build, .arg = arg};
    assert_int_equal(nd_simulation_create(&def, &on.simulation, &message), ND_OK);
    on.worker = nd_simulation_worker(on.simulation, 0);
    return on;
}

static void run_until_quiet(const stage *on)
{
    nd_message message;
    assert_int_equal(simulated_settle(on->simulation, &message), ND_OK);
}

/* --- What is said --- */

typedef struct said {
    char text[4096];
    unsigned n;
} said;

static void note(void *context, const char *text)
{
    said *all = context;
    strncat(all->text, text, sizeof all->text - strlen(all->text) - 1);
    strncat(all->text, "\n", sizeof all->text - strlen(all->text) - 1);
    all->n++;
}

static said why(const nd_dataflow *flow, const nd_vertex *vertex, const nd_time *time)
{
    said all = {.n = 0};
    assert_int_equal(nd_why(flow, vertex, time, note, &all), ND_OK);
    return all;
}

static void expect(const said *all, unsigned n, const char *text)
{
    if (all->n != n || strstr(all->text, text) == NULL)
        fail_msg("expected '%s' in %u lines, got:\n%s", text, n, all->text);
}

static void an_open_input_is_named_and_what_follows_from_it_is_not(void **state)
{
    (void)state;
    line_flow line = {.on_recv = ask};
    stage on = begin(1, build_line, &line);
    nd_input_send(line.input, &any);
    nd_input_advance(line.input, 0);
    run_until_quiet(&on);
    said all = why(line.flow, NULL, NULL);
    expect(&all, 1,
           "input 'input' of dataflow 'line' is open at epoch 0: advance or close it "
           "(nd_input_advance, nd_input_close");
    nd_input_advance(line.input, 3);
    run_until_quiet(&on);
    all = why(line.flow, line.last, NULL);
    expect(&all, 1, "open at epoch 3");
    expect(&all, 1, "; by way of 'input' -> 'first' -> 'second' -> 'last'");
    nd_simulation_destroy(on.simulation);
}

static void only_what_could_come_by_then_is_said(void **state)
{
    (void)state;
    line_flow line = {.on_recv = keep};
    stage on = begin(1, build_line, &line);
    nd_input_advance(line.input, 3);
    nd_input_send(line.input, &any);
    nd_input_advance(line.input, 9);
    run_until_quiet(&on);
    said all = why(line.flow, line.last, &(nd_time){.epoch = 2});
    expect(&all, 1, "nothing holds it back");
    all = why(line.flow, line.last, &(nd_time){.epoch = 3});
    expect(&all, 1,
           "vertex 'second' of dataflow 'line' holds (3) until it calls nd_release; by way "
           "of 'second' -> 'last'");
    all = why(line.flow, line.first, &(nd_time){.epoch = 8});
    expect(&all, 1, "nothing holds it back");
    all = why(line.flow, line.first, &(nd_time){.epoch = 9});
    expect(&all, 1, "open at epoch 9");
    all = why(line.flow, NULL, &(nd_time){.epoch = 3});
    expect(&all, 1, "holds (3)");
    all = why(line.flow, NULL, NULL); /* epoch 9 follows from nothing either: second is behind it */
    expect(&all, 2, "open at epoch 9");
    nd_simulation_destroy(on.simulation);
}

static void batches_that_wait_are_counted(void **state)
{
    (void)state;
    line_flow line = {.on_recv = swallow};
    stage on = begin(1, build_line, &line);
    for (unsigned i = 0; i < 3; i++) {
        nd_input_send(line.input, &any);
        nd_vertex_flush(nd_flow_vertex(line.flow, 0));
    }
    nd_input_close(line.input);
    assert_int_equal(nd_worker_step(on.worker, 0), ND_OK);
    said all = why(line.flow, line.last, NULL);
    expect(&all, 1, "3 batches at (0) wait at input 0 of vertex 'first' of dataflow 'line'");
    nd_simulation_destroy(on.simulation);
}

/* --- Notifications --- */

static void lose(nd_host *host, nd_vertex *vertex, const nd_time *time)
{
    (void)host, (void)vertex, (void)time;
}

static void a_lost_notification_is_told_from_one_that_waits(void **state)
{
    (void)state;
    line_flow line = {.on_recv = ask};
    stage on = begin(1, build_line, &line);
    nd_host_ops ops = *on.worker->host.ops;
    ops.due = lose;
    on.worker->host.ops = &ops;
    nd_input_send(line.input, &any);
    nd_input_close(line.input);
    run_until_quiet(&on);
    assert_false(nd_dataflow_is_complete(line.flow));
    const said all = why(line.flow, NULL, NULL);
    expect(&all, 1,
           "vertex 'second' of dataflow 'line' has not been notified of (0), though "
           "nothing before that can come to it any more");
    nd_simulation_destroy(on.simulation);
}

static void act_from_now_on(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)batch;
    nd_notify_when(vertex, &(nd_time){.epoch = time->epoch + 5}, time);
    nd_notify_when(vertex, &(nd_time){.epoch = time->epoch + 6}, time);
}

static void a_notification_that_waits_says_what_it_may_do(void **state)
{
    (void)state;
    line_flow line = {.on_recv = act_from_now_on};
    stage on = begin(1, build_line, &line);
    nd_input_advance(line.input, 1);
    nd_input_send(line.input, &any);
    nd_input_advance(line.input, 4);
    run_until_quiet(&on);
    const said all = why(line.flow, line.last, &(nd_time){.epoch = 3});
    expect(&all, 1,
           "vertex 'second' of dataflow 'line' waits to be notified of (6) and 1 more, and "
           "until then may act at (1); by way of");
    nd_simulation_destroy(on.simulation);
}

/* Asks for the next round with the right to act in this one. */
static void wait_for_oneself(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)batch;
    nd_notify_when(vertex, &(nd_time){time->epoch, {time->loop[0] + 1}}, time);
}

typedef struct loop_flow {
    nd_dataflow *flow;
    nd_input *input;
    nd_vertex *rounds;
} loop_flow;

static nd_err build_loop(nd_worker *worker, void *arg)
{
    loop_flow *l = arg;
    nd_stream out[2];
    nd_feedback *feedback;
    l->flow = nd_dataflow_new(worker, "loop");
    const nd_stream in = nd_input_new(l->flow, &number_type, &l->input);
    nd_scope *loop = nd_loop_new(nd_root(l->flow), "rounds");
    const nd_stream back = nd_feedback_new(loop, &number_type, &feedback);
    l->rounds = nd_vertex_new(
        loop,
        &(nd_vertex_def){.name = "round",
                         .inputs = {nd_pipeline(nd_enter(loop, in)), nd_pipeline(back)},
                         .outputs = {&number_type},
                         .on_recv = wait_for_oneself,
                         .on_notify = notified},
        out);
    nd_feedback_connect(feedback, out[0]);
    return nd_dataflow_start(l->flow);
}

static void a_vertex_that_waits_for_itself_is_told(void **state)
{
    (void)state;
    loop_flow l;
    stage on = begin(1, build_loop, &l);
    nd_input_send(l.input, &any);
    nd_input_close(l.input);
    run_until_quiet(&on);
    const said all = why(l.flow, l.rounds, &(nd_time){0, {1}});
    expect(&all, 1,
           "vertex 'round' of dataflow 'loop' waits to be notified of (0, 1), and until "
           "then may act at (0, 0), which may come round to its own input before");
    nd_simulation_destroy(on.simulation);
}

/* --- What a worker cannot know --- */

static void others_are_known_as_counts(void **state)
{
    (void)state;
    line_flow line = {.on_recv = swallow}; /* of the worker that was built last: the second */
    stage on = begin(2, build_line, &line);
    nd_input_close(line.input);
    run_until_quiet(&on);
    said all = why(line.flow, NULL, NULL);
    expect(
        &all, 1,
        "input 'input' of dataflow 'line', open at epoch 0 on 1 worker, not held by this worker");
    all = why(nd_host_flow(&on.worker->host, 0), NULL, NULL);
    expect(&all, 1, "is open at epoch 0");
    nd_simulation_destroy(on.simulation);
}

static void count_too_much(nd_host *host, nd_change_batch *changes)
{
    changes->items[0].delta++;
    host->tamper = NULL;
}

static void a_count_that_nobody_holds_is_told(void **state)
{
    (void)state;
    line_flow line = {.on_recv = swallow};
    stage on = begin(1, build_line, &line);
    on.worker->host.tamper = count_too_much;
    nd_input_send(line.input, &any);
    nd_input_close(line.input);
    run_until_quiet(&on);
    assert_false(nd_dataflow_is_complete(line.flow));
    const said all = why(line.flow, NULL, NULL);
    expect(&all, 1, "of dataflow 'line', open at epoch 0 on 1 worker, which nobody holds");
    nd_simulation_destroy(on.simulation);
}

static void a_dataflow_that_does_not_run_says_so(void **state)
{
    (void)state;
    line_flow line = {.on_recv = swallow};
    stage on = begin(1, build_line, &line);
    nd_dataflow *late = nd_dataflow_new(on.worker, "late");
    said all = why(late, NULL, NULL);
    expect(&all, 1, "dataflow 'late' was begun but is not started");
    assert_int_equal(nd_dataflow_start(late), ND_OK);
    nd_input_close(line.input);
    run_until_quiet(&on);
    all = why(line.flow, NULL, NULL);
    expect(&all, 1, "dataflow 'line' is complete");
    assert_int_equal(nd_why(NULL, NULL, NULL, note, &all), ND_INVAL);
    assert_int_equal(nd_why(late, line.last, NULL, note, &all), ND_INVAL);
    nd_simulation_destroy(on.simulation);
}

/* --- Names --- */

enum { CHAIN = 30 };

static void a_long_way_is_cut_in_the_middle(void **state)
{
    (void)state;
    nd_simulation *simulation;
    nd_message message;
    line_flow line = {.on_recv = swallow};
    const nd_simulation_def def = {.n_workers = 1, .build = build_line, .arg = &line};
    assert_int_equal(nd_simulation_create(&def, &simulation, &message), ND_OK);
    nd_dataflow *flow = nd_dataflow_new(nd_simulation_worker(simulation, 0), "chain");
    nd_input *inputs[2];
    nd_stream stream = nd_input_new(flow, &number_type, &inputs[0]);
    nd_stream other = nd_input_new(flow, &number_type, &inputs[1]);
    nd_vertex *vertex = NULL;
    for (unsigned i = 0; i < CHAIN; i++) {
        const char name[] = {(char)('a' + i % 26), (char)('a' + i / 26), '\0'};
        vertex = nd_vertex_new(nd_root(flow),
                               &(nd_vertex_def){.name = name,
                                                .inputs = {nd_pipeline(stream)},
                                                .outputs = {&number_type},
                                                .on_recv = forward},
                               &stream);
    }
    nd_vertex_new(
        nd_root(flow),
        &(nd_vertex_def){.name = "other", .inputs = {nd_pipeline(other)}, .on_recv = swallow},
        NULL);
    assert_int_equal(nd_dataflow_start(flow), ND_OK);
    const said all = why(flow, vertex, NULL);
    expect(&all, 1, "input 'input' (the one before 'aa') of dataflow 'chain' is open at epoch 0");
    expect(&all, 1, "'input' -> 'aa' -> 'ba' -> 'ca' -> (23 more) -> 'ab' -> 'bb' -> 'cb' -> 'db'");
    nd_simulation_destroy(simulation);
}

/* --- Memory --- */

static nd_err explain_with_little_memory(void *arg)
{
    (void)arg;
    nd_simulation *simulation;
    nd_message message;
    line_flow line = {.on_recv = keep};
    said all = {.n = 0};
    const nd_simulation_def def = {.n_workers = 1, .build = build_line, .arg = &line};
    ND_TRY(nd_simulation_create(&def, &simulation, &message));
    nd_worker *worker = nd_simulation_worker(simulation, 0);
    nd_input_send(line.input, &any);
    nd_input_advance(line.input, 2);
    nd_err err = nd_worker_step(worker, 100);
    if (err == ND_OK)
        err = nd_why(line.flow, line.last, NULL, note, &all);
    if (err == ND_OK)
        expect(&all, 2, "holds (0)");
    nd_simulation_destroy(simulation);
    return err;
}

static void running_out_of_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    failing_memory_sweep(explain_with_little_memory, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_input_is_named_and_what_follows_from_it_is_not),
        cmocka_unit_test(only_what_could_come_by_then_is_said),
        cmocka_unit_test(batches_that_wait_are_counted),
        cmocka_unit_test(a_lost_notification_is_told_from_one_that_waits),
        cmocka_unit_test(a_notification_that_waits_says_what_it_may_do),
        cmocka_unit_test(a_vertex_that_waits_for_itself_is_told),
        cmocka_unit_test(others_are_known_as_counts),
        cmocka_unit_test(a_count_that_nobody_holds_is_told),
        cmocka_unit_test(a_dataflow_that_does_not_run_says_so),
        cmocka_unit_test(a_long_way_is_cut_in_the_middle),
        cmocka_unit_test(running_out_of_memory_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
