/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Change batches against a plain map, in short and long batches, asked at every moment.
 */
#include "runtime/change_batch.h"

#include "tests/runtime/random_graph.h"
#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"

enum { N_LOCATIONS = 7, N_EPOCHS = 30 };

static void update(nd_change_batch *batch, uint32_t location, uint64_t epoch, int64_t delta)
{
    const nd_time time = {.epoch = epoch};
    assert_int_equal(nd_change_batch_update(batch, location, &time, delta), ND_OK);
    assert_true(nd_change_batch_validate(batch));
}

static void changes_that_cancel_leave_nothing(void **state)
{
    (void)state;
    nd_change_batch batch;
    nd_change_batch_init(&batch);
    assert_true(nd_change_batch_is_empty(&batch));
    update(&batch, 0, 17, 1);
    assert_false(nd_change_batch_is_empty(&batch));
    update(&batch, 0, 17, -1);
    assert_true(nd_change_batch_is_empty(&batch));
    update(&batch, 0, 17, 0);
    assert_true(nd_change_batch_is_empty(&batch));
    nd_change_batch_deinit(&batch);
}

static void compacting_sorts_and_adds_up(void **state)
{
    (void)state;
    nd_change_batch batch = {.items = NULL};
    update(&batch, 2, 1, 1);
    update(&batch, 1, 5, 4);
    update(&batch, 2, 0, -1);
    update(&batch, 1, 5, -1);
    update(&batch, 0, 9, 1);
    update(&batch, 0, 9, -1);
    nd_change_batch_compact(&batch);
    const uint32_t locations[] = {1, 2, 2};
    const uint64_t epochs[] = {5, 0, 1};
    const int64_t deltas[] = {3, -1, 1};
    assert_int_equal(batch.len, 3);
    for (size_t i = 0; i < batch.len; i++) {
        assert_int_equal(batch.items[i].location, locations[i]);
        assert_int_equal(batch.items[i].time.epoch, epochs[i]);
        assert_int_equal(batch.items[i].delta, deltas[i]);
    }
    nd_change_batch_clear(&batch);
    assert_true(nd_change_batch_is_empty(&batch));
    nd_change_batch_deinit(&batch);
}

typedef int64_t totals[N_LOCATIONS][N_EPOCHS];

static size_t count_totals(totals expected)
{
    size_t n = 0;
    for (size_t i = 0; i < N_LOCATIONS; i++) {
        for (size_t j = 0; j < N_EPOCHS; j++)
            n += expected[i][j] != 0;
    }
    return n;
}

static void check_compacted(nd_change_batch *batch, totals expected)
{
    nd_change_batch_compact(batch);
    assert_true(nd_change_batch_validate(batch));
    assert_int_equal(batch->clean, batch->len);
    assert_int_equal(batch->len, count_totals(expected));
    for (size_t i = 0; i < batch->len; i++) {
        const nd_change *item = &batch->items[i];
        assert_int_equal(item->delta, expected[item->location][item->time.epoch]);
    }
}

/* Few epochs make changes cancel, many make the batch long. */
static void run_against_map(nd_random *random)
{
    nd_change_batch batch = {.items = NULL};
    totals expected = {{0}};
    const uint64_t n_epochs = 1 + nd_random_below(random, N_EPOCHS);
    for (uint64_t n = nd_random_below(random, 300); n > 0; n--) {
        const uint32_t location = (uint32_t)nd_random_below(random, N_LOCATIONS);
        const uint64_t epoch = nd_random_below(random, n_epochs);
        const int64_t delta = (int64_t)nd_random_below(random, 5) - 2;
        update(&batch, location, epoch, delta);
        expected[location][epoch] += delta;
        if (nd_random_below(random, 10) == 0)
            assert_int_equal(nd_change_batch_is_empty(&batch), count_totals(expected) == 0);
        if (nd_random_below(random, 40) == 0)
            check_compacted(&batch, expected);
    }
    /* Take everything back: it must be seen to be empty, and not before. */
    for (uint32_t location = 0; location < N_LOCATIONS; location++) {
        for (uint64_t epoch = 0; epoch < N_EPOCHS; epoch++) {
            const bool last = count_totals(expected) == 0;
            assert_int_equal(nd_change_batch_is_empty(&batch), last);
            update(&batch, location, epoch, -expected[location][epoch]);
            expected[location][epoch] = 0;
        }
    }
    assert_true(nd_change_batch_is_empty(&batch));
    nd_change_batch_deinit(&batch);
}

static void batch_holds_what_a_map_holds(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 1);
    for (unsigned run = 0; run < 200; run++)
        run_against_map(&random);
}

static void long_tail_that_cancels_everything_is_seen(void **state)
{
    (void)state;
    nd_change_batch batch = {.items = NULL};
    for (uint64_t epoch = 0; epoch < 20; epoch++)
        update(&batch, 0, epoch, 1);
    nd_change_batch_compact(&batch);
    for (uint64_t epoch = 0; epoch < 20; epoch++) {
        assert_false(nd_change_batch_is_empty(&batch));
        update(&batch, 0, epoch, -1);
    }
    assert_true(nd_change_batch_is_empty(&batch));
    nd_change_batch_deinit(&batch);
}

static void batch_that_repeats_itself_does_not_grow(void **state)
{
    (void)state;
    nd_change_batch batch = {.items = NULL};
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(nd_change_batch_update(&batch, i % 20, &(nd_time){.epoch = 1}, 1), ND_OK);
    assert_true(batch.capacity <= 64);
    nd_change_batch_compact(&batch);
    assert_int_equal(batch.len, 20);
    for (size_t i = 0; i < batch.len; i++)
        assert_int_equal(batch.items[i].delta, 5000);
    nd_change_batch_deinit(&batch);
}

static nd_err fill(void *arg)
{
    (void)arg;
    nd_change_batch batch = {.items = NULL};
    nd_err err = ND_OK;
    for (uint32_t i = 0; i < 100 && err == ND_OK; i++) {
        const size_t len = batch.len;
        err = nd_change_batch_update(&batch, i, &(nd_time){.epoch = i}, 1);
        assert_true(err == ND_OK || batch.len == len);
    }
    nd_change_batch_deinit(&batch);
    return err;
}

static void warm_batch_allocates_nothing(void **state)
{
    (void)state;
    failing_memory memory;
    failing_memory_start(&memory, SIZE_MAX);
    nd_change_batch batch = {.items = NULL};
    size_t n_allocations = 0;
    for (unsigned round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 200; i++)
            update(&batch, i * 37 % 200, i, 1);
        nd_change_batch_compact(&batch);
        nd_change_batch_clear(&batch);
        if (round == 0)
            n_allocations = memory.n_allocations;
    }
    assert_int_equal(memory.n_allocations, n_allocations);
    nd_change_batch_deinit(&batch);
    failing_memory_stop(&memory);
}

static void batch_survives_failing_memory(void **state)
{
    (void)state;
    assert_true(failing_memory_sweep(fill, NULL) > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_that_cancel_leave_nothing),
        cmocka_unit_test(compacting_sorts_and_adds_up),
        cmocka_unit_test(batch_holds_what_a_map_holds),
        cmocka_unit_test(long_tail_that_cancels_everything_is_seen),
        cmocka_unit_test(batch_that_repeats_itself_does_not_grow),
        cmocka_unit_test(warm_batch_allocates_nothing),
        cmocka_unit_test(batch_survives_failing_memory),
    };
    return cmocka_run_group_tests_name("change_batch", tests, NULL, NULL);
}
