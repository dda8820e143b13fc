/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times: the laws of the lattice and of the two orders, over random values; and how times are
 * printed.
 */
#include <nereid/time.h>

#include "runtime/coordinate.h"
#include "tests/runtime/random_graph.h"
#include "tests/support/cmocka.h"

enum { N_RUNS = 20000 };

/* Few values, so that equal and comparable times are common; now and then the greatest. */
static nd_time some_time(nd_random *random)
{
    const bool near_end = nd_random_below(random, 8) == 0;
    return random_graph_time(random, ND_MAX_LOOPS, 3, near_end);
}

static void less_equal_is_a_partial_order(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 1);
    for (unsigned i = 0; i < N_RUNS; i++) {
        const nd_time a = some_time(&random);
        const nd_time b = some_time(&random);
        const nd_time c = some_time(&random);
        bool coordinates = true;
        for (unsigned k = 0; k < ND_COORDINATES; k++)
            coordinates = coordinates && nd_time_coordinate(&a, k) <= nd_time_coordinate(&b, k);
        assert_int_equal(nd_time_less_equal(&a, &b), coordinates);
        assert_true(nd_time_less_equal(&a, &a));
        if (nd_time_less_equal(&a, &b) && nd_time_less_equal(&b, &a))
            assert_true(nd_time_equal(&a, &b));
        if (nd_time_less_equal(&a, &b) && nd_time_less_equal(&b, &c))
            assert_true(nd_time_less_equal(&a, &c));
    }
}

static void compare_is_lexicographic(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 2);
    for (unsigned i = 0; i < N_RUNS; i++) {
        const nd_time a = some_time(&random);
        const nd_time b = some_time(&random);
        const int order = nd_time_compare(&a, &b);
        const int expected = closure_order(&a, &b);
        assert_int_equal((order > 0) - (order < 0), expected);
    }
}

static void compare_is_antisymmetric_and_total(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 3);
    for (unsigned i = 0; i < N_RUNS; i++) {
        const nd_time a = some_time(&random);
        const nd_time b = some_time(&random);
        const nd_time c = some_time(&random);
        assert_int_equal(nd_time_compare(&a, &b) < 0, nd_time_compare(&b, &a) > 0);
        assert_int_equal(nd_time_compare(&a, &b) == 0, nd_time_equal(&a, &b));
        if (nd_time_compare(&a, &b) <= 0 && nd_time_compare(&b, &c) <= 0)
            assert_true(nd_time_compare(&a, &c) <= 0);
    }
}

static void compare_extends_the_partial_order(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 4);
    for (unsigned i = 0; i < N_RUNS; i++) {
        const nd_time a = some_time(&random);
        const nd_time b = some_time(&random);
        if (nd_time_less_equal(&a, &b))
            assert_true(nd_time_compare(&a, &b) <= 0);
    }
}

static void join_and_meet_are_bounds_and_the_closest(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 5);
    for (unsigned i = 0; i < N_RUNS; i++) {
        const nd_time a = some_time(&random);
        const nd_time b = some_time(&random);
        const nd_time c = some_time(&random);
        const nd_time join = nd_time_join(&a, &b);
        const nd_time meet = nd_time_meet(&a, &b);
        assert_true(nd_time_less_equal(&a, &join) && nd_time_less_equal(&b, &join));
        assert_true(nd_time_less_equal(&meet, &a) && nd_time_less_equal(&meet, &b));
        if (nd_time_less_equal(&a, &c) && nd_time_less_equal(&b, &c))
            assert_true(nd_time_less_equal(&join, &c));
        if (nd_time_less_equal(&c, &a) && nd_time_less_equal(&c, &b))
            assert_true(nd_time_less_equal(&c, &meet));
    }
}

static void join_and_meet_make_a_lattice(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 6);
    for (unsigned i = 0; i < N_RUNS; i++) {
        const nd_time a = some_time(&random);
        const nd_time b = some_time(&random);
        const nd_time c = some_time(&random);
        const nd_time ab = nd_time_join(&a, &b);
        const nd_time ba = nd_time_join(&b, &a);
        const nd_time bc = nd_time_join(&b, &c);
        const nd_time left = nd_time_join(&ab, &c);
        const nd_time right = nd_time_join(&a, &bc);
        const nd_time absorbed = nd_time_meet(&a, &ab);
        assert_true(nd_time_equal(&ab, &ba));
        assert_true(nd_time_equal(&left, &right));
        assert_true(nd_time_equal(&absorbed, &a));
        const nd_time meet = nd_time_meet(&a, &b);
        const nd_time absorbed_too = nd_time_join(&a, &meet);
        assert_true(nd_time_equal(&absorbed_too, &a));
    }
}

static void join_and_meet_of_two_times_are_known(void **state)
{
    (void)state;
    const nd_time a = {3, {7}};
    const nd_time b = {4, {6}};
    const nd_time join = nd_time_join(&a, &b);
    const nd_time meet = nd_time_meet(&a, &b);
    assert_true(nd_time_equal(&join, &(nd_time){4, {7}}));
    assert_true(nd_time_equal(&meet, &(nd_time){3, {6}}));
}

static void last_time_with_a_prefix_is_the_greatest(void **state)
{
    (void)state;
    const nd_time time = {3, {1, 2, 3, 4}};
    const nd_time any = nd_time_last_with_prefix(&time, 0);
    const nd_time epoch = nd_time_last_with_prefix(&time, 1);
    const nd_time three = nd_time_last_with_prefix(&time, 3);
    const nd_time all = nd_time_last_with_prefix(&time, ND_COORDINATES);
    const uint32_t most = UINT32_MAX;
    assert_true(nd_time_equal(&any, &(nd_time){UINT64_MAX, {most, most, most, most}}));
    assert_true(nd_time_equal(&epoch, &(nd_time){3, {most, most, most, most}}));
    assert_true(nd_time_equal(&three, &(nd_time){3, {1, 2, most, most}}));
    assert_true(nd_time_equal(&all, &time));
}

static void text_has_as_many_counters_as_asked_for(void **state)
{
    (void)state;
    char text[ND_TIME_TEXT_SIZE];
    const nd_time time = {3, {1, 2, 3, 4}};
    assert_string_equal(nd_time_text(&time, 0, text), "(3)");
    assert_string_equal(nd_time_text(&time, 1, text), "(3, 1)");
    assert_string_equal(nd_time_text(&time, 4, text), "(3, 1, 2, 3, 4)");
}

static void text_of_the_greatest_time_fits(void **state)
{
    (void)state;
    char text[ND_TIME_TEXT_SIZE];
    const uint32_t most = UINT32_MAX;
    const nd_time time = {UINT64_MAX, {most, most, most, most}};
    assert_string_equal(nd_time_text(&time, ND_MAX_LOOPS, text),
                        "(18446744073709551615, 4294967295, 4294967295, 4294967295, 4294967295)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(less_equal_is_a_partial_order),
        cmocka_unit_test(compare_is_lexicographic),
        cmocka_unit_test(compare_is_antisymmetric_and_total),
        cmocka_unit_test(compare_extends_the_partial_order),
        cmocka_unit_test(join_and_meet_are_bounds_and_the_closest),
        cmocka_unit_test(join_and_meet_make_a_lattice),
        cmocka_unit_test(join_and_meet_of_two_times_are_known),
        cmocka_unit_test(last_time_with_a_prefix_is_the_greatest),
        cmocka_unit_test(text_has_as_many_counters_as_asked_for),
        cmocka_unit_test(text_of_the_greatest_time_fits),
    };
    return cmocka_run_group_tests_name("time", tests, NULL, NULL);
}
