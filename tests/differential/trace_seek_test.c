/* SPDX-License-Identifier: Apache-2.0 */
/* Seeking by guesses, and looking ahead. */
#include "operators/differential/trace_seeker.h"
#include "tests/differential/naive_trace.h"
#include "tests/support/cmocka.h"
#include <stdlib.h>
#include <string.h>

/* Codes that rise, side by side: of 4 or 8 bytes numbers, of more the same but for some low bits,
 * which are at the end. */
static void write_codes(unsigned char *bytes, const uint64_t *numbers, uint32_t len, unsigned size,
                        unsigned low_bits)
{
    const unsigned n_first = size < 8 ? size : 8;
    for (uint32_t i = 0; i < len; i++, bytes += size) {
        const uint64_t low = numbers[i] & ((UINT64_C(1) << low_bits) - 1);
        for (unsigned k = 0; k < n_first; k++)
            bytes[k] = (unsigned char)(numbers[i] >> low_bits >> 8 * (n_first - 1 - k));
        for (unsigned k = n_first; k < size; k++)
            bytes[k] = (unsigned char)(size - 1 - k < 8 ? low >> 8 * (size - 1 - k) : 0);
    }
}

/* Numbers that are spread evenly (0), at random (1), ever more thinly (2), in two heaps at the ends
 * of what there is (3), or with the last far away (4). */
static void spread_numbers(nd_random *random, unsigned how, uint64_t most, uint64_t *numbers,
                           uint32_t len)
{
    uint64_t number = how == 3 ? 0 : nd_random_below(random, 100);
    for (uint32_t i = 0; i < len; i++) {
        numbers[i] = number;
        number += how == 0   ? 3
                  : how == 1 ? 1 + nd_random_below(random, most / len / 2)
                  : how == 2 ? 1 + number / 256
                             : 1;
        if (how == 3 && i == len / 2)
            number = most - len;
        if (how == 4 && i == len - 2)
            number = most;
    }
}

enum { COLUMN = 3000 };

static void expect_places(nd_random *random, const nd_trace_column *column, const uint64_t *numbers,
                          unsigned low_bits)
{
    for (unsigned i = 0; i < 300; i++) {
        unsigned char bytes[16];
        const uint32_t from = (uint32_t)nd_random_below(random, column->len),
                       to = i % 2
                                ? column->len
                                : from + (uint32_t)nd_random_below(random, column->len - from + 1);
        uint64_t wanted = numbers[nd_random_below(random, column->len)] + i % 3;
        wanted -= i % 4 == 3 && wanted ? 1 : 0;
        uint32_t place = from;
        while (place < to && numbers[place] < wanted)
            place++;
        write_codes(bytes, &wanted, 1, column->size, low_bits);
        const nd_trace_code code = {bytes, column->size};
        assert_int_equal(nd_trace_column_seek(column, from, to, code), place);
        if (from < to)
            assert_in_range(nd_trace_column_guess(column, from, to, code), from, to - 1);
    }
}

static void seeks_land_however_codes_are_spread(void **state)
{
    (void)state;
    nd_random random;
    static uint64_t numbers[COLUMN];
    static unsigned char bytes[16 * COLUMN];
    static const unsigned sizes[] = {4, 8, 12, 16}, low_bits[] = {0, 3, 20};
    nd_random_init(&random, 27);
    for (unsigned i = 0; i < 4 * 5 * 12; i++) {
        const uint32_t len = 1 + (uint32_t)nd_random_below(&random, COLUMN);
        const unsigned size = sizes[i % 4], low = size > 8 ? low_bits[i / 20 % 3] : 0;
        spread_numbers(&random, i / 4 % 5, size == 4 ? UINT32_MAX - 9 : UINT64_MAX - 9, numbers,
                       len);
        write_codes(bytes, numbers, len, size, low);
        nd_trace_column column = {bytes, NULL, size, len, 0};
        nd_trace_column_note_last(&column);
        assert_int_equal(column.last, numbers[len - 1] >> low);
        expect_places(&random, &column, numbers, low);
    }
}

static void codes_are_compared_as_bytes(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 29);
    for (unsigned i = 0; i < 40000; i++) {
        unsigned char codes[2][20];
        const size_t size = i % 20;
        for (size_t k = 0; k < size; k++) {
            codes[0][k] = (unsigned char)nd_random_below(&random, 256);
            codes[1][k] = nd_random_chance(&random, 0.9)
                              ? codes[0][k]
                              : (unsigned char)nd_random_below(&random, 256);
        }
        const int order =
            nd_trace_code_compare((nd_trace_code){codes[0], size}, (nd_trace_code){codes[1], size});
        const int expected = memcmp(codes[0], codes[1], size);
        assert_int_equal((order > 0) - (order < 0), (expected > 0) - (expected < 0));
    }
}

static int compare_keys(const void *a, const void *b)
{
    return nd_trace_code_compare(*(const nd_trace_code *)a, *(const nd_trace_code *)b);
}

/* Some keys that are there, and some that are one byte beside. */
static void expect_found_apart(nd_random *random, const nd_trace_cursor *cursor,
                               const nd_trace_code *from, size_t n)
{
    nd_trace_code keys[ND_TRACE_FORESEEN];
    unsigned char bytes[ND_TRACE_FORESEEN][16];
    nd_trace_found found;
    nd_trace_cursor plain = *cursor;
    for (size_t i = 0; i < n; i++) {
        keys[i] = (nd_trace_code){bytes[i], from[i].size};
        memcpy(bytes[i], from[i].bytes, from[i].size);
        bytes[i][nd_random_below(random, from[i].size)] ^= (unsigned char)(i % 2);
    }
    qsort(keys, n, sizeof *keys, compare_keys);
    if (!nd_trace_cursor_has_key(cursor) || n == 0) {
        assert_true(n == 0 || !nd_trace_seek_apart(cursor, keys, n, n, &found));
        return;
    }
    assert_true(nd_trace_seek_apart(cursor, keys, n, n, &found));
    for (size_t i = 0; i < n; i++) {
        const bool is_there = nd_trace_cursor_seek_key(&plain, keys[i]);
        assert_int_equal(found.there >> i & 1, is_there);
        assert_int_equal(found.keys[i], plain.key);
    }
    assert_false(nd_trace_seek_apart(cursor, keys, n, cursor->batch->keys.len, &found));
}

/* A code of a key that is there, or one bit beside. */
static nd_trace_code near_key(nd_random *random, const naive_update *updates, size_t len,
                              unsigned char *bytes)
{
    const nd_trace_code from = naive_key(&updates[nd_random_below(random, len)]);
    memcpy(bytes, from.bytes, from.size);
    if (nd_random_chance(random, 0.3))
        bytes[nd_random_below(random, from.size)] ^= 1;
    return (nd_trace_code){bytes, from.size};
}

/* Foresees some keys, and again, and seeks others among them: where they stand does not depend on
 * it. */
static void expect_sought(nd_random *random, nd_trace_seeker *seeker, const naive_update *updates,
                          size_t len)
{
    enum { KEYS = ND_TRACE_FORESEEN, ALL = 2 * KEYS };
    unsigned char bytes[ALL][16];
    nd_trace_code all[ALL], told[2][KEYS];
    nd_vector seekers;
    size_t n_told[2] = {0, 0};
    nd_trace_cursor plain = seeker->cursor;
    for (size_t i = 0; i < ALL; i++)
        all[i] = near_key(random, updates, len, bytes[i]);
    qsort(all, ALL, sizeof *all, compare_keys);
    const double share = nd_random_chance(random, 0.5) ? 0.3 : 0.9;
    for (size_t i = 0; i < ALL; i++) {
        const size_t which = i % 2;
        if (nd_random_chance(random, share))
            told[which][n_told[which]++] = all[i];
    }
    nd_vector_init(&seekers, sizeof *seeker);
    *(nd_trace_seeker *)nd_vector_push(&seekers) = *seeker;
    nd_trace_seeker *const one = nd_vector_at(&seekers, 0);
    for (size_t i = 0; i < 3; i++)
        nd_trace_foresee(&seekers, told[i % 2], n_told[i % 2], ALL);
    nd_trace_foresee(&seekers, told[0], 0, 0);
    if (nd_trace_cursor_has_key(&plain)) /* what is where the cursor stands need not be told */
        assert_in_range(one->n_ahead, n_told[0], n_told[0] + KEYS);
    else
        assert_int_equal(one->n_ahead, 0);
    for (uint32_t i = 1; i < one->n_ahead; i++)
        assert_true(one->ahead[i - 1] <= one->ahead[i]);
    assert_int_equal(one->cursor.key, plain.key);
    assert_int_equal(one->cursor.value, plain.value);
    for (size_t i = 0; i < ALL; i++) {
        if (nd_random_chance(random, 0.3))
            continue;
        const bool is_there =
            nd_trace_cursor_has_key(&plain) && nd_trace_cursor_seek_key(&plain, all[i]);
        assert_int_equal(nd_trace_seek(one, all[i]), is_there);
        assert_int_equal(one->cursor.key, plain.key);
        assert_int_equal(one->cursor.value, plain.value);
        if (is_there && nd_random_chance(random, 0.5)) {
            nd_trace_cursor_next_key(&one->cursor);
            nd_trace_cursor_next_key(&plain);
        }
    }
    nd_vector_deinit(&seekers);
}

static void foresee(uint32_t key_size)
{
    enum { KEYS = 6000 };
    const nd_trace_shape shape = {true, key_size, true, 8};
    naive_update *const updates = malloc(KEYS * sizeof *updates);
    nd_random random;
    nd_trace_code keys[ND_TRACE_FORESEEN];
    assert_non_null(updates);
    nd_random_init(&random, 28);
    for (size_t i = 0; i < KEYS; i++) {
        updates[i] = naive_any(&random, &shape, 1, 2);
        for (unsigned k = 0; k < key_size; k++)
            updates[i].key[k] = (unsigned char)nd_random_below(&random, 256);
    }
    const size_t len = naive_consolidate(updates, KEYS);
    nd_trace_batch *const batch = naive_build(&shape, updates, len, 3, 7);
    assert_in_range(batch->keys.len, KEYS / 2, KEYS); /* large enough to be foreseen */
    for (unsigned i = 0; i < ND_TRACE_FORESEEN; i++)
        keys[i] = naive_key(&updates[nd_random_below(&random, len)]);
    for (unsigned i = 0; i < 600; i++) {
        nd_trace_seeker seeker;
        nd_trace_seeker_init_batch(&seeker, batch);
        if (i % 6 == 5)
            nd_trace_cursor_end(&seeker.cursor);
        else
            (void)nd_trace_seek(&seeker, naive_key(&updates[len * (i % 6) / 5]));
        expect_found_apart(&random, &seeker.cursor, keys, i % (ND_TRACE_FORESEEN + 1));
        expect_sought(&random, &seeker, updates, len);
    }
    nd_trace_batch_release(batch);
    free(updates);
}

/* More seekers than are looked at together, and the keys of a cursor that passes them. */
static void seekers_are_told_the_keys_of_a_cursor(void **state)
{
    (void)state;
    enum { KEYS = 3000, SEEKERS = 9, STEP = 25 };
    const nd_trace_shape shape = {true, 4, true, 0};
    naive_update updates[KEYS] = {{.diff = 0}};
    nd_vector seekers;
    nd_trace_cursor from;
    size_t n_few = 0;
    static naive_update few[KEYS / STEP];
    for (uint32_t i = 0; i < KEYS; i++) {
        updates[i] = (naive_update){.key_size = 4, .diff = 1};
        write_codes(updates[i].key, &(uint64_t){i * 1000}, 1, 4, 0);
        if (i % STEP == 0)
            few[n_few++] = updates[i];
    }
    nd_trace_batch *const batch = naive_build(&shape, updates, KEYS, 0, 1);
    nd_trace_batch *const sought = naive_build(&shape, few, n_few, 0, 1);
    nd_vector_init(&seekers, sizeof(nd_trace_seeker));
    for (unsigned i = 0; i < SEEKERS; i++)
        nd_trace_seeker_init_batch(nd_vector_push(&seekers), batch);
    nd_trace_cursor_init(&from, sought);
    for (uint32_t n = 0; nd_trace_cursor_has_key(&from); nd_trace_cursor_next_key(&from), n++) {
        nd_trace_foresee_from(&seekers, &from);
        for (unsigned i = 0; i < SEEKERS; i++) {
            nd_trace_seeker *const seeker = nd_vector_at(&seekers, i);
            assert_int_equal(seeker->ahead[n % ND_TRACE_FORESEEN], n * STEP);
            assert_true(nd_trace_seek(seeker, nd_trace_cursor_key(&from)));
            assert_int_equal(seeker->cursor.key, n * STEP);
        }
    }
    nd_vector_deinit(&seekers);
    nd_trace_batch_release(batch);
    nd_trace_batch_release(sought);
}

static void foreseeing_changes_nothing_and_keys_apart_are_found(void **state)
{
    (void)state;
    foresee(4);
    foresee(8);
    foresee(12);
    foresee(16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeks_land_however_codes_are_spread),
        cmocka_unit_test(codes_are_compared_as_bytes),
        cmocka_unit_test(foreseeing_changes_nothing_and_keys_apart_are_found),
        cmocka_unit_test(seekers_are_told_the_keys_of_a_cursor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
