/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tracker: known cases, the random suite's first seeds, and bounds on memory.
 */
#include "runtime/tracker.h"

#include <stdlib.h>
#include <string.h>

#include <nereid/memory.h>

#include "tests/runtime/tracker_random.h"
#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

static nd_arc keep(uint32_t from, uint32_t to) { return (nd_arc){from, to, nd_summary_identity()}; }

static nd_arc feedback(uint32_t from, uint32_t to)
{
    return (nd_arc){from, to, nd_summary_advance(0, 1)};
}

static nd_tracker *create(const nd_topology *topology)
{
    nd_tracker *tracker = NULL;
    assert_int_equal(nd_tracker_create(topology, &tracker, NULL), ND_OK);
    return tracker;
}

static void update(nd_tracker *tracker, uint32_t location, nd_time time, int64_t delta)
{
    assert_int_equal(nd_tracker_update(tracker, location, &time, delta), ND_OK);
}

static void propagate(nd_tracker *tracker)
{
    assert_int_equal(nd_tracker_propagate(tracker), ND_OK);
}

/* The frontier has exactly this one time. */
static void expect_time(const nd_tracker *tracker, uint32_t location, nd_time time)
{
    const nd_antichain *frontier = nd_tracker_frontier(tracker, location);
    assert_int_equal(frontier->len, 1);
    assert_true(nd_time_equal(nd_antichain_items(frontier), &time));
}

static void expect_nothing(const nd_tracker *tracker, uint32_t location)
{
    assert_int_equal(nd_tracker_frontier(tracker, location)->len, 0);
}

/* Exactly these have changed, and the news is read. */
static void expect_changed(nd_tracker *tracker, const uint32_t *expected, size_t len)
{
    const uint32_t *changed;
    assert_int_equal(nd_tracker_changed(tracker, &changed), len);
    for (size_t i = 0; i < len; i++) {
        size_t n = 0;
        for (size_t j = 0; j < len; j++)
            n += changed[j] == expected[i];
        assert_int_equal(n, 1);
    }
    nd_tracker_changed_clear(tracker);
}

/* Three vertices in a ring, the third of which adds one; vertex v has input 2v and output 2v + 1.
 */
static const nd_arc ring[] = {
    {.from = 0, .to = 1}, {.from = 2, .to = 3}, {4, 5, {.add = {1, {0}}}},
    {.from = 1, .to = 2}, {.from = 3, .to = 4}, {.from = 5, .to = 0},
};
static const bool inputs[] = {true, false, true, false, true, false};
static const nd_topology ring_of_three = {6, ring, N_OF(ring), inputs};

static void source_in_a_ring_reaches_each_input_once(void **state)
{
    (void)state;
    nd_tracker *tracker = create(&ring_of_three);
    update(tracker, 1, (nd_time){.epoch = 17}, +1);
    propagate(tracker);
    expect_changed(tracker, (const uint32_t[]){0, 2, 4}, 3);
    expect_time(tracker, 0, (nd_time){.epoch = 18});
    expect_time(tracker, 2, (nd_time){.epoch = 17});
    expect_time(tracker, 4, (nd_time){.epoch = 17});
    update(tracker, 1, (nd_time){.epoch = 17}, -1);
    propagate(tracker);
    expect_changed(tracker, (const uint32_t[]){0, 2, 4}, 3);
    expect_nothing(tracker, 0);
    expect_nothing(tracker, 2);
    expect_nothing(tracker, 4);
    assert_true(nd_tracker_is_empty(tracker));
    assert_int_equal(nd_tracker_n_entries(tracker), 0);
    nd_tracker_destroy(tracker);
}

static void overflow_arrives_nowhere(void **state)
{
    (void)state;
    nd_tracker *tracker = create(&ring_of_three);
    update(tracker, 1, (nd_time){.epoch = UINT64_MAX}, +1);
    propagate(tracker);
    expect_changed(tracker, (const uint32_t[]){2, 4}, 2);
    expect_nothing(tracker, 0);
    expect_time(tracker, 4, (nd_time){.epoch = UINT64_MAX});
    update(tracker, 1, (nd_time){.epoch = UINT64_MAX}, -1);
    propagate(tracker);
    expect_nothing(tracker, 2);
    assert_int_equal(nd_tracker_n_entries(tracker), 0);
    nd_tracker_destroy(tracker);
}

static void cycle_without_advance_is_refused(void **state)
{
    (void)state;
    const nd_arc edges[] = {keep(0, 1), keep(1, 2), keep(2, 3), keep(3, 1)};
    const nd_topology topology = {4, edges, N_OF(edges), NULL};
    nd_tracker *tracker = NULL;
    nd_cycle culprits = {NULL, 0};
    assert_int_equal(nd_tracker_create(&topology, &tracker, NULL), ND_INVAL);
    assert_int_equal(nd_tracker_create(&topology, &tracker, &culprits), ND_INVAL);
    assert_null(tracker);
    assert_int_equal(culprits.len, 3);
    for (size_t i = 0; i < 3; i++)
        assert_in_range(culprits.locations[i], 1, 3);
    nd_free(culprits.locations);
}

static void destroy_of_nothing_is_fine(void **state)
{
    (void)state;
    nd_tracker_destroy(NULL);
}

/* A consumer's report overtakes the sender's. */
static void negative_count_is_kept_until_its_match_comes(void **state)
{
    (void)state;
    const nd_arc edges[] = {keep(0, 1)};
    const nd_topology topology = {2, edges, N_OF(edges), NULL};
    nd_tracker *tracker = create(&topology);
    update(tracker, 0, (nd_time){.epoch = 3}, +1);
    update(tracker, 1, (nd_time){.epoch = 2}, -1);
    propagate(tracker);
    expect_time(tracker, 1, (nd_time){.epoch = 3});
    assert_int_equal(nd_tracker_count(tracker, 1, &(nd_time){.epoch = 2}), -1);
    expect_changed(tracker, (const uint32_t[]){0, 1}, 2);
    update(tracker, 1, (nd_time){.epoch = 2}, +1);
    propagate(tracker);
    expect_changed(tracker, NULL, 0);
    assert_int_equal(nd_tracker_count(tracker, 1, &(nd_time){.epoch = 2}), 0);
    assert_false(nd_tracker_is_empty(tracker));
    update(tracker, 0, (nd_time){.epoch = 3}, -1);
    assert_true(nd_tracker_is_empty(tracker));
    propagate(tracker);
    expect_nothing(tracker, 1);
    nd_tracker_destroy(tracker);
}

static void changes_of_a_frame_that_undo_one_another_are_no_news(void **state)
{
    (void)state;
    nd_tracker *tracker = create(&ring_of_three);
    update(tracker, 1, (nd_time){.epoch = 1}, +1);
    propagate(tracker);
    nd_tracker_changed_clear(tracker);
    update(tracker, 1, (nd_time){.epoch = 1}, -1);
    update(tracker, 3, (nd_time){.epoch = 0}, +1);
    update(tracker, 3, (nd_time){.epoch = 0}, -1);
    update(tracker, 1, (nd_time){.epoch = 1}, +1);
    propagate(tracker);
    expect_changed(tracker, NULL, 0);
    nd_tracker_destroy(tracker);
}

static void news_adds_up_until_it_is_cleared(void **state)
{
    (void)state;
    const nd_arc edges[] = {keep(0, 1), keep(2, 3)};
    const nd_topology topology = {4, edges, N_OF(edges), NULL};
    nd_tracker *tracker = create(&topology);
    update(tracker, 1, (nd_time){.epoch = 1}, +1);
    propagate(tracker);
    update(tracker, 1, (nd_time){.epoch = 0}, +1);
    update(tracker, 3, (nd_time){.epoch = 0}, +1);
    propagate(tracker);
    expect_changed(tracker, (const uint32_t[]){1, 3}, 2);
    expect_changed(tracker, NULL, 0);
    nd_tracker_destroy(tracker);
}

static void malformed_changes_are_refused(void **state)
{
    (void)state;
    nd_tracker *tracker = create(&ring_of_three);
    const nd_time time = {.epoch = 1};
    assert_int_equal(nd_tracker_update(tracker, 6, &time, 1), ND_PROTO);
    update(tracker, 0, time, INT64_MAX);
    assert_int_equal(nd_tracker_update(tracker, 0, &time, 1), ND_PROTO);
    assert_true(nd_tracker_count(tracker, 0, &time) == INT64_MAX);
    update(tracker, 0, time, -INT64_MAX);
    assert_true(nd_tracker_is_empty(tracker));
    nd_tracker_destroy(tracker);
}

static void counts_can_be_listed(void **state)
{
    (void)state;
    nd_tracker *tracker = create(&ring_of_three);
    size_t len = 1;
    nd_tracker_counts(tracker, 3, &len);
    assert_int_equal(len, 0);
    update(tracker, 3, (nd_time){.epoch = 5}, 2);
    update(tracker, 3, (nd_time){.epoch = 4}, -1);
    const nd_time_count *counts = nd_tracker_counts(tracker, 3, &len);
    assert_int_equal(len, 2);
    assert_int_equal(counts[0].time.epoch, 4);
    assert_int_equal(counts[0].count, -1);
    assert_int_equal(counts[1].time.epoch, 5);
    assert_int_equal(counts[1].count, 2);
    propagate(tracker);
    nd_tracker_destroy(tracker);
}

static void time_is_covered_by_what_else_leads_to_it(void **state)
{
    (void)state;
    const nd_arc edges[] = {keep(0, 1), feedback(1, 1)};
    const nd_topology topology = {2, edges, N_OF(edges), NULL};
    nd_tracker *tracker = create(&topology);
    const nd_time five = {.epoch = 5};
    update(tracker, 1, five, 2);
    propagate(tracker);
    assert_false(nd_tracker_is_covered(tracker, 1, &five));
    assert_true(nd_tracker_is_covered(tracker, 1, &(nd_time){5, {1}}));
    assert_false(nd_tracker_is_covered(tracker, 1, &(nd_time){.epoch = 4}));
    update(tracker, 0, five, 1);
    propagate(tracker);
    assert_true(nd_tracker_is_covered(tracker, 1, &five));
    assert_false(nd_tracker_is_covered(tracker, 0, &five));
    nd_tracker_destroy(tracker);
}

static void random_graphs_agree_with_the_closure(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        nd_message why;
        if (!tracker_random_run(seed, &why))
            fail_msg("seed %llu: %s", (unsigned long long)seed, why.text);
    }
}

/* One notification a round, for ever: what a warm tracker holds stays what it is, and it allocates
 * nothing. */
static void steady_rounds_need_no_memory(void **state)
{
    (void)state;
    failing_memory memory;
    failing_memory_start(&memory, SIZE_MAX);
    nd_tracker *tracker = create(&ring_of_three);
    update(tracker, 3, (nd_time){.epoch = 0}, 1);
    propagate(tracker);
    size_t n_allocations = 0;
    for (uint64_t round = 0; round < 20000; round++) {
        update(tracker, 3, (nd_time){.epoch = round}, -1);
        update(tracker, 3, (nd_time){.epoch = round + 1}, +1);
        update(tracker, 4, (nd_time){.epoch = round + 1}, +1);
        propagate(tracker);
        nd_tracker_changed_clear(tracker);
        update(tracker, 4, (nd_time){.epoch = round + 1}, -1);
        propagate(tracker);
        if (round == 10)
            n_allocations = memory.n_allocations;
        assert_true(nd_tracker_n_entries(tracker) < 10);
    }
    assert_int_equal(memory.n_allocations, n_allocations);
    nd_tracker_destroy(tracker);
    failing_memory_stop(&memory);
}

/* Inputs open far ahead of the one that is slow, then caught up with. */
static void what_was_open_is_gone_when_it_is_retired(void **state)
{
    (void)state;
    nd_tracker *tracker = create(&ring_of_three);
    for (unsigned round = 0; round < 3; round++) {
        for (uint64_t epoch = 0; epoch < 5000; epoch++)
            update(tracker, 1, (nd_time){.epoch = epoch * 7919 % 5000}, 1);
        propagate(tracker);
        expect_time(tracker, 2, (nd_time){.epoch = 0});
        for (uint64_t epoch = 0; epoch < 5000; epoch++) {
            update(tracker, 1, (nd_time){.epoch = epoch}, -1);
            propagate(tracker);
        }
        assert_true(nd_tracker_is_empty(tracker));
        assert_int_equal(nd_tracker_n_entries(tracker), 0);
    }
    nd_tracker_destroy(tracker);
}

static nd_err live(void *arg)
{
    (void)arg;
    nd_tracker *tracker = NULL;
    nd_err err = nd_tracker_create(&ring_of_three, &tracker, NULL);
    for (uint32_t i = 0; i < 40 && err == ND_OK; i++)
        err = nd_tracker_update(tracker, i % 6, &(nd_time){i % 20, {20 - i % 20}}, 1);
    if (err == ND_OK)
        err = nd_tracker_propagate(tracker);
    nd_tracker_destroy(tracker);
    return err;
}

static nd_err refuse(void *arg)
{
    (void)arg;
    const nd_arc edges[] = {keep(0, 1), keep(1, 0)};
    const nd_topology topology = {2, edges, N_OF(edges), NULL};
    nd_tracker *tracker = NULL;
    nd_cycle culprits = {NULL, 0};
    const nd_err err = nd_tracker_create(&topology, &tracker, &culprits);
    nd_free(culprits.locations);
    return err == ND_INVAL ? ND_OK : err;
}

static void tracker_survives_failing_memory(void **state)
{
    (void)state;
    assert_true(failing_memory_sweep(live, NULL) > 20);
    assert_true(failing_memory_sweep(refuse, NULL) > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(source_in_a_ring_reaches_each_input_once),
        cmocka_unit_test(overflow_arrives_nowhere),
        cmocka_unit_test(cycle_without_advance_is_refused),
        cmocka_unit_test(destroy_of_nothing_is_fine),
        cmocka_unit_test(negative_count_is_kept_until_its_match_comes),
        cmocka_unit_test(changes_of_a_frame_that_undo_one_another_are_no_news),
        cmocka_unit_test(news_adds_up_until_it_is_cleared),
        cmocka_unit_test(malformed_changes_are_refused),
        cmocka_unit_test(counts_can_be_listed),
        cmocka_unit_test(time_is_covered_by_what_else_leads_to_it),
        cmocka_unit_test(random_graphs_agree_with_the_closure),
        cmocka_unit_test(steady_rounds_need_no_memory),
        cmocka_unit_test(what_was_open_is_gone_when_it_is_retired),
        cmocka_unit_test(tracker_survives_failing_memory),
    };
    return cmocka_run_group_tests_name("tracker", tests, NULL, NULL);
}
