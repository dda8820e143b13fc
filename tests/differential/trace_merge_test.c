/* SPDX-License-Identifier: Apache-2.0 */
/* Merging against putting both arrays side by side, advancing each time, and sorting. */
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#include "operators/differential/advance.h"
#include "operators/differential/trace_cursor.h"
#include "operators/differential/trace_merge.h"
#include "tests/differential/naive_trace.h"
#include "tests/support/failing_memory.h"

enum { MOST = 300, SIDE = 4, ROUNDS = 60 };

/* Two batches that abut, from epochs 0 to 2 and 2 to 4, and their updates. Times may be anywhere:
 * those of batches that were compacted are. */
typedef struct pair {
    naive_update updates[2 * MOST];
    size_t a_len, len;
    nd_trace_batch *a, *b;
} pair;

static void make_pair(nd_random *random, const nd_trace_shape *shape, size_t most, pair *made)
{
    const unsigned n_coordinates = 1 + (unsigned)nd_random_below(random, 3);
    size_t lens[2];
    naive_update *updates = made->updates;
    made->len = 0;
    for (unsigned s = 0; s < 2; s++) {
        lens[s] = nd_random_below(random, most + 1);
        for (size_t i = 0; i < lens[s]; i++)
            updates[i] = naive_any(random, shape, n_coordinates, SIDE);
        if (s == 1 && nd_random_below(random, 4) == 0) { /* what the first has is taken back */
            lens[s] = lens[0];
            memcpy(updates, made->updates, lens[s] * sizeof *updates);
            for (size_t i = 0; i < lens[s]; i++)
                updates[i].diff *= -1;
        }
        lens[s] = naive_consolidate(updates, lens[s]);
        updates += lens[s];
    }
    made->a_len = lens[0];
    made->len = lens[0] + lens[1];
    made->a = naive_build(shape, made->updates, lens[0], 0, 2);
    made->b = naive_build(shape, made->updates + lens[0], lens[1], 2, 4);
}

static void end_pair(pair *made)
{
    nd_trace_batch_release(made->a);
    nd_trace_batch_release(made->b);
}

static nd_antichain any_since(nd_random *random)
{
    nd_time times[3];
    const size_t n = nd_random_below(random, 4);
    for (size_t i = 0; i < n; i++) {
        times[i] = (nd_time){.epoch = nd_random_below(random, SIDE)};
        times[i].loop[0] = (uint32_t)nd_random_below(random, SIDE);
        times[i].loop[1] = (uint32_t)nd_random_below(random, SIDE);
    }
    return naive_frontier(times, n);
}

/* Merges in pieces of `step` updates, the first of `first`. `b` may be NULL. */
static nd_trace_batch *merge_in_steps(nd_trace_batch *a, nd_trace_batch *b,
                                      const nd_antichain *since, uint64_t first, uint64_t step)
{
    nd_trace_merge *merge;
    nd_trace_batch *batch;
    const uint64_t total = nd_trace_batch_len(a) + (b ? nd_trace_batch_len(b) : 0);
    uint64_t used = 0;
    assert_int_equal(nd_trace_merge_begin(a, b, since, &merge), ND_OK);
    for (uint64_t given = first; !nd_trace_merge_is_done(merge); given = step) {
        uint64_t fuel = given;
        assert_int_equal(nd_trace_merge_work(merge, &fuel), ND_OK);
        assert_true(fuel <= given);
        used += given - fuel;
        assert_true(fuel == 0 || nd_trace_merge_is_done(merge));
        assert_int_equal(used == total, nd_trace_merge_is_done(merge));
    }
    assert_int_equal(used, total);
    assert_int_equal(nd_trace_merge_take(merge, &batch), ND_OK);
    nd_trace_merge_destroy(merge);
    assert_true(nd_trace_batch_validate(batch->block, (size_t)batch->head->size));
    return batch;
}

static nd_trace_batch *merge_at_once(nd_trace_batch *a, nd_trace_batch *b,
                                     const nd_antichain *since)
{
    return merge_in_steps(a, b, since, UINT64_MAX, UINT64_MAX);
}

static void expect_times(nd_trace_times times, const nd_time *expected, size_t len)
{
    assert_int_equal(times.len, len);
    for (size_t i = 0; i < len; i++)
        assert_true(nd_time_equal(&times.items[i], &expected[i]));
}

static void expect_same_bytes(const nd_trace_batch *a, const nd_trace_batch *b)
{
    size_t a_size, b_size;
    const void *const a_bytes = nd_trace_batch_bytes(a, &a_size);
    const void *const b_bytes = nd_trace_batch_bytes(b, &b_size);
    assert_int_equal(a_size, b_size);
    assert_memory_equal(a_bytes, b_bytes, a_size);
}

/* --- Against the slow way --- */

static void merging_is_advancing_and_consolidating_both(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 31);
    for (unsigned i = 0; i < ROUNDS * NAIVE_N_SHAPES; i++) {
        pair both;
        make_pair(&random, &naive_shapes[i % NAIVE_N_SHAPES], MOST, &both);
        nd_antichain since = any_since(&random);
        nd_trace_batch *const merged =
            merge_in_steps(both.a, both.b, &since, 1, 1 + nd_random_below(&random, 50));
        for (size_t k = 0; k < both.len; k++)
            both.updates[k].time = nd_time_advance(&both.updates[k].time, &since);
        both.len = naive_consolidate(both.updates, both.len);
        naive_expect(merged, both.updates, both.len);
        expect_times(merged->lower, &(nd_time){0, {0}}, 1);
        expect_times(merged->upper, &(nd_time){4, {0}}, 1);
        expect_times(merged->since, nd_antichain_items(&since), since.len);
        nd_trace_batch_release(merged);
        end_pair(&both);
        nd_antichain_deinit(&since);
    }
}

/* As merging with an empty batch, but for where the result ends. */
static void a_batch_is_compacted_alone(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 37);
    for (unsigned i = 0; i < ROUNDS / 4 * NAIVE_N_SHAPES; i++) {
        pair both;
        make_pair(&random, &naive_shapes[i % NAIVE_N_SHAPES], MOST, &both);
        nd_antichain since = any_since(&random);
        nd_trace_batch *const merged =
            merge_in_steps(both.a, NULL, &since, 1, 1 + nd_random_below(&random, 50));
        for (size_t k = 0; k < both.a_len; k++)
            both.updates[k].time = nd_time_advance(&both.updates[k].time, &since);
        naive_expect(merged, both.updates, naive_consolidate(both.updates, both.a_len));
        expect_times(merged->lower, &(nd_time){0, {0}}, 1);
        expect_times(merged->upper, &(nd_time){2, {0}}, 1);
        expect_times(merged->since, nd_antichain_items(&since), since.len);
        nd_trace_batch_release(merged);
        end_pair(&both);
        nd_antichain_deinit(&since);
    }
}

/* What a batch adds up to, at each time of a cube that is at or after since, is what was put in. */
static void accumulations_from_since_on_stay(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 32);
    for (unsigned i = 0; i < 5 * NAIVE_N_SHAPES; i++) {
        pair both;
        size_t len;
        make_pair(&random, &naive_shapes[i % NAIVE_N_SHAPES], 25, &both);
        nd_antichain since = any_since(&random);
        nd_trace_batch *const merged = merge_at_once(both.a, both.b, &since);
        naive_update *const read = naive_read(merged, &len);
        for (unsigned t = 0; t < SIDE * SIDE * SIDE; t++) {
            const nd_time time = {t % SIDE, {t / SIDE % SIDE, t / SIDE / SIDE}};
            if (!nd_antichain_less_equal(&since, &time))
                continue;
            for (size_t k = 0; k < both.len; k++)
                assert_int_equal(naive_accumulate(read, len, &both.updates[k], &time),
                                 naive_accumulate(both.updates, both.len, &both.updates[k], &time));
        }
        free(read);
        nd_trace_batch_release(merged);
        end_pair(&both);
        nd_antichain_deinit(&since);
    }
}

/* A value whose times compaction brings out of order, and what follows it. */
static void times_that_change_places_are_sorted_again(void **state)
{
    (void)state;
    const nd_trace_shape shape = {true, 0, true, 0};
    const naive_update updates[] = {{.time = {1, {5}}, .diff = 1},
                                    {.time = {2, {0}}, .diff = 2},
                                    {.time = {2, {5}}, .diff = 4}};
    const naive_update expected[] = {{.time = {3, {0}}, .diff = 2}, {.time = {3, {5}}, .diff = 5}};
    nd_trace_batch *const a = naive_build(&shape, updates, 3, 0, 3);
    nd_trace_batch *const b = naive_build(&shape, NULL, 0, 3, 4);
    nd_antichain since = naive_frontier(&(nd_time){3, {0}}, 1);
    nd_trace_batch *const merged = merge_at_once(a, b, &since);
    naive_expect(merged, expected, 2);
    nd_trace_batch_release(a);
    nd_trace_batch_release(b);
    nd_trace_batch_release(merged);
    nd_antichain_deinit(&since);
}

/* Values of ten updates, and one of three thousand: more than is copied together. */
static void many_updates_of_many_values_stay(void **state)
{
    (void)state;
    enum { N_VALUES = 700, EACH = 10, LONG = 3000, N = (N_VALUES - 1) * EACH + LONG };
    const nd_trace_shape shape = {true, 4, true, 0};
    naive_update *const updates = calloc(N, sizeof *updates);
    size_t n = 0;
    for (uint32_t i = 0; i < N_VALUES; i++)
        for (uint64_t k = 0; k < (i == 300 ? LONG : EACH); k++)
            updates[n++] = (naive_update){.key_size = 4,
                                          .key = {0, 0, (unsigned char)(i >> 8), (unsigned char)i},
                                          .time = {k, {0}},
                                          .diff = (int64_t)((i + k) % 3 + 1)};
    assert_int_equal(n, N);
    nd_trace_batch *const a = naive_build(&shape, updates, N, 0, LONG);
    nd_trace_batch *const b = naive_build(&shape, NULL, 0, LONG, LONG + 1);
    nd_antichain since = naive_frontier(&(nd_time){0, {0}}, 1);
    nd_trace_batch *const merged = merge_at_once(a, b, &since);
    naive_expect(merged, updates, N);
    nd_trace_batch_release(a);
    nd_trace_batch_release(b);
    nd_trace_batch_release(merged);
    nd_antichain_deinit(&since);
    free(updates);
}

/* --- Pieces --- */

static void interrupted_anywhere_the_result_is_the_same(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 33);
    for (unsigned i = 0; i < 2 * NAIVE_N_SHAPES; i++) {
        pair both;
        make_pair(&random, &naive_shapes[i % NAIVE_N_SHAPES], 60, &both);
        nd_antichain since = any_since(&random);
        nd_trace_batch *const whole = merge_at_once(both.a, both.b, &since);
        for (uint64_t cut = 0; cut <= both.len + 1; cut++) {
            nd_trace_batch *const twice = merge_in_steps(both.a, both.b, &since, cut, UINT64_MAX);
            nd_trace_batch *const often = merge_in_steps(both.a, both.b, &since, 1, 1 + cut);
            expect_same_bytes(twice, whole);
            expect_same_bytes(often, whole);
            nd_trace_batch_release(twice);
            nd_trace_batch_release(often);
        }
        nd_trace_batch_release(whole);
        end_pair(&both);
        nd_antichain_deinit(&since);
    }
}

static void abandoned_merges_leave_nothing(void **state)
{
    (void)state;
    nd_random random;
    failing_memory memory;
    nd_random_init(&random, 34);
    failing_memory_start(&memory, SIZE_MAX);
    pair both;
    make_pair(&random, &naive_shapes[6], 60, &both);
    nd_antichain since = naive_frontier(&(nd_time){1, {1}}, 1);
    for (uint64_t cut = 0; cut <= both.len; cut++) {
        nd_trace_merge *merge;
        uint64_t fuel = cut;
        assert_int_equal(nd_trace_merge_begin(both.a, both.b, &since, &merge), ND_OK);
        assert_int_equal(nd_trace_merge_work(merge, &fuel), ND_OK);
        nd_trace_merge_destroy(merge);
    }
    nd_trace_merge_destroy(NULL);
    nd_antichain_deinit(&since);
    end_pair(&both);
    (void)failing_memory_stop(&memory);
}

/* --- Frontiers --- */

/* The join of both batches' sinces and of the one asked for, which then may change. */
static void since_is_the_join_of_all_three(void **state)
{
    (void)state;
    const nd_trace_shape shape = {true, 4, true, 4};
    const nd_time low = {1, {0}}, middle = {5, {0}}, high = {9, {0}}, changed = {0, {0}};
    nd_antichain lower = naive_frontier(&low, 1), between = naive_frontier(&middle, 1),
                 upper = naive_frontier(&high, 1);
    nd_antichain a_since = naive_frontier((const nd_time[]){{3, {7}}, {5, {6}}}, 2),
                 b_since = naive_frontier(&(nd_time){4, {6}}, 1),
                 since = naive_frontier(&(nd_time){1, {1, 2}}, 1);
    nd_trace_builder builder;
    nd_trace_batch *a, *b, *merged;
    nd_trace_merge *merge;
    nd_trace_builder_init(&builder, &shape);
    assert_int_equal(nd_trace_builder_seal(&builder, &lower, &between, &a_since, &a), ND_OK);
    assert_int_equal(nd_trace_builder_seal(&builder, &between, &upper, &b_since, &b), ND_OK);
    assert_int_equal(nd_trace_merge_begin(a, b, &since, &merge), ND_OK);
    assert_int_equal(nd_antichain_insert(&since, &changed), ND_OK);
    assert_true(nd_trace_merge_is_done(merge));
    assert_int_equal(nd_trace_merge_take(merge, &merged), ND_OK);
    expect_times(merged->lower, &low, 1);
    expect_times(merged->upper, &high, 1);
    expect_times(merged->since, (const nd_time[]){{4, {7, 2}}, {5, {6, 2}}}, 2);
    nd_trace_merge_destroy(merge);
    nd_trace_batch_release(a);
    nd_trace_batch_release(b);
    nd_trace_batch_release(merged);
    nd_trace_builder_deinit(&builder);
    nd_antichain_deinit(&lower);
    nd_antichain_deinit(&between);
    nd_antichain_deinit(&upper);
    nd_antichain_deinit(&a_since);
    nd_antichain_deinit(&b_since);
    nd_antichain_deinit(&since);
}

/* --- Known cases --- */

static naive_update record(unsigned char key, unsigned char value, uint64_t epoch, int64_t diff)
{
    return (naive_update){.key = {key},
                          .key_size = 1,
                          .value = {value},
                          .value_size = 1,
                          .time = {epoch, {0}},
                          .diff = diff};
}

static const nd_trace_shape bytes_shape = {true, 1, true, 1};

/* ((1,2),0,+1), ((2,3),1,+1), ((2,3),2,-1), sealed at 1, 2, 3. */
static void nothing_cancels_before_compaction(void **state)
{
    (void)state;
    const naive_update updates[] = {record(1, 2, 0, 1), record(2, 3, 1, 1), record(2, 3, 2, -1)};
    nd_trace_batch *batches[3];
    nd_antichain begin = naive_frontier(&(nd_time){0, {0}}, 1);
    nd_antichain end = naive_frontier(&(nd_time){3, {0}}, 1);
    for (unsigned i = 0; i < 3; i++)
        batches[i] = naive_build(&bytes_shape, &updates[i], 1, i, i + 1);
    nd_trace_batch *const through_2 = merge_at_once(batches[0], batches[1], &begin);
    nd_trace_batch *const through_3 = merge_at_once(through_2, batches[2], &begin);
    nd_trace_batch *const compacted = merge_at_once(through_2, batches[2], &end);
    naive_expect(batches[0], updates, 1);
    naive_expect(through_2, updates, 2);
    naive_expect(through_3, updates, 3);
    naive_expect(
        compacted,
        &(naive_update){
            .key = {1}, .key_size = 1, .value = {2}, .value_size = 1, .time = {3, {0}}, .diff = 1},
        1);
    for (unsigned i = 0; i < 3; i++)
        nd_trace_batch_release(batches[i]);
    nd_trace_batch_release(through_2);
    nd_trace_batch_release(through_3);
    nd_trace_batch_release(compacted);
    nd_antichain_deinit(&begin);
    nd_antichain_deinit(&end);
}

/* Two keys of two values at two times each; what a bit of `removed` names is taken back. All, the
 * first key, a time in the middle, the first value, every other one, and each other subset. */
static void what_cancels_leaves_the_least_batch(void **state)
{
    (void)state;
    nd_antichain since = naive_frontier(&(nd_time){0, {0}}, 1);
    for (unsigned removed = 0; removed < 256; removed++) {
        naive_update all[8], taken[8], left[8];
        size_t n_taken = 0, n_left = 0;
        for (unsigned i = 0; i < 8; i++) {
            all[i] = record((unsigned char)(i / 4), (unsigned char)(i / 2 % 2), i % 2, 1);
            naive_update *const place = removed >> i & 1 ? &taken[n_taken++] : &left[n_left++];
            *place = all[i];
        }
        for (size_t i = 0; i < n_taken; i++)
            taken[i].diff = -1;
        nd_trace_batch *const a = naive_build(&bytes_shape, all, 8, 0, 2);
        nd_trace_batch *const b = naive_build(&bytes_shape, taken, n_taken, 2, 4);
        nd_trace_batch *const merged = merge_at_once(a, b, &since);
        nd_trace_batch *const least = naive_build(&bytes_shape, left, n_left, 0, 4);
        expect_same_bytes(merged, least);
        nd_trace_batch_release(a);
        nd_trace_batch_release(b);
        nd_trace_batch_release(merged);
        nd_trace_batch_release(least);
    }
    nd_antichain_deinit(&since);
}

/* --- Failures --- */

/* In order as they come, and out of order. */
static void too_large_differences_fail(void **state)
{
    (void)state;
    const naive_update large = record(1, 1, 1, INT64_MAX), one = record(1, 1, 1, 1),
                       others[] = {{.key = {1},
                                    .key_size = 1,
                                    .value = {1},
                                    .value_size = 1,
                                    .time = {1, {5}},
                                    .diff = INT64_MIN},
                                   record(1, 1, 2, 1),
                                   {.key = {1},
                                    .key_size = 1,
                                    .value = {1},
                                    .value_size = 1,
                                    .time = {2, {5}},
                                    .diff = -1}};
    nd_antichain since = naive_frontier(&(nd_time){3, {0}}, 1);
    for (unsigned i = 0; i < 2; i++) {
        nd_trace_merge *merge;
        uint64_t fuel = UINT64_MAX;
        nd_trace_batch *const a = naive_build(&bytes_shape, i ? others : &large, i ? 3 : 1, 0, 2);
        nd_trace_batch *const b = naive_build(&bytes_shape, &one, i ? 0 : 1, 2, 4);
        assert_int_equal(nd_trace_merge_begin(a, b, &since, &merge), ND_OK);
        assert_int_equal(nd_trace_merge_work(merge, &fuel), ND_FAILED);
        nd_trace_merge_destroy(merge);
        nd_trace_batch_release(a);
        nd_trace_batch_release(b);
    }
    nd_antichain_deinit(&since);
}

/* Updates of the two batches, in turn. */
typedef struct attempt {
    const naive_update *updates[2];
    size_t lens[2];
} attempt;

static nd_err build(const attempt *tried, unsigned s, const nd_antichain *frontier,
                    nd_trace_batch **batch)
{
    nd_err err = ND_OK;
    nd_trace_builder builder;
    nd_trace_builder_init(&builder, &naive_shapes[3]);
    for (size_t i = 0; i < tried->lens[s] && err == ND_OK; i++) {
        const naive_update *const update = &tried->updates[s][i];
        err = nd_trace_builder_push(&builder, naive_key(update), naive_value(update), &update->time,
                                    update->diff);
    }
    if (err == ND_OK)
        err = nd_trace_builder_seal(&builder, frontier, frontier, frontier, batch);
    nd_trace_builder_deinit(&builder);
    return err;
}

static nd_err build_and_merge(void *arg)
{
    nd_trace_batch *batches[3] = {NULL, NULL, NULL};
    nd_trace_merge *merge = NULL;
    nd_antichain since;
    nd_err err = ND_OK;
    nd_antichain_init(&since);
    for (uint32_t i = 0; i < 3 && err == ND_OK; i++)
        err = nd_antichain_insert(&since, &(nd_time){i, {2 - i}});
    for (unsigned s = 0; s < 2 && err == ND_OK; s++)
        err = build(arg, s, &since, &batches[s]);
    if (err == ND_OK)
        err = nd_trace_merge_begin(batches[0], batches[1], &since, &merge);
    for (uint64_t fuel = 30; err == ND_OK && !nd_trace_merge_is_done(merge); fuel = 30)
        err = nd_trace_merge_work(merge, &fuel);
    if (err == ND_OK)
        err = nd_trace_merge_take(merge, &batches[2]);
    nd_trace_merge_destroy(merge);
    for (unsigned i = 0; i < 3; i++)
        nd_trace_batch_release(batches[i]);
    nd_antichain_deinit(&since);
    return err;
}

static void without_memory_nothing_is_left(void **state)
{
    (void)state;
    nd_random random;
    pair both;
    nd_random_init(&random, 36);
    make_pair(&random, &naive_shapes[3], MOST, &both);
    attempt tried = {{both.updates, both.updates + both.a_len},
                     {both.a_len, both.len - both.a_len}};
    assert_true(both.len > 100);
    assert_true(failing_memory_sweep(build_and_merge, &tried) > 30);
    end_pair(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merging_is_advancing_and_consolidating_both),
        cmocka_unit_test(a_batch_is_compacted_alone),
        cmocka_unit_test(accumulations_from_since_on_stay),
        cmocka_unit_test(times_that_change_places_are_sorted_again),
        cmocka_unit_test(many_updates_of_many_values_stay),
        cmocka_unit_test(interrupted_anywhere_the_result_is_the_same),
        cmocka_unit_test(abandoned_merges_leave_nothing),
        cmocka_unit_test(since_is_the_join_of_all_three),
        cmocka_unit_test(nothing_cancels_before_compaction),
        cmocka_unit_test(what_cancels_leaves_the_least_batch),
        cmocka_unit_test(too_large_differences_fail),
        cmocka_unit_test(without_memory_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
