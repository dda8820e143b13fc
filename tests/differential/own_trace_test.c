/* SPDX-License-Identifier: Apache-2.0 */
/* A vertex's own trace, round by round. Keys are of one byte, and there are no values. */
#include "tests/support/cmocka.h"

#include "operators/differential/own_trace.h"
#include "tests/support/failing_memory.h"

static const nd_trace_shape shape = {
    .key_is_fixed = true, .key_size = 1, .value_is_fixed = true, .value_size = 0};

static nd_err push(nd_own_trace *own, unsigned char key, uint64_t epoch, int64_t diff)
{
    return nd_trace_builder_push(&own->builder, (nd_trace_code){&key, 1}, (nd_trace_code){&key, 0},
                                 &(nd_time){.epoch = epoch}, diff);
}

static nd_antichain at(uint64_t epoch)
{
    nd_antichain frontier;
    nd_antichain_init(&frontier);
    assert_int_equal(nd_antichain_insert(&frontier, &(nd_time){.epoch = epoch}), ND_OK);
    return frontier;
}

/* What the seekers show of a key at the end of time. */
static int64_t count(nd_own_trace *own, unsigned char key)
{
    int64_t sum = 0;
    for (size_t i = 0; i < own->seekers.len; i++) {
        nd_trace_seeker *const seeker = nd_vector_at(&own->seekers, i);
        if (!nd_trace_seek(seeker, (nd_trace_code){&key, 1}))
            continue;
        const nd_trace_list list = nd_trace_cursor_updates(&seeker->cursor);
        for (uint32_t k = 0; k < list.len; k++)
            sum += list.diffs[k];
    }
    return sum;
}

static void a_round_sees_what_was_there_before_it(void **state)
{
    (void)state;
    nd_own_trace own = {.trace = NULL};
    nd_trace_batch *batch, *next;
    nd_antichain upper = at(1);
    assert_int_equal(nd_own_trace_init(&own, &shape), ND_OK);
    assert_int_equal(nd_own_trace_open(&own), ND_OK);
    assert_int_equal(push(&own, 'a', 0, 2), ND_OK);
    assert_int_equal(nd_own_trace_seal(&own, &upper, &batch), ND_OK);
    assert_int_equal(nd_trace_batch_len(batch), 1);
    assert_int_equal(count(&own, 'a'), 0);
    assert_int_equal(nd_own_trace_open(&own), ND_OK);
    assert_int_equal(count(&own, 'a'), 2);
    assert_int_equal(push(&own, 'a', 1, 3), ND_OK);
    assert_int_equal(nd_antichain_set(&upper, &(nd_time){.epoch = 2}, 1), ND_OK);
    assert_int_equal(nd_own_trace_seal(&own, &upper, &next), ND_OK);
    assert_int_equal(next->lower.items[0].epoch, 1);
    assert_int_equal(count(&own, 'a'), 2);
    nd_own_trace_close(&own);
    assert_int_equal(own.seekers.len, 0);
    assert_int_equal(nd_own_trace_open(&own), ND_OK);
    assert_int_equal(nd_own_trace_open(&own), ND_OK); /* again */
    assert_int_equal(count(&own, 'a'), 5);
    assert_int_equal(count(&own, 'b'), 0);
    nd_trace_batch_release(batch);
    nd_trace_batch_release(next);
    nd_own_trace_deinit(&own);
    nd_antichain_deinit(&upper);
}

static void where_nothing_was_built_no_batch_ends(void **state)
{
    (void)state;
    nd_own_trace own = {.trace = NULL};
    nd_trace_batch *batch;
    nd_antichain first = at(3), second = at(5);
    assert_int_equal(nd_own_trace_init(&own, &shape), ND_OK);
    assert_int_equal(nd_own_trace_seal(&own, &first, &batch), ND_OK);
    assert_null(batch);
    assert_int_equal(nd_own_trace_advance(&own, &first), ND_OK);
    assert_int_equal(push(&own, 'a', 4, 1), ND_OK);
    assert_int_equal(nd_own_trace_seal(&own, &second, &batch), ND_OK);
    assert_int_equal(batch->lower.items[0].epoch, 0);
    assert_int_equal(batch->upper.items[0].epoch, 5);
    assert_int_equal(batch->since.len, 1);
    assert_int_equal(batch->since.items[0].epoch, 0);
    nd_trace_batch_release(batch);
    nd_own_trace_deinit(&own);
    nd_antichain_deinit(&first);
    nd_antichain_deinit(&second);
}

static nd_err hold_rounds(nd_own_trace *own, uint64_t n)
{
    nd_antichain upper;
    nd_antichain_init(&upper);
    nd_err err = ND_OK;
    for (uint64_t epoch = 0; err == ND_OK && epoch < n; epoch++) {
        err = nd_own_trace_open(own);
        if (err == ND_OK)
            err = push(own, 'a', epoch, epoch % 2 ? -1 : 1);
        if (err == ND_OK)
            err = push(own, 'b', epoch, 1);
        if (err == ND_OK)
            err = nd_antichain_set(&upper, &(nd_time){.epoch = epoch + 1}, 1);
        if (err == ND_OK)
            err = nd_own_trace_seal(own, &upper, NULL);
        nd_own_trace_close(own);
        if (err == ND_OK)
            err = nd_own_trace_advance(own, &upper);
    }
    nd_antichain_deinit(&upper);
    return err;
}

static void what_is_over_is_compacted(void **state)
{
    (void)state;
    bool has_more = true;
    nd_own_trace own = {.trace = NULL};
    assert_int_equal(nd_own_trace_init(&own, &shape), ND_OK);
    assert_int_equal(hold_rounds(&own, 100), ND_OK);
    while (has_more)
        assert_int_equal(nd_trace_exert(own.trace, 10, &has_more), ND_OK);
    assert_int_equal(nd_trace_len(own.trace), 1);
    assert_int_equal(nd_own_trace_open(&own), ND_OK);
    assert_int_equal(count(&own, 'a'), 0);
    assert_int_equal(count(&own, 'b'), 100);
    nd_own_trace_deinit(&own);
}

static nd_err attempt(void *arg)
{
    (void)arg;
    nd_own_trace own = {.trace = NULL};
    nd_err err = nd_own_trace_init(&own, &shape);
    if (err == ND_OK)
        err = hold_rounds(&own, 20);
    nd_own_trace_deinit(&own);
    return err;
}

static void without_memory_it_ends_cleanly(void **state)
{
    (void)state;
    assert_true(failing_memory_sweep(attempt, NULL) > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_round_sees_what_was_there_before_it),
        cmocka_unit_test(where_nothing_was_built_no_batch_ends),
        cmocka_unit_test(what_is_over_is_compacted),
        cmocka_unit_test(without_memory_it_ends_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
