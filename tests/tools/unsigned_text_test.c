/* SPDX-License-Identifier: Apache-2.0 */
/* Whole numbers as text, against the C library. */
#include "tools/unsigned_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "runtime/base/random.h"
#include "tests/support/cmocka.h"

static void check(uint64_t number)
{
    char text[32], wanted[32];
    *unsigned_text(number, text) = '\0';
    snprintf(wanted, sizeof wanted, "%" PRIu64, number);
    assert_string_equal(text, wanted);
}

static void every_length_is_written(void **state)
{
    (void)state;
    uint64_t power = 1;
    nd_random random;
    nd_random_init(&random, 1);
    for (int digits = 0; digits < 20; digits++, power *= 10) {
        check(power - 1);
        check(power);
        check(power + 1);
    }
    check(0);
    check(UINT64_MAX);
    for (int i = 0; i < 200000; i++)
        check(nd_random_next(&random) >> nd_random_below(&random, 64));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_length_is_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
