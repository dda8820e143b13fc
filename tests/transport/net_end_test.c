/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much may be under way, and how runs end: well when all have left, or with one cause for all.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/transport/net_raw.h"
#include "transport/zmq/net_internal.h"

enum { PATIENCE_MS = 10000, A_MOMENT_MS = 100, NUMBERS = NET_FRAME / sizeof(uint64_t) };

/* --- Sending in bulk --- */

/* The same batch again and again, counted as a worker counts it. */
static void send_many(net_group *group, unsigned from, unsigned to, uint64_t n)
{
    net_party *const party = &group->parties[from];
    const nd_transport transport = net_transport(group, from, 0);
    nd_batch *const batch = net_batch(&party->pools[0], NET_NUMBERS, 1, NUMBERS);
    assert_non_null(batch);
    assert_int_equal(nd_batch_size(batch), NET_FRAME);
    for (uint64_t i = 0; i < n; i++) {
        const nd_delivery delivery = {.batch = nd_batch_take(batch), .time = {i, {0}}};
        nd_budget_add(&party->budget, NET_FRAME);
        assert_int_equal(transport.ops->send_batch(transport.endpoint, to, &delivery), ND_OK);
    }
    transport.ops->flush(transport.endpoint);
    nd_batch_drop(batch, &party->pools[0]);
}

/* Takes what has come; batches are consumed if `consumes`. Returns how many. */
static uint64_t receive_some(net_group *group, unsigned process, bool consumes)
{
    nd_frame frame;
    nd_delivery delivery;
    nd_arrival arrival;
    uint64_t n = 0;
    const nd_transport to = net_transport(group, process, 0);
    while ((arrival = to.ops->receive(to.endpoint, &delivery, &frame)) != ND_ARRIVAL_NONE) {
        if (arrival == ND_ARRIVAL_FRAME)
            continue;
        assert_int_equal(nd_batch_size(delivery.batch), NET_FRAME);
        if (consumes)
            to.ops->consumed(to.endpoint, delivery.batch);
        nd_batch_drop(delivery.batch, &group->parties[process].pools[0]);
        n++;
    }
    return n;
}

/* Until `n` have come, or nothing comes any more. */
static uint64_t receive_up_to(net_group *group, unsigned process, uint64_t n, bool consumes)
{
    uint64_t n_events = 0, n_come = receive_some(group, process, consumes);
    while (n_come < n && net_await_event(group, &n_events, PATIENCE_MS))
        n_come += receive_some(group, process, consumes);
    return n_come;
}

static void consume(net_group *group, unsigned process, unsigned from, uint64_t n)
{
    const nd_batch batch = {.origin = from + 1, .wire_size = NET_FRAME};
    const nd_transport to = net_transport(group, process, 0);
    for (uint64_t i = 0; i < n; i++)
        to.ops->consumed(to.endpoint, &batch);
}

static int64_t in_flight(net_group *group, unsigned process)
{
    return atomic_load(&group->parties[process].budget.in_flight);
}

/* --- Credit --- */

static void what_is_not_consumed_is_limited(void **state)
{
    (void)state;
    enum { BATCHES = 200 * 16 + 7, WINDOW = ND_WINDOW / NET_FRAME };
    net_group *const group = net_group_create(2);
    net_start_all(group);
    net_begin_flows(group);
    send_many(group, 0, 1, BATCHES);
    uint64_t n_come = receive_up_to(group, 1, WINDOW, false), n_events = 0;
    while (net_await_event(group, &n_events, A_MOMENT_MS))
        n_come += receive_some(group, 1, false);
    assert_in_range(n_come, WINDOW, WINDOW + 1);
    assert_int_equal(in_flight(group, 0), (int64_t)BATCHES * NET_FRAME);
    consume(group, 1, 0, n_come);
    n_come += receive_up_to(group, 1, BATCHES - n_come, true);
    assert_int_equal(n_come, BATCHES);
    net_finish_all(group);
    assert_int_equal(in_flight(group, 0), 0);
    assert_int_equal(in_flight(group, 1), 0);
    net_group_destroy(group);
}

/* A small budget is never used up by what is consumed but has not been told. */
static void a_small_budget_is_relieved(void **state)
{
    (void)state;
    enum { BATCHES = 64, LIMIT = 16 * NET_FRAME };
    uint64_t n_events = 0;
    net_group *const group = net_group_create(2);
    for (unsigned i = 0; i < 2; i++)
        group->parties[i].budget.limit = LIMIT;
    net_start_all(group);
    net_begin_flows(group);
    for (unsigned n = 1; n <= BATCHES; n++) {
        send_many(group, 0, 1, n % 7);
        assert_int_equal(receive_up_to(group, 1, n % 7, true), n % 7);
        nd_budget_share share = {.budget = &group->parties[0].budget};
        while (!nd_budget_wait(&share))
            assert_true(net_await_event(group, &n_events, PATIENCE_MS));
    }
    net_group_destroy(group);
}

/* --- Ending well --- */

static void a_run_ends_when_the_last_has_left(void **state)
{
    (void)state;
    uint64_t n_events = 0;
    nd_message text;
    net_group *const group = net_group_create(3);
    net_start_all(group);
    net_begin_flows(group);
    nd_net_finish(group->parties[0].net);
    nd_net_finish(group->parties[2].net);
    while (net_await_event(group, &n_events, A_MOMENT_MS))
        assert_false(net_has_ended(group, 0) || net_has_ended(group, 2));
    const nd_transport late = net_transport(group, 1, 0);
    for (uint64_t i = 0; i < 100; i++) {
        const nd_change change = {.location = 1, .time = {i / 2, {0}}, .delta = i % 2 ? -1 : 1};
        assert_int_equal(net_send_change(late, 1, i + 1, change), ND_OK);
    }
    late.ops->flush(late.endpoint);
    net_finish_all(group);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(net_failure(group, i, &text), ND_OK);
    net_group_destroy(group);
}

/* Everything that was sent before the end comes, though all leave at once. */
static void nothing_is_lost_at_the_end(void **state)
{
    (void)state;
    enum { BATCHES = 200 };
    for (unsigned round = 0; round < 3; round++) {
        net_group *const group = net_group_create(2);
        net_start_all(group);
        net_begin_flows(group);
        for (unsigned i = 0; i < 2; i++)
            send_many(group, i, 1 - i, BATCHES);
        net_finish_all(group);
        for (unsigned i = 0; i < 2; i++)
            assert_int_equal(receive_some(group, i, true), BATCHES);
        net_group_destroy(group);
    }
}

/* A process that is not done with what it has to tell does not leave. */
static void what_is_kept_back_is_told_before_the_end(void **state)
{
    (void)state;
    uint64_t n_events = 0;
    net_group *const group = net_group_create(2);
    net_start_all(group);
    net_begin_flows(group);
    const nd_transport first = net_transport(group, 0, 0), second = net_transport(group, 1, 0);
    const nd_change held = {.location = 1, .delta = 1}, released = {.location = 1, .delta = -1};
    assert_int_equal(net_send_change(first, 0, 1, held), ND_OK);
    first.ops->flush(first.endpoint);
    nd_net_finish(group->parties[0].net);
    while (net_await_event(group, &n_events, A_MOMENT_MS))
        assert_false(net_has_ended(group, 0));
    assert_int_equal(net_send_change(second, 1, 1, released), ND_OK);
    second.ops->flush(second.endpoint);
    net_finish_all(group);
    net_group_destroy(group);
}

/* --- A peer played by hand --- */

static net_group *start_with_raw(raw_peer **peer)
{
    net_group *const group = net_group_create(2);
    *peer = raw_peer_open(group, 1);
    const nd_net_def def = net_def(group, 0);
    net_start(&def);
    raw_peer_meet(*peer);
    assert_true(net_await_start(group, 0));
    const nd_flow_plan plan = net_plan(&group->parties[0].pools[0]);
    const nd_transport to = net_transport(group, 0, 0);
    assert_int_equal(to.ops->begin_flow(to.endpoint, &plan), ND_OK);
    return group;
}

static void say_goodbye(raw_peer *peer, uint64_t more)
{
    const raw_frame goodbye = raw_control(
        peer,
        &(nd_control){.kind = ND_CONTROL_GOODBYE,
                      .goodbye = {.n_data_frames = peer->sequence[ND_LANE_DATA],
                                  .n_progress_frames = peer->sequence[ND_LANE_PROGRESS] + more}});
    raw_send(peer, ND_LANE_CONTROL, &goodbye);
}

static void await_goodbye(raw_peer *peer)
{
    nd_control control;
    do
        assert_true(raw_peer_hear(peer, &control));
    while (control.kind != ND_CONTROL_GOODBYE);
    assert_int_equal(control.goodbye.n_data_frames, 1); /* JOIN */
    assert_int_equal(control.goodbye.n_progress_frames, 1);
}

/* Process 0 leaves; so does the peer, with `more` frames still to come. */
static net_group *leave_with_raw(raw_peer **peer, uint64_t more)
{
    net_group *const group = start_with_raw(peer);
    nd_net_finish(group->parties[0].net);
    await_goodbye(*peer);
    say_goodbye(*peer, more);
    return group;
}

static void expect_good_end(net_group *group, raw_peer *peer)
{
    nd_message text;
    assert_true(net_await_end(group, 0));
    assert_int_equal(net_failure(group, 0, &text), ND_OK);
    raw_peer_close(peer);
    net_group_destroy(group);
}

static void expect_bad_end(net_group *group, nd_err err, const char *what)
{
    net_expect_failure(group, 0, err, what);
    assert_true(net_await_end(group, 0));
    net_group_destroy(group);
}

static void a_goodbye_that_is_kept_ends_the_run(void **state)
{
    (void)state;
    raw_peer *peer;
    net_group *const group = leave_with_raw(&peer, 0);
    expect_good_end(group, peer);
}

/* What closes first is not what was sent first. */
static void last_frames_may_come_after_the_goodbye(void **state)
{
    (void)state;
    raw_peer *peer;
    net_group *const group = leave_with_raw(&peer, 1);
    raw_peer_close_entrance(peer);
    const nd_frame said = {.kind = ND_FRAME_END, .worker = 1};
    const raw_frame frame = raw_progress(peer, &said);
    raw_send(peer, ND_LANE_PROGRESS, &frame);
    expect_good_end(group, peer);
}

/* It promises a frame that it never sends. */
static void a_goodbye_that_is_not_kept_is_a_failure(void **state)
{
    (void)state;
    uint64_t n_events = 0;
    raw_peer *peer;
    net_group *const group = start_with_raw(&peer);
    say_goodbye(peer, 1);
    nd_net_finish(group->parties[0].net);
    while (net_await_event(group, &n_events, A_MOMENT_MS))
        assert_false(net_has_ended(group, 0));
    raw_peer_close(peer);
    expect_bad_end(group, ND_CLOSED, "process 1");
}

/* A process does not end before everybody has said goodbye. */
static void who_dies_after_its_goodbye_is_named(void **state)
{
    (void)state;
    uint64_t n_events = 0;
    raw_peer *peer;
    net_group *const group = start_with_raw(&peer);
    say_goodbye(peer, 0);
    (void)net_await_event(group, &n_events, A_MOMENT_MS); /* it comes before the end does */
    raw_peer_close(peer);
    (void)net_await_event(group, &n_events, A_MOMENT_MS);
    nd_net_finish(group->parties[0].net);
    expect_bad_end(group, ND_CLOSED, "process 1 (");
}

/* It promises fewer frames than it sends. */
static void more_than_was_promised_is_a_failure(void **state)
{
    (void)state;
    raw_peer *peer;
    net_group *const group = start_with_raw(&peer);
    say_goodbye(peer, 0);
    const raw_frame frame = raw_frame_of(peer, ND_LANE_PROGRESS);
    raw_send(peer, ND_LANE_PROGRESS, &frame);
    net_expect_failure(group, 0, ND_PROTO, "process 1");
    raw_peer_close(peer);
    net_group_destroy(group);
}

static void who_vanishes_is_named(void **state)
{
    (void)state;
    raw_peer *peer;
    net_group *const group = start_with_raw(&peer);
    raw_peer_close(peer);
    net_expect_failure(group, 0, ND_CLOSED, "process 1 (");
    net_expect_failure(group, 0, ND_CLOSED, "is gone");
    net_group_destroy(group);
}

/* The end of one connection is not waited for: a process says why it goes on another. */
static void last_words_count_and_not_the_silence_after(void **state)
{
    (void)state;
    raw_peer *peer;
    net_group *const group = start_with_raw(&peer);
    const raw_frame last = raw_control(
        peer, &(nd_control){.kind = ND_CONTROL_ABORT,
                            .abort = {ND_INPUT, 1, "process 1: edges.txt:3: no number"}});
    raw_send(peer, ND_LANE_CONTROL, &last);
    raw_peer_close(peer);
    net_expect_failure(group, 0, ND_INPUT, "process 1: edges.txt:3: no number");
    net_group_destroy(group);
}

/* --- Ending badly --- */

static void everybody_reports_the_first_cause(void **state)
{
    (void)state;
    static const char cause[] = "process 1: the vertex burst";
    net_group *const group = net_group_create(3);
    net_start_all(group);
    nd_net_abort(group->parties[1].net, ND_FAILED, cause);
    assert_true(net_await_end(group, 1));
    net_expect_failure(group, 0, ND_FAILED, cause);
    net_expect_failure(group, 2, ND_FAILED, cause);
    net_group_destroy(group);
}

/* Also by those that have finished and wait for the others. */
static void who_has_finished_hears_the_cause_too(void **state)
{
    (void)state;
    static const char cause[] = "process 1: the vertex burst";
    net_group *const group = net_group_create(2);
    net_start_all(group);
    nd_net_finish(group->parties[0].net);
    nd_net_abort(group->parties[1].net, ND_FAILED, cause);
    expect_bad_end(group, ND_FAILED, cause);
}

/* Process 2 has come but is never ready. */
static void who_still_waits_for_others_hears_the_cause_too(void **state)
{
    (void)state;
    static const char cause[] = "process 1: interrupted";
    net_group *const group = net_group_create(3);
    raw_peer *const last = raw_peer_open(group, 2);
    const nd_net_def defs[] = {net_def(group, 0), net_def(group, 1)};
    for (unsigned i = 0; i < 2; i++)
        net_start(&defs[i]);
    raw_peer_join_all(last);
    nd_net_abort(group->parties[1].net, ND_INTR, cause);
    net_expect_failure(group, 0, ND_INTR, cause);
    raw_peer_close(last);
    net_group_destroy(group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_consumed_is_limited),
        cmocka_unit_test(a_small_budget_is_relieved),
        cmocka_unit_test(a_run_ends_when_the_last_has_left),
        cmocka_unit_test(nothing_is_lost_at_the_end),
        cmocka_unit_test(what_is_kept_back_is_told_before_the_end),
        cmocka_unit_test(a_goodbye_that_is_kept_ends_the_run),
        cmocka_unit_test(last_frames_may_come_after_the_goodbye),
        cmocka_unit_test(a_goodbye_that_is_not_kept_is_a_failure),
        cmocka_unit_test(who_dies_after_its_goodbye_is_named),
        cmocka_unit_test(more_than_was_promised_is_a_failure),
        cmocka_unit_test(who_vanishes_is_named),
        cmocka_unit_test(last_words_count_and_not_the_silence_after),
        cmocka_unit_test(everybody_reports_the_first_cause),
        cmocka_unit_test(who_has_finished_hears_the_cause_too),
        cmocka_unit_test(who_still_waits_for_others_hears_the_cause_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
