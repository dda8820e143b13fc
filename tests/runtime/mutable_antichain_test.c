/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mutable antichains: frontier and news against recomputation from the multiset, and bounds on
 * memory.
 */
#include "runtime/mutable_antichain.h"

#include "tests/runtime/random_graph.h"
#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"

enum { N_RUNS = 400, N_UPDATES = 150 };

static void update(nd_mutable_antichain *counts, nd_time time, int64_t delta,
                   nd_frontier_news *news)
{
    news->len = 0;
    assert_int_equal(nd_mutable_antichain_update(counts, &time, delta, news), ND_OK);
}

static void expect_frontier(const nd_mutable_antichain *counts, const nd_time *times, size_t len)
{
    assert_int_equal(counts->frontier.len, len);
    assert_memory_equal(nd_antichain_items(&counts->frontier), times, len * sizeof(nd_time));
}

/* How `news` changes whether `time` is in the frontier. */
static int told(const nd_frontier_news *news, const nd_time *time)
{
    int delta = 0;
    for (size_t i = 0; i < news->len; i++) {
        if (nd_time_equal(&news->items[i].time, time))
            delta += news->items[i].delta;
    }
    return delta;
}

static void news_are_changes_of_the_frontier_only(void **state)
{
    (void)state;
    nd_mutable_antichain counts = {.len = 0};
    nd_frontier_news news = {.items = NULL};
    update(&counts, (nd_time){1, {0}}, 1, &news);
    update(&counts, (nd_time){2, {0}}, 1, &news);
    assert_int_equal(news.len, 0); /* hidden by an earlier one */
    update(&counts, (nd_time){2, {0}}, -1, &news);
    assert_int_equal(news.len, 0);
    update(&counts, (nd_time){1, {0}}, 1, &news);
    assert_int_equal(news.len, 0); /* there already */
    update(&counts, (nd_time){1, {0}}, -1, &news);
    assert_int_equal(news.len, 0); /* still there */
    nd_mutable_antichain_deinit(&counts);
    nd_frontier_news_deinit(&news);
}

static void advancing_one_time_makes_two_news(void **state)
{
    (void)state;
    nd_mutable_antichain counts = {.len = 0};
    nd_frontier_news news = {.items = NULL};
    update(&counts, (nd_time){1, {0}}, 1, &news);
    news.len = 0;
    assert_int_equal(nd_mutable_antichain_update(&counts, &(nd_time){1, {0}}, -1, &news), ND_OK);
    assert_int_equal(nd_mutable_antichain_update(&counts, &(nd_time){2, {0}}, +1, &news), ND_OK);
    assert_int_equal(news.len, 2);
    assert_int_equal(told(&news, &(nd_time){1, {0}}), -1);
    assert_int_equal(told(&news, &(nd_time){2, {0}}), +1);
    expect_frontier(&counts, &(nd_time){2, {0}}, 1);
    nd_mutable_antichain_deinit(&counts);
    nd_frontier_news_deinit(&news);
}

static void negative_count_hides_nothing_and_cancels(void **state)
{
    (void)state;
    nd_mutable_antichain counts = {.len = 0};
    nd_frontier_news news = {.items = NULL};
    update(&counts, (nd_time){1, {0}}, -1, &news);
    assert_int_equal(news.len, 0);
    assert_int_equal(nd_mutable_antichain_count(&counts, &(nd_time){1, {0}}), -1);
    update(&counts, (nd_time){2, {0}}, 1, &news);
    expect_frontier(&counts, &(nd_time){2, {0}}, 1);
    update(&counts, (nd_time){1, {0}}, 1, &news);
    assert_int_equal(news.len, 0);
    assert_int_equal(counts.len, 1);
    update(&counts, (nd_time){2, {0}}, -3, &news);
    expect_frontier(&counts, NULL, 0);
    assert_int_equal(nd_mutable_antichain_count(&counts, &(nd_time){2, {0}}), -2);
    update(&counts, (nd_time){2, {0}}, 2, &news);
    assert_int_equal(news.len, 0);
    assert_int_equal(counts.len, 0);
    nd_mutable_antichain_deinit(&counts);
    nd_frontier_news_deinit(&news);
}

static void count_beyond_64_bits_is_refused(void **state)
{
    (void)state;
    nd_mutable_antichain counts = {.len = 0};
    nd_frontier_news news = {.items = NULL};
    const nd_time time = {1, {0}};
    update(&counts, time, INT64_MAX, &news);
    assert_int_equal(nd_mutable_antichain_update(&counts, &time, 1, &news), ND_PROTO);
    assert_int_equal(nd_mutable_antichain_count(&counts, &time), INT64_MAX);
    update(&counts, time, -INT64_MAX, &news);
    update(&counts, time, INT64_MIN, &news);
    assert_int_equal(nd_mutable_antichain_update(&counts, &time, -1, &news), ND_PROTO);
    assert_true(nd_mutable_antichain_count(&counts, &time) == INT64_MIN);
    nd_mutable_antichain_deinit(&counts);
    nd_frontier_news_deinit(&news);
}

/* The frontier of all that is counted, by way of the oracle: a graph of one location. */
static void check_against_recount(const nd_mutable_antichain *counts,
                                  const closure_counts *expected, closure_frontiers *frontiers)
{
    static const closure_graph lonely = {.n_locations = 1};
    closure_find(&lonely, expected, frontiers);
    assert_true(closure_same(&frontiers->at[0], nd_antichain_items(&counts->frontier),
                             counts->frontier.len));
    assert_int_equal(counts->len, expected->len);
    const nd_time_count *items = nd_mutable_antichain_items(counts);
    for (size_t i = 0; i < counts->len; i++)
        assert_int_equal(items[i].count, closure_count_of(expected, 0, &items[i].time));
}

/* Whether `news` leads from the frontier before to the one that `counts` has now. */
static void check_news(const nd_antichain *before, const nd_mutable_antichain *counts,
                       const nd_frontier_news *news)
{
    for (size_t i = 0; i < news->len; i++) {
        const nd_time *time = &news->items[i].time;
        const int was = nd_antichain_contains(before, time);
        const int is = nd_antichain_contains(&counts->frontier, time);
        assert_int_equal(was + news->items[i].delta, is);
        assert_int_equal(told(news, time), news->items[i].delta);
    }
    for (size_t i = 0; i < before->len; i++) {
        const nd_time *time = &nd_antichain_items(before)[i];
        assert_true(told(news, time) != 0 || nd_antichain_contains(&counts->frontier, time));
    }
    for (size_t i = 0; i < counts->frontier.len; i++) {
        const nd_time *time = &nd_antichain_items(&counts->frontier)[i];
        assert_true(told(news, time) != 0 || nd_antichain_contains(before, time));
    }
}

static void remember(nd_antichain *copy, const nd_antichain *frontier)
{
    nd_antichain_deinit(copy);
    for (size_t i = 0; i < frontier->len; i++)
        assert_int_equal(nd_antichain_insert(copy, &nd_antichain_items(frontier)[i]), ND_OK);
}

static void run_against_recount(nd_random *random)
{
    nd_mutable_antichain counts = {.len = 0};
    nd_frontier_news news = {.items = NULL};
    closure_counts expected = {.items = NULL};
    closure_frontiers frontiers = {.at = {{.len = 0}}};
    nd_antichain before = {.len = 0};
    const unsigned n_loops = (unsigned)nd_random_below(random, 4);
    const uint64_t most = 2 + nd_random_below(random, 6);
    for (unsigned i = 0; i < N_UPDATES; i++) {
        nd_time time = random_graph_time(random, n_loops, most, false);
        int64_t delta = (int64_t)nd_random_below(random, 5) - 2;
        if (expected.len > 0 && nd_random_below(random, 2) == 0) {
            const struct closure_count *some =
                &expected.items[nd_random_below(random, expected.len)];
            time = some->time;
            delta = -some->count;
        }
        remember(&before, &counts.frontier);
        update(&counts, time, delta, &news);
        closure_update(&expected, 0, &time, delta);
        check_against_recount(&counts, &expected, &frontiers);
        check_news(&before, &counts, &news);
        assert_true(nd_mutable_antichain_validate(&counts));
    }
    nd_antichain_deinit(&before);
    closure_frontiers_free(&frontiers);
    closure_counts_free(&expected);
    nd_frontier_news_deinit(&news);
    nd_mutable_antichain_deinit(&counts);
}

static void frontier_is_that_of_the_multiset(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 1);
    for (unsigned run = 0; run < N_RUNS; run++)
        run_against_recount(&random);
}

static void times_that_come_and_go_leave_no_trace(void **state)
{
    (void)state;
    nd_mutable_antichain counts = {.len = 0};
    nd_frontier_news news = {.items = NULL};
    for (unsigned i = 0; i < 6; i++)
        update(&counts, (nd_time){7, {0}}, 1, &news);
    for (unsigned i = 0; i < 5; i++)
        update(&counts, (nd_time){8, {0}}, 1, &news);
    for (unsigned i = 0; i < 1000; i++) {
        update(&counts, (nd_time){9, {0}}, +1, &news);
        update(&counts, (nd_time){9, {0}}, -1, &news);
        assert_int_equal(counts.len, 2);
        assert_true(counts.capacity <= 32);
    }
    nd_mutable_antichain_deinit(&counts);
    nd_frontier_news_deinit(&news);
}

/* A window of open epochs that moves on for ever: retired at one end, opened at the other. */
static void moving_window_does_not_grow(void **state)
{
    (void)state;
    enum { WINDOW = 100, N_EPOCHS = 100000 };
    failing_memory memory;
    failing_memory_start(&memory, SIZE_MAX);
    nd_mutable_antichain counts = {.len = 0};
    nd_frontier_news news = {.items = NULL};
    size_t n_allocations = 0;
    for (uint64_t epoch = 0; epoch < N_EPOCHS; epoch++) {
        update(&counts, (nd_time){.epoch = epoch}, 1, &news);
        if (epoch >= WINDOW)
            update(&counts, (nd_time){.epoch = epoch - WINDOW}, -1, &news);
        if (epoch == (uint64_t)4 * WINDOW)
            n_allocations = memory.n_allocations;
    }
    assert_int_equal(counts.len, WINDOW);
    assert_true(counts.capacity <= 4 * WINDOW);
    assert_int_equal(memory.n_allocations, n_allocations);
    nd_mutable_antichain_deinit(&counts);
    nd_frontier_news_deinit(&news);
    failing_memory_stop(&memory);
}

/* One or two times at once need no memory at all. */
static void two_times_live_inside(void **state)
{
    (void)state;
    failing_memory memory;
    nd_frontier_news news = {.items = NULL};
    nd_mutable_antichain counts = {.len = 0};
    failing_memory_start(&memory, SIZE_MAX);
    update(&counts, (nd_time){.epoch = 0}, 1, &news); /* warms the buffer for news */
    const size_t n_allocations = memory.n_allocations;
    for (uint64_t epoch = 0; epoch < 1000; epoch++) {
        update(&counts, (nd_time){.epoch = epoch + 1}, 1, &news);
        update(&counts, (nd_time){.epoch = epoch}, -1, &news);
    }
    assert_int_equal(memory.n_allocations, n_allocations);
    nd_frontier_news_deinit(&news);
    nd_mutable_antichain_deinit(&counts);
    failing_memory_stop(&memory);
}

static nd_err spread(void *arg)
{
    (void)arg;
    nd_mutable_antichain counts = {.len = 0};
    nd_frontier_news news = {.items = NULL};
    nd_err err = ND_OK;
    for (uint32_t i = 0; i < 30 && err == ND_OK; i++)
        err = nd_mutable_antichain_update(&counts, &(nd_time){i, {30 - i}}, 1, &news);
    if (err == ND_OK)
        err = nd_mutable_antichain_update(&counts, &(nd_time){0, {0}}, 1, &news);
    if (err == ND_OK)
        err = nd_mutable_antichain_update(&counts, &(nd_time){0, {0}}, -1, &news);
    nd_mutable_antichain_deinit(&counts);
    nd_frontier_news_deinit(&news);
    return err;
}

static void mutable_antichain_survives_failing_memory(void **state)
{
    (void)state;
    assert_true(failing_memory_sweep(spread, NULL) > 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(news_are_changes_of_the_frontier_only),
        cmocka_unit_test(advancing_one_time_makes_two_news),
        cmocka_unit_test(negative_count_hides_nothing_and_cancels),
        cmocka_unit_test(count_beyond_64_bits_is_refused),
        cmocka_unit_test(frontier_is_that_of_the_multiset),
        cmocka_unit_test(times_that_come_and_go_leave_no_trace),
        cmocka_unit_test(moving_window_does_not_grow),
        cmocka_unit_test(two_times_live_inside),
        cmocka_unit_test(mutable_antichain_survives_failing_memory),
    };
    return cmocka_run_group_tests_name("mutable_antichain", tests, NULL, NULL);
}
