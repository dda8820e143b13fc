/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing here is quick, and nothing is shared with what is tested but the cursor, which is what
 * reads. */
#include "tests/differential/naive_trace.h"

#include <stdlib.h>
#include <string.h>

#include "operators/differential/trace_cursor.h"
#include "tests/support/cmocka.h"

const nd_trace_shape naive_shapes[NAIVE_N_SHAPES] = {
    {true, 4, true, 4},  {true, 8, true, 0}, {true, 16, true, 8},  {true, 7, false, 0},
    {false, 0, true, 7}, {true, 0, true, 8}, {false, 0, false, 0}, {false, 0, true, 0}};

/* All bytes zero but one, or any of three bytes where the size is free. */
static uint32_t any_code(nd_random *random, bool is_fixed, uint32_t size, unsigned char *code)
{
    static const unsigned char bytes[3] = {0, 1, 255};
    memset(code, 0, NAIVE_CODE_MOST);
    if (is_fixed && size)
        code[nd_random_below(random, size)] = bytes[nd_random_below(random, 3)];
    if (is_fixed)
        return size;
    const uint32_t free_size = (uint32_t)nd_random_below(random, 4);
    for (uint32_t i = 0; i < free_size; i++)
        code[i] = bytes[nd_random_below(random, 3)];
    return free_size;
}

naive_update naive_any(nd_random *random, const nd_trace_shape *shape, unsigned n_coordinates,
                       uint32_t side)
{
    naive_update update = {.time.epoch = nd_random_below(random, side)};
    update.key_size = any_code(random, shape->key_is_fixed, shape->key_size, update.key);
    update.value_size = any_code(random, shape->value_is_fixed, shape->value_size, update.value);
    for (unsigned i = 1; i < n_coordinates; i++)
        update.time.loop[i - 1] = (uint32_t)nd_random_below(random, side);
    update.diff = (int64_t)nd_random_below(random, 5) - 2;
    return update;
}

static int compare_bytes(const unsigned char *a, uint32_t a_size, const unsigned char *b,
                         uint32_t b_size)
{
    for (uint32_t i = 0; i < a_size && i < b_size; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return (a_size > b_size) - (a_size < b_size);
}

int naive_compare(const naive_update *a, const naive_update *b)
{
    const int key_order = compare_bytes(a->key, a->key_size, b->key, b->key_size);
    const int value_order = compare_bytes(a->value, a->value_size, b->value, b->value_size);
    return key_order ? key_order : value_order ? value_order : nd_time_compare(&a->time, &b->time);
}

static int compare_any(const void *a, const void *b) { return naive_compare(a, b); }

size_t naive_consolidate(naive_update *updates, size_t len)
{
    size_t n = 0;
    qsort(updates, len, sizeof *updates, compare_any);
    for (size_t i = 0, end; i < len; i = end) {
        naive_update sum = updates[i];
        for (end = i + 1; end < len && naive_compare(&updates[i], &updates[end]) == 0; end++)
            sum.diff += updates[end].diff;
        if (sum.diff)
            updates[n++] = sum;
    }
    return n;
}

int64_t naive_accumulate(const naive_update *updates, size_t len, const naive_update *record,
                         const nd_time *time)
{
    int64_t sum = 0;
    for (size_t i = 0; i < len; i++) {
        naive_update same = updates[i];
        same.time = record->time;
        if (naive_compare(&same, record) == 0 && nd_time_less_equal(&updates[i].time, time))
            sum += updates[i].diff;
    }
    return sum;
}

naive_update *naive_collect(const naive_update *updates, size_t len, const nd_time *time,
                            size_t *n_found)
{
    size_t n = 0;
    naive_update *const found = calloc(len + 1, sizeof *found);
    assert_non_null(found);
    for (size_t i = 0; i < len; i++)
        if (nd_time_less_equal(&updates[i].time, time)) {
            found[n] = updates[i];
            found[n++].time = (nd_time){.epoch = 0};
        }
    *n_found = naive_consolidate(found, n);
    return found;
}

bool naive_are_equal(const naive_update *a, size_t a_len, const naive_update *b, size_t b_len)
{
    bool are_equal = a_len == b_len;
    for (size_t i = 0; are_equal && i < a_len; i++)
        are_equal = naive_compare(&a[i], &b[i]) == 0 && a[i].diff == b[i].diff;
    return are_equal;
}

nd_antichain naive_frontier(const nd_time *times, size_t n)
{
    nd_antichain frontier;
    nd_antichain_init(&frontier);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(nd_antichain_insert(&frontier, &times[i]), ND_OK);
    return frontier;
}

nd_trace_batch *naive_build(const nd_trace_shape *shape, const naive_update *updates, size_t len,
                            uint64_t lower, uint64_t upper)
{
    nd_trace_batch *batch;
    nd_trace_builder builder;
    nd_antichain from = naive_frontier(&(nd_time){lower, {0}}, 1);
    nd_antichain to = naive_frontier(&(nd_time){upper, {0}}, 1);
    nd_antichain since = naive_frontier(&(nd_time){0, {0}}, 1);
    nd_trace_builder_init(&builder, shape);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(nd_trace_builder_push(&builder, naive_key(&updates[i]),
                                               naive_value(&updates[i]), &updates[i].time,
                                               updates[i].diff),
                         ND_OK);
    assert_int_equal(nd_trace_builder_seal(&builder, &from, &to, &since, &batch), ND_OK);
    nd_trace_builder_deinit(&builder);
    nd_antichain_deinit(&from);
    nd_antichain_deinit(&to);
    nd_antichain_deinit(&since);
    return batch;
}

static void copy_code(unsigned char *to, uint32_t *size, nd_trace_code code)
{
    assert_true(code.size <= NAIVE_CODE_MOST);
    *size = (uint32_t)code.size;
    if (code.size)
        memcpy(to, code.bytes, code.size);
}

/* All updates from where the cursor stands, the first of all. */
static naive_update *read_all(nd_trace_cursor *cursor, size_t *len)
{
    size_t n = 0;
    const uint64_t most = nd_trace_batch_len(cursor->batch);
    naive_update *const updates = calloc((size_t)most + 1, sizeof *updates);
    assert_non_null(updates);
    for (; nd_trace_cursor_has_key(cursor); nd_trace_cursor_next_key(cursor)) {
        assert_true(nd_trace_cursor_has_value(cursor));
        for (; nd_trace_cursor_has_value(cursor); nd_trace_cursor_next_value(cursor)) {
            const nd_trace_list list = nd_trace_cursor_updates(cursor);
            assert_true(list.len != 0 && n + list.len <= most);
            for (uint32_t i = 0; i < list.len; i++, n++) {
                copy_code(updates[n].key, &updates[n].key_size, nd_trace_cursor_key(cursor));
                copy_code(updates[n].value, &updates[n].value_size, nd_trace_cursor_value(cursor));
                updates[n].time = *nd_trace_cursor_time(cursor, list.times[i]);
                updates[n].diff = list.diffs[i];
                assert_true(updates[n].diff != 0);
            }
        }
    }
    assert_int_equal(n, most);
    *len = n;
    return updates;
}

naive_update *naive_read(const nd_trace_batch *batch, size_t *len)
{
    nd_trace_cursor cursor;
    nd_trace_cursor_init(&cursor, batch);
    naive_update *const updates = read_all(&cursor, len);
    for (size_t i = 1; i < *len; i++)
        assert_true(naive_compare(&updates[i - 1], &updates[i]) < 0);
    return updates;
}

naive_update *naive_read_view(const nd_trace_view *view, size_t *len)
{
    nd_trace_cursor cursor;
    nd_trace_cursor_init_view(&cursor, view);
    return read_all(&cursor, len);
}

void naive_expect(const nd_trace_batch *batch, const naive_update *updates, size_t len)
{
    size_t n;
    naive_update *const read = naive_read(batch, &n);
    assert_int_equal(n, len);
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(naive_compare(&read[i], &updates[i]), 0);
        assert_int_equal(read[i].diff, updates[i].diff);
    }
    free(read);
}
