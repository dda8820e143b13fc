/* SPDX-License-Identifier: Apache-2.0 */
/* Batches against arrays: what is built is read, wherever the block lies, and what is not a block
 * is refused or does no harm. */
#include "tests/support/cmocka.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <nereid/memory.h>

#include "operators/differential/trace_cursor.h"
#include "tests/differential/naive_trace.h"
#include "tests/support/failing_memory.h"

enum { MOST = 400, ROUNDS = 40 };

/* Consolidated updates; how many varies. */
static size_t any_updates(nd_random *random, const nd_trace_shape *shape, naive_update *updates,
                          size_t most)
{
    const size_t len = nd_random_below(random, most + 1);
    const unsigned n_coordinates = 1 + (unsigned)nd_random_below(random, 3);
    const uint32_t side = 1 + (uint32_t)nd_random_below(random, 4);
    for (size_t i = 0; i < len; i++)
        updates[i] = naive_any(random, shape, n_coordinates, side);
    return naive_consolidate(updates, len);
}

static void cursors_read_what_was_built(void **state)
{
    (void)state;
    nd_random random;
    naive_update updates[MOST];
    nd_random_init(&random, 21);
    for (unsigned i = 0; i < ROUNDS * NAIVE_N_SHAPES; i++) {
        const nd_trace_shape *const shape = &naive_shapes[i % NAIVE_N_SHAPES];
        const size_t len = any_updates(&random, shape, updates, MOST);
        nd_trace_batch *const batch = naive_build(shape, updates, len, 3, 7);
        naive_expect(batch, updates, len);
        assert_int_equal(batch->lower.len, 1);
        assert_int_equal(batch->upper.len, 1);
        assert_int_equal(batch->since.len, 1);
        assert_int_equal(batch->lower.items->epoch, 3);
        assert_int_equal(batch->upper.items->epoch, 7);
        assert_int_equal(batch->since.items->epoch, 0);
        nd_trace_batch_release(batch);
    }
}

static void put_number(unsigned char *code, uint32_t number)
{
    for (unsigned i = 0; i < 4; i++)
        code[i] = (unsigned char)(number >> (24 - 8 * i));
}

/* A thousand values of ten keys, inserted at one time and some removed at another. */
static void the_same_updates_of_values_are_stored_once(void **state)
{
    (void)state;
    const nd_trace_shape shape = {true, 4, true, 4};
    for (unsigned removes = 0; removes < 2; removes++) {
        size_t n = 0, size;
        naive_update *const updates = calloc(2000, sizeof *updates);
        for (uint32_t i = 0; i < 1000; i++)
            for (unsigned k = 0; k <= removes; k++, n++) {
                updates[n] = (naive_update){.key_size = 4, .value_size = 4, .diff = k ? -1 : 1};
                updates[n].time.epoch = 2 + k;
                put_number(updates[n].key, i / 100);
                put_number(updates[n].value, i);
            }
        nd_trace_batch *const batch = naive_build(&shape, updates, n, 2, 4);
        naive_expect(batch, updates, n);
        assert_int_equal(batch->head->n_lists, 1);
        assert_int_equal(batch->head->n_stored, 1 + removes);
        (void)nd_trace_batch_bytes(batch, &size);
        assert_true(size < 1000 * 4 + 1000 / 5 + 400);
        nd_trace_batch_release(batch);
        free(updates);
    }
}

/* Lists of one length that differ in their times only, or in their differences only. */
static void other_updates_of_values_are_not_taken_for_the_same(void **state)
{
    (void)state;
    const nd_trace_shape shape = {true, 4, true, 0};
    naive_update updates[4] = {{.key_size = 4, .time = {1, {0}}, .diff = 1},
                               {.key_size = 4, .time = {2, {0}}, .diff = 1},
                               {.key_size = 4, .time = {2, {0}}, .diff = 2},
                               {.key_size = 4, .time = {2, {0}}, .diff = 2}};
    for (uint32_t i = 0; i < 4; i++)
        put_number(updates[i].key, i);
    nd_trace_batch *const batch = naive_build(&shape, updates, 4, 0, 3);
    naive_expect(batch, updates, 4);
    assert_int_equal(batch->head->n_lists, 3);
    nd_trace_batch_release(batch);
}

/* The first from `from` on that is not below. */
static uint32_t scan(const nd_trace_column *codes, uint32_t from, uint32_t to, nd_trace_code code)
{
    while (from < to) {
        const nd_trace_code other = nd_trace_column_get(codes, from);
        naive_update a = {.key_size = (uint32_t)other.size}, b = {.key_size = (uint32_t)code.size};
        if (other.size)
            memcpy(a.key, other.bytes, other.size);
        if (code.size)
            memcpy(b.key, code.bytes, code.size);
        if (naive_compare(&a, &b) >= 0)
            break;
        from++;
    }
    return from;
}

static bool is_same(const nd_trace_column *codes, uint32_t i, nd_trace_code code)
{
    if (i >= codes->len)
        return false;
    const nd_trace_code other = nd_trace_column_get(codes, i);
    return other.size == code.size &&
           (!code.size || memcmp(other.bytes, code.bytes, code.size) == 0);
}

static void expect_seeks(const nd_trace_batch *batch, const naive_update *wanted)
{
    nd_trace_cursor at, found;
    const nd_trace_code key = naive_key(wanted), value = naive_value(wanted);
    for (nd_trace_cursor_init(&at, batch);; nd_trace_cursor_next_key(&at)) {
        found = at;
        const uint32_t expected = scan(&batch->keys, at.key, batch->keys.len, key);
        assert_int_equal(nd_trace_cursor_seek_key(&found, key),
                         is_same(&batch->keys, expected, key));
        assert_int_equal(found.key, expected);
        assert_int_equal(nd_trace_cursor_has_value(&found), nd_trace_cursor_has_key(&found));
        if (!nd_trace_cursor_has_key(&at))
            break;
        for (;; nd_trace_cursor_next_value(&at)) {
            found = at;
            const uint32_t place = scan(&batch->values, at.value, at.value_end, value);
            assert_int_equal(nd_trace_cursor_seek_value(&found, value),
                             place < at.value_end && is_same(&batch->values, place, value));
            assert_int_equal(found.value, place);
            nd_trace_cursor_rewind_values(&found);
            assert_int_equal(found.value, nd_trace_batch_value(batch, at.key));
            found = at;
            assert_true(nd_trace_cursor_seek_key(&found, nd_trace_cursor_key(&at)));
            assert_int_equal(found.value, at.value);
            if (!nd_trace_cursor_has_value(&at))
                break;
        }
    }
}

/* To codes that are there, that are not, and of other sizes, from each place. */
static void seeks_land_where_a_scan_does(void **state)
{
    (void)state;
    nd_random random;
    naive_update updates[MOST];
    nd_random_init(&random, 22);
    for (unsigned i = 0; i < 5 * NAIVE_N_SHAPES; i++) {
        const nd_trace_shape *const shape = &naive_shapes[i % NAIVE_N_SHAPES];
        const size_t len = any_updates(&random, shape, updates, 120);
        nd_trace_batch *const batch = naive_build(shape, updates, len, 3, 7);
        for (unsigned k = 0; k < 60; k++) {
            const nd_trace_shape *const other = k % 4 ? shape : &naive_shapes[k % NAIVE_N_SHAPES];
            const naive_update wanted = naive_any(&random, other, 1, 1);
            expect_seeks(batch, &wanted);
        }
        nd_trace_batch_release(batch);
    }
}

/* Many keys, so that steps are doubled often; each is sought from each of some. */
static void long_seeks_land_too(void **state)
{
    (void)state;
    enum { N = 3000 };
    for (uint32_t width = 4; width <= 16; width++) {
        const nd_trace_shape shape = {width != 5, width != 5 ? width : 0, true, 0};
        naive_update *const updates = calloc(N, sizeof *updates);
        for (uint32_t i = 0; i < N; i++) {
            updates[i] = (naive_update){.key_size = width, .diff = 1};
            put_number(updates[i].key + (i < N / 2 ? width - 4 : 0),
                       i < N / 2 ? 2 * i : 2 * i + 0x80000000);
        }
        nd_trace_batch *const batch = naive_build(&shape, updates, N, 0, 1);
        for (uint32_t from = 0; from < N; from += 1 + from / 2)
            for (uint32_t i = 0; i < N; i++) {
                nd_trace_cursor cursor = {.batch = batch, .key = from};
                naive_update after = updates[i];
                after.key[width - 1] |= 1; /* which is between two */
                const bool is_there = memcmp(after.key, updates[i].key, width) == 0;
                assert_int_equal(nd_trace_cursor_seek_key(&cursor, naive_key(&updates[i])),
                                 i >= from);
                assert_int_equal(cursor.key, i < from ? from : i);
                cursor.key = from;
                (void)nd_trace_cursor_seek_key(&cursor, naive_key(&after));
                assert_int_equal(cursor.key, i + !is_there < from ? from : i + !is_there);
            }
        nd_trace_batch_release(batch);
        free(updates);
    }
}

/* A copy of a block, in a piece of memory of its own of just that size. */
static unsigned char *copy_block(const nd_trace_batch *batch, size_t *size)
{
    const void *const bytes = nd_trace_batch_bytes(batch, size);
    unsigned char *const copy = nd_alloc(1, *size);
    assert_non_null(copy);
    memcpy(copy, bytes, *size);
    return copy;
}

static void blocks_are_valid_wherever_they_lie(void **state)
{
    (void)state;
    nd_random random;
    naive_update updates[MOST];
    nd_random_init(&random, 23);
    for (unsigned i = 0; i < ROUNDS * NAIVE_N_SHAPES; i++) {
        size_t size;
        nd_trace_batch *read;
        const nd_trace_shape *const shape = &naive_shapes[i % NAIVE_N_SHAPES];
        const size_t len = any_updates(&random, shape, updates, MOST);
        nd_trace_batch *const batch = naive_build(shape, updates, len, 3, 7);
        unsigned char *const copy = copy_block(batch, &size);
        nd_trace_batch_release(batch);
        assert_int_equal(nd_trace_batch_take(copy, size, &read), ND_OK);
        naive_expect(read, updates, len);
        assert_int_equal(read->shape.key_is_fixed, shape->key_is_fixed);
        assert_int_equal(read->shape.key_size, shape->key_size);
        assert_int_equal(read->shape.value_is_fixed, shape->value_is_fixed);
        assert_int_equal(read->shape.value_size, shape->value_size);
        nd_trace_batch_release(read);
    }
}

static void no_prefix_of_a_block_is_one(void **state)
{
    (void)state;
    nd_random random;
    naive_update updates[MOST];
    nd_random_init(&random, 24);
    for (unsigned i = 0; i < NAIVE_N_SHAPES; i++) {
        size_t size;
        const size_t len = any_updates(&random, &naive_shapes[i], updates, 150);
        nd_trace_batch *const batch = naive_build(&naive_shapes[i], updates, len, 3, 7), *none;
        const unsigned char *const bytes = nd_trace_batch_bytes(batch, &size);
        for (size_t n = 0; n < size; n++) {
            unsigned char *const prefix = nd_alloc(1, n);
            memcpy(prefix, bytes, n);
            assert_int_equal(nd_trace_batch_take(prefix, n, &none), ND_INPUT);
            if (n >= sizeof(nd_trace_head)) { /* one that owns to it */
                ((nd_trace_head *)(void *)prefix)->size = n;
                assert_false(nd_trace_batch_validate(prefix, n));
            }
            nd_free(prefix);
        }
        unsigned char *const longer = nd_alloc_zero(1, size + 8);
        memcpy(longer, bytes, size);
        assert_false(nd_trace_batch_validate(longer, size + 8));
        assert_true(nd_trace_batch_validate(longer, size));
        ((nd_trace_head *)(void *)longer)->size = size + 8;
        assert_false(nd_trace_batch_validate(longer, size + 8));
        memmove(longer + 4, bytes, size);
        assert_false(nd_trace_batch_validate(longer + 4, size));
        nd_free(longer);
        nd_trace_batch_release(batch);
    }
}

static void expect_antichain(nd_trace_times times)
{
    nd_antichain set = naive_frontier(times.items, times.len);
    assert_int_equal(set.len, times.len);
    assert_memory_equal(nd_antichain_items(&set), times.items, times.len * sizeof(nd_time));
    nd_antichain_deinit(&set);
}

/* Does with a block that was not refused what is done with blocks. What is read is consolidated, or
 * naive_read would say so. Leaves the block. */
static void use(void *bytes)
{
    size_t len;
    nd_trace_batch *batch;
    assert_int_equal(nd_trace_batch_create(bytes, &batch), ND_OK);
    naive_update *const read = naive_read(batch, &len);
    for (size_t i = 0; i < len; i++) {
        nd_trace_cursor cursor;
        nd_trace_cursor_init(&cursor, batch);
        assert_true(nd_trace_cursor_seek_key(&cursor, naive_key(&read[i])));
        assert_true(nd_trace_cursor_seek_value(&cursor, naive_value(&read[i])));
    }
    expect_antichain(batch->lower);
    expect_antichain(batch->upper);
    expect_antichain(batch->since);
    for (uint32_t i = 1; i < batch->times.len; i++)
        assert_true(nd_time_compare(&batch->times.items[i - 1], &batch->times.items[i]) < 0);
    for (uint32_t i = 0; i < batch->upper.len; i++) {
        nd_antichain lower = naive_frontier(batch->lower.items, batch->lower.len);
        assert_true(nd_antichain_less_equal(&lower, &batch->upper.items[i]));
        nd_antichain_deinit(&lower);
    }
    free(read);
    batch->block = NULL;
    nd_trace_batch_release(batch);
}

/* A batch whose frontiers have two times each. */
static nd_trace_batch *build_wide(nd_random *random, const nd_trace_shape *shape)
{
    naive_update updates[MOST];
    nd_trace_batch *batch;
    nd_trace_builder builder;
    const size_t len = any_updates(random, shape, updates, 40);
    nd_antichain lower = naive_frontier((const nd_time[]){{1, {3}}, {2, {1}}}, 2);
    nd_antichain upper = naive_frontier((const nd_time[]){{2, {4}}, {5, {1}}}, 2);
    nd_antichain since = naive_frontier((const nd_time[]){{0, {2}}, {1, {0}}}, 2);
    nd_trace_builder_init(&builder, shape);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(nd_trace_builder_push(&builder, naive_key(&updates[i]),
                                               naive_value(&updates[i]), &updates[i].time,
                                               updates[i].diff),
                         ND_OK);
    assert_int_equal(nd_trace_builder_seal(&builder, &lower, &upper, &since, &batch), ND_OK);
    nd_trace_builder_deinit(&builder);
    nd_antichain_deinit(&lower);
    nd_antichain_deinit(&upper);
    nd_antichain_deinit(&since);
    return batch;
}

/* Every byte becomes seven others. */
static void a_changed_byte_is_refused_or_harmless(void **state)
{
    (void)state;
    static const unsigned char changes[] = {1, 2, 4, 8, 64, 128, 255};
    nd_random random;
    nd_random_init(&random, 25);
    for (unsigned i = 0; i < 3 * NAIVE_N_SHAPES; i++) {
        size_t size;
        nd_trace_batch *const batch = build_wide(&random, &naive_shapes[i % NAIVE_N_SHAPES]);
        unsigned char *const copy = copy_block(batch, &size);
        for (size_t k = 0; k < size; k++)
            for (unsigned c = 0; c < sizeof changes; c++) {
                copy[k] ^= changes[c];
                if (nd_trace_batch_validate(copy, size))
                    use(copy);
                copy[k] ^= changes[c];
            }
        assert_true(nd_trace_batch_validate(copy, size));
        nd_free(copy);
        nd_trace_batch_release(batch);
    }
}

/* Several words become others at once, mostly small ones, as counts and offsets are. */
static void changed_words_are_refused_or_harmless(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 26);
    for (unsigned i = 0; i < 20 * NAIVE_N_SHAPES; i++) {
        size_t size;
        nd_trace_batch *const batch = build_wide(&random, &naive_shapes[i % NAIVE_N_SHAPES]);
        unsigned char *const copy = copy_block(batch, &size);
        for (unsigned k = 0; k < 200; k++) {
            for (uint64_t n = 1 + nd_random_below(&random, 3); n > 0; n--) {
                const uint64_t draw = nd_random_below(&random, 12);
                const uint32_t word = draw < 10    ? (uint32_t)draw
                                      : draw == 10 ? UINT32_MAX
                                                   : 1U << 31;
                memcpy(copy + 4 * nd_random_below(&random, size / 4), &word, 4);
            }
            if (nd_trace_batch_validate(copy, size))
                use(copy);
            memcpy(copy, nd_trace_batch_bytes(batch, &size), size);
        }
        nd_free(copy);
        nd_trace_batch_release(batch);
    }
}

/* Whether byte `k` is in the head, or in the gap after a column. */
static bool is_in_head_or_gap(const nd_trace_batch *batch, size_t k)
{
    const nd_trace_head *const head = batch->head;
    nd_trace_head copy = *head;
    uint64_t places[ND_TRACE_N_COLUMNS + 1];
    const uint64_t sizes[ND_TRACE_N_COLUMNS] = {
        [ND_TRACE_FIRST_VALUES] = head->n_keys == head->n_values ? 0 : 4 * head->n_keys + 4,
        [ND_TRACE_FIRST_UPDATES] = head->n_lists == head->n_stored ? 0 : 4 * head->n_lists + 4,
        [ND_TRACE_NUMBERS] = head->n_times == 1 ? 0 : 4 * head->n_stored,
        [ND_TRACE_KEY_STARTS] = head->key_is_fixed ? 0 : 4 * head->n_keys + 4,
        [ND_TRACE_VALUE_STARTS] = head->value_is_fixed ? 0 : 4 * head->n_values + 4,
        [ND_TRACE_KEYS] = head->key_is_fixed ? head->key_size * head->n_keys : head->key_bytes,
        [ND_TRACE_VALUES] =
            head->value_is_fixed ? head->value_size * head->n_values : head->value_bytes};
    assert_true(nd_trace_head_place(&copy, UINT64_MAX, places));
    for (unsigned i = ND_TRACE_FIRST_VALUES; i < ND_TRACE_N_COLUMNS; i++)
        if (k >= places[i] && k < places[i + 1])
            return k >= places[i] + sizes[i];
    return k < sizeof *head;
}

static void no_byte_of_the_head_or_of_gaps_is_free(void **state)
{
    (void)state;
    nd_random random;
    naive_update updates[MOST];
    size_t n_gaps = 0;
    nd_random_init(&random, 28);
    for (unsigned i = 0; i < 5 * NAIVE_N_SHAPES; i++) {
        size_t size, len = 0;
        while (len == 0)
            len = any_updates(&random, &naive_shapes[i % NAIVE_N_SHAPES], updates, 40);
        nd_trace_batch *const batch =
            naive_build(&naive_shapes[i % NAIVE_N_SHAPES], updates, len, 0, 1);
        unsigned char *const copy = copy_block(batch, &size);
        for (size_t k = 0; k < size; k++) {
            if (!is_in_head_or_gap(batch, k))
                continue;
            n_gaps += k >= sizeof(nd_trace_head);
            for (unsigned bit = 0; bit < 8; bit++) {
                copy[k] ^= (unsigned char)(1U << bit);
                assert_false(nd_trace_batch_validate(copy, size));
                copy[k] ^= (unsigned char)(1U << bit);
            }
        }
        assert_true(nd_trace_batch_validate(copy, size));
        nd_free(copy);
        nd_trace_batch_release(batch);
    }
    assert_true(n_gaps > 100);
}

/* Seventy values, each with the updates of the one before or the one after. */
static void changes_that_agree_are_refused(void **state)
{
    (void)state;
    const nd_trace_shape shape = {true, 4, true, 4};
    naive_update updates[70];
    for (uint32_t i = 0; i < 70; i++) {
        updates[i] = (naive_update){.key_size = 4, .value_size = 4, .diff = 1 + i / 2 % 2};
        put_number(updates[i].key, i / 35);
        put_number(updates[i].value, i);
    }
    nd_trace_batch *const batch = naive_build(&shape, updates, 70, 0, 1);
    size_t size;
    unsigned char *const copy = copy_block(batch, &size);
    const ptrdiff_t bits = (const unsigned char *)batch->marks - (unsigned char *)batch->block;
    const ptrdiff_t next = bits + (ptrdiff_t)sizeof(nd_trace_mark), rank = next + 8;
    copy[rank]--; /* the rank alone */
    assert_false(nd_trace_batch_validate(copy, size));
    copy[bits] ^= 4; /* and the bits, so that both agree, but not with the number of lists */
    assert_false(nd_trace_batch_validate(copy, size));
    copy[next] |= 64; /* and that too, by a bit beyond the last value */
    assert_false(nd_trace_batch_validate(copy, size));
    copy[rank]++;
    copy[bits] ^= 4;
    copy[next] ^= 64;
    copy[bits] ^= 3; /* as many bits, but the first value has no list */
    assert_false(nd_trace_batch_validate(copy, size));
    copy[bits] ^= 3;
    assert_true(nd_trace_batch_validate(copy, size));
    nd_free(copy);
    nd_trace_batch_release(batch);
}

/* Keys of 2^64 - 2^34 + 3 bytes, and 2^34 bytes of where their values begin: the sum, with all the
 * rest, is 88 more than a 64-bit number holds. */
static void sizes_that_wrap_round_are_refused(void **state)
{
    (void)state;
    nd_trace_batch *const empty = naive_build(&naive_shapes[0], NULL, 0, 0, 1);
    nd_trace_head *const head = nd_alloc_zero(1, 88);
    *head = *empty->head;
    head->n_lower = head->n_upper = head->n_since = 0;
    head->size = sizeof *head;
    assert_true(nd_trace_batch_validate(head, sizeof *head));
    head->size = 88;
    head->n_keys = UINT32_MAX;
    head->key_size = UINT32_MAX - 2;
    assert_false(nd_trace_batch_validate(head, 88));
    nd_free(head);
    nd_trace_batch_release(empty);
}

/* A block like this one, which has neither updates nor other times, with one more in its since. */
static bool takes_one_more_time(const nd_trace_batch *batch, const nd_time *time)
{
    size_t size;
    const unsigned char *const bytes = nd_trace_batch_bytes(batch, &size);
    const size_t place = sizeof(nd_trace_head) + batch->since.len * sizeof *time;
    unsigned char *const longer = nd_alloc(1, size + sizeof *time);
    memcpy(longer, bytes, place);
    memcpy(longer + place, time, sizeof *time);
    memcpy(longer + place + sizeof *time, bytes + place, size - place);
    nd_trace_head *const head = (nd_trace_head *)(void *)longer;
    head->n_since++;
    head->size += sizeof *time;
    const bool is_valid = nd_trace_batch_validate(longer, size + sizeof *time);
    nd_free(longer);
    return is_valid;
}

static void too_wide_frontiers_are_refused(void **state)
{
    (void)state;
    const uint32_t most = ND_TRACE_WIDTH_MOST;
    const nd_time last = {most, {0}};
    nd_trace_batch *batch;
    nd_trace_builder builder;
    nd_antichain wide, empty;
    nd_antichain_init(&wide);
    nd_antichain_init(&empty);
    nd_trace_builder_init(&builder, &naive_shapes[0]);
    for (uint32_t i = 0; i <= most; i++)
        assert_int_equal(nd_antichain_insert_incomparable(&wide, &(nd_time){i, {most - i}}), ND_OK);
    assert_int_equal(nd_trace_builder_seal(&builder, &empty, &empty, &wide, &batch), ND_FAILED);
    assert_true(nd_antichain_remove(&wide, &last));
    assert_int_equal(nd_trace_builder_seal(&builder, &empty, &empty, &wide, &batch), ND_OK);
    assert_true(nd_trace_batch_validate(batch->block, (size_t)batch->head->size));
    assert_false(takes_one_more_time(batch, &last));
    nd_trace_batch_release(batch);
    assert_true(nd_antichain_remove(&wide, &(nd_time){most - 1, {1}}));
    assert_int_equal(nd_trace_builder_seal(&builder, &empty, &empty, &wide, &batch), ND_OK);
    assert_true(takes_one_more_time(batch, &last));
    nd_trace_batch_release(batch);
    nd_trace_builder_deinit(&builder);
    nd_antichain_deinit(&wide);
}

static nd_err build_twice(void *arg)
{
    const naive_update *const updates = arg;
    nd_err err = ND_OK;
    nd_trace_builder builder;
    nd_antichain frontier;
    nd_trace_batch *batches[2] = {NULL, NULL};
    nd_antichain_init(&frontier);
    nd_trace_builder_init(&builder, &naive_shapes[6]);
    for (unsigned k = 0; k < 2 && err == ND_OK; k++) {
        for (unsigned i = 0; i < 100 && updates[i].diff && err == ND_OK; i++)
            err = nd_trace_builder_push(&builder, naive_key(&updates[i]), naive_value(&updates[i]),
                                        &updates[i].time, updates[i].diff);
        if (err == ND_OK)
            err = nd_trace_builder_seal(&builder, &frontier, &frontier, &frontier, &batches[k]);
    }
    if (err == ND_OK) {
        size_t sizes[2];
        const void *const a = nd_trace_batch_bytes(batches[0], &sizes[0]);
        const void *const b = nd_trace_batch_bytes(batches[1], &sizes[1]);
        assert_int_equal(sizes[0], sizes[1]);
        assert_memory_equal(a, b, sizes[0]);
    }
    nd_trace_batch_release(batches[0]);
    nd_trace_batch_release(batches[1]);
    nd_trace_builder_deinit(&builder);
    return err;
}

/* And a builder that is used again makes the same. */
static void without_memory_nothing_is_left(void **state)
{
    (void)state;
    nd_random random;
    naive_update updates[101] = {{.diff = 0}};
    nd_random_init(&random, 27);
    for (unsigned i = 0; i < 100; i++)
        updates[i] = naive_any(&random, &naive_shapes[6], 2, 5);
    const size_t len = naive_consolidate(updates, 100);
    memset(updates + len, 0, (101 - len) * sizeof *updates);
    assert_true(len > 40);
    assert_true(failing_memory_sweep(build_twice, updates) > 10);
}

static void *hold_and_release(void *arg)
{
    nd_trace_batch *const batch = arg;
    for (unsigned i = 0; i < 20000; i++)
        nd_trace_batch_release(nd_trace_batch_retain(batch));
    nd_trace_batch_release(batch);
    return NULL;
}

static void the_last_of_any_thread_frees(void **state)
{
    (void)state;
    failing_memory memory;
    pthread_t threads[3];
    failing_memory_start(&memory, SIZE_MAX);
    nd_trace_batch *const batch = naive_build(&naive_shapes[0], NULL, 0, 0, 1);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, hold_and_release, nd_trace_batch_retain(batch)), 0);
    nd_trace_batch_release(batch);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    (void)failing_memory_stop(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cursors_read_what_was_built),
        cmocka_unit_test(the_same_updates_of_values_are_stored_once),
        cmocka_unit_test(other_updates_of_values_are_not_taken_for_the_same),
        cmocka_unit_test(seeks_land_where_a_scan_does),
        cmocka_unit_test(long_seeks_land_too),
        cmocka_unit_test(blocks_are_valid_wherever_they_lie),
        cmocka_unit_test(no_prefix_of_a_block_is_one),
        cmocka_unit_test(a_changed_byte_is_refused_or_harmless),
        cmocka_unit_test(changed_words_are_refused_or_harmless),
        cmocka_unit_test(no_byte_of_the_head_or_of_gaps_is_free),
        cmocka_unit_test(changes_that_agree_are_refused),
        cmocka_unit_test(sizes_that_wrap_round_are_refused),
        cmocka_unit_test(too_wide_frontiers_are_refused),
        cmocka_unit_test(without_memory_nothing_is_left),
        cmocka_unit_test(the_last_of_any_thread_frees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
