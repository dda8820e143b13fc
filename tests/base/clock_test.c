/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock: the system's never goes back, and a replaced one is what callers see.
 */
#include "runtime/base/clock.h"

#include "tests/support/cmocka.h"

static void system_clock_never_goes_back_and_moves_on(void **state)
{
    (void)state;
    const uint64_t first = nd_clock_now_ns(nd_clock_system());
    assert_true(first > 0);
    uint64_t last = first;
    for (uint64_t n = 0; n < 1000 || last == first; n++) {
        const uint64_t now = nd_clock_now_ns(nd_clock_system());
        assert_true(now >= last);
        last = now;
    }
}

static uint64_t tick(void *context)
{
    uint64_t *time_ns = context;
    return *time_ns += 5;
}

static void clock_is_whatever_the_table_says(void **state)
{
    (void)state;
    uint64_t time_ns = 100;
    const nd_clock clock = {tick, &time_ns};
    assert_int_equal(nd_clock_now_ns(&clock), 105);
    assert_int_equal(nd_clock_now_ns(&clock), 110);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(system_clock_never_goes_back_and_moves_on),
        cmocka_unit_test(clock_is_whatever_the_table_says),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
