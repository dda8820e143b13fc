/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table behind aggregate, and the order of keys: against plain search and plain comparison.
 */
#include "operators/timely/key_order.h"
#include "operators/timely/totals.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/base/random.h"
#include "tests/support/cmocka.h"
#include "tests/support/failing_memory.h"

/* A key of `width` bytes, then a number that tells records apart. */
static nd_type type_of_width(uint16_t width)
{
    nd_type type = {.name = "wide", .size = width + 8U, .nkey = 0};
    uint32_t n = 0, offset = 0;
    while (offset < width) {
        uint16_t step = 8;
        while (offset + step > width)
            step /= 2;
        type.fields[n++] = (nd_field){"key", offset, step, ND_KIND_UNSIGNED};
        offset += step;
    }
    type.nkey = n;
    type.fields[n] = (nd_field){"number", width, 8, ND_KIND_UNSIGNED};
    return type;
}

/* Records with random keys of `n_values` different values. */
static unsigned char *random_records(const nd_type *type, size_t len, uint64_t n_values,
                                     uint64_t seed)
{
    nd_random random;
    nd_random_init(&random, seed);
    unsigned char *records = calloc(len, type->size);
    assert_non_null(records);
    const size_t width = type->size - 8;
    for (uint64_t i = 0; i < len; i++) {
        const uint64_t value = nd_random_below(&random, n_values) * UINT64_C(0x9e3779b97f4a7c15);
        memcpy(records + i * type->size, &value, width < 8 ? width : 8);
        memcpy(records + i * type->size + width, &i, 8);
    }
    return records;
}

/* Checks each place against the first record with that key, found by looking at all. */
static void assert_places(const nd_type *type, const unsigned char *records, size_t len,
                          const nd_totals *totals, const uint32_t *places)
{
    size_t n_new = 0;
    for (size_t i = 0; i < len; i++) {
        size_t first = 0;
        while (!nd_type_key_equal(type, records + first * type->size, records + i * type->size))
            first++;
        assert_int_equal((places[i] & ND_TOTALS_NEW) != 0, first == i);
        const uint32_t place = places[i] & ~ND_TOTALS_NEW;
        if (first == i)
            assert_int_equal(place, n_new++);
        assert_memory_equal(totals->records + place * type->size, records + first * type->size,
                            type->size);
    }
    assert_int_equal(totals->len, n_new);
}

static void find(nd_totals *totals, const unsigned char *records, const uint64_t *hashes,
                 size_t len, size_t piece, uint32_t *places)
{
    for (size_t i = 0; i < len; i += piece) {
        const size_t n = len - i < piece ? len - i : piece;
        assert_int_equal(
            nd_totals_find(totals, records + i * totals->type->size, hashes + i, n, places + i),
            ND_OK);
    }
}

static void the_first_record_of_a_key_is_found_again(void **state)
{
    (void)state;
    enum { LEN = 3000 };
    static const uint16_t widths[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 40};
    static const size_t pieces[] = {1, 7, 256, LEN};
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        const nd_type type = type_of_width(widths[w]);
        unsigned char *records = random_records(&type, LEN, 700, w + 1);
        static uint64_t hashes[LEN];
        static uint32_t places[LEN];
        nd_type_hash_batch(&type, records, LEN, hashes);
        for (size_t p = 0; p < 4; p++) {
            nd_totals totals;
            nd_totals_init(&totals, &type);
            find(&totals, records, hashes, LEN, pieces[p], places);
            assert_places(&type, records, LEN, &totals, places);
            nd_totals_deinit(&totals);
        }
        free(records);
    }
}

static void equal_hashes_do_not_mix_keys(void **state)
{
    (void)state;
    enum { LEN = 600 };
    const nd_type type = type_of_width(8);
    unsigned char *records = random_records(&type, LEN, 50, 9);
    uint64_t hashes[LEN];
    uint32_t places[LEN];
    for (size_t i = 0; i < LEN; i++)
        hashes[i] = 0; /* not the keys' own: no slot tells them apart */
    nd_totals totals;
    nd_totals_init(&totals, &type);
    find(&totals, records, hashes, LEN, LEN,
         places); /* in one piece: growing takes the true hashes */
    assert_places(&type, records, LEN, &totals, places);
    nd_totals_deinit(&totals);
    free(records);
}

typedef struct {
    nd_bytes word;
    uint32_t part, other;
    int64_t n;
} entry;
static const nd_type entry_type = ND_TYPE(entry, 2, ND_FIELD(entry, word), ND_FIELD(entry, part),
                                          ND_FIELD(entry, other), ND_FIELD(entry, n));

static void string_keys_are_the_tables_own(void **state)
{
    (void)state;
    nd_totals totals;
    nd_totals_init(&totals, &entry_type);
    char buffer[32];
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 4000; i++) {
            const int size = snprintf(buffer, sizeof buffer, "%.*s%d", i % 9, "aaaaaaaa", i / 2);
            const entry record = {{buffer, (size_t)size}, (uint32_t)i % 2, 0, i};
            const uint64_t hash = nd_type_hash(&entry_type, &record);
            uint32_t place;
            assert_int_equal(nd_totals_find(&totals, &record, &hash, 1, &place), ND_OK);
            assert_int_equal(place, (uint32_t)i | (round == 0 ? ND_TOTALS_NEW : 0));
            memset(buffer, '?', sizeof buffer);
        }
    const uint64_t size = strlen("a very long key: ") * 10000;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, 'x', size);
    const entry record = {{text, size}, 0, 0, 0};
    const uint64_t hash = nd_type_hash(&entry_type, &record);
    uint32_t place;
    assert_int_equal(nd_totals_find(&totals, &record, &hash, 1, &place), ND_OK);
    free(text);
    const entry *kept = (const entry *)(const void *)totals.records + (place & ~ND_TOTALS_NEW);
    assert_int_equal(((const char *)kept->word.data)[size - 1], 'x');
    assert_int_equal(totals.len, 4001);
    nd_totals_deinit(&totals);
}

static nd_err fill_and_order(void *arg)
{
    (void)arg;
    enum { LEN = 200 };
    static const char text[LEN] = "";
    nd_totals totals;
    nd_totals_init(&totals, &entry_type);
    nd_err err = ND_OK;
    for (int i = 0; err == ND_OK && i < LEN; i++) {
        const entry record = {{text, (size_t)i}, 0, 0, i};
        const uint64_t hash = nd_type_hash(&entry_type, &record);
        uint32_t place;
        err = nd_totals_find(&totals, &record, &hash, 1, &place);
    }
    uint32_t order[LEN];
    if (err == ND_OK)
        err = nd_key_order(&entry_type, totals.records, totals.len, order);
    nd_totals_deinit(&totals);
    return err;
}

static void running_out_of_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    assert_in_range(failing_memory_sweep(fill_and_order, NULL), 10, 1000);
}

/* --- Order --- */

static void assert_order(const nd_type *type, const void *records, size_t len)
{
    uint32_t *order = calloc(len + 1, sizeof *order);
    bool *seen = calloc(len + 1, sizeof *seen);
    assert_true(order != NULL && seen != NULL);
    assert_int_equal(nd_key_order(type, records, len, order), ND_OK);
    const unsigned char *first = records;
    for (size_t i = 0; i < len; i++) {
        assert_true(order[i] < len && !seen[order[i]]);
        seen[order[i]] = true;
        if (i != 0)
            assert_true(nd_type_compare(type, first + order[i - 1] * type->size,
                                        first + order[i] * type->size) <= 0);
    }
    free(seen);
    free(order);
}

typedef struct {
    int64_t a;
} wide_signed;
static const nd_type wide_signed_type = ND_TYPE(wide_signed, 1, ND_FIELD(wide_signed, a));
typedef struct {
    int16_t a;
    uint8_t b;
    bool c;
    float d;
} mixed;
static const nd_type mixed_type = ND_TYPE(mixed, 4, ND_FIELD(mixed, a), ND_FIELD(mixed, b),
                                          ND_FIELD(mixed, c), ND_FIELD(mixed, d));
typedef struct {
    int32_t a;
    uint32_t b;
    double c;
    nd_bytes d;
} lengthy;
static const nd_type lengthy_type = ND_TYPE(lengthy, 4, ND_FIELD(lengthy, a), ND_FIELD(lengthy, b),
                                            ND_FIELD(lengthy, c), ND_FIELD(lengthy, d));

static void keys_are_ordered_as_numbers_and_strings(void **state)
{
    (void)state;
    enum { LEN = 2000 };
    static const size_t lens[] = {0, 1, 2, 48, 49, LEN};
    static wide_signed numbers[LEN];
    static mixed small[LEN];
    static lengthy long_keys[LEN];
    static entry words[LEN];
    static char text[] = "aaaaabbbbbaaaaacccccbbbbbaaaaa\0\0\0\xff";
    nd_random random;
    nd_random_init(&random, 5);
    for (size_t i = 0; i < LEN; i++) {
        const uint64_t bits = nd_random_next(&random);
        numbers[i].a = (int64_t)bits >> (bits % 64);
        small[i] = (mixed){(int16_t)(bits % 7 - 3), (uint8_t)(bits >> 8 & 0xff), bits >> 16 & 1,
                           (float)nd_random_unit(&random) - 0.5f};
        long_keys[i] = (lengthy){(int32_t)(bits % 3) - 1,
                                 bits >> 32 & 1,
                                 nd_random_unit(&random) > 0.5 ? -1 : 1e9,
                                 {text + bits % 16, bits >> 4 & 15}};
        words[i] = (entry){{text + bits % 16, bits >> 4 & 15}, bits >> 32 & 3, 0, 0};
    }
    for (size_t i = 0; i < 6; i++) {
        assert_order(&wide_signed_type, numbers, lens[i]);
        assert_order(&mixed_type, small, lens[i]);
        assert_order(&lengthy_type, long_keys, lens[i]);
        assert_order(&entry_type, words, lens[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_record_of_a_key_is_found_again),
        cmocka_unit_test(equal_hashes_do_not_mix_keys),
        cmocka_unit_test(string_keys_are_the_tables_own),
        cmocka_unit_test(running_out_of_memory_leaves_nothing_behind),
        cmocka_unit_test(keys_are_ordered_as_numbers_and_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
