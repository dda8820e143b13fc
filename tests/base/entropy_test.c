/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nobody can foresee the numbers, so the test counts how often each bit is set.
 */
#include "runtime/base/entropy.h"

#include <string.h>

#include "tests/support/cmocka.h"

/* With probability 2^-80 a bit would be alike in all draws. */
static void every_bit_of_every_byte_changes(void **state)
{
    (void)state;
    enum { DRAWS = 100, SIZE = 17 };
    unsigned char ones[SIZE] = {0}, zeros[SIZE] = {0};
    for (int i = 0; i < DRAWS; i++) {
        unsigned char bytes[SIZE] = {0};
        assert_int_equal(nd_entropy_fill(bytes, sizeof bytes), ND_OK);
        for (size_t k = 0; k < SIZE; k++) {
            ones[k] |= bytes[k];
            zeros[k] |= (unsigned char)~bytes[k];
        }
    }
    for (size_t k = 0; k < SIZE; k++) {
        assert_int_equal(ones[k], 0xff);
        assert_int_equal(zeros[k], 0xff);
    }
}

static void only_what_was_asked_for_is_filled(void **state)
{
    (void)state;
    unsigned char bytes[8];
    memset(bytes, 7, sizeof bytes);
    assert_int_equal(nd_entropy_fill(bytes, 4), ND_OK);
    for (size_t k = 4; k < sizeof bytes; k++)
        assert_int_equal(bytes[k], 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bit_of_every_byte_changes),
        cmocka_unit_test(only_what_was_asked_for_is_filled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
