/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generator against published values, and its derived draws against their laws.
 */
#include "runtime/base/random.h"

#include "tests/support/cmocka.h"

static void seed_zero_gives_the_published_splitmix_state(void **state)
{
    (void)state;
    static const uint64_t expected[4] = {
        UINT64_C(0xe220a8397b1dcdaf),
        UINT64_C(0x6e789e6aa1b965f4),
        UINT64_C(0x06c45d188009454f),
        UINT64_C(0xf88bb8a8724c81ec),
    };
    nd_random random;
    nd_random_init(&random, 0);
    assert_memory_equal(random.state, expected, sizeof expected);
}

static void sequence_is_the_published_one(void **state)
{
    (void)state;
    static const uint64_t expected[] = {
        UINT64_C(11520),
        UINT64_C(0),
        UINT64_C(1509978240),
        UINT64_C(1215971899390074240),
        UINT64_C(1216172134540287360),
        UINT64_C(607988272756665600),
    };
    nd_random random = {{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_int_equal(nd_random_next(&random), expected[i]);
}

static void same_seed_gives_the_same_sequence_and_another_another(void **state)
{
    (void)state;
    nd_random one, same, other;
    nd_random_init(&one, 7);
    nd_random_init(&same, 7);
    nd_random_init(&other, 8);
    int n_alike = 0;
    for (int i = 0; i < 1000; i++) {
        const uint64_t draw = nd_random_next(&one);
        assert_int_equal(draw, nd_random_next(&same));
        n_alike += draw == nd_random_next(&other);
    }
    assert_int_equal(n_alike, 0);
}

/* Every answer within five standard deviations of its share; at the seed chosen it holds, and
 * always will. */
static void below_gives_each_number_its_share(void **state)
{
    (void)state;
    enum { DRAWS = 70000, N = 7 };
    int counts[N] = {0};
    nd_random random;
    nd_random_init(&random, 1);
    for (int i = 0; i < DRAWS; i++) {
        const uint64_t draw = nd_random_below(&random, N);
        assert_true(draw < N);
        counts[draw]++;
    }
    for (int i = 0; i < N; i++)
        assert_in_range(counts[i], 10000 - 470, 10000 + 470);
}

/* With n = 3 * 2^62 a multiplication without refusal gives multiples of three twice as often as the
 * others. */
static void below_is_unbiased_for_a_huge_range(void **state)
{
    (void)state;
    enum { DRAWS = 30000 };
    const uint64_t n = UINT64_C(3) << 62;
    int counts[3] = {0};
    nd_random random;
    nd_random_init(&random, 2);
    for (int i = 0; i < DRAWS; i++) {
        const uint64_t draw = nd_random_below(&random, n);
        assert_true(draw < n);
        counts[draw % 3]++;
    }
    for (int i = 0; i < 3; i++)
        assert_in_range(counts[i], 10000 - 410, 10000 + 410);
}

/* The high word of the product is checked against long division by a power of two, and against full
 * 64-bit factors. */
static void below_scales_the_whole_draw(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 64; bits++) {
        nd_random random, same;
        nd_random_init(&random, bits);
        nd_random_init(&same, bits);
        const uint64_t draw = nd_random_next(&same);
        const uint64_t expected = bits == 0 ? 0 : draw >> (64 - bits);
        assert_int_equal(nd_random_below(&random, UINT64_C(1) << bits), expected);
    }
    nd_random random, same;
    nd_random_init(&random, 3);
    nd_random_init(&same, 3);
    for (int i = 0; i < 1000;
         i++) { /* times 2^64 - 1 is the draw less one, for any draw but zero */
        const uint64_t draw = nd_random_next(&same);
        assert_int_equal(nd_random_below(&random, UINT64_MAX), draw - 1);
    }
}

static void below_one_is_zero(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 4);
    for (int i = 0; i < 100; i++)
        assert_int_equal(nd_random_below(&random, 1), 0);
}

static void unit_stays_below_one_and_averages_a_half(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 5);
    double sum = 0.0;
    for (int i = 0; i < 100000; i++) {
        const double draw = nd_random_unit(&random);
        assert_true(draw >= 0.0 && draw < 1.0);
        sum += draw;
    }
    assert_true(sum > 49500.0 && sum < 50500.0);
}

static void chance_keeps_its_probability_and_takes_one_draw(void **state)
{
    (void)state;
    nd_random random, same;
    nd_random_init(&random, 6);
    nd_random_init(&same, 6);
    int n_true = 0;
    for (int i = 0; i < 10000; i++) {
        n_true += nd_random_chance(&random, 0.25);
        assert_false(nd_random_chance(&random, 0.0));
        assert_true(nd_random_chance(&random, 1.0));
        for (int draw = 0; draw < 3; draw++)
            (void)nd_random_next(&same);
    }
    assert_in_range(n_true, 2500 - 220, 2500 + 220);
    assert_int_equal(nd_random_next(&random), nd_random_next(&same));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seed_zero_gives_the_published_splitmix_state),
        cmocka_unit_test(sequence_is_the_published_one),
        cmocka_unit_test(same_seed_gives_the_same_sequence_and_another_another),
        cmocka_unit_test(below_gives_each_number_its_share),
        cmocka_unit_test(below_is_unbiased_for_a_huge_range),
        cmocka_unit_test(below_scales_the_whole_draw),
        cmocka_unit_test(below_one_is_zero),
        cmocka_unit_test(unit_stays_below_one_and_averages_a_half),
        cmocka_unit_test(chance_keeps_its_probability_and_takes_one_draw),
    };
    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
