/* SPDX-License-Identifier: Apache-2.0 */
/* Histories of a key, against adding up all edits at every time of a grid. */
#include "tests/support/cmocka.h"

#include <string.h>

#include "operators/differential/advance.h"
#include "operators/differential/key_history.h"
#include "operators/differential/trace_builder.h"
#include "runtime/base/random.h"

enum { SIDE = 4, POINTS = SIDE * SIDE * SIDE, N_VALUES = 5, MOST = 60, MANY = 20000 };

static nd_time point(uint64_t i)
{
    return (nd_time){i % SIDE, {(uint32_t)(i / SIDE % SIDE), (uint32_t)(i / SIDE / SIDE)}};
}

static nd_edit any_edit(nd_random *random)
{
    return (nd_edit){(uint32_t)nd_random_below(random, N_VALUES),
                     point(nd_random_below(random, POINTS)),
                     (int64_t)nd_random_below(random, 5) - 2};
}

static size_t any_edits(nd_random *random, nd_edit *edits)
{
    const size_t len = nd_random_below(random, MOST + 1);
    for (size_t i = 0; i < len; i++)
        edits[i] = any_edit(random);
    return len;
}

/* The slow way: what there is of a value at a time. */
static int64_t count_at(const nd_edit *edits, size_t len, uint32_t value, const nd_time *time)
{
    int64_t count = 0;
    for (size_t i = 0; i < len; i++)
        if (edits[i].value == value && nd_time_less_equal(&edits[i].time, time))
            count += edits[i].diff;
    return count;
}

/* Asserts that two histories are the same for all who ask at or after `since`, or at all. */
static void assert_alike(const nd_edit *a, size_t a_len, const nd_edit *b, size_t b_len,
                         const nd_antichain *since)
{
    for (unsigned i = 0; i < POINTS; i++) {
        const nd_time time = point(i);
        if (since && !nd_antichain_less_equal(since, &time))
            continue;
        for (uint32_t value = 0; value < N_VALUES; value++)
            assert_int_equal(count_at(a, a_len, value, &time), count_at(b, b_len, value, &time));
    }
}

static void consolidating_sorts_and_adds_up(void **state)
{
    (void)state;
    nd_edit edits[] = {{2, {1, {0}}, 1}, {7, {0, {3}}, 4},  {2, {1, {0}}, 2},
                       {1, {1, {0}}, 5}, {7, {0, {3}}, -4}, {9, {0, {1}}, -1}};
    const nd_edit expected[] = {{9, {0, {1}}, -1}, {1, {1, {0}}, 5}, {2, {1, {0}}, 3}};
    size_t len = 6;
    assert_int_equal(nd_history_consolidate(edits, &len), ND_OK);
    assert_int_equal(len, 3);
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(edits[i].value, expected[i].value);
        assert_true(nd_time_equal(&edits[i].time, &expected[i].time));
        assert_int_equal(edits[i].diff, expected[i].diff);
    }
}

static void consolidating_changes_no_count(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 1);
    for (unsigned round = 0; round < 300; round++) {
        nd_edit edits[MOST], before[MOST];
        const size_t n = any_edits(&random, edits);
        size_t len = n;
        memcpy(before, edits, sizeof edits[0] * n);
        assert_int_equal(nd_history_consolidate(edits, &len), ND_OK);
        assert_true(nd_history_validate(edits, len));
        assert_alike(before, n, edits, len, NULL);
    }
}

static void long_histories_are_sorted(void **state)
{
    (void)state;
    static nd_edit edits[MANY];
    nd_random random;
    nd_random_init(&random, 2);
    int64_t sum = 0;
    for (size_t i = 0; i < MANY; i++) {
        edits[i] = (nd_edit){(uint32_t)nd_random_below(&random, 1000000),
                             point(nd_random_below(&random, POINTS)), (int64_t)i};
        sum += (int64_t)(edits[i].value + edits[i].time.epoch) * edits[i].diff;
    }
    nd_history_sort(edits, MANY);
    for (size_t i = 0; i < MANY; i++) {
        sum -= (int64_t)(edits[i].value + edits[i].time.epoch) * edits[i].diff;
        if (i == 0)
            continue;
        const int order = nd_time_compare(&edits[i - 1].time, &edits[i].time);
        assert_true(order < 0 || (order == 0 && edits[i - 1].value <= edits[i].value));
    }
    assert_int_equal(sum, 0);
}

static void any_frontier(nd_random *random, nd_antichain *since)
{
    nd_antichain_init(since);
    for (size_t n = 1 + nd_random_below(random, 3); n > 0; n--) {
        const nd_time time = point(nd_random_below(random, POINTS));
        assert_int_equal(nd_antichain_insert(since, &time), ND_OK);
    }
}

static void advancing_changes_no_count_that_is_asked_for(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 3);
    for (unsigned round = 0; round < 300; round++) {
        nd_edit edits[MOST], before[MOST];
        nd_antichain since;
        const size_t n = any_edits(&random, edits);
        size_t len = n;
        any_frontier(&random, &since);
        memcpy(before, edits, sizeof edits[0] * n);
        if (nd_random_chance(&random, 0.5))
            assert_int_equal(nd_history_consolidate(edits, &len), ND_OK);
        assert_int_equal(nd_history_advance(edits, &len, &since), ND_OK);
        assert_true(nd_history_validate(edits, len));
        assert_alike(before, n, edits, len, &since);
        for (size_t i = 0; i < len; i++) {
            const nd_time advanced = nd_time_advance(&edits[i].time, &since);
            assert_true(nd_time_equal(&advanced, &edits[i].time));
        }
        nd_antichain_deinit(&since);
    }
}

static void advancing_by_nothing_keeps_times(void **state)
{
    (void)state;
    nd_antichain since;
    nd_antichain_init(&since);
    nd_edit edits[] = {{1, {2, {0}}, 1}, {1, {0, {2}}, 1}};
    size_t len = 2;
    assert_int_equal(nd_history_advance(edits, &len, &since), ND_OK);
    assert_int_equal(len, 2);
    assert_int_equal(edits[0].time.epoch, 0);
    assert_int_equal(edits[1].time.epoch, 2);
}

/* Asserts that `counts` has each value once, in order, unless there is none of it. */
static void assert_counts(const nd_vector *counts, const nd_edit *edits, size_t len,
                          const nd_time *time)
{
    size_t i = 0;
    for (uint32_t value = 0; value < N_VALUES; value++) {
        const int64_t expected = count_at(edits, len, value, time);
        if (expected == 0)
            continue;
        const nd_tally *const count = nd_vector_at(counts, i++);
        assert_int_equal(count->value, value);
        assert_int_equal(count->count, expected);
    }
    assert_int_equal(i, counts->len);
}

static void accumulating_counts_values_in_order_without_zeros(void **state)
{
    (void)state;
    nd_random random;
    nd_vector counts;
    nd_random_init(&random, 4);
    nd_vector_init(&counts, sizeof(nd_tally));
    for (unsigned round = 0; round < 100; round++) {
        nd_edit edits[MOST];
        const size_t len = any_edits(&random, edits);
        for (unsigned i = 0; i < POINTS; i++) {
            const nd_time time = point(i);
            assert_int_equal(nd_history_accumulate(edits, len, &time, &counts), ND_OK);
            assert_counts(&counts, edits, len, &time);
        }
    }
    nd_vector_deinit(&counts);
}

static void sums_that_are_too_large_fail(void **state)
{
    (void)state;
    nd_vector counts;
    nd_antichain since;
    const nd_time late = {5, {5}}, early = {0, {5}};
    const nd_edit both[] = {{1, {0, {1}}, INT64_MAX}, {1, {1, {0}}, 1}};
    nd_edit edits[2];
    size_t len = 2;
    nd_vector_init(&counts, sizeof(nd_tally));
    nd_antichain_init(&since);
    memcpy(edits, both, sizeof edits);
    assert_int_equal(nd_history_consolidate(edits, &len), ND_OK);
    assert_int_equal(nd_history_accumulate(edits, len, &early, &counts), ND_OK);
    assert_int_equal(nd_history_accumulate(edits, len, &late, &counts), ND_FAILED);
    assert_int_equal(nd_antichain_insert(&since, &late), ND_OK);
    assert_int_equal(nd_history_advance(edits, &len, &since), ND_FAILED);
    nd_vector_deinit(&counts);
}

static void what_is_not_consolidated_is_found(void **state)
{
    (void)state;
    const nd_edit good[] = {{1, {0, {1}}, 1}, {0, {1, {0}}, 1}, {2, {1, {0}}, -1}};
    const nd_edit twice[] = {{1, {0, {1}}, 1}, {1, {0, {1}}, 1}};
    const nd_edit zero[] = {{1, {0, {1}}, 0}};
    const nd_edit backwards[] = {{1, {1, {0}}, 1}, {1, {0, {1}}, 1}};
    assert_true(nd_history_validate(good, 3));
    assert_true(nd_history_validate(NULL, 0));
    assert_false(nd_history_validate(twice, 2));
    assert_false(nd_history_validate(zero, 1));
    assert_false(nd_history_validate(backwards, 2));
}

/* --- From batches --- */

static nd_trace_batch *make_one(const char *value, uint64_t epoch)
{
    nd_trace_batch *batch;
    nd_antichain lower, upper;
    nd_trace_builder builder;
    const nd_trace_shape shape = {.key_is_fixed = true, .key_size = 1};
    const nd_time time = {.epoch = epoch};
    nd_antichain_init(&lower);
    nd_antichain_init(&upper);
    assert_int_equal(nd_antichain_insert(&lower, &(nd_time){.epoch = 0}), ND_OK);
    nd_trace_builder_init(&builder, &shape);
    const nd_trace_code code = {(const unsigned char *)value, strlen(value)};
    assert_int_equal(nd_trace_builder_push(&builder, (nd_trace_code){(const unsigned char *)"k", 1},
                                           code, &time, 1),
                     ND_OK);
    assert_int_equal(nd_trace_builder_seal(&builder, &lower, &upper, &lower, &batch), ND_OK);
    nd_trace_builder_deinit(&builder);
    nd_antichain_deinit(&lower);
    return batch;
}

/* What is fresh counts as of its arrival, what is stored as of `since`; values are numbered in
 * order, wherever they come from. */
static void a_key_is_brought_together_from_its_batches(void **state)
{
    (void)state;
    nd_antichain since;
    nd_key_history history;
    nd_trace_seeker stored_at;
    nd_trace_cursor fresh_at[2];
    const nd_time arrival = {.epoch = 5};
    const nd_trace_code key = {(const unsigned char *)"k", 1};
    nd_trace_batch *const batches[] = {make_one("pear", 1), make_one("fig", 2),
                                       make_one("pear", 7)};
    nd_trace_seeker_init_batch(&stored_at, batches[0]);
    for (size_t i = 0; i < 2; i++)
        nd_trace_cursor_init(&fresh_at[i], batches[1 + i]);
    nd_antichain_init(&since);
    assert_int_equal(nd_antichain_insert(&since, &(nd_time){.epoch = 4}), ND_OK);
    nd_key_history_init(&history);
    assert_int_equal(nd_key_history_add_stored(&history, &stored_at, key), ND_OK);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(nd_key_history_add_fresh(&history, &fresh_at[i], key, &arrival), ND_OK);
    assert_int_equal(nd_key_history_make_since(&history, &since), ND_OK);
    assert_int_equal(history.values.len, 2);
    assert_int_equal(history.stored.len, 1);
    assert_int_equal(history.fresh.len, 2);
    const nd_edit *const stored = history.stored.items, *const fresh = history.fresh.items;
    assert_int_equal(stored[0].value, 1);
    assert_int_equal(stored[0].time.epoch, 4);
    assert_int_equal(fresh[0].value, 0);
    assert_int_equal(fresh[0].time.epoch, 5);
    assert_int_equal(fresh[1].value, 1);
    assert_int_equal(fresh[1].time.epoch, 7);
    nd_key_history_deinit(&history);
    nd_antichain_deinit(&since);
    for (size_t i = 0; i < 3; i++)
        nd_trace_batch_release(batches[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(consolidating_sorts_and_adds_up),
        cmocka_unit_test(consolidating_changes_no_count),
        cmocka_unit_test(long_histories_are_sorted),
        cmocka_unit_test(advancing_changes_no_count_that_is_asked_for),
        cmocka_unit_test(advancing_by_nothing_keeps_times),
        cmocka_unit_test(accumulating_counts_values_in_order_without_zeros),
        cmocka_unit_test(sums_that_are_too_large_fail),
        cmocka_unit_test(what_is_not_consolidated_is_found),
        cmocka_unit_test(a_key_is_brought_together_from_its_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
