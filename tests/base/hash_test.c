/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash functions: fixed values, since files and checkpoints depend on them, and how well they
 * spread.
 */
#include "runtime/base/hash.h"

#include <string.h>

#include "tests/support/cmocka.h"

static void hashes_of_keys_never_change(void **state)
{
    (void)state;
    assert_int_equal(nd_hash_u64(0), 0);
    assert_int_equal(nd_hash_u64(1), UINT64_C(0xb456bcfc34c2cb2c));
    assert_int_equal(nd_hash_u64(2), UINT64_C(0x3abf2a20650683e7));
    assert_int_equal(nd_hash_u64(UINT64_MAX), UINT64_C(0x64b5720b4b825f21));
}

static void hashes_of_bytes_never_change(void **state)
{
    (void)state;
    assert_int_equal(nd_hash_bytes("", 0), UINT64_C(0x2d06800538d394c2));
    assert_int_equal(nd_hash_bytes("a", 1), UINT64_C(0xe6c632b61e964e1f));
    assert_int_equal(nd_hash_bytes("abc", 3), UINT64_C(0x78af5f94892f3950));
}

static void hash_of_bytes_does_not_depend_on_alignment(void **state)
{
    (void)state;
    char buffer[300];
    for (size_t shift = 0; shift < 9; shift++) {
        for (size_t size = 0; size < 280; size += 7) {
            char plain[280];
            memset(plain, (int)size, sizeof plain);
            memcpy(buffer + shift, plain, size);
            assert_int_equal(nd_hash_bytes(buffer + shift, size), nd_hash_bytes(plain, size));
        }
    }
}

/* Small numbers are the commonest keys: a thousand buckets, by the low bits and by the high bits,
 * are filled evenly. */
static void consecutive_keys_spread_over_low_and_high_bits(void **state)
{
    (void)state;
    enum { KEYS = 1 << 17, BUCKETS = 1 << 10 };
    static unsigned low[BUCKETS], high[BUCKETS];
    for (uint64_t key = 0; key < KEYS; key++) {
        const uint64_t hash = nd_hash_u64(key);
        low[hash % BUCKETS]++;
        high[hash >> 54]++;
    }
    for (size_t i = 0; i < BUCKETS; i++) { /* 128 on average, standard deviation 11.3 */
        assert_in_range(low[i], 128 - 68, 128 + 68);
        assert_in_range(high[i], 128 - 68, 128 + 68);
    }
}

/* Each bit of the key flips each bit of the hash in about half of the cases. */
static void every_bit_of_the_key_reaches_every_bit_of_the_hash(void **state)
{
    (void)state;
    enum { KEYS = 2000 };
    for (unsigned in = 0; in < 64; in++) {
        unsigned flips[64] = {0};
        for (uint64_t i = 1; i <= KEYS; i++) {
            const uint64_t key = i * UINT64_C(0x9e3779b97f4a7c15);
            const uint64_t changed = nd_hash_u64(key) ^ nd_hash_u64(key ^ (UINT64_C(1) << in));
            for (unsigned out = 0; out < 64; out++)
                flips[out] += (unsigned)(changed >> out) & 1u;
        }
        for (unsigned out = 0; out < 64; out++)
            assert_in_range(flips[out], KEYS * 2 / 5, KEYS * 3 / 5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_of_keys_never_change),
        cmocka_unit_test(hashes_of_bytes_never_change),
        cmocka_unit_test(hash_of_bytes_does_not_depend_on_alignment),
        cmocka_unit_test(consecutive_keys_spread_over_low_and_high_bits),
        cmocka_unit_test(every_bit_of_the_key_reaches_every_bit_of_the_hash),
    };
    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
