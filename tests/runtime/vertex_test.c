/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a vertex may not do, in each kind of callback: the run fails with the vertex's name and the
 * times, and nothing worse happens.
 */
#include "tests/support/cmocka.h"

#include <string.h>

#include <nereid.h>

#include "tests/support/simulated.h"

typedef struct number {
    uint64_t value;
} number;
typedef struct other {
    uint64_t value;
} other;

static const nd_type number_type = ND_TYPE(number, 1, ND_FIELD(number, value));
static const nd_type other_type = ND_TYPE(other, 1, ND_FIELD(other, value));

enum { EPOCH = 5 }; /* of the one record that the actor is sent */

typedef enum moment {
    WHEN_BUILT, /* before the dataflow is started */
    WHEN_RECEIVING,
    WHEN_NOTIFIED,
    WHEN_MOVED,     /* by a frontier */
    WHEN_ACTIVATED, /* by its activator, holding nothing */
    WHEN_OVER,      /* by the program, when the dataflow is complete */
} moment;

/* One thing that the vertex `actor` does, and when. */
typedef struct deed {
    void (*act)(nd_vertex *vertex);
    moment when;
    bool in_loop, only_named;
    nd_vertex_summary summaries[2];
    size_t n_summaries;
} deed;

typedef struct play {
    const deed *deed;
    nd_vertex *actor;
    nd_dataflow *flow;
    unsigned n_done;
} play;

static const nd_time zero = {.epoch = 0};
static const nd_time now = {.epoch = EPOCH};
static const nd_time before = {.epoch = EPOCH - 1};
static const number any = {7};

/* --- The play --- */

static void act(nd_vertex *vertex, moment when)
{
    play *p = nd_vertex_user(vertex);
    if (p->deed->when != when)
        return;
    p->n_done++;
    p->deed->act(vertex);
}

static void start(nd_vertex *vertex)
{
    nd_send_by(vertex, 0, &now, &any);
    nd_release(vertex, &zero);
}

static void on_recv(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)batch;
    const play *p = nd_vertex_user(vertex);
    act(vertex, WHEN_RECEIVING);
    if (p->deed->when == WHEN_NOTIFIED)
        nd_notify_at(vertex, time);
    if (p->deed->when == WHEN_ACTIVATED) {
        nd_activator *activator = nd_vertex_activator(vertex);
        nd_activate(activator);
        nd_activator_release(activator);
    }
}

static void on_notify(nd_vertex *vertex, const nd_time *time)
{
    (void)time;
    act(vertex, WHEN_NOTIFIED);
}

static void on_frontier(nd_vertex *vertex) { act(vertex, WHEN_MOVED); }
static void on_activate(nd_vertex *vertex) { act(vertex, WHEN_ACTIVATED); }

static nd_err build(nd_worker *worker, void *arg)
{
    play *p = arg;
    nd_dataflow *flow = p->flow = nd_dataflow_new(worker, "play");
    nd_scope *scope = nd_root(flow);
    nd_stream in, out[2];
    nd_vertex_new(
        scope, &(nd_vertex_def){.name = "source", .outputs = {&number_type}, .on_activate = start},
        &in);
    if (p->deed->in_loop) {
        scope = nd_loop_new(scope, "rounds");
        in = nd_enter(scope, in);
    }
    p->actor = nd_vertex_new(scope,
                             &(nd_vertex_def){.name = "actor",
                                              .user = p,
                                              .inputs = {nd_pipeline(in), nd_pipeline(in)},
                                              .outputs = {&number_type, &number_type},
                                              .on_recv = on_recv,
                                              .on_notify = on_notify,
                                              .on_frontier = on_frontier,
                                              .on_activate = on_activate,
                                              .summaries = p->deed->summaries,
                                              .n_summaries = p->deed->n_summaries,
                                              .only_named = p->deed->only_named},
                             out);
    if (p->actor != NULL)
        act(p->actor, WHEN_BUILT);
    return nd_dataflow_start(flow);
}

static nd_err perform(play *p, nd_message *message)
{
    nd_simulation *simulation;
    const nd_simulation_def def = {.n_workers = 1, .build = build, .arg = p};
    ND_TRY(nd_simulation_create(&def, &simulation, message));
    nd_err err = simulated_settle(simulation, message);
    if (err == ND_OK) {
        assert_true(nd_simulation_is_done(simulation));
        act(p->actor, WHEN_OVER);
        err = simulated_settle(simulation, message);
    }
    nd_simulation_destroy(simulation);
    return err;
}

static void expect_refusal(const deed *d, const char *text)
{
    play p = {.deed = d};
    nd_message message = {""};
    assert_int_equal(perform(&p, &message), ND_INVAL);
    assert_int_not_equal(p.n_done, 0);
    if (strstr(message.text, text) == NULL || strstr(message.text, "vertex 'actor': ") == NULL)
        fail_msg("'%s' is not in '%s'", text, message.text);
}

/* Another dataflow than that of a play is refused, too. */
static void expect_failure(nd_err (*build_other)(nd_worker *worker, void *arg), void *arg,
                           const char *text)
{
    nd_message message = {""};
    const nd_simulation_def def = {.n_workers = 1, .build = build_other, .arg = arg};
    assert_int_equal(simulated_run(&def, &message), ND_INVAL);
    if (strstr(message.text, text) == NULL)
        fail_msg("'%s' is not in '%s'", text, message.text);
}

static void expect_success(const deed *d)
{
    play p = {.deed = d};
    nd_message message = {""};
    if (perform(&p, &message) != ND_OK)
        fail_msg("%s", message.text);
    assert_int_not_equal(p.n_done, 0);
}

/* --- Sending --- */

static void send_before(nd_vertex *vertex) { nd_send_by(vertex, 0, &before, &any); }
static void send_now(nd_vertex *vertex) { nd_send_by(vertex, 0, &now, &any); }
static void send_now_on_second(nd_vertex *vertex) { nd_send_by(vertex, 1, &now, &any); }
static void send_far_later(nd_vertex *vertex)
{
    nd_send_by(vertex, 0, &(nd_time){.epoch = UINT64_MAX}, &any);
}
static void send_aside(nd_vertex *vertex)
{
    nd_send_by(vertex, 0, &(nd_time){EPOCH - 1, {9}}, &any);
}
static void send_in_no_loop(nd_vertex *vertex)
{
    nd_send_by(vertex, 0, &(nd_time){EPOCH, {0, 1}}, &any);
}
static void send_on_third(nd_vertex *vertex) { nd_send_by(vertex, 2, &now, &any); }

static void write_before(nd_vertex *vertex)
{
    nd_emit *emit = nd_vertex_emit(vertex, 0, &before);
    for (uint64_t i = 0; i < 10000; i++)
        *(number *)nd_emit_slot(emit) = (number){i};
}

static void write_many_on_third(nd_vertex *vertex)
{
    size_t len;
    nd_emit *emit = nd_vertex_emit(vertex, 2, &now);
    for (unsigned i = 0; i < 1000; i++) {
        number *room = nd_emit_room(emit, &len);
        for (size_t k = 0; k < len; k++)
            room[k] = any;
        nd_emit_wrote(emit, len);
    }
    static const number several[100];
    nd_emit_copy(emit, several, 100);
}

static void sending_without_a_right_is_refused(void **state)
{
    (void)state;
    expect_refusal(&(deed){.act = send_before, .when = WHEN_RECEIVING},
                   "it sends on output 0 at (4), but its callback has a right from (5) on");
    expect_refusal(&(deed){.act = send_before, .when = WHEN_NOTIFIED},
                   "it sends on output 0 at (4), but its callback has a right from (5) on");
    expect_refusal(&(deed){.act = send_aside, .when = WHEN_RECEIVING, .in_loop = true},
                   "it sends on output 0 at (4, 9), but its callback has a right from (5, 0) on");
    expect_refusal(&(deed){.act = send_now, .when = WHEN_ACTIVATED},
                   "it sends on output 0 at (5), but this callback has no right of its own");
    expect_refusal(&(deed){.act = write_before, .when = WHEN_RECEIVING},
                   "it sends on output 0 at (4), but");
}

static void sending_at_or_after_a_right_is_fine(void **state)
{
    (void)state;
    expect_success(&(deed){.act = send_now, .when = WHEN_RECEIVING});
    expect_success(&(deed){.act = send_now, .when = WHEN_NOTIFIED});
    expect_success(&(deed){.act = send_far_later, .when = WHEN_NOTIFIED, .in_loop = true});
    expect_success(&(deed){.act = send_now_on_second, .when = WHEN_RECEIVING});
}

static void an_output_that_is_not_there_is_refused(void **state)
{
    (void)state;
    expect_refusal(&(deed){.act = send_on_third, .when = WHEN_RECEIVING},
                   "it sends on output 2, which it does not have");
    expect_refusal(&(deed){.act = write_many_on_third, .when = WHEN_RECEIVING},
                   "it sends on output 2, which it does not have");
}

static void a_counter_of_a_loop_outside_is_refused(void **state)
{
    (void)state;
    expect_refusal(&(deed){.act = send_aside, .when = WHEN_RECEIVING},
                   "a counter of a loop that it is not inside of: scope 'root' has 0");
    expect_refusal(&(deed){.act = send_in_no_loop, .when = WHEN_RECEIVING, .in_loop = true},
                   "a counter of a loop that it is not inside of: scope 'rounds' has 1");
}

static void send_another_type(nd_vertex *vertex) { (void)vertex; /* done by take_and_send */ }

/* --- Summaries --- */

static void send_next(nd_vertex *vertex)
{
    nd_send_by(vertex, 0, &(nd_time){.epoch = EPOCH + 1}, &any);
}

static void what_a_summary_promises_is_kept(void **state)
{
    (void)state;
    deed d = {.act = send_now,
              .when = WHEN_RECEIVING,
              .summaries = {{.input = 0, .output = 0, .add = {.epoch = 1}},
                            {.input = 1, .output = 0, .add = {.epoch = 1}}},
              .n_summaries = 2};
    expect_refusal(&d, "it sends on output 0 at (5), but its callback has a right from (6) on");
    d.when = WHEN_NOTIFIED;
    expect_refusal(&d, "it sends on output 0 at (5), but its callback has a right from (6) on");
    d.act = send_next;
    expect_success(&d);
    d.act = send_now_on_second;
    expect_success(&d);
}

static void an_input_that_leads_nowhere_gives_no_right(void **state)
{
    (void)state;
    deed d = {.act = send_now_on_second,
              .when = WHEN_RECEIVING,
              .summaries = {{.input = 0, .output = 0}, {.input = 1, .output = 0}},
              .n_summaries = 2,
              .only_named = true};
    expect_refusal(&d, "it sends on output 1 at (5), but no path leads from input 0 to output 1");
    d.when = WHEN_NOTIFIED;
    expect_refusal(&d, "it sends on output 1 at (5), but no path leads from the inputs of its");
    d.act = send_now;
    expect_success(&d);
}

/* --- Frontiers give no right --- */

static void send_at_the_frontier(nd_vertex *vertex)
{
    const nd_time *times;
    const size_t n = nd_vertex_frontier(vertex, 0, &times);
    const nd_time first = n != 0 ? times[0] : now;
    nd_send_by(vertex, 0, &first, &any);
}

static void hold_at_the_frontier(nd_vertex *vertex)
{
    const nd_time *times;
    const size_t n = nd_vertex_frontier(vertex, 1, &times);
    const nd_time first = n != 0 ? times[0] : now;
    nd_hold(vertex, &first);
}

static void read_a_third_frontier(nd_vertex *vertex)
{
    const nd_time *times;
    assert_int_equal(nd_vertex_frontier(vertex, 2, &times), 0);
}

static void a_frontier_seen_gives_no_right(void **state)
{
    (void)state;
    expect_refusal(&(deed){.act = send_at_the_frontier, .when = WHEN_MOVED},
                   "but this callback has no right of its own, and no hold allows it");
    expect_refusal(&(deed){.act = hold_at_the_frontier, .when = WHEN_MOVED},
                   "but this callback has no right of its own, and no hold allows it");
    expect_refusal(&(deed){.act = send_at_the_frontier, .when = WHEN_ACTIVATED},
                   "but this callback has no right of its own, and no hold allows it");
    expect_refusal(&(deed){.act = read_a_third_frontier, .when = WHEN_MOVED},
                   "it reads the frontier of input 2");
}

/* --- Holds --- */

static void hold_before(nd_vertex *vertex) { nd_hold(vertex, &before); }
static void release_now(nd_vertex *vertex) { nd_release(vertex, &now); }

static void release_twice(nd_vertex *vertex)
{
    nd_hold(vertex, &now);
    nd_release(vertex, &now);
    nd_release(vertex, &now);
}

static void release_another(nd_vertex *vertex)
{
    nd_hold(vertex, &now);
    nd_release(vertex, &(nd_time){.epoch = EPOCH + 1});
}

static void release_then_send(nd_vertex *vertex)
{
    nd_hold(vertex, &now);
    nd_send_by(vertex, 0, &now, &any);
    nd_release(vertex, &now);
    nd_send_by(vertex, 0, &now, &any);
}

static void holding_needs_a_right(void **state)
{
    (void)state;
    expect_refusal(&(deed){.act = hold_before, .when = WHEN_RECEIVING}, "it holds at (4), but");
    expect_refusal(&(deed){.act = hold_before, .when = WHEN_ACTIVATED}, "it holds at (4), but");
    expect_refusal(&(deed){.act = release_now, .when = WHEN_RECEIVING},
                   "it releases (5), which it does not hold");
    expect_refusal(&(deed){.act = release_twice, .when = WHEN_NOTIFIED},
                   "it releases (5), which it does not hold");
    expect_refusal(&(deed){.act = release_another, .when = WHEN_NOTIFIED},
                   "it releases (6), which it does not hold");
    expect_success(&(deed){.act = release_then_send, .when = WHEN_RECEIVING}); /* its own right */
}

/* The right of a hold is gone with its release, also for what is written at the same time. */
static void release_what_it_starts_with(nd_vertex *vertex)
{
    nd_send_by(vertex, 0, &zero, &any);
    nd_release(vertex, &zero);
    nd_send_by(vertex, 0, &zero, &any);
}

static nd_err build_releasing_source(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *flow = nd_dataflow_new(worker, "play");
    nd_vertex_new(nd_root(flow),
                  &(nd_vertex_def){.name = "actor",
                                   .outputs = {&number_type},
                                   .on_activate = release_what_it_starts_with},
                  NULL);
    return nd_dataflow_start(flow);
}

static void a_released_hold_gives_no_right(void **state)
{
    (void)state;
    expect_failure(build_releasing_source, NULL, "it sends on output 0 at (0)");
}

/* --- Notifications --- */

static void ask_before(nd_vertex *vertex) { nd_notify_at(vertex, &before); }
static void ask_now(nd_vertex *vertex) { nd_notify_at(vertex, &now); }
static void ask_later_for_before(nd_vertex *vertex)
{
    nd_notify_when(vertex, &(nd_time){.epoch = EPOCH + 3}, &before);
}
static void ask_in_no_loop(nd_vertex *vertex)
{
    nd_notify_when(vertex, &(nd_time){EPOCH, {1}}, NULL);
}
static void ask_for_clean_up(nd_vertex *vertex) { nd_notify_when(vertex, &before, NULL); }

static void asking_needs_a_right(void **state)
{
    (void)state;
    expect_refusal(&(deed){.act = ask_before, .when = WHEN_RECEIVING},
                   "it asks for a notification at (4), but its callback has a right from (5) on");
    expect_refusal(&(deed){.act = ask_now, .when = WHEN_ACTIVATED},
                   "it asks for a notification at (5), but this callback has no right of its own");
    expect_refusal(&(deed){.act = ask_later_for_before, .when = WHEN_RECEIVING},
                   "it asks for a notification at (4), but");
    expect_refusal(&(deed){.act = ask_in_no_loop, .when = WHEN_RECEIVING},
                   "a counter of a loop that it is not inside of");
    expect_success(&(deed){.act = ask_for_clean_up, .when = WHEN_RECEIVING});
    expect_success(&(deed){.act = ask_for_clean_up, .when = WHEN_ACTIVATED});
}

static nd_err build_deaf(nd_worker *worker, void *arg)
{
    play *p = arg;
    nd_stream in;
    nd_dataflow *flow = nd_dataflow_new(worker, "play");
    nd_vertex_new(
        nd_root(flow),
        &(nd_vertex_def){.name = "source", .outputs = {&number_type}, .on_activate = start}, &in);
    nd_vertex_new(nd_root(flow),
                  &(nd_vertex_def){
                      .name = "deaf", .user = p, .inputs = {nd_pipeline(in)}, .on_recv = on_recv},
                  NULL);
    return nd_dataflow_start(flow);
}

static void asking_needs_somebody_to_be_told(void **state)
{
    (void)state;
    play p = {.deed = &(deed){.act = ask_now, .when = WHEN_RECEIVING}};
    expect_failure(build_deaf, &p, "vertex 'deaf': it asks for a notification but has no");
}

/* --- Batches --- */

static void take_and_send(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port;
    play *p = nd_vertex_user(vertex);
    p->n_done++;
    if (p->deed->act == send_another_type)
        nd_send_batch_by(vertex, 0, time, nd_batch_take(batch));
    else
        nd_send_batch_by(vertex, 0, &before, nd_batch_take(batch));
}

static nd_err build_changing_type(nd_worker *worker, void *arg)
{
    play *p = arg;
    nd_stream in;
    nd_dataflow *flow = nd_dataflow_new(worker, "play");
    nd_vertex_new(
        nd_root(flow),
        &(nd_vertex_def){.name = "source", .outputs = {&number_type}, .on_activate = start}, &in);
    nd_vertex_new(nd_root(flow),
                  &(nd_vertex_def){.name = "actor",
                                   .user = p,
                                   .inputs = {nd_pipeline(in)},
                                   .outputs = {p->deed->in_loop ? &number_type : &other_type},
                                   .on_recv = take_and_send},
                  NULL);
    return nd_dataflow_start(flow);
}

static void expect_batch_refused(const deed *d, const char *text)
{
    play p = {.deed = d};
    expect_failure(build_changing_type, &p, text);
}

static void a_batch_is_sent_by_the_same_rules(void **state)
{
    (void)state;
    expect_batch_refused(&(deed){.act = send_another_type},
                         "it sends a batch of 'number' on output 0, which carries 'other'");
    expect_batch_refused(&(deed){.act = send_before, .in_loop = true},
                         "it sends on output 0 at (4), but its callback has a right from (5) on");
}

/* --- Too early and too late --- */

static void write_now(nd_vertex *vertex)
{
    nd_emit *emit = nd_vertex_emit(vertex, 0, &now);
    for (uint64_t i = 0; i < 10000; i++)
        *(number *)nd_emit_slot(emit) = (number){i};
    nd_emit_copy(emit, &any, 1);
}

static void before_the_start_nothing_may_be_done(void **state)
{
    (void)state;
    void (*const acts[])(nd_vertex *) = {send_now, write_now, hold_before, release_now, ask_now};
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        expect_refusal(&(deed){.act = acts[i], .when = WHEN_BUILT},
                       "used before its dataflow was started");
}

static void when_all_is_over_nothing_happens(void **state)
{
    (void)state;
    void (*const acts[])(nd_vertex *) = {send_now,    write_now, hold_before,
                                         release_now, ask_now,   ask_for_clean_up};
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
        expect_success(&(deed){.act = acts[i], .when = WHEN_OVER});
}

static void fail_by_hand(nd_vertex *vertex) { nd_fail(vertex, "no more than %d", 3); }

static void a_vertex_may_fail_the_run(void **state)
{
    (void)state;
    play p = {.deed = &(deed){.act = fail_by_hand, .when = WHEN_NOTIFIED}};
    nd_message message = {""};
    assert_int_equal(perform(&p, &message), ND_FAILED);
    assert_string_equal(message.text, "dataflow 'play': vertex 'actor': no more than 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sending_without_a_right_is_refused),
        cmocka_unit_test(sending_at_or_after_a_right_is_fine),
        cmocka_unit_test(an_output_that_is_not_there_is_refused),
        cmocka_unit_test(a_counter_of_a_loop_outside_is_refused),
        cmocka_unit_test(what_a_summary_promises_is_kept),
        cmocka_unit_test(an_input_that_leads_nowhere_gives_no_right),
        cmocka_unit_test(a_frontier_seen_gives_no_right),
        cmocka_unit_test(holding_needs_a_right),
        cmocka_unit_test(a_released_hold_gives_no_right),
        cmocka_unit_test(asking_needs_a_right),
        cmocka_unit_test(asking_needs_somebody_to_be_told),
        cmocka_unit_test(a_batch_is_sent_by_the_same_rules),
        cmocka_unit_test(before_the_start_nothing_may_be_done),
        cmocka_unit_test(when_all_is_over_nothing_happens),
        cmocka_unit_test(a_vertex_may_fail_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
