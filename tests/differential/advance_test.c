/* SPDX-License-Identifier: Apache-2.0 */
/* Compaction of times: what cannot be told apart, and only that, becomes one. */
#include "tests/support/cmocka.h"

#include "operators/differential/advance.h"
#include "runtime/base/random.h"

enum { SIDE = 4, POINTS = SIDE * SIDE * SIDE };

static nd_time point(unsigned i) { return (nd_time){i % SIDE, {i / SIDE % SIDE, i / SIDE / SIDE}}; }

static void set(nd_antichain *since, const nd_time *times, size_t n)
{
    nd_antichain_init(since);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(nd_antichain_insert(since, &times[i]), ND_OK);
}

static void two_times_of_since_meet(void **state)
{
    (void)state;
    nd_antichain since;
    const nd_time time = {3, {7}}, expected = {4, {7}};
    set(&since, (const nd_time[]){{4, {8}}, {5, {3}}}, 2);
    const nd_time advanced = nd_time_advance(&time, &since);
    assert_true(nd_time_equal(&advanced, &expected));
    nd_antichain_deinit(&since);
}

static void without_since_nothing_changes(void **state)
{
    (void)state;
    nd_antichain since;
    nd_antichain_init(&since);
    const nd_time time = {3, {7}}, advanced = nd_time_advance(&time, &since);
    assert_true(nd_time_equal(&time, &advanced));
}

/* Whether no time at or after `since` can tell them apart. */
static bool are_alike(const nd_antichain *since, const nd_time *a, const nd_time *b)
{
    for (unsigned i = 0; i < POINTS; i++) {
        const nd_time asked = point(i);
        if (nd_antichain_less_equal(since, &asked) &&
            nd_time_less_equal(a, &asked) != nd_time_less_equal(b, &asked))
            return false;
    }
    return true;
}

static void times_become_one_just_when_they_cannot_be_told_apart(void **state)
{
    (void)state;
    nd_random random;
    nd_random_init(&random, 5);
    for (unsigned round = 0; round < 60; round++) {
        nd_antichain since;
        nd_time some[3];
        const size_t n = 1 + nd_random_below(&random, 3);
        /* Below the corner, so that somebody asks. */
        for (size_t i = 0; i < n; i++)
            some[i] = point((unsigned)nd_random_below(&random, POINTS));
        set(&since, some, n);
        for (unsigned i = 0; i < POINTS; i++) {
            const nd_time a = point(i), a_advanced = nd_time_advance(&a, &since);
            assert_true(are_alike(&since, &a, &a_advanced));
            for (unsigned k = 0; k < i; k++) {
                const nd_time b = point(k), b_advanced = nd_time_advance(&b, &since);
                assert_int_equal(nd_time_equal(&a_advanced, &b_advanced),
                                 are_alike(&since, &a, &b));
            }
        }
        nd_antichain_deinit(&since);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_times_of_since_meet),
        cmocka_unit_test(without_since_nothing_changes),
        cmocka_unit_test(times_become_one_just_when_they_cannot_be_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
