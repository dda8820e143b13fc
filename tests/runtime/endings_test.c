/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that could only hang, or whose mistakes come too late to be returned by start: each ends
 * with a text that names what is wrong. */
#include <string.h>

#include <nereid.h>

#include "tests/support/cmocka.h"

typedef struct number {
    uint64_t value;
} number;

static const nd_type number_type = ND_TYPE(number, 1, ND_FIELD(number, value));

static void expect(nd_program *program, unsigned n_workers, nd_err err, const char *text)
{
    nd_message message = {""};
    assert_int_equal(
        nd_execute(&(nd_config){.n_workers = n_workers}, program, NULL, NULL, &message), err);
    if (!strstr(message.text, text))
        fail_msg("'%s' is not in '%s'", text, message.text);
}

static nd_err never_start(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_input *input;
    nd_input_new(nd_dataflow_new(worker, "forgotten"), &number_type, &input);
    return nd_worker_run(worker);
}

static nd_err wait_for_the_unstarted(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_input *input;
    nd_probe *const probe =
        nd_probe_new(nd_input_new(nd_dataflow_new(worker, "forgotten"), &number_type, &input));
    return nd_worker_step_while(worker, nd_probe_behind, probe, 1);
}

static void a_dataflow_that_was_never_started_is_named(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 3; n += 2) {
        expect(never_start, n, ND_INVAL, "'forgotten' was begun but never started");
        expect(wait_for_the_unstarted, n, ND_INVAL, "'forgotten' was begun but never started");
    }
}

/* Each of two workers starts, and waits for, the dataflow that the other has put off. */
static nd_err start_crosswise(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *flows[2] = {nd_dataflow_new(worker, "a"), nd_dataflow_new(worker, "b")};
    nd_input *inputs[2];
    nd_probe *probes[2];
    for (int i = 0; i < 2; i++)
        probes[i] = nd_probe_new(nd_input_new(flows[i], &number_type, &inputs[i]));
    const unsigned first = nd_worker_index(worker) % 2;
    ND_TRY(nd_dataflow_start(flows[first]));
    nd_input_close(inputs[first]);
    ND_TRY(nd_worker_step_while(worker, nd_probe_behind, probes[first], 1));
    ND_TRY(nd_dataflow_start(flows[1 - first]));
    nd_input_close(inputs[1 - first]);
    return nd_worker_run(worker);
}

static void dataflows_start_in_the_order_they_were_begun(void **state)
{
    (void)state;
    expect(start_crosswise, 2, ND_INVAL, "'b': started before dataflow 'a'");
    expect(start_crosswise, 1, ND_OK, "");
}

static nd_err watch_too_late(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *const flow = nd_dataflow_new(worker, "late");
    nd_input *input;
    const nd_stream numbers = nd_input_new(flow, &number_type, &input);
    ND_TRY(nd_dataflow_start(flow));
    nd_probe *const probe = nd_probe_new(numbers);
    nd_input_close(input);
    ND_TRY(nd_worker_step_while(worker, nd_probe_behind, probe, 1));
    return nd_worker_run(worker);
}

static void what_is_added_after_the_start_fails_the_run(void **state)
{
    (void)state;
    expect(watch_too_late, 2, ND_INVAL, "'late': changed after it was started");
}

/* --- The last callback --- */

static nd_activator *late_activator;

static void act_in_deinit(nd_vertex *vertex)
{
    nd_send_by(vertex, 0, &(nd_time){0, {0}}, &(number){1});
    nd_notify_at(vertex, &(nd_time){0, {0}});
    nd_hold(vertex, &(nd_time){0, {0}});
    nd_activator_release(late_activator);
    late_activator = nd_vertex_activator(vertex);
}

static nd_err end_while_acting(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *const flow = nd_dataflow_new(worker, "ending");
    nd_stream numbers;
    nd_vertex *const vertex = nd_vertex_new(
        nd_root(flow),
        &(nd_vertex_def){.name = "source", .deinit = act_in_deinit, .outputs = {&number_type}},
        &numbers);
    nd_inspect(numbers, nd_print, nd_no_user);
    ND_TRY(nd_dataflow_start(flow));
    nd_send_by(vertex, 0, &(nd_time){0, {0}}, &(number){0});
    ND_TRY(nd_worker_step(worker, 1));
    nd_send_by(vertex, 0, &(nd_time){0, {0}}, &(number){0});
    return nd_worker_fail(worker, ND_FAILED, "enough");
}

static void acting_in_deinit_has_no_effect(void **state)
{
    (void)state;
    expect(end_while_acting, 1, ND_FAILED, "enough");
    nd_activate(late_activator);
    nd_activator_release(late_activator);
    late_activator = NULL;
}

static void send_what_is_lent(nd_vertex *vertex, unsigned port, const nd_time *time,
                              nd_batch *batch)
{
    nd_send_batch_by(vertex, port, time, batch);
}

static nd_err relay_without_taking(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *const flow = nd_dataflow_new(worker, "relay");
    nd_input *input;
    const nd_stream numbers = nd_input_new(flow, &number_type, &input);
    nd_stream out;
    nd_vertex_new(nd_root(flow),
                  &(nd_vertex_def){.name = "relay",
                                   .inputs = {nd_pipeline(numbers)},
                                   .outputs = {&number_type},
                                   .on_recv = send_what_is_lent},
                  &out);
    ND_TRY(nd_dataflow_start(flow));
    nd_input_send(input, &(number){1});
    nd_input_close(input);
    return nd_worker_run(worker);
}

static void a_batch_that_is_only_lent_is_not_sent(void **state)
{
    (void)state;
    expect(relay_without_taking, 2, ND_INVAL, "'relay': it sends the batch that it was lent");
}

/* --- Ports --- */

static nd_err feed_back_what_is_hidden(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *const flow = nd_dataflow_new(worker, "hidden");
    nd_scope *const loop = nd_loop_new(nd_root(flow), "loop");
    nd_feedback *feedback;
    const nd_stream back = nd_feedback_new(loop, &number_type, &feedback);
    nd_stream hidden;
    nd_vertex_new(loop, &(nd_vertex_def){.name = "sink", .inputs = {nd_pipeline(back)}}, &hidden);
    nd_feedback_connect(feedback, hidden);
    return nd_dataflow_start(flow);
}

static void free_user(void *data) { ++*(unsigned *)data; }

static void any_route(void *user, const void *records, size_t len, uint64_t *hashes)
{
    (void)user;
    (void)records;
    for (size_t i = 0; i < len; i++)
        hashes[i] = 0;
}

static unsigned n_freed;

static nd_err leave_a_gap(nd_worker *worker, void *arg)
{
    (void)arg;
    nd_dataflow *const flow = nd_dataflow_new(worker, "gap");
    nd_input *input;
    const nd_stream numbers = nd_input_new(flow, &number_type, &input);
    nd_vertex_new(
        nd_root(flow),
        &(nd_vertex_def){
            .name = "gapped",
            .inputs = {[0] = nd_pipeline(numbers),
                       [2] = nd_exchange_by(numbers, any_route, (nd_user){&n_freed, free_user})}},
        NULL);
    return nd_dataflow_start(flow);
}

static void ports_that_cannot_be_are_refused(void **state)
{
    (void)state;
    n_freed = 0;
    expect(feed_back_what_is_hidden, 1, ND_INVAL,
           "feedback of loop 'loop' is connected to a hidden");
    expect(leave_a_gap, 1, ND_INVAL, "'gapped': input 1 has no pact");
    assert_int_equal(n_freed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dataflow_that_was_never_started_is_named),
        cmocka_unit_test(dataflows_start_in_the_order_they_were_begun),
        cmocka_unit_test(what_is_added_after_the_start_fails_the_run),
        cmocka_unit_test(acting_in_deinit_has_no_effect),
        cmocka_unit_test(a_batch_that_is_only_lent_is_not_sent),
        cmocka_unit_test(ports_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
