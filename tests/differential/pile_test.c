/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers sorted by radix, piles of them, and batchers of codes that are numbers, against the slow
 * way and the general one. All of it with numbers of one word and of two. */
#include "tests/support/cmocka.h"

#include <stdlib.h>
#include <string.h>

#include "operators/differential/batcher.h"
#include "operators/differential/number_sort.h"
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

/* --- Batchers of codes that are numbers --- */

/* Records of one to four fields, whose sizes are the parts of a key and of a value. */
typedef struct shape {
    uint16_t sizes[4];
    unsigned n_key;
} shape;

enum { MOST_BYTES = ND_NUMBER_BYTES };

/* Some of eight bytes and less, each size from nine on, and all that is common of twelve and
 * sixteen. */
static const shape shapes[] = {
    {{4, 4}, 1},    {{4}, 1},       {{8}, 1},          {{1, 2}, 1},       {{4, 4}, 0},
    {{2, 2, 4}, 2}, {{8}, 0},       {{1, 1, 1, 1}, 3}, {{8, 1}, 1},       {{2, 8}, 1},
    {{8, 2, 1}, 2}, {{4, 4, 4}, 2}, {{4, 4, 4}, 1},    {{4, 8}, 0},       {{8, 4}, 2},
    {{8, 4, 1}, 1}, {{4, 8, 2}, 2}, {{1, 2, 4, 8}, 3}, {{8, 8}, 1},       {{8, 8}, 0},
    {{8, 8}, 2},    {{4, 4, 8}, 1}, {{8, 4, 4}, 2},    {{2, 8, 2, 4}, 1}, {{1, 8, 1}, 1}};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

/* Stamps of two counters. */
typedef struct stamp {
    uint64_t epoch;
    uint32_t loop[2];
    int64_t diff;
} stamp;

/* A way to go: the type, its row, and codes. Stays where it is. */
typedef struct layout {
    nd_type record, type;
    nd_row row;
    nd_record_code whole;
    nd_trace_shape trace;
} layout;

static void add_field(nd_type *type, unsigned i, uint16_t size, nd_kind kind)
{
    type->fields[i] = (nd_field){"field", type->size, size, (uint16_t)kind};
    type->size += size;
}

static void make_layout(layout *to, const shape *from, unsigned n_loops)
{
    unsigned n = 0;
    memset(to, 0, sizeof *to);
    for (; n < 4 && from->sizes[n]; n++) {
        add_field(&to->record, n, from->sizes[n], n % 2 ? ND_KIND_SIGNED : ND_KIND_UNSIGNED);
        *(n < from->n_key ? &to->trace.key_size : &to->trace.value_size) += from->sizes[n];
    }
    to->trace.key_is_fixed = to->trace.value_is_fixed = true;
    to->type.size = MOST_BYTES + (uint32_t)sizeof(stamp) - (n_loops ? 0 : 8);
    to->row = (nd_row){.type = &to->type,
                       .record_size = to->record.size,
                       .stamp_offset = MOST_BYTES,
                       .stamp_size = to->type.size - MOST_BYTES,
                       .n_loops = n_loops};
    nd_record_code_init(&to->whole, &to->record, 0, n);
}

/* Few epochs and counters, so that some rounds have more times than there are piles. Of two words
 * either may tell more. */
static void make_rows(nd_random *random, const layout *as, unsigned char *rows, size_t len)
{
    const uint64_t n_epochs = 1 + nd_random_below(random, 3), n_values = 1 + len / 2;
    const unsigned kind = (unsigned)nd_random_below(random, 3);
    const uint64_t shift = nd_random_below(random, 12);
    for (size_t i = 0; i < len; i++, rows += as->type.size) {
        const uint64_t any = nd_random_below(random, n_values), ones = UINT64_C(0x0101010101010101);
        const uint64_t value[2] = {(any >> shift) * ones, any * ones};
        const nd_time time = {nd_random_below(random, n_epochs),
                              {as->row.n_loops ? (uint32_t)nd_random_below(random, 2) : 0}};
        const int64_t diff = any_diff(random, kind);
        memset(rows, 0, MOST_BYTES);
        memcpy(rows, value, as->record.size);
        nd_row_stamp(&as->row, rows, &time, diff ? diff : 1);
    }
}

static void push_all(nd_trace_builder *builder, const nd_updates *all)
{
    for (size_t i = 0; i < nd_updates_len(all); i++) {
        size_t size;
        const unsigned char *const code = nd_updates_code(all, i, &size);
        const uint32_t key_size = builder->shape.key_size;
        assert_int_equal(nd_trace_builder_push(builder, (nd_trace_code){code, key_size},
                                               (nd_trace_code){code + key_size, size - key_size},
                                               nd_updates_time(all, i), nd_updates_diff(all, i)),
                         ND_OK);
    }
}

/* The bytes of a batch of everything, which is never empty. */
static nd_trace_batch *seal_builder(nd_trace_builder *builder)
{
    nd_trace_batch *batch;
    nd_antichain lower, upper;
    nd_antichain_init(&lower);
    nd_antichain_init(&upper);
    assert_int_equal(nd_antichain_insert(&lower, &(nd_time){.epoch = 0}), ND_OK);
    assert_int_equal(nd_trace_builder_seal(builder, &lower, &upper, &lower, &batch), ND_OK);
    nd_antichain_deinit(&lower);
    return batch;
}

static void expect_same_batch(nd_trace_builder *a, nd_trace_builder *b)
{
    size_t a_size, b_size;
    nd_trace_batch *const one = seal_builder(a), *const other = seal_builder(b);
    const void *const a_bytes = nd_trace_batch_bytes(one, &a_size);
    const void *const b_bytes = nd_trace_batch_bytes(other, &b_size);
    assert_true(nd_trace_batch_validate(a_bytes, a_size));
    assert_int_equal(a_size, b_size);
    assert_memory_equal(a_bytes, b_bytes, a_size);
    nd_trace_batch_release(one);
    nd_trace_batch_release(other);
}

/* Takes what is complete out of the batcher, each way, and compares it with `expected`. */
static void expect_sealed(nd_batcher *batcher, const layout *as, const nd_antichain *frontier,
                          const nd_updates *expected, nd_antichain *left, size_t *n_built)
{
    nd_trace_builder built, pushed;
    nd_updates done;
    nd_trace_builder_init(&built, &as->trace);
    nd_trace_builder_init(&pushed, &as->trace);
    nd_updates_init(&done, &as->whole);
    if (nd_batcher_can_build(batcher, frontier)) {
        ++*n_built;
        assert_int_equal(nd_batcher_build(batcher, frontier, &built, left), ND_OK);
    } else {
        assert_int_equal(nd_batcher_seal(batcher, frontier, &done, left), ND_OK);
        assert_int_equal(nd_updates_len(&done), nd_updates_len(expected));
        push_all(&built, &done);
    }
    push_all(&pushed, expected);
    expect_same_batch(&built, &pushed);
    nd_trace_builder_deinit(&built);
    nd_trace_builder_deinit(&pushed);
    nd_updates_deinit(&done);
}

/* What has come so far, in columns, is divided by the frontier and consolidated; what is left comes
 * again. */
static void divide_slowly(nd_updates *all, const nd_antichain *frontier, nd_updates *complete,
                          nd_antichain *left)
{
    nd_updates open;
    nd_updates_init(&open, all->code);
    assert_int_equal(nd_updates_consolidate(all), ND_OK);
    for (size_t i = 0; i < nd_updates_len(all); i++) {
        const nd_time *const time = nd_updates_time(all, i);
        const bool is_open = nd_antichain_less_equal(frontier, time);
        assert_int_equal(nd_updates_add_from(is_open ? &open : complete, all, i, time), ND_OK);
        if (is_open)
            assert_int_equal(nd_antichain_insert(left, time), ND_OK);
    }
    nd_updates_deinit(all);
    *all = open;
}

static void expect_same_times(const nd_antichain *a, const nd_antichain *b)
{
    assert_int_equal(a->len, b->len);
    for (size_t i = 0; i < a->len; i++)
        assert_true(nd_time_equal(&nd_antichain_items(a)[i], &nd_antichain_items(b)[i]));
}

/* Some steps of rows and a frontier; returns how often what was complete was built at once. */
static size_t run_batcher(nd_random *random, const layout *as, size_t most)
{
    nd_batcher batcher;
    nd_updates all;
    size_t n_built = 0;
    unsigned char *const rows = calloc(most + 1, as->type.size);
    nd_batcher_init(&batcher, &as->whole, as->row.n_loops);
    nd_updates_init(&all, &as->whole);
    for (unsigned step = 0; step < 8; step++) {
        nd_updates complete;
        nd_antichain frontier, left, expected_left;
        nd_antichain_init(&frontier);
        nd_antichain_init(&left);
        nd_antichain_init(&expected_left);
        nd_updates_init(&complete, &as->whole);
        const size_t len = nd_random_below(random, most);
        make_rows(random, as, rows, len);
        assert_int_equal(nd_batcher_add(&batcher, &as->row, rows, len), ND_OK);
        assert_int_equal(nd_updates_add_rows(&all, &as->row, rows, len), ND_OK);
        const nd_time open = {step == 7 ? 9 : nd_random_below(random, 4),
                              {(uint32_t)nd_random_below(random, 2)}};
        assert_int_equal(nd_antichain_insert(&frontier, &open), ND_OK);
        divide_slowly(&all, &frontier, &complete, &expected_left);
        expect_sealed(&batcher, as, &frontier, &complete, &left, &n_built);
        expect_same_times(&left, &expected_left);
        nd_updates_deinit(&complete);
        nd_antichain_deinit(&left);
        nd_antichain_deinit(&expected_left);
    }
    nd_batcher_deinit(&batcher);
    nd_updates_deinit(&all);
    free(rows);
    return n_built;
}

static void batchers_of_numbers_do_what_general_ones_do(void **state)
{
    (void)state;
    nd_random random;
    size_t n_built = 0;
    nd_random_init(&random, 33);
    for (unsigned round = 0; round < 25; round++)
        for (size_t i = 0; i < N_SHAPES; i++) {
            layout as;
            make_layout(&as, &shapes[i], round % 3);
            n_built += run_batcher(&random, &as, round % 5 ? 40 : 3000);
        }
    assert_true(n_built > 100);
}

/* One time more than there are piles; when a pile is free again, what comes cancels with what is
 * where that time was put first. */
static void what_cancels_is_found_wherever_its_time_waits(void **state)
{
    (void)state;
    enum { N = ND_BATCHER_PILES + 1 };
    layout as;
    nd_batcher batcher;
    nd_updates done;
    make_layout(&as, &shapes[0], 0);
    nd_batcher_init(&batcher, &as.whole, as.row.n_loops);
    nd_updates_init(&done, &as.whole);
    for (uint64_t epoch = 1; epoch <= N; epoch++) {
        const nd_time time = {.epoch = epoch};
        assert_int_equal(nd_batcher_add_code(&batcher, (unsigned char[8]){1}, 8, &time, 1), ND_OK);
    }
    for (uint64_t frontier_epoch = 2; frontier_epoch <= N; frontier_epoch += N - 2) {
        nd_antichain frontier, left;
        const nd_time last = {.epoch = N};
        nd_antichain_init(&frontier);
        nd_antichain_init(&left);
        assert_int_equal(nd_antichain_insert(&frontier, &(nd_time){.epoch = frontier_epoch}),
                         ND_OK);
        nd_updates_clear(&done);
        assert_int_equal(nd_batcher_seal(&batcher, &frontier, &done, &left), ND_OK);
        assert_int_equal(left.len, frontier_epoch == 2);
        if (frontier_epoch == 2)
            assert_int_equal(nd_batcher_add_code(&batcher, (unsigned char[8]){1}, 8, &last, -1),
                             ND_OK);
        nd_antichain_deinit(&frontier);
        nd_antichain_deinit(&left);
    }
    assert_int_equal(nd_updates_len(&done), N - 2);
    nd_batcher_deinit(&batcher);
    nd_updates_deinit(&done);
}

/* --- Without memory --- */

static nd_err use_pile(void *arg)
{
    const unsigned words = *(const unsigned *)arg;
    enum { LEN = 1000 };
    nd_pile pile;
    bool has_any;
    nd_err err = ND_OK;
    given all = {.items = malloc(400 * LEN * sizeof(item)), .words = words};
    nd_pile_init(&pile, words);
    for (uint64_t i = 0; err == ND_OK && i < 400; i++) {
        uint64_t numbers[ND_NUMBER_WORDS * LEN] = {0};
        int64_t diffs[LEN];
        for (uint64_t k = 0; k < LEN; k++) {
            numbers[k * words] = (LEN * i + k) * 0x9e3779b1u % (1u << 30);
            diffs[k] = i + 1 == 400 ? -399001 : 1;
        }
        err = nd_pile_add(&pile, numbers, i < 300 ? NULL : diffs, LEN);
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

/* Some records of sixteen bytes, with and without differences, taken out both ways. */
static nd_err use_batcher(void *arg)
{
    const layout *const as = arg;
    nd_batcher batcher;
    nd_trace_builder builder;
    nd_updates done;
    nd_antichain frontier, left;
    nd_random random;
    unsigned char *const rows = calloc(600, as->type.size);
    nd_random_init(&random, 34);
    nd_batcher_init(&batcher, &as->whole, as->row.n_loops);
    nd_trace_builder_init(&builder, &as->trace);
    nd_updates_init(&done, &as->whole);
    nd_antichain_init(&frontier);
    nd_antichain_init(&left);
    nd_err err = ND_OK;
    for (unsigned i = 0; err == ND_OK && i < 4; i++) {
        make_rows(&random, as, rows, 600);
        err = nd_batcher_add(&batcher, &as->row, rows, 600);
        if (err == ND_OK && i % 2)
            err = nd_batcher_seal(&batcher, &frontier, &done, &left);
        else if (err == ND_OK && nd_batcher_can_build(&batcher, &frontier))
            err = nd_batcher_build(&batcher, &frontier, &builder, &left);
        nd_updates_clear(&done);
        nd_trace_builder_clear(&builder);
    }
    nd_batcher_deinit(&batcher);
    nd_trace_builder_deinit(&builder);
    nd_updates_deinit(&done);
    nd_antichain_deinit(&left);
    free(rows);
    return err;
}

static void a_batcher_without_memory_fails_cleanly(void **state)
{
    (void)state;
    layout as;
    make_layout(&as, &(shape){{8, 8}, 1}, 0);
    assert_true(failing_memory_sweep(use_batcher, &as) > 10);
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
        cmocka_unit_test(a_difference_of_one_takes_no_room),
        cmocka_unit_test(a_difference_that_is_too_large_fails),
        cmocka_unit_test(batchers_of_numbers_do_what_general_ones_do),
        cmocka_unit_test(what_cancels_is_found_wherever_its_time_waits),
        cmocka_unit_test(a_pile_without_memory_fails_cleanly),
        cmocka_unit_test(a_batcher_without_memory_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
