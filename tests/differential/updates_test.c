/* SPDX-License-Identifier: Apache-2.0 */
/* Columns of updates, and batchers, against sorting an array the slow way. */
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#include "operators/differential/batcher.h"
#include "runtime/base/random.h"

/* Wider than the eight bytes that are sorted by radix. */
typedef struct wide {
    uint64_t a;
    int32_t b;
    uint32_t c;
} wide;
static const nd_type wide_type =
    ND_TYPE(wide, 1, ND_FIELD(wide, a), ND_FIELD(wide, b), ND_FIELD(wide, c));

/* A row of it, as in a scope inside two loops. */
typedef struct wide_row {
    wide record;
    uint64_t epoch;
    uint32_t loop[2];
    int64_t diff;
} wide_row;
static const nd_type row_type =
    ND_TYPE(wide_row, 1, ND_FIELD(wide_row, record.a), ND_FIELD(wide_row, record.b),
            ND_FIELD(wide_row, record.c), ND_FIELD(wide_row, epoch), ND_FIELD(wide_row, loop[0]),
            ND_FIELD(wide_row, loop[1]), ND_FIELD(wide_row, diff));
static const nd_row row = {&row_type, sizeof(wide), sizeof(wide), 24, 2};

static nd_time time_of(const wide_row *one)
{
    return (nd_time){one->epoch, {one->loop[0], one->loop[1]}};
}

/* Few distinct values, of which some differ in one byte only, wherever that is. */
static uint64_t any_word(nd_random *random)
{
    return nd_random_below(random, 3) << (8 * nd_random_below(random, 8));
}

static wide_row any_row(nd_random *random)
{
    return (wide_row){
        .record = {any_word(random), (int32_t)any_word(random),
                   (uint32_t)nd_random_below(random, 2)},
        .epoch = nd_random_below(random, 4),
        .loop = {(uint32_t)nd_random_below(random, 3), (uint32_t)nd_random_below(random, 2)},
        .diff = (int64_t)nd_random_below(random, 5) - 2};
}

/* --- The slow way --- */

static int compare_rows(const void *a, const void *b)
{
    const int order = nd_type_compare(&wide_type, a, b);
    const nd_time a_time = time_of(a), b_time = time_of(b);
    return order ? order : nd_time_compare(&a_time, &b_time);
}

/* Returns how many are left. */
static size_t consolidate_slowly(wide_row *rows, size_t len)
{
    size_t n = 0;
    qsort(rows, len, sizeof *rows, compare_rows);
    for (size_t i = 0, end; i < len; i = end) {
        wide_row sum = rows[i];
        for (end = i + 1; end < len && compare_rows(&rows[i], &rows[end]) == 0; end++)
            sum.diff += rows[end].diff;
        if (sum.diff)
            rows[n++] = sum;
    }
    return n;
}

static void expect_same(const nd_updates *updates, const wide_row *rows, size_t len)
{
    assert_int_equal(nd_updates_len(updates), len);
    for (size_t i = 0; i < len; i++) {
        size_t size;
        wide record;
        const nd_time time = time_of(&rows[i]);
        const unsigned char *const code = nd_updates_code(updates, i, &size);
        (void)nd_record_code_read(updates->code, code, size, &record, NULL);
        assert_memory_equal(&record, &rows[i].record, sizeof record);
        assert_true(nd_time_equal(nd_updates_time(updates, i), &time));
        assert_int_equal(nd_updates_diff(updates, i), rows[i].diff);
    }
}

/* --- Tests --- */

enum { MOST = 3000, ROUNDS = 200 };

static wide_row *any_rows(nd_random *random, size_t *len)
{
    *len = nd_random_below(random, nd_random_below(random, 10) ? 60 : MOST);
    wide_row *const rows = calloc(*len + 1, sizeof *rows);
    assert_non_null(rows);
    for (size_t i = 0; i < *len; i++)
        rows[i] = any_row(random);
    return rows;
}

static void updates_are_sorted_and_added_up(void **state)
{
    (void)state;
    nd_random random;
    nd_record_code code;
    nd_random_init(&random, 11);
    nd_record_code_init(&code, &wide_type, 0, 3);
    for (unsigned i = 0; i < ROUNDS; i++) {
        size_t len;
        nd_updates updates;
        wide_row *const rows = any_rows(&random, &len);
        nd_updates_init(&updates, &code);
        assert_int_equal(nd_updates_add_rows(&updates, &row, rows, len), ND_OK);
        assert_int_equal(nd_updates_consolidate(&updates), ND_OK);
        expect_same(&updates, rows, consolidate_slowly(rows, len));
        nd_updates_deinit(&updates);
        free(rows);
    }
}

static void merging_is_consolidating_both(void **state)
{
    (void)state;
    nd_random random;
    nd_record_code code;
    nd_random_init(&random, 12);
    nd_record_code_init(&code, &wide_type, 0, 3);
    for (unsigned i = 0; i < ROUNDS; i++) {
        size_t len;
        nd_updates a, b, merged;
        wide_row *const rows = any_rows(&random, &len);
        const size_t cut = nd_random_below(&random, len + 1);
        nd_updates_init(&a, &code);
        nd_updates_init(&b, &code);
        nd_updates_init(&merged, &code);
        assert_int_equal(nd_updates_add_rows(&a, &row, rows, cut), ND_OK);
        assert_int_equal(nd_updates_add_rows(&b, &row, rows + cut, len - cut), ND_OK);
        assert_int_equal(nd_updates_consolidate(&a), ND_OK);
        assert_int_equal(nd_updates_consolidate(&b), ND_OK);
        assert_int_equal(nd_updates_merge(&a, &b, &merged), ND_OK);
        expect_same(&merged, rows, consolidate_slowly(rows, len));
        nd_updates_deinit(&a);
        nd_updates_deinit(&b);
        nd_updates_deinit(&merged);
        free(rows);
    }
}

/* Takes the rows out whose times are complete; returns how many are left. */
static size_t seal_slowly(wide_row *rows, size_t len, const nd_antichain *frontier, wide_row *done,
                          size_t *n_done)
{
    size_t n = 0;
    *n_done = 0;
    for (size_t i = 0; i < len; i++) {
        const nd_time time = time_of(&rows[i]);
        if (nd_antichain_less_equal(frontier, &time))
            rows[n++] = rows[i];
        else
            done[(*n_done)++] = rows[i];
    }
    *n_done = consolidate_slowly(done, *n_done);
    return n;
}

static void expect_left(const nd_antichain *left, const wide_row *rows, size_t len)
{
    nd_antichain expected;
    nd_antichain_init(&expected);
    for (size_t i = 0; i < len; i++) {
        const nd_time time = time_of(&rows[i]);
        assert_int_equal(nd_antichain_insert(&expected, &time), ND_OK);
    }
    assert_int_equal(left->len, expected.len);
    for (size_t i = 0; i < left->len; i++)
        assert_true(nd_time_equal(&nd_antichain_items(left)[i], &nd_antichain_items(&expected)[i]));
    nd_antichain_deinit(&expected);
}

/* Rows come at any time, also where others were sealed already. */
static void batchers_keep_what_is_not_complete(void **state)
{
    (void)state;
    nd_random random;
    nd_record_code code;
    nd_random_init(&random, 13);
    nd_record_code_init(&code, &wide_type, 0, 3);
    for (unsigned i = 0; i < ROUNDS / 10; i++) {
        nd_batcher batcher;
        wide_row *const kept = calloc(20 * MOST, sizeof *kept), *const done =
                                                                    calloc(20 * MOST, sizeof *done);
        size_t n_kept = 0;
        nd_batcher_init(&batcher, &code, row.n_loops);
        for (unsigned step = 0; step < 20; step++) {
            size_t len, n_done;
            nd_updates sealed;
            nd_antichain frontier, left;
            wide_row *const rows = any_rows(&random, &len);
            nd_antichain_init(&frontier);
            nd_antichain_init(&left);
            nd_updates_init(&sealed, &code);
            for (uint64_t n = nd_random_below(&random, 4); n > 0; n--) {
                const wide_row any = any_row(&random);
                const nd_time time = time_of(&any);
                assert_int_equal(nd_antichain_insert(&frontier, &time), ND_OK);
            }
            memcpy(kept + n_kept, rows, len * sizeof *rows);
            assert_int_equal(nd_batcher_add(&batcher, &row, rows, len), ND_OK);
            n_kept = seal_slowly(kept, n_kept + len, &frontier, done, &n_done);
            n_kept = consolidate_slowly(kept, n_kept);
            assert_int_equal(nd_batcher_seal(&batcher, &frontier, &sealed, &left), ND_OK);
            expect_same(&sealed, done, n_done);
            expect_left(&left, kept, n_kept);
            nd_updates_deinit(&sealed);
            nd_antichain_deinit(&left);
            nd_antichain_deinit(&frontier);
            free(rows);
        }
        nd_batcher_deinit(&batcher);
        free(kept);
        free(done);
    }
}

/* {+1@5, -1@5, +1@7} waits for 7 only. */
static void what_cancels_is_not_waited_for(void **state)
{
    (void)state;
    nd_record_code code;
    nd_batcher batcher;
    nd_updates done;
    nd_antichain frontier, left;
    const wide_row rows[] = {{.record = {.a = 1}, .epoch = 5, .diff = 1},
                             {.record = {.a = 2}, .epoch = 7, .diff = 1},
                             {.record = {.a = 1}, .epoch = 5, .diff = -1}};
    for (size_t n = 2; n <= 3; n++) {
        nd_record_code_init(&code, &wide_type, 0, 3);
        nd_batcher_init(&batcher, &code, row.n_loops);
        nd_updates_init(&done, &code);
        nd_antichain_init(&frontier);
        nd_antichain_init(&left);
        assert_int_equal(nd_antichain_insert(&frontier, &(nd_time){.epoch = 3}), ND_OK);
        assert_int_equal(nd_batcher_add(&batcher, &row, rows, n), ND_OK);
        assert_int_equal(nd_batcher_seal(&batcher, &frontier, &done, &left), ND_OK);
        assert_int_equal(nd_updates_len(&done), 0);
        assert_int_equal(left.len, 1);
        assert_int_equal(nd_antichain_items(&left)->epoch, n == 3 ? 7 : 5);
        nd_batcher_deinit(&batcher);
        nd_updates_deinit(&done);
        nd_antichain_deinit(&left);
        nd_antichain_deinit(&frontier);
    }
}

static void times_have_one_number_each(void **state)
{
    (void)state;
    nd_time_table table;
    nd_time_table_init(&table);
    for (unsigned round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 1000; i++)
            for (uint32_t k = 0; k < 3; k++) {
                uint32_t number;
                const nd_time time = {.epoch = (i * 7 + k) % 1000, .loop = {i % 2}};
                assert_int_equal(nd_time_table_add(&table, &time, &number), ND_OK);
                assert_true(nd_time_equal(nd_time_table_get(&table, number), &time));
            }
        for (uint32_t a = 0; a < nd_time_table_len(&table); a++)
            for (uint32_t b = 0; b < a; b++)
                assert_false(
                    nd_time_equal(nd_time_table_get(&table, a), nd_time_table_get(&table, b)));
        nd_time_table_clear(&table);
        assert_int_equal(nd_time_table_len(&table), 0);
    }
    nd_time_table_deinit(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(updates_are_sorted_and_added_up),
        cmocka_unit_test(merging_is_consolidating_both),
        cmocka_unit_test(batchers_keep_what_is_not_complete),
        cmocka_unit_test(what_cancels_is_not_waited_for),
        cmocka_unit_test(times_have_one_number_each),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
