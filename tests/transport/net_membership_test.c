/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How processes meet: those that fit do, whoever does not is told why, and so are the others.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/transport/net_raw.h"

/* --- Meeting --- */

static void processes_meet_and_part(void **state)
{
    (void)state;
    for (unsigned n = 2; n <= NET_PARTIES; n++) {
        net_group *const group = net_group_create(n);
        net_start_all(group);
        net_finish_all(group);
        net_group_destroy(group);
    }
}

static void processes_meet_over_tcp(void **state)
{
    (void)state;
    net_group *const group = net_group_create(3);
    for (unsigned i = 0; i < 3; i++)
        net_use_tcp(group, i);
    net_start_all(group);
    net_finish_all(group);
    net_group_destroy(group);
}

/* A name may stand for addresses where nobody listens, too. */
static void processes_meet_by_their_names(void **state)
{
    (void)state;
    net_group *const group = net_group_create(3);
    for (unsigned i = 0; i < 3; i++) {
        char port[8];
        net_use_tcp(group, i);
        snprintf(port, sizeof port, "%s", strrchr(group->texts[i], ':') + 1);
        snprintf(group->texts[i], sizeof group->texts[i], "tcp://localhost:%s", port);
    }
    net_start_all(group);
    net_finish_all(group);
    net_group_destroy(group);
}

/* Whoever comes early tries again until the last is there. */
static void the_last_to_come_is_waited_for(void **state)
{
    (void)state;
    uint64_t n_events = 0;
    net_group *const group = net_group_create(3);
    for (unsigned i = 0; i < 2; i++) {
        const nd_net_def def = net_def(group, i);
        net_start(&def);
    }
    assert_false(net_await_event(group, &n_events, 200));
    const nd_net_def last = net_def(group, 2);
    net_start(&last);
    for (unsigned i = 0; i < 3; i++)
        assert_true(net_await_start(group, i));
    net_finish_all(group);
    net_group_destroy(group);
}

/* --- Those that do not fit --- */

/* Two processes of which one is changed: both say why they end, and name both. */
static void expect_mismatch(void (*change)(nd_net_def *def), const char *what)
{
    for (unsigned changed = 0; changed < 2; changed++) {
        net_group *const group = net_group_create(2);
        for (unsigned i = 0; i < 2; i++) {
            nd_net_def def = net_def(group, i);
            if (i == changed)
                change(&def);
            net_start(&def);
        }
        for (unsigned i = 0; i < 2; i++) {
            net_expect_failure(group, i, ND_MISMATCH, what);
            net_expect_failure(group, i, ND_MISMATCH, "process 0");
            net_expect_failure(group, i, ND_MISMATCH, "process 1");
        }
        net_group_destroy(group);
    }
}

static void change_workers(nd_net_def *def) { def->n_workers = 3; }
static void change_processes(nd_net_def *def) { def->n_processes = 3; }
static void change_build(nd_net_def *def) { def->build[1]++; }

static void processes_that_differ_name_each_other(void **state)
{
    (void)state;
    expect_mismatch(change_workers, "has 3");
    expect_mismatch(change_processes, "counts 3");
    expect_mismatch(change_build, "another build");
}

/* A JOIN that no process of ours would say, and what the net says to it. */
static void expect_refusal(void (*change)(nd_control_join *join), const char *what)
{
    nd_control answer;
    net_group *const group = net_group_create(2);
    raw_peer *const peer = raw_peer_open(group, 1);
    const nd_net_def def = net_def(group, 0);
    net_start(&def);
    change(&peer->join);
    raw_peer_join(peer, ND_LANE_CONTROL);
    do
        assert_true(raw_peer_hear(peer, &answer));
    while (answer.kind != ND_CONTROL_REFUSE);
    assert_int_equal(answer.refuse.err, ND_MISMATCH);
    assert_non_null(strstr(answer.refuse.text, what));
    assert_non_null(strstr(answer.refuse.text, "process 1"));
    net_expect_failure(group, 0, ND_MISMATCH, answer.refuse.text);
    raw_peer_close(peer);
    net_group_destroy(group);
}

static void speak_of_tomorrow(nd_control_join *join)
{
    join->protocol_min = ND_WIRE_VERSION + 1;
    join->protocol_max = ND_WIRE_VERSION + 2;
}

static void speak_of_yesterday(nd_control_join *join)
{
    join->protocol_min = join->protocol_max = 0;
}
static void be_big_endian(nd_control_join *join) { join->is_little_endian = false; }
static void be_small(nd_control_join *join) { join->word_size = 4; }

static void machines_that_cannot_talk_are_told_so(void **state)
{
    (void)state;
    expect_refusal(speak_of_tomorrow, "version 2 to 3");
    expect_refusal(speak_of_yesterday, "version 0 to 0");
    expect_refusal(be_big_endian, "big-endian");
    expect_refusal(be_small, "32-bit");
}

/* A third process where two are counted. */
static void a_process_too_many_is_refused(void **state)
{
    (void)state;
    net_group *const group = net_group_create(3);
    nd_net_def defs[3];
    for (unsigned i = 0; i < 3; i++)
        defs[i] = net_def(group, i);
    defs[0].n_processes = defs[1].n_processes = 2;
    net_start(&defs[2]);
    net_start(&defs[0]);
    net_start(&defs[1]);
    net_expect_failure(group, 2, ND_MISMATCH, "process 2 counts 3 processes");
    net_group_destroy(group);
}

/* Two that take themselves for the same, each in a place of its own. */
static void expect_doubles(unsigned index)
{
    net_group *const group = net_group_create(3);
    nd_net_def defs[3];
    for (unsigned i = 0; i < 3; i++) {
        defs[i] = net_def(group, i);
        defs[i].n_processes = 2;
    }
    const char *const other[] = {index == 0 ? group->addresses[2] : group->addresses[0],
                                 index == 0 ? group->addresses[1] : group->addresses[2]};
    defs[2].process = index;
    defs[2].addresses = other;
    for (unsigned i = 0; i < 3; i++)
        net_start(&defs[i]);
    const char *const what = index == 0 ? "two processes say that they are process 0"
                                        : "two processes say that they are process 1";
    net_expect_failure(group, 2, ND_MISMATCH, what);
    net_group_destroy(group);
}

static void two_processes_with_one_index_are_told_so(void **state)
{
    (void)state;
    expect_doubles(0);
    expect_doubles(1);
}

/* The one that came first is told as well, though the way to it leads to the other. */
static void both_doubles_are_told_so(void **state)
{
    (void)state;
    nd_control answer;
    net_group *const group = net_group_create(2);
    const char *const place = group->addresses[1];
    group->addresses[1] = group->addresses[2];
    raw_peer *const first = raw_peer_open(group, 1);
    group->addresses[1] = place;
    const nd_net_def defs[] = {net_def(group, 0), net_def(group, 1)};
    net_start(&defs[0]);
    raw_peer_join(first, ND_LANE_CONTROL);
    assert_true(raw_peer_hear(first, &answer));
    assert_int_equal(answer.kind, ND_CONTROL_WELCOME);
    net_start(&defs[1]);
    for (unsigned i = 0; i < 2; i++)
        net_expect_failure(group, i, ND_MISMATCH, "two processes say that they are process 1");
    assert_true(raw_peer_hear(first, &answer));
    assert_int_equal(answer.kind, ND_CONTROL_REFUSE);
    assert_non_null(strstr(answer.refuse.text, "two processes say that they are process 1"));
    raw_peer_close(first);
    net_group_destroy(group);
}

/* It takes itself for what it talks to: its addresses are in another order. */
static void a_process_with_the_number_of_its_peer_is_told_so(void **state)
{
    (void)state;
    net_group *const group = net_group_create(2);
    nd_net_def defs[] = {net_def(group, 0), net_def(group, 1)};
    const char *const turned[] = {group->addresses[1], group->addresses[0]};
    defs[1].process = 0;
    defs[1].addresses = turned;
    net_start(&defs[0]);
    net_start(&defs[1]);
    for (unsigned i = 0; i < 2; i++)
        net_expect_failure(group, i, ND_MISMATCH, "two processes say that they are process 0");
    net_group_destroy(group);
}

static void a_process_in_the_place_of_another_is_named(void **state)
{
    (void)state;
    net_group *const group = net_group_create(3);
    nd_net_def defs[] = {net_def(group, 0), net_def(group, 1), net_def(group, 2)};
    const char *const turned[] = {group->addresses[0], group->addresses[2], group->addresses[1]};
    defs[0].addresses = turned;
    for (unsigned i = 0; i < 3; i++)
        net_start(&defs[i]);
    for (unsigned i = 0; i < 3; i++)
        net_expect_failure(group, i, ND_MISMATCH, "process 0 finds process ");
    net_group_destroy(group);
}

/* --- Other jobs --- */

static void another_job_is_refused_and_this_one_goes_on(void **state)
{
    (void)state;
    net_group *const group = net_group_create(3);
    nd_net_def defs[3];
    for (unsigned i = 0; i < 3; i++) {
        defs[i] = net_def(group, i);
        defs[i].n_processes = 2;
    }
    const char *const other[] = {group->addresses[0], group->addresses[2]};
    defs[2].process = 1;
    defs[2].addresses = other;
    defs[2].job[0]++;
    net_start(&defs[0]);
    net_start(&defs[2]);
    net_expect_failure(group, 2, ND_MISMATCH, "another job");
    net_start(&defs[1]);
    assert_true(net_await_start(group, 0));
    assert_true(net_await_start(group, 1));
    group->n = 2; /* of which all end well */
    net_finish_all(group);
    group->n = 3;
    net_group_destroy(group);
}

/* --- Nobody there --- */

static void who_never_comes_is_named(void **state)
{
    (void)state;
    net_group *const group = net_group_create(3);
    for (unsigned i = 0; i < 2; i++) {
        nd_net_def def = net_def(group, i);
        def.timeout_s = 1;
        net_start(&def);
    }
    for (unsigned i = 0; i < 2; i++) {
        nd_message text;
        net_expect_failure(group, i, ND_CLOSED, "missing: 2 (");
        net_expect_failure(group, i, ND_CLOSED, group->addresses[2]);
        (void)net_failure(group, i, &text);
        assert_null(strstr(text.text, group->addresses[1 - i]));
    }
    net_group_destroy(group);
}

static void expect_no_net(const char *const *addresses, const char *what)
{
    nd_message message = {""};
    net_group *const group = net_group_create(2);
    nd_net_def def = net_def(group, 0);
    def.addresses = addresses;
    const nd_err err = net_create(&def, &message);
    assert_true(err == ND_USAGE || err == ND_CLOSED);
    if (!strstr(message.text, addresses[0]) || !strstr(message.text, what))
        fail_msg("'%s'; expected: %s", message.text, what);
    assert_null(group->parties[0].net);
    net_group_destroy(group);
}

static void a_place_that_cannot_be_taken_is_named(void **state)
{
    (void)state;
    net_group *const group = net_group_create(2);
    net_use_tcp(group, 0);
    const nd_net_def def = net_def(group, 0);
    net_start(&def);
    const char *const taken[] = {group->addresses[0], "ipc:///tmp/nereid-nobody"};
    const char *const nowhere[] = {"tcp://nowhere", taken[1]};
    const char *const no_folder[] = {"ipc:///tmp/nereid-no/such/folder", taken[1]};
    expect_no_net(taken, "in use");
    expect_no_net(nowhere, "nowhere");
    expect_no_net(no_folder, "No such file");
    net_group_destroy(group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes_meet_and_part),
        cmocka_unit_test(processes_meet_over_tcp),
        cmocka_unit_test(processes_meet_by_their_names),
        cmocka_unit_test(the_last_to_come_is_waited_for),
        cmocka_unit_test(processes_that_differ_name_each_other),
        cmocka_unit_test(machines_that_cannot_talk_are_told_so),
        cmocka_unit_test(a_process_too_many_is_refused),
        cmocka_unit_test(two_processes_with_one_index_are_told_so),
        cmocka_unit_test(both_doubles_are_told_so),
        cmocka_unit_test(a_process_with_the_number_of_its_peer_is_told_so),
        cmocka_unit_test(a_process_in_the_place_of_another_is_named),
        cmocka_unit_test(another_job_is_refused_and_this_one_goes_on),
        cmocka_unit_test(who_never_comes_is_named),
        cmocka_unit_test(a_place_that_cannot_be_taken_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
