/* SPDX-License-Identifier: Apache-2.0 */
/* Updates that wait by time, against a list of them all. */
#include "tests/support/cmocka.h"

#include <string.h>

#include "operators/differential/later.h"
#include "runtime/base/random.h"
#include "tests/support/failing_memory.h"

enum { STEPS = 400, MOST = 6 * STEPS, N_TEXTS = 5 };

typedef struct word {
    nd_bytes text;
} word;
static const nd_type word_type = ND_TYPE(word, 1, ND_FIELD(word, text));

static const char *const texts[N_TEXTS] = {"", "a", "ab", "b",
                                           "much longer than any of the others"};

/* How often each text is there at each time; zero where there is none. */
typedef struct model {
    nd_time times[MOST];
    int64_t counts[MOST][N_TEXTS];
    size_t len;
} model;

static nd_time any_time(nd_random *random, unsigned n_loops)
{
    nd_time made = {.epoch = nd_random_below(random, 8)};
    for (unsigned i = 0; i < n_loops; i++)
        made.loop[i] = (uint32_t)nd_random_below(random, 6);
    return made;
}

static void model_add(model *all, unsigned text, const nd_time *time, int64_t diff)
{
    size_t i = 0;
    while (i < all->len && !nd_time_equal(&all->times[i], time))
        i++;
    if (i == all->len)
        all->times[all->len++] = *time;
    all->counts[i][text] += diff;
}

static bool has_any(const model *all, size_t i)
{
    for (unsigned text = 0; text < N_TEXTS; text++)
        if (all->counts[i][text])
            return true;
    return false;
}

static void expect_left(const nd_later *later, const model *all)
{
    nd_antichain left, expected;
    nd_antichain_init(&left);
    nd_antichain_init(&expected);
    size_t n = 0;
    for (size_t i = 0; i < all->len; i++)
        if (has_any(all, i)) {
            assert_int_equal(nd_antichain_insert(&expected, &all->times[i]), ND_OK);
            n++;
        }
    assert_int_equal(later->n_shelves, n);
    for (size_t i = 0; i < all->len; i++)
        assert_int_equal(nd_later_has(later, &all->times[i]), has_any(all, i));
    assert_int_equal(nd_later_list(later, &left), ND_OK);
    assert_int_equal(left.len, expected.len);
    for (size_t i = 0; i < left.len; i++)
        assert_true(
            nd_time_equal(&nd_antichain_items(&left)[i], &nd_antichain_items(&expected)[i]));
    nd_antichain_deinit(&left);
    nd_antichain_deinit(&expected);
}

/* How often a text stands among updates at a time. */
static int64_t count(const nd_updates *updates, unsigned text, const nd_time *time)
{
    unsigned char code[64];
    int64_t sum = 0;
    const word record = {{texts[text], strlen(texts[text])}};
    nd_record_code_write(updates->code, &record, code);
    for (size_t i = 0; i < nd_updates_len(updates); i++) {
        size_t size;
        const unsigned char *const other = nd_updates_code(updates, i, &size);
        if (size == nd_record_code_size(updates->code, &record) &&
            (size == 0 || memcmp(other, code, size) == 0) &&
            nd_time_equal(nd_updates_time(updates, i), time))
            sum += nd_updates_diff(updates, i);
    }
    return sum;
}

/* Takes out what is complete, of both, and compares. */
static void take(nd_later *later, model *all, const nd_antichain *frontier)
{
    nd_updates done;
    size_t n_open = 0;
    bool has_complete = false;
    nd_updates_init(&done, later->code);
    for (size_t i = 0; i < all->len; i++)
        has_complete |= has_any(all, i) && !nd_antichain_less_equal(frontier, &all->times[i]);
    assert_int_equal(nd_later_has_complete(later, frontier), has_complete);
    assert_int_equal(nd_later_take(later, frontier, &done), ND_OK);
    for (size_t i = 0; i < nd_updates_len(&done); i++)
        assert_false(nd_antichain_less_equal(frontier, nd_updates_time(&done, i)));
    for (size_t i = 0; i < all->len; i++) {
        const bool is_open = nd_antichain_less_equal(frontier, &all->times[i]);
        for (unsigned text = 0; text < N_TEXTS; text++)
            assert_int_equal(count(&done, text, &all->times[i]),
                             is_open ? 0 : all->counts[i][text]);
        if (!is_open)
            continue;
        all->times[n_open] = all->times[i];
        memmove(all->counts[n_open++], all->counts[i], sizeof all->counts[i]);
    }
    memset(all->counts[n_open], 0, (all->len - n_open) * sizeof all->counts[0]);
    all->len = n_open;
    nd_updates_deinit(&done);
}

static nd_err add(nd_later *later, unsigned text, const nd_time *time, int64_t diff)
{
    unsigned char code[64];
    const word record = {{texts[text], strlen(texts[text])}};
    nd_record_code_write(later->code, &record, code);
    return nd_later_add(later, code, nd_record_code_size(later->code, &record), time, diff);
}

/* Frontiers come in no order, which only a harder test can do. */
static void those_that_are_complete_are_taken_and_no_others(void **state)
{
    (void)state;
    static model all;
    nd_record_code code;
    nd_random random;
    nd_random_init(&random, 41);
    nd_record_code_init(&code, &word_type, 0, 1);
    for (unsigned run = 0; run < 30; run++) {
        const unsigned n_loops = run % 3;
        nd_later later;
        nd_later_init(&later, &code, n_loops);
        memset(&all, 0, sizeof all);
        for (unsigned step = 0; step < STEPS; step++) {
            for (uint64_t n = nd_random_below(&random, 6); n > 0; n--) {
                const nd_time time = any_time(&random, n_loops);
                const unsigned text = (unsigned)nd_random_below(&random, N_TEXTS);
                const int64_t diff = nd_random_below(&random, 2) ? 1 : -1;
                assert_int_equal(add(&later, text, &time, diff), ND_OK);
                model_add(&all, text, &time, diff);
            }
            expect_left(&later, &all);
            if (nd_random_below(&random, 4))
                continue;
            nd_antichain frontier;
            nd_antichain_init(&frontier);
            for (uint64_t n = 1 + nd_random_below(&random, 3); n > 0; n--) {
                const nd_time time = any_time(&random, n_loops);
                assert_int_equal(nd_antichain_insert(&frontier, &time), ND_OK);
            }
            take(&later, &all, &frontier);
            expect_left(&later, &all);
            nd_antichain_deinit(&frontier);
        }
        nd_later_deinit(&later);
    }
}

/* A thousand times, each of which comes and goes; and one to which the same comes again and again.
 */
static void what_cancels_takes_no_room(void **state)
{
    (void)state;
    nd_record_code code;
    nd_later later;
    nd_record_code_init(&code, &word_type, 0, 1);
    nd_later_init(&later, &code, 0);
    for (uint64_t epoch = 0; epoch < 1000; epoch++)
        assert_int_equal(add(&later, 2, &(nd_time){.epoch = epoch}, 1), ND_OK);
    assert_int_equal(later.n_shelves, 1000);
    for (uint64_t epoch = 0; epoch < 1000; epoch++)
        assert_int_equal(add(&later, 2, &(nd_time){.epoch = epoch * 7 % 1000}, -1), ND_OK);
    assert_int_equal(later.n_shelves, 0);
    nd_later_deinit(&later);

    nd_updates done;
    nd_antichain nothing;
    nd_later_init(&later, &code, 0);
    nd_updates_init(&done, &code);
    nd_antichain_init(&nothing);
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(add(&later, i % 3, &(nd_time){.epoch = 9}, i % 2 ? 3 : 1), ND_OK);
    assert_int_equal(nd_later_take(&later, &nothing, &done), ND_OK);
    assert_true(nd_updates_len(&done) < 50); /* as it was kept */
    nd_updates_deinit(&done);
    nd_later_deinit(&later);
}

/* As many times as a large label space has, added in another order. */
static void many_times_come_out_one_by_one(void **state)
{
    (void)state;
    enum { N = 1 << 14 };
    nd_record_code code;
    nd_later later;
    nd_updates done;
    nd_antichain frontier;
    nd_record_code_init(&code, &word_type, 0, 1);
    nd_later_init(&later, &code, 1);
    nd_updates_init(&done, &code);
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal(add(&later, i % N_TEXTS, &(nd_time){.loop = {i * 5 % N}}, 1), ND_OK);
    for (uint32_t i = 0; i < N; i++) {
        nd_antichain_init(&frontier);
        assert_int_equal(nd_antichain_insert(&frontier, &(nd_time){.loop = {i + 1}}), ND_OK);
        nd_updates_clear(&done);
        assert_int_equal(nd_later_take(&later, &frontier, &done), ND_OK);
        assert_int_equal(nd_updates_len(&done), 1);
        assert_int_equal(nd_updates_time(&done, 0)->loop[0], i);
        nd_antichain_deinit(&frontier);
    }
    assert_int_equal(later.n_shelves, 0);
    nd_updates_deinit(&done);
    nd_later_deinit(&later);
}

/* Adds to many times, and takes half of them. */
static nd_err use(void *arg)
{
    const nd_record_code *const code = arg;
    nd_later later;
    nd_updates done;
    nd_antichain frontier, left;
    nd_later_init(&later, code, 1);
    nd_updates_init(&done, code);
    nd_antichain_init(&frontier);
    nd_antichain_init(&left);
    nd_err err = nd_antichain_insert(&frontier, &(nd_time){.loop = {2}});
    for (uint32_t i = 0; err == ND_OK && i < 200; i++)
        err = add(&later, i % N_TEXTS, &(nd_time){i % 7, {i % 5}}, i % 3 ? 1 : -1);
    if (err == ND_OK)
        err = nd_later_take(&later, &frontier, &done);
    if (err == ND_OK)
        err = nd_later_list(&later, &left);
    nd_antichain_deinit(&left);
    nd_antichain_deinit(&frontier);
    nd_updates_deinit(&done);
    nd_later_deinit(&later);
    return err;
}

static void without_memory_nothing_is_left(void **state)
{
    (void)state;
    nd_record_code code;
    nd_record_code_init(&code, &word_type, 0, 1);
    assert_true(failing_memory_sweep(use, &code) > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_that_are_complete_are_taken_and_no_others),
        cmocka_unit_test(what_cancels_takes_no_room),
        cmocka_unit_test(many_times_come_out_one_by_one),
        cmocka_unit_test(without_memory_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
