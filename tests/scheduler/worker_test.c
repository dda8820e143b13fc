/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's step: what runs before what, how much at a time, and which waits are refused.
 */
#include "tests/support/cmocka.h"

#include <string.h>

#include <nereid.h>

#include "scheduler/worker.h"
#include "transport/local.h"

typedef struct number {
    uint64_t value;
} number;

static const nd_type number_type = ND_TYPE(number, 1, ND_FIELD(number, value));

/* What happened, a letter each. */
typedef struct record_of_calls {
    char text[256];
    size_t len;
} record_of_calls;

static void note(record_of_calls *calls, char what)
{
    assert_in_range(calls->len, 0, sizeof calls->text - 2);
    calls->text[calls->len++] = what;
}

/* --- A worker in the test's own thread, which never has to wait --- */

typedef struct seat {
    nd_worker worker;
    nd_err err;
    nd_message message;
} seat;

static nd_err failed(void *owner, nd_err err, const char *text)
{
    seat *here = owner;
    if (here->err == ND_OK)
        here->err = nd_message_set(&here->message, err, "%s", text);
    return here->err;
}

static nd_err ended(void *owner) { return ((seat *)owner)->err; }

static void park(void *owner, nd_worker *worker)
{
    (void)owner, (void)worker;
    fail_msg("%s", "it waits for nobody");
}

static void wake(void *owner, nd_worker *worker) { (void)owner, (void)worker; }

static void wake_by_number(void *context, unsigned worker) { (void)context, (void)worker; }

static nd_err run_program(nd_program *program, void *arg, nd_message *message)
{
    static const nd_worker_owner_ops ops = {
        .failed = failed, .ended = ended, .park = park, .wake = wake};
    nd_local *local;
    seat here = {.err = ND_OK};
    assert_int_equal(nd_local_create(1, wake_by_number, NULL, &local), ND_OK);
    const nd_worker_def def = {.peers = 1,
                               .processes = 1,
                               .transport = nd_local_transport(local, 0),
                               .schedule = &nd_schedule_plain,
                               .owner_ops = &ops,
                               .owner = &here};
    assert_int_equal(nd_worker_init(&here.worker, &def), ND_OK);
    const nd_err err = program(&here.worker, arg);
    nd_worker_close(&here.worker);
    nd_local_destroy(local);
    nd_worker_deinit(&here.worker);
    *message = here.message;
    return here.err != ND_OK ? here.err : err;
}

static void run(nd_program *program, void *arg)
{
    nd_message message = {""};
    if (run_program(program, arg, &message) != ND_OK)
        fail_msg("%s", message.text);
}

static void run_refused(nd_program *program, void *arg, const char *text)
{
    nd_message message = {""};
    assert_int_equal(run_program(program, arg, &message), ND_INVAL);
    if (strstr(message.text, text) == NULL)
        fail_msg("'%s' is not in '%s'", text, message.text);
}

/* --- Parts --- */

typedef struct parts {
    nd_dataflow *flow;
    nd_vertex *source;
    nd_stream in;
} parts;

static parts begin(nd_worker *worker)
{
    parts p = {.flow = nd_dataflow_new(worker, "order")};
    p.source = nd_vertex_new(nd_root(p.flow),
                             &(nd_vertex_def){.name = "source", .outputs = {&number_type}}, &p.in);
    return p;
}

static const nd_time zero = {.epoch = 0}, one = {.epoch = 1};

static void send(const parts *p, nd_time time) { nd_send_by(p->source, 0, &time, &(number){1}); }

static nd_err finish(const parts *p, nd_worker *worker, nd_time held)
{
    nd_release(p->source, &held);
    return nd_worker_run(worker);
}

/* --- Order --- */

static void receive_small(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)batch;
    note(nd_vertex_user(vertex), 'r');
    nd_notify_at(vertex, time);
}

static void notified_small(nd_vertex *vertex, const nd_time *time)
{
    note(nd_vertex_user(vertex), (char)('0' + time->epoch));
}

static void receive_large(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)time, (void)batch;
    note(nd_vertex_user(vertex), 'R');
}

/* Both notifications are due when the next records come: those go first. */
static nd_err order_program(nd_worker *worker, void *arg)
{
    parts p = begin(worker);
    nd_vertex_new(nd_root(p.flow),
                  &(nd_vertex_def){.name = "small",
                                   .user = arg,
                                   .inputs = {nd_pipeline(p.in)},
                                   .on_recv = receive_small,
                                   .on_notify = notified_small},
                  NULL);
    nd_vertex_new(
        nd_root(p.flow),
        &(nd_vertex_def){
            .name = "large", .user = arg, .inputs = {nd_pipeline(p.in)}, .on_recv = receive_large},
        NULL);
    ND_TRY(nd_dataflow_start(p.flow));
    const nd_time five = {.epoch = 5};
    send(&p, one);
    send(&p, zero);
    ND_TRY(nd_worker_step(worker, 100));
    nd_hold(p.source, &five);
    nd_release(p.source, &zero);
    send(&p, five);
    ND_TRY(nd_worker_step(worker, 100));
    return finish(&p, worker, five);
}

static void messages_run_before_notifications_and_those_in_order(void **state)
{
    (void)state;
    record_of_calls calls = {.len = 0};
    run(order_program, &calls);
    assert_string_equal(calls.text, "rrRRrR015");
}

/* --- Budgets --- */

static nd_err budget_program(nd_worker *worker, void *arg)
{
    record_of_calls *calls = arg;
    parts p = begin(worker);
    for (int i = 0; i < 4; i++)
        nd_vertex_new(nd_root(p.flow),
                      &(nd_vertex_def){.name = "taker",
                                       .user = arg,
                                       .inputs = {nd_pipeline(p.in)},
                                       .on_recv = receive_large},
                      NULL);
    ND_TRY(nd_dataflow_start(p.flow));
    ND_TRY(nd_worker_step(worker, 100));
    send(&p, zero);
    for (size_t i = 0; i < 4; i++) {
        ND_TRY(nd_worker_step(worker, 1));
        assert_int_equal(calls->len, i + 1);
    }
    ND_TRY(nd_worker_step(worker, 0));
    return finish(&p, worker, zero);
}

static void a_step_takes_no_more_than_its_budget(void **state)
{
    (void)state;
    record_of_calls calls = {.len = 0};
    run(budget_program, &calls);
    assert_int_equal(calls.len, 4);
}

/* Two takers of many batches take turns; neither is done before the other has begun. */
static void receive_letter(nd_vertex *vertex, unsigned port, const nd_time *time, nd_batch *batch)
{
    (void)port, (void)time, (void)batch;
    note(nd_vertex_user(vertex), nd_vertex_name(vertex)[0]);
}

static nd_err turns_program(nd_worker *worker, void *arg)
{
    parts p = begin(worker);
    static const char *const names[] = {"a", "b"};
    for (int i = 0; i < 2; i++)
        nd_vertex_new(nd_root(p.flow),
                      &(nd_vertex_def){.name = names[i],
                                       .user = arg,
                                       .inputs = {nd_pipeline(p.in)},
                                       .on_recv = receive_letter},
                      NULL);
    ND_TRY(nd_dataflow_start(p.flow));
    ND_TRY(nd_worker_step(worker, 100));
    for (uint64_t epoch = 0; epoch < 100; epoch++)
        send(&p, (nd_time){.epoch = epoch});
    ND_TRY(nd_worker_step(worker, 100));
    return finish(&p, worker, zero);
}

static void vertices_take_turns(void **state)
{
    (void)state;
    record_of_calls calls = {.len = 0};
    run(turns_program, &calls);
    assert_int_equal(calls.len, 200);
    assert_int_equal(calls.text[0], 'a');
    const char *other = strchr(calls.text, 'b');
    assert_in_range(other - calls.text, 1, 64);
    assert_int_equal(calls.text[199], 'b');
    assert_non_null(strchr(other, 'a'));
}

/* --- Waits --- */

static nd_err wait_ahead(nd_worker *worker, void *arg)
{
    (void)arg;
    parts p = begin(worker);
    nd_probe *probe = nd_probe_new(p.in);
    ND_TRY(nd_dataflow_start(p.flow));
    send(&p, zero);
    nd_hold(p.source, &one);
    nd_release(p.source, &zero);
    ND_TRY(nd_worker_step_while(worker, nd_probe_behind, probe, 1));
    return nd_worker_step_while(worker, nd_probe_behind, probe, 2);
}

/* The second output leads to the probe, the first does not. */
static nd_err wait_ahead_on_second(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_stream out[2];
    nd_dataflow *flow = nd_dataflow_new(worker, "order");
    nd_vertex_new(nd_root(flow),
                  &(nd_vertex_def){.name = "source", .outputs = {&number_type, &number_type}}, out);
    nd_probe *probe = nd_probe_new(out[1]);
    ND_TRY(nd_dataflow_start(flow));
    return nd_worker_step_while(worker, nd_probe_behind, probe, 1);
}

/* A vertex between adds two epochs, so the probe is never behind epoch 2 for the source's sake. */
static nd_err wait_behind_a_delay(nd_worker *worker, void *arg)
{
    const uint64_t *epoch = arg;
    static const nd_vertex_summary later[] = {{.add = {.epoch = 2}}};
    parts p = begin(worker);
    nd_stream out;
    nd_vertex_new(nd_root(p.flow),
                  &(nd_vertex_def){.name = "delay",
                                   .inputs = {nd_pipeline(p.in)},
                                   .outputs = {&number_type},
                                   .summaries = later,
                                   .n_summaries = 1},
                  &out);
    nd_probe *probe = nd_probe_new(out);
    ND_TRY(nd_dataflow_start(p.flow));
    ND_TRY(nd_worker_step_while(worker, nd_probe_behind, probe, *epoch));
    return finish(&p, worker, zero);
}

static nd_err run_with_open_input(nd_worker *worker, void *arg)
{
    (void)arg;
    parts p = begin(worker);
    ND_TRY(nd_dataflow_start(p.flow));
    return nd_worker_run(worker);
}

static void a_wait_that_cannot_end_is_refused(void **state)
{
    (void)state;
    run_refused(wait_ahead, NULL, "waiting for epoch 2 would never end: 'source' of dataflow ");
    run_refused(wait_ahead_on_second, NULL, "waiting for epoch 1 would never end: 'source'");
    uint64_t epoch = 2;
    run(wait_behind_a_delay, &epoch);
    epoch = 3;
    run_refused(wait_behind_a_delay, &epoch, "waiting for epoch 3 would never end: 'source'");
    run_refused(run_with_open_input, NULL, "running to the end would never end: 'source'");
}

/* --- Failures stick --- */

static nd_err fail_twice(nd_worker *worker, void *arg)
{
    (void)arg;
    assert_int_equal(nd_worker_fail(worker, ND_INPUT, "line %d", 3), ND_INPUT);
    assert_int_equal(nd_worker_fail(worker, ND_IO, "later"), ND_INPUT);
    assert_int_equal(nd_worker_step(worker, 1), ND_INPUT);
    assert_int_equal(nd_worker_run(worker), ND_INPUT);
    return ND_OK;
}

static void a_failure_sticks(void **state)
{
    (void)state;
    nd_message message = {""};
    assert_int_equal(run_program(fail_twice, NULL, &message), ND_INPUT);
    assert_string_equal(message.text, "line 3");
}

/* --- Activation --- */

static void activated(nd_vertex *vertex) { note(nd_vertex_user(vertex), 'a'); }

/* Activated before the dataflow is started, when it waits, and when it runs: at least once after
 * each, never when the dataflow is complete. */
static nd_err activation_program(nd_worker *worker, void *arg)
{
    record_of_calls *calls = arg;
    parts p = begin(worker);
    nd_vertex *vertex = nd_vertex_new(
        nd_root(p.flow),
        &(nd_vertex_def){
            .name = "woken", .user = arg, .inputs = {nd_pipeline(p.in)}, .on_activate = activated},
        NULL);
    nd_activator *activator = nd_vertex_activator(vertex);
    nd_activate(activator);
    nd_activate(activator);
    ND_TRY(nd_worker_step(worker, 10));
    assert_int_equal(calls->len, 0);
    ND_TRY(nd_dataflow_start(p.flow));
    ND_TRY(nd_worker_step(worker, 10));
    assert_int_equal(calls->len, 1);
    nd_activate(activator);
    nd_activate(activator);
    ND_TRY(nd_worker_step(worker, 10));
    assert_int_equal(calls->len, 2);
    nd_release(p.source, &zero);
    ND_TRY(nd_worker_run(worker));
    nd_activate(activator);
    ND_TRY(nd_worker_step(worker, 10));
    assert_int_equal(calls->len, 2);
    nd_activator_release(activator);
    return ND_OK;
}

static void an_activation_is_never_lost(void **state)
{
    (void)state;
    record_of_calls calls = {.len = 0};
    run(activation_program, &calls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_run_before_notifications_and_those_in_order),
        cmocka_unit_test(a_step_takes_no_more_than_its_budget),
        cmocka_unit_test(vertices_take_turns),
        cmocka_unit_test(a_wait_that_cannot_end_is_refused),
        cmocka_unit_test(a_failure_sticks),
        cmocka_unit_test(an_activation_is_never_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
