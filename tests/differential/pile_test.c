/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers sorted by radix, and piles of them, against the slow way; of one word and of two. */
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#include "operators/differential/number_sort.h"
#include "operators/differential/pile.h"
#include "runtime/base/random.h"
#include "tests/support/failing_memory.h"

/* A number, whose second word is zero if it has but one, and what it carries. */
typedef struct item {
    uint64_t number[ND_NUMBER_WORDS], carried;
} item;

static int compare_items(const void *a, const void *b)
{
    const item *const p = a, *const q = b;
    for (unsigned i = 0; i < ND_NUMBER_WORDS; i++)
        if (p->number[i] != q->number[i])
            return p->number[i] < q->number[i] ? -1 : 1;
    return (p->carried > q->carried) - (p->carried < q->carried);
}

/* --- Codes --- */

static void numbers_are_in_the_order_of_their_codes(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 30);
    for (unsigned round = 0; round < 20000; round++) {
        const size_t size = 1 + round % ND_NUMBER_BYTES;
        unsigned char codes[2][ND_NUMBER_BYTES], back[ND_NUMBER_BYTES];
        uint64_t numbers[2][ND_NUMBER_WORDS];
        const unsigned words = nd_number_words(size);
        assert_int_equal(words, size <= 8 ? 1 : 2);
        for (size_t i = 0; i < 2; i++) {
            for (size_t k = 0; k < size; k++)
                codes[i][k] = (unsigned char)(nd_random_chance(&random, 0.2)
                                                  ? nd_random_below(&random, 256)
                                                  : nd_random_below(&random, 2) * 255);
            if (i == 1 && nd_random_chance(&random, 0.5))
                memcpy(codes[1], codes[0], nd_random_below(&random, size + 1));
            nd_number_read(codes[i], size, numbers[i]);
            nd_number_write(numbers[i], words, back);
            assert_memory_equal(back, codes[i], size);
            for (size_t k = size; k < 8 * words; k++)
                assert_int_equal(back[k], 0);
        }
        const int order = memcmp(codes[0], codes[1], size);
        assert_int_equal(nd_number_is_below(numbers[0], numbers[1], words), order < 0);
        assert_int_equal(nd_number_equal(numbers[0], numbers[1], words), order == 0);
    }
}

/* --- Sorting --- */

/* Some bits are alike in all; and in half of the rounds numbers are crowded: few have many others
 * that differ from them in their low bits only. */
static void any_numbers(nd_random *random, item *items, size_t len, unsigned words)
{
    uint64_t mask[ND_NUMBER_WORDS] = {0}, same[ND_NUMBER_WORDS] = {0};
    const bool are_crowded = nd_random_chance(random, 0.5);
    for (unsigned w = 0; w < words; w++) {
        mask[w] = nd_random_next(random) & (nd_random_next(random) | nd_random_next(random));
        if (nd_random_chance(random, 0.3))
            mask[w] &= nd_random_next(random) & nd_random_next(random);
        same[w] = nd_random_next(random) & ~mask[w];
    }
    for (size_t i = 0; i < len; i++) {
        items[i] = (item){.carried = i};
        for (unsigned w = 0; w < words; w++)
            items[i].number[w] = same[w] | (nd_random_next(random) & mask[w]);
        if (are_crowded && i != 0 && nd_random_chance(random, 0.9)) {
            const item *const other = &items[nd_random_below(random, 1 + (i - 1) / 200)];
            items[i].number[0] =
                other->number[0] ^ (words == 1 ? nd_random_next(random) & 0xfffff : 0);
        }
    }
}

/* Lengths around those where the way of sorting changes. */
static void sort_some(nd_random *random, unsigned words)
{
    static const size_t mosts[] = {4, 30, 300, 5000, 40000};
    const size_t len = nd_random_below(random, mosts[nd_random_below(random, 5)]);
    item *const items = calloc(len + 1, sizeof *items);
    uint64_t *const numbers = calloc(2 * words * len + 1, sizeof *numbers);
    uint64_t *const pairs = calloc(2 * (words + 1) * len + 1, sizeof *pairs);
    any_numbers(random, items, len, words);
    for (size_t i = 0; i < len; i++) {
        memcpy(numbers + i * words, items[i].number, words * sizeof *numbers);
        memcpy(pairs + i * (words + 1), items[i].number, words * sizeof *pairs);
        pairs[i * (words + 1) + words] = items[i].carried;
    }
    const uint64_t *const sorted = nd_number_sort(numbers, numbers + words * len, len, words);
    const uint64_t *const sorted_pairs =
        nd_number_sort_pairs(pairs, pairs + (words + 1) * len, len, words);
    qsort(items, len, sizeof *items, compare_items);
    for (size_t i = 0; i < len; i++) {
        const uint64_t *const pair = sorted_pairs + i * (words + 1);
        assert_memory_equal(sorted + i * words, items[i].number, words * sizeof *sorted);
        assert_memory_equal(pair, items[i].number, words * sizeof *sorted);
        assert_int_equal(pair[words], items[i].carried);
    }
    free(items);
    free(numbers);
    free(pairs);
}

static void numbers_are_sorted_and_pairs_stably(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 31);
    for (unsigned round = 0; round < 600; round++)
        sort_some(&random, 1 + round % 2);
}

/* --- Piles --- */

/* What a pile gave: numbers and differences. */
typedef struct given {
    item *items;
    size_t len;
    unsigned words;
} given;

static nd_err take(void *context, const uint64_t *numbers, const int64_t *diffs, size_t len)
{
    given *const to = context;
    assert_true(len != 0);
    for (size_t i = 0; i < len; i++) {
        item *const place = &to->items[to->len++];
        *place = (item){.carried = diffs ? (uint64_t)diffs[i] : 1};
        memcpy(place->number, numbers + i * to->words, to->words * sizeof *numbers);
    }
    return ND_OK;
}

static size_t add_up_slowly(item *items, size_t len)
{
    size_t n = 0;
    qsort(items, len, sizeof *items, compare_items);
    for (size_t i = 0, end; i < len; i = end) {
        item sum = items[i];
        for (end = i + 1;
             end < len && memcmp(items[end].number, sum.number, sizeof sum.number) == 0; end++)
            sum.carried += items[end].carried;
        if (sum.carried)
            items[n++] = sum;
    }
    return n;
}

/* How differences come: all one; also minus one; or any small ones. */
static int64_t any_diff(nd_random *random, unsigned kind)
{
    if (kind == 0)
        return 1;
    return kind == 1 ? (nd_random_chance(random, 0.5) ? 1 : -1)
                     : (int64_t)nd_random_below(random, 9) - 4;
}

static void add_items(nd_pile *pile, nd_random *random, const item *items, size_t len)
{
    enum { MOST = 1000 };
    uint64_t numbers[ND_NUMBER_WORDS * MOST];
    int64_t diffs[MOST];
    for (size_t i = 0, n; i < len; i += n) {
        bool are_ones = true;
        n = 1 + nd_random_below(random, MOST);
        n = n < len - i ? n : len - i;
        for (size_t k = 0; k < n; k++) {
            memcpy(numbers + k * pile->words, items[i + k].number, pile->words * sizeof *numbers);
            diffs[k] = (int64_t)items[i + k].carried;
            are_ones &= diffs[k] == 1;
        }
        assert_int_equal(nd_pile_add(pile, numbers, are_ones ? NULL : diffs, n), ND_OK);
    }
}

/* A number by a small one. Of two words one or the other may tell more of it. */
static item any_item(uint64_t number, unsigned words, unsigned shift)
{
    if (words == 1)
        return (item){.number = {number * UINT64_C(0x100000001)}};
    return (item){.number = {number >> shift, (number & ((UINT64_C(1) << shift) - 1)) << 17}};
}

enum { MOST_ITEMS = 700000 };

/* One round of a pile: `items` has room for twice MOST_ITEMS. */
static void fill_and_drain(nd_pile *pile, nd_random *random, unsigned round, item *items)
{
    const size_t most = round % 8 == 0 ? MOST_ITEMS : round % 2 ? 40 : 5000;
    const size_t len = nd_random_below(random, most);
    const uint64_t n_numbers =
        UINT64_C(1) << (most == MOST_ITEMS ? 15 + round / 8 % 5 : nd_random_below(random, 40));
    const size_t change = nd_random_below(random, len + 1);
    const unsigned before = nd_random_chance(random, 0.7) ? 0 : 1;
    const unsigned after = (unsigned)nd_random_below(random, 3);
    const unsigned shift = (unsigned)nd_random_below(random, 40);
    bool has_any;
    for (size_t i = 0; i < len; i++) {
        items[i] = any_item(nd_random_below(random, n_numbers), pile->words, shift);
        items[i].carried = (uint64_t)any_diff(random, i < change ? before : after);
    }
    add_items(pile, random, items, len);
    const size_t expected = add_up_slowly(items, len);
    given all = {.items = items + MOST_ITEMS, .words = pile->words};
    assert_int_equal(nd_pile_has_any(pile, &has_any), ND_OK);
    assert_int_equal(has_any, expected != 0);
    assert_int_equal(nd_pile_drain(pile, take, &all), ND_OK);
    assert_true(nd_pile_is_empty(pile));
    assert_int_equal(all.len, expected);
    if (expected)
        assert_memory_equal(all.items, items, expected * sizeof *items);
}

/* From nothing to several chunks; from all alike to hardly any twice; differences change their kind
 * on the way. A pile is used again. */
static void piles_give_what_is_left_in_order(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 32);
    item *const items = calloc(2 * MOST_ITEMS, sizeof *items);
    for (unsigned words = 1; words <= 2; words++) {
        nd_pile pile;
        nd_pile_init(&pile, words);
        for (unsigned round = 0; round < 33; round++)
            fill_and_drain(&pile, &random, round, items);
        nd_pile_deinit(&pile);
    }
    free(items);
}

/* A second chunk begins at each of the numbers at one of which ranges are cut; the first one has
 * it, too. */
static void equal_numbers_are_in_one_range(void **state)
{
    (void)state;
    enum { CHUNK = 1 << 17, STEP = 1 << 10 };
    nd_pile pile;
    uint64_t *const numbers = calloc(2 * CHUNK, sizeof *numbers);
    given all = {.items = calloc(2 * CHUNK, sizeof *all.items)};
    for (uint64_t begin = 60 * STEP; begin < 70 * STEP; begin += STEP) {
        all.words = begin / STEP % 2 ? 2 : 1;
        nd_pile_init(&pile, all.words);
        for (uint64_t first = 0; first <= begin; first += begin) {
            for (uint64_t i = 0; i < CHUNK; i++)
                numbers[all.words * i + all.words - 1] = first + i;
            for (uint64_t i = 0; all.words == 2 && i < CHUNK; i++)
                numbers[2 * i] = 7;
            assert_int_equal(nd_pile_add(&pile, numbers, NULL, CHUNK), ND_OK);
        }
        all.len = 0;
        assert_int_equal(nd_pile_drain(&pile, take, &all), ND_OK);
        assert_int_equal(all.len, CHUNK + begin);
        for (uint64_t i = 0; i < all.len; i++) {
            assert_int_equal(all.items[i].number[all.words - 1], i);
            assert_int_equal(all.items[i].carried, i < begin || i >= CHUNK ? 1 : 2);
        }
        nd_pile_deinit(&pile);
    }
    free(numbers);
    free(all.items);
}

/* A million numbers come and go three times, each time in another order, so that they cancel from
 * chunk to chunk only. */
static void what_comes_and_goes_takes_no_room(void **state)
{
    (void)state;
    enum { N = 5 << 18, BLOCK = 1 << 10 };
    for (unsigned words = 1; words <= 2; words++) {
        nd_pile pile;
        bool has_any;
        size_t longest = 0;
        nd_pile_init(&pile, words);
        for (uint64_t cycle = 0; cycle < 6; cycle++)
            for (uint64_t i = 0; i < N; i += BLOCK) {
                uint64_t numbers[ND_NUMBER_WORDS * BLOCK] = {0};
                int64_t diffs[BLOCK];
                for (uint64_t k = 0; k < BLOCK; k++) {
                    numbers[k * words] = (i + k) * (cycle % 2 ? 7919 : 104729) % N;
                    diffs[k] = cycle % 2 ? -1 : 1;
                }
                assert_int_equal(nd_pile_add(&pile, numbers, diffs, BLOCK), ND_OK);
                longest = pile.len > longest ? pile.len : longest;
            }
        assert_true(longest > N && longest < 3 * N);
        assert_int_equal(nd_pile_has_any(&pile, &has_any), ND_OK);
        assert_false(has_any);
        nd_pile_deinit(&pile);
    }
}

static void one_that_comes_for_ever_takes_no_room(void **state)
{
    (void)state;
    enum { N = 1 << 19 };
    for (unsigned words = 1; words <= 2; words++) {
        nd_pile pile;
        const uint64_t same[ND_NUMBER_WORDS] = {5, 6};
        nd_pile_init(&pile, words);
        for (unsigned i = 0; i < N; i++)
            assert_int_equal(nd_pile_add(&pile, same, NULL, 1), ND_OK);
        assert_int_equal(pile.len, 0);
        assert_true(pile.numbers.len <= N / 4);
        nd_pile_deinit(&pile);
    }
}

/* Differences of one and of minus one, so that their sum does not tell: they are added up when one
 * asks, and not when one asks again. */
static void what_waits_is_added_up_once(void **state)
{
    (void)state;
    enum { N = 1 << 18 };
    for (unsigned words = 1; words <= 2; words++) {
        bool has_any;
        failing_memory memory;
        nd_pile pile;
        failing_memory_start(&memory, SIZE_MAX);
        nd_pile_init(&pile, words);
        for (uint64_t i = 0; i < N; i++) {
            const uint64_t number[ND_NUMBER_WORDS] = {i * 7919 % N, 1};
            assert_int_equal(nd_pile_add(&pile, number, &(int64_t){i % 2 ? 1 : -1}, 1), ND_OK);
        }
        for (unsigned asked = 0; asked < 3; asked++) {
            const size_t before = memory.n_allocations;
            assert_int_equal(nd_pile_has_any(&pile, &has_any), ND_OK);
            assert_true(has_any);
            assert_int_equal(memory.n_allocations != before, asked == 0);
        }
        for (uint64_t i = 0; i < N; i++) { /* and that all has gone since is seen */
            const uint64_t number[ND_NUMBER_WORDS] = {i * 7919 % N, 1};
            assert_int_equal(nd_pile_add(&pile, number, &(int64_t){i % 2 ? -1 : 1}, 1), ND_OK);
        }
        assert_int_equal(nd_pile_has_any(&pile, &has_any), ND_OK);
        assert_false(has_any);
        nd_pile_deinit(&pile);
        assert_false(failing_memory_stop(&memory));
    }
}

static void a_difference_of_one_takes_no_room(void **state)
{
    (void)state;
    enum { N = 1000 };
    for (unsigned words = 1; words <= 2; words++) {
        nd_pile pile;
        uint64_t numbers[ND_NUMBER_WORDS * N];
        for (uint64_t i = 0; i < words * N; i++)
            numbers[i] = i;
        nd_pile_init(&pile, words);
        assert_int_equal(nd_pile_add(&pile, numbers, NULL, N), ND_OK);
        assert_int_equal(pile.diffs.capacity, 0);
        assert_int_equal(pile.numbers.item_size, words * sizeof *numbers);
        nd_pile_deinit(&pile);
    }
}

static void a_difference_that_is_too_large_fails(void **state)
{
    (void)state;
    for (unsigned words = 1; words <= 2; words++) {
        nd_pile pile;
        const uint64_t numbers[4] = {5, 5, 5, 5};
        const int64_t diffs[2] = {INT64_MAX, 1};
        given none = {.len = 0};
        nd_pile_init(&pile, words);
        assert_int_equal(nd_pile_add(&pile, numbers, diffs, 2), ND_OK);
        assert_int_equal(nd_pile_drain(&pile, take, &none), ND_FAILED);
        assert_true(nd_pile_is_empty(&pile));
        nd_pile_deinit(&pile);
    }
}

/* --- Without memory --- */

static nd_err use_pile(void *arg)
{
    const unsigned words = *(const unsigned *)arg;
    enum { LEN = 1000, N = 160 }; /* more than a chunk */
    nd_pile pile;
    bool has_any;
    nd_err err = ND_OK;
    given all = {.items = malloc(N * LEN * sizeof(item)), .words = words};
    nd_pile_init(&pile, words);
    for (uint64_t i = 0; err == ND_OK && i < N; i++) {
        uint64_t numbers[ND_NUMBER_WORDS * LEN] = {0};
        int64_t diffs[LEN];
        for (uint64_t k = 0; k < LEN; k++) {
            numbers[k * words] = (LEN * i + k) * 0x9e3779b1u % (1u << 30);
            diffs[k] = i + 1 == N ? -(N - 1) * LEN - 1 : 1;
        }
        err = nd_pile_add(&pile, numbers, i < 7 * N / 8 ? NULL : diffs, LEN);
    }
    if (err == ND_OK) {
        pile.sum = 0;
        err = nd_pile_has_any(&pile, &has_any);
    }
    if (err == ND_OK)
        err = nd_pile_drain(&pile, take, &all);
    nd_pile_deinit(&pile);
    free(all.items);
    return err;
}

static void a_pile_without_memory_fails_cleanly(void **state)
{
    (void)state;
    for (unsigned words = 1; words <= 2; words++)
        assert_true(failing_memory_sweep(use_pile, &words) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_in_the_order_of_their_codes),
        cmocka_unit_test(numbers_are_sorted_and_pairs_stably),
        cmocka_unit_test(piles_give_what_is_left_in_order),
        cmocka_unit_test(equal_numbers_are_in_one_range),
        cmocka_unit_test(what_comes_and_goes_takes_no_room),
        cmocka_unit_test(one_that_comes_for_ever_takes_no_room),
        cmocka_unit_test(what_waits_is_added_up_once),
        cmocka_unit_test(a_difference_of_one_takes_no_room),
        cmocka_unit_test(a_difference_that_is_too_large_fails),
        cmocka_unit_test(a_pile_without_memory_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
